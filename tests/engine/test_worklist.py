"""Which files a batch takes, what its results are called, and what is refused before any work."""

import os
import sys

import pytest

from napari_zeroshot.engine.errors import FileError
from napari_zeroshot.engine.worklist import left_out, worklist


@pytest.fixture
def raw(tmp_path):
    """Empty files that look like images, in two folders."""
    for name in ("b.tif", "a.ome.tif", "notes.txt", ".hidden.tif", "day 2/ä c.png", "plate.ome.zarr/0/x.tif", ".cache/old.tif"):
        path = tmp_path / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "raw"


def targets(inputs, folder, ending=".ome.tif"):
    return [str(item.target.relative_to(folder)) for item in worklist(inputs, folder, ending)]


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (["raw"], ["a.ome.tif", "b.ome.tif", "plate.ome.tif", "day 2/ä c.ome.tif"]),
        (["raw/b.tif", "raw/a.ome.tif"], ["b.ome.tif", "a.ome.tif"]),
        (["raw/plate.ome.zarr"], ["plate.ome.tif"]),
        (["raw/*.tif"], ["a.ome.tif", "b.ome.tif"]),
        (["raw/**/*.png"], ["day 2/ä c.ome.tif"]),
        (["raw/b.tif", "raw"], ["b.ome.tif", "a.ome.tif", "plate.ome.tif", "day 2/ä c.ome.tif"]),
    ],
    ids=["folder", "files", "zarr", "pattern", "pattern over folders", "named twice"],
)
def test_inputs_are_found_in_order_and_once(raw, tmp_path, monkeypatch, inputs, expected):
    monkeypatch.chdir(tmp_path)
    assert targets(inputs, tmp_path / "clean") == expected


def test_files_of_other_kinds_are_counted_by_ending(raw):
    (raw / "day 2" / "d.CZI").touch()
    (raw / "clean").mkdir()
    (raw / "clean" / "table.csv").touch()
    assert left_out([raw, raw / "day 2", raw / "b.tif"], raw / "clean") == {".txt": 1, ".czi": 1}


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path):
    (tmp_path / "cells[1].tif").touch()
    (tmp_path / "cells1.tif").touch()
    assert targets([tmp_path / "cells[1].tif"], tmp_path / "clean") == ["cells[1].ome.tif"]


def test_results_of_an_earlier_run_below_the_input_are_no_input(raw):
    (raw / "clean").mkdir()
    (raw / "clean" / "a.ome.tif").touch()
    assert targets([raw], raw / "clean") == ["a.ome.tif", "b.ome.tif", "plate.ome.tif", "day 2/ä c.ome.tif"]


@pytest.mark.parametrize(
    ("make", "inputs", "folder", "said"),
    [
        (["raw/b.png"], ["raw"], "clean", "would both be"),
        ([], ["raw/b.tif", "raw/day 2/../b.tif", "raw/A.OME.TIF", "raw/a.ome.tif"], "clean", "would both be"),
        ([], ["raw/a.ome.tif"], "raw", "would replace the input"),
        ([], ["raw"], "raw", "a folder of their own"),
        (["empty/notes.txt"], ["empty"], "clean", "names no image"),
        ([], ["raw/*.jpg"], "clean", "names no image"),
    ],
    ids=["two endings", "two spellings", "onto an input", "into the input folder", "no image", "no match"],
)
def test_names_that_cannot_be_are_refused_beforehand(raw, tmp_path, monkeypatch, make, inputs, folder, said):
    monkeypatch.chdir(tmp_path)
    for name in make:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(FileError, match=said):
        worklist(inputs, tmp_path / folder, ".ome.tif")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_results_cannot_leave_their_folder_through_a_link(raw, tmp_path):
    (tmp_path / "clean").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "clean" / "day 2").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileError, match="would be outside"):
        worklist([raw], tmp_path / "clean", ".ome.tif")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_in_a_circle_are_no_trap(raw, tmp_path):
    (raw / "day 2" / "up").symlink_to(raw)
    (raw / "day 2" / "loop.tif").symlink_to(raw / "day 2" / "loop.tif")
    assert targets([raw], tmp_path / "clean") == ["a.ome.tif", "b.ome.tif", "plate.ome.tif", os.path.join("day 2", "loop.ome.tif"), "day 2/ä c.ome.tif"]
