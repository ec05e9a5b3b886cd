"""The documentation says what is true: tables are current, links lead somewhere, every method has its page."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from napari_zeroshot import all_methods

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.fixture(scope="module")
def generator():
    spec = spec_from_file_location("make_parameter_tables", ROOT / "docs" / "make_parameter_tables.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "methods").glob("*.md")), ids=lambda page: page.stem)
def test_tables_of_parameters_are_current(generator, page):
    text = page.read_text(encoding="utf-8")
    assert generator.updated(text, all_methods().values()) == text, "run `make docs`"


@pytest.mark.parametrize("method", all_methods().values(), ids=lambda method: method.name)
def test_every_method_has_its_table_on_a_page(generator, method):
    pages = [page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "methods").glob("*.md")]
    assert sum(generator.begin(method) in page for page in pages) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(page):
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    broken = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not broken


def test_every_test_that_a_promise_rests_on_is_there():
    named = re.findall(r"`(tests/\S+\.py)::(test_\w+)`", (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8"))
    missing = [name for file, name in named if f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")]
    assert len(named) > 20
    assert not missing
