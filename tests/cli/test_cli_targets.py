"""What cannot be written is refused before the work: by its form, for want of a package, or of room on the disk."""

import builtins
import sys

import numpy as np
import pytest
import tifffile

from napari_zeroshot import read, write
from napari_zeroshot.engine.running import Run


@pytest.fixture
def nothing_done(monkeypatch):
    """Nothing may be computed."""
    monkeypatch.setattr(Run, "_learn", lambda *_: pytest.fail("the target was not checked first"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows says of such a name only that it is not there")
@pytest.mark.parametrize("words", [("denoise", "median"), ("simulate",)], ids=lambda words: words[0])
def test_names_that_a_disk_cannot_have_are_refused_in_a_sentence(nothing_done, command, plane, tmp_path, words):
    shown = command(*words, plane, tmp_path / f"{'long' * 100}.tif")
    assert shown.code == 1
    assert shown.err.startswith("Error: cannot write")
    assert shown.err.count("\n") == 1


@pytest.fixture
def positions(tmp_path, pixels):
    """Two positions, in a TIFF that does not say so."""
    tifffile.imwrite(tmp_path / "positions.tif", pixels[0, 0], photometric="minisblack", metadata=None)
    return tmp_path / "positions.tif"


@pytest.mark.parametrize(
    ("target", "axes", "said"),
    [
        pytest.param("out.ome.tif", "PYX", "OME-TIFF has no place for the 2 positions", id="positions in OME-TIFF"),
        pytest.param("out.ome.zarr", "PYX", "OME-Zarr takes the axes TCZYX", id="positions in OME-Zarr"),
        pytest.param("out.png", "TYX", "PNG takes one", id="stack in PNG"),
    ],
)
def test_images_that_a_file_cannot_hold_are_refused_before_the_work(nothing_done, command, positions, tmp_path, target, axes, said):
    for words in (("denoise", "median"), ("simulate",)):
        shown = command(*words, positions, tmp_path / target, "--axes", axes)
        assert shown.code == 1
        assert said in shown.err
    assert [path.name for path in tmp_path.iterdir()] == ["positions.tif"]


def test_a_file_cannot_hold_what_is_made_again_either(command, stack, tmp_path, monkeypatch):
    command("denoise", "median", stack, tmp_path / "clean.ome.tif")
    monkeypatch.setattr(Run, "_learn", lambda *_: pytest.fail("the target was not checked first"))
    shown = command("rerun", tmp_path / "clean.ome.tif", "--input", stack, "--output", tmp_path / "again.png")
    assert shown.code == 1
    assert "PNG takes one" in shown.err


def test_of_a_region_that_is_made_again_only_its_own_form_counts(command, tmp_path, pixels):
    from napari_zeroshot import denoise

    raw = write(tmp_path / "raw.ome.tif", pixels[:, 0, 0], axes="TYX")
    write(tmp_path / "clean.ome.tif", denoise(pixels[:, 0, 0], "median", axes="TYX", region={"T": (1, 2), "Y": (0, 12)}))
    assert command("rerun", tmp_path / "clean.ome.tif", "--input", raw, "--output", tmp_path / "again.png").code == 0
    np.testing.assert_array_equal(read(tmp_path / "again.png").array, read(tmp_path / "clean.ome.tif").array[0])


def test_a_package_that_is_missing_for_the_target_is_told_before_the_work(nothing_done, command, plane, tmp_path, monkeypatch):
    found = builtins.__import__

    def without_zarr(name, *rest):
        if name == "zarr":
            raise ImportError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_zarr)
    shown = command("denoise", "median", plane, tmp_path / "clean.ome.zarr")
    assert shown.code == 1
    assert "pip install 'napari-zeroshot[zarr]'" in shown.err


def test_a_disk_without_room_is_told_before_the_work(nothing_done, command, plane, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 20 * 24 * 4 - 1}))
    shown = command("denoise", "median", plane, tmp_path / "clean.tif", "--dtype", "float32")
    assert shown.code == 1
    assert "make room" in shown.err


def test_large_results_want_room_for_themselves_and_for_the_file(command, plane, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_zeroshot.engine.files.IN_MEMORY", 100)
    for free, code in ((2 * 20 * 24 * 2 - 1, 1), (2 * 20 * 24 * 2, 0)):
        monkeypatch.setattr("shutil.disk_usage", lambda _, free=free: type("Usage", (), {"free": free}))
        assert command("denoise", "median", plane, tmp_path / "clean.tif").code == code
