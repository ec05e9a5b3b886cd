"""Figures are kept, replaced one by one, and set into the page between their marks."""

import pytest

from benchmarks import document, record
from benchmarks.record import Entries


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(document, "PAGE", tmp_path / "benchmarks.md")
    monkeypatch.setattr(record, "FOLDER", tmp_path / "results")
    return document.PAGE


def test_a_new_figure_takes_the_place_of_the_old_one_and_others_stay(page):
    first = Entries("speed_cpu", ("row",), "cpu", "python -m benchmarks speed")
    first.put({"row": "FM2S", "seconds": 2.0})
    first.put({"row": "ZS-N2N", "seconds": 3.0})
    Entries("speed_cpu", ("row",), "cpu", "python -m benchmarks speed").put({"row": "FM2S", "seconds": 1.0})
    assert record.load("speed_cpu")["entries"] == [{"row": "FM2S", "seconds": 1.0}, {"row": "ZS-N2N", "seconds": 3.0}]


def test_what_is_only_a_look_is_not_kept(page):
    entries = Entries(None, ("row",), "cpu", "python -m benchmarks speed")
    entries.put({"row": "FM2S", "seconds": 2.0})
    assert entries.found()["entries"] == [{"row": "FM2S", "seconds": 2.0}]
    assert not record.FOLDER.exists()


def test_origin_names_date_machine_and_command(page):
    found = Entries(None, (), "cpu", "python -m benchmarks speed").found()
    assert found["machine"]["date"] in record.origin(found)
    assert record.origin(found).endswith("`python -m benchmarks speed`")


def test_a_section_is_replaced_and_the_rest_of_the_page_is_left_alone(page):
    page.write_text("# Benchmarks\n\nBefore.\n\n<!-- speed cpu: generated, do not edit -->\nold\n<!-- end of speed cpu -->\n\nAfter.\n")
    document.put("speed cpu", "new")
    assert page.read_text() == "# Benchmarks\n\nBefore.\n\n<!-- speed cpu: generated, do not edit -->\nnew\n<!-- end of speed cpu -->\n\nAfter.\n"
