"""Figures are kept, replaced one by one, and set into the page between their marks."""

import sys

import pytest

from benchmarks import document, machine, record
from benchmarks.record import Entries


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(document, "PAGE", tmp_path / "benchmarks.md")
    monkeypatch.setattr(record, "FOLDER", tmp_path / "results")
    return document.PAGE


def test_a_new_figure_takes_the_place_of_the_old_one_and_others_stay(page):
    first = Entries("speed_cpu", ("row",), "cpu")
    first.put({"row": "FM2S", "seconds": 2.0})
    first.put({"row": "ZS-N2N", "seconds": 3.0})
    Entries("speed_cpu", ("row",), "cpu").put({"row": "FM2S", "seconds": 1.0})
    kept = record.load("speed_cpu")["entries"]
    assert [(entry["row"], entry["seconds"]) for entry in kept] == [("FM2S", 1.0), ("ZS-N2N", 3.0)]


def test_what_is_only_a_look_is_not_kept(page):
    entries = Entries(None, ("row",), "cpu")
    entries.put({"row": "FM2S", "seconds": 2.0})
    (entry,) = entries.found()["entries"]
    assert (entry["row"], entry["seconds"]) == ("FM2S", 2.0)
    assert not record.FOLDER.exists()


def test_origin_names_machine_date_and_every_command_that_figures_come_from(page, monkeypatch):
    for row, words in {"FM2S": ["speed"], "ZS-N2M*, α_ie 1": ["speed", "--only", "ZS-N2M*, α_ie 1"]}.items():
        monkeypatch.setattr(sys, "argv", ["benchmarks", *words])
        entries = Entries("speed_cpu", ("row",), "cpu")
        entries.put({"row": row, "seconds": 1.0})
    date = entries.found()["machine"]["date"]
    commands = f"`python -m benchmarks speed` ({date}), `python -m benchmarks speed --only 'ZS-N2M*, α_ie 1'` ({date})"
    assert record.origin(record.load("speed_cpu")).endswith(commands)


def test_figures_of_a_file_with_one_command_keep_it_when_others_join_them(page, monkeypatch):
    old = {"machine": machine.describe() | {"date": "2020-01-01"}, "command": "python -m benchmarks speed", "entries": [{"row": "FM2S", "seconds": 2.0}]}
    record.save("speed_cpu", old)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "speed", "--missing"])
    Entries("speed_cpu", ("row",), "cpu").put({"row": "ZS-N2N", "seconds": 3.0})
    told = record.origin(record.load("speed_cpu"))
    assert "`python -m benchmarks speed` (2020-01-01), `python -m benchmarks speed --missing` (" in told


def test_a_section_is_replaced_and_the_rest_of_the_page_is_left_alone(page):
    page.write_text("# Benchmarks\n\nBefore.\n\n<!-- speed cpu: generated, do not edit -->\nold\n<!-- end of speed cpu -->\n\nAfter.\n")
    document.put("speed cpu", "new")
    assert page.read_text() == "# Benchmarks\n\nBefore.\n\n<!-- speed cpu: generated, do not edit -->\nnew\n<!-- end of speed cpu -->\n\nAfter.\n"
