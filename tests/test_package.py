"""The package as a whole: what importing it costs, what it offers, what it ships."""

import subprocess
import sys
import tomllib
from importlib import metadata, resources
from pathlib import Path

import pytest

import napari_zeroshot

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "skimage", "dask", "qtpy", "PyQt6", "napari"}


def loaded_by(code):
    listing = f"{code}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)  # noqa: S603
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_importing_the_package_loads_nothing_heavy():
    assert not loaded_by("import napari_zeroshot") & (HEAVY | {"numpy", "scipy"})


def test_the_command_line_loads_neither_torch_nor_qt_by_itself():
    assert not loaded_by("import napari_zeroshot.cli") & {"torch", "qtpy", "PyQt6", "napari"}


@pytest.mark.parametrize("name", napari_zeroshot.__all__)
def test_every_public_name_is_there(name):
    assert getattr(napari_zeroshot, name) is not None


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'denoize'"):
        _ = napari_zeroshot.denoize


def test_version_is_that_of_the_distribution():
    assert metadata.version("napari-zeroshot") == napari_zeroshot.__version__


@pytest.mark.parametrize("name", ["napari.yaml", "py.typed"])
def test_files_that_are_no_python_lie_in_the_package(name):
    assert resources.files("napari_zeroshot").joinpath(name).is_file()


def test_both_manifests_are_the_same():
    assert (ROOT / "napari.yaml").read_bytes() == (ROOT / "src" / "napari_zeroshot" / "napari.yaml").read_bytes()


def test_base_requirements_hold_neither_napari_nor_qt():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert not [wish for wish in project["dependencies"] if "napari" in wish or "qt" in wish.lower()]


def test_every_requirement_is_pinned_in_the_constraints():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()}
    wishes = [*project["dependencies"], *project["optional-dependencies"]["napari"]]
    assert not {wish.partition(">=")[0].partition("[")[0] for wish in wishes} - pinned
