"""An error after some planes were finished: `--keep-partial` writes them, and the program has failed all the same."""

import numpy as np
import pytest

from napari_zeroshot import denoise, read
from napari_zeroshot.engine.running import Run


@pytest.fixture
def clean(command, stack, tmp_path):
    """The stack, denoised."""
    command("denoise", "median", stack, tmp_path / "clean.ome.tif")
    return tmp_path / "clean.ome.tif"


@pytest.fixture
def failing(monkeypatch):
    """A graphics card that stops working at the third plane."""
    written, write = [], Run._write

    def fail_at_the_third(run, *arguments):
        written.append(1)
        if len(written) == 3:
            raise RuntimeError("CUDA error: unspecified launch failure")
        write(run, *arguments)

    monkeypatch.setattr(Run, "_write", fail_at_the_third)


def test_nothing_is_written_by_itself_and_the_error_says_what_could_be(failing, command, stack, tmp_path):
    shown = command("denoise", "median", stack, tmp_path / "clean.ome.tif")
    assert shown.code == 1
    assert "unspecified launch failure" in shown.err
    assert "--keep-partial writes the 2 of 8 planes that were finished" in shown.err
    assert [path.name for path in tmp_path.iterdir()] == ["stack.ome.tif"]


def test_finished_planes_are_written_on_request_and_the_program_has_failed(failing, command, stack, pixels, tmp_path):
    shown = command("denoise", "median", stack, tmp_path / "clean.ome.tif", "--keep-partial")
    assert shown.code == 1
    assert "unspecified launch failure" in shown.err
    assert "wrote the 2 of 8 planes that were finished" in shown.out
    written = read(tmp_path / "clean.ome.tif")
    assert (written.provenance["complete"], written.provenance["planes_done"]) == (False, 2)
    assert "the others are empty" in written.provenance["notes"][-1]
    clean = denoise(pixels, "median", axes="TCZYX").image
    made = [np.array_equal(one, other) for one, other in zip(written.array.reshape(8, 20, 24), clean.reshape(8, 20, 24), strict=True)]
    assert sum(made) == 2
    assert sum(not plane.any() for plane in written.array.reshape(8, 20, 24)) == 6


def test_machines_are_told_both_in_one_object(failing, command, stack, tmp_path):
    shown = command("denoise", "median", stack, tmp_path / "clean.ome.tif", "--keep-partial", "--json")
    assert shown.code == 1
    assert "unspecified launch failure" in shown.json["error"]
    assert (shown.json["output"], shown.json["complete"]) == (str(tmp_path / "clean.ome.tif"), False)


@pytest.mark.parametrize("asked", [True, False], ids=["asked for", "not asked for"])
def test_finished_planes_of_what_is_made_again_are_written_on_request(clean, failing, command, stack, tmp_path, asked):
    shown = command("rerun", clean, "--input", stack, *(["--keep-partial"] if asked else []))
    assert shown.code == 1
    assert "unspecified launch failure" in shown.err
    assert ("--keep-partial writes the 2 of 8 planes that were finished" in shown.err) is not asked
    assert (tmp_path / "clean-again.ome.tif").exists() is asked
    if asked:
        assert read(tmp_path / "clean-again.ome.tif").provenance["planes_done"] == 2


def test_an_error_before_any_plane_is_told_as_ever(command, plane, tmp_path, monkeypatch):
    def fail(*_):
        raise MemoryError("Unable to allocate 9 GiB")

    monkeypatch.setattr(Run, "_write", fail)
    shown = command("denoise", "median", plane, tmp_path / "clean.ome.tif", "--keep-partial")
    assert (shown.code, shown.out) == (1, "")
    assert "9 GiB" in shown.err
    assert not (tmp_path / "clean.ome.tif").exists()
