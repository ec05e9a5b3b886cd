"""A batch that is interrupted, however it is, goes on where it was and ends with the same pixels."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from shutil import copytree, rmtree

import numpy as np
import pytest

from napari_zeroshot import batch, denoise, read, rerun, write
from napari_zeroshot.engine import files, plan, running, unfinished
from napari_zeroshot.engine.batch import batch_steps
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.image import Image

QUICK = {"method": "zs-n2n", "device": "cpu", "steps": 2, "crop": 16, "crops": 1}


@pytest.fixture(scope="module")
def stack(stack):
    """Two frames and two channels."""
    return stack[:2]


@pytest.fixture
def raw(tmp_path, stack):
    """`stack` (TCYX) in a file."""
    return write(tmp_path / "raw.ome.tif", Image(stack, "TCYX"))


def test_ome_zarr_of_another_version_is_no_result_of_the_same_command(raw, tmp_path):
    options = {"ending": ".ome.zarr", **QUICK}
    assert batch([raw], tmp_path / "clean", **options).complete
    assert "exists already" in batch([raw], tmp_path / "clean", ome_zarr_version="0.5", **options).outcomes[0].told[0]
    for state in ("done", "done before"):
        assert batch([raw], tmp_path / "clean", ome_zarr_version="0.5", overwrite=True, **options).outcomes[0].state == state


class Cut(BaseException):
    """Stands for a power failure: nobody expects it."""


class Disk:
    """Counts what is written, and fails at one write, of which only the first half arrives. It waits for nothing: tests would take long."""

    def __init__(self, monkeypatch):
        self.count, self.fails_at, self.error = 0, None, Cut()
        for name in ("write", "replace", "truncate"):
            monkeypatch.setattr(os, name, self._counted(getattr(os, name), torn=name == "write"))
        monkeypatch.setattr(os, "fsync", self._counted(lambda file: None, torn=False))

    def _counted(self, inner, torn):
        def write(*arguments):
            self.count += 1
            if self.count == self.fails_at:
                if torn and len(arguments[1]) > 1:
                    inner(arguments[0], arguments[1][: len(arguments[1]) // 2])
                raise self.error
            return inner(*arguments)

        return write


def clean(tmp_path, ending=".ome.tif"):
    return np.asarray(read(tmp_path / "clean" / f"raw{ending}").array)


@pytest.mark.parametrize("ending", [".ome.tif", ".ome.zarr"])
def test_a_cut_at_any_write_changes_no_pixel_and_leaves_nothing_behind(raw, stack, tmp_path, monkeypatch, ending):
    options, folder = {"ending": ending, **QUICK}, tmp_path / "clean"
    expected = denoise(stack, axes="TCYX", **QUICK).image
    disk = Disk(monkeypatch)
    batch([raw], folder, **options)
    for number in range(1, disk.count + 1):
        rmtree(folder)
        disk.count, disk.fails_at = 0, number
        with suppress(Cut):
            batch([raw], folder, **options)
        disk.fails_at = None
        assert batch([raw], folder, **options).complete
        np.testing.assert_array_equal(clean(tmp_path, ending), expected)
        assert [path.name for path in folder.iterdir()] == [f"raw{ending}"]


@pytest.mark.parametrize("ending", [".ome.tif", ".ome.zarr"])
def test_a_cut_while_an_older_result_is_replaced_leaves_the_old_one_or_the_new(raw, stack, tmp_path, monkeypatch, ending):
    folder, new = tmp_path / "clean", {"method": "median", "ending": ending, "overwrite": True}
    old, expected = (denoise(stack, method, axes="TCYX").image for method in ("gaussian", "median"))
    batch([raw], folder, "gaussian", ending=ending)
    copytree(folder, tmp_path / "before")
    disk = Disk(monkeypatch)
    batch([raw], folder, **new)
    for number in range(max(1, disk.count - 8), disk.count + 1):
        rmtree(folder)
        copytree(tmp_path / "before", folder)
        disk.count, disk.fails_at = 0, number
        with suppress(Cut):
            batch([raw], folder, **new)
        disk.fails_at = None
        if (folder / f"raw{ending}").exists():
            assert any((clean(tmp_path, ending) == image).all() for image in (old, expected))
        assert batch([raw], folder, **new).complete
        np.testing.assert_array_equal(clean(tmp_path, ending), expected)
        assert [path.name for path in folder.iterdir()] == [f"raw{ending}"]


def finished(steps, then=lambda report: None):
    """The outcomes of a batch that goes to its end; `then` is called with each report."""
    while True:
        try:
            then(next(steps))
        except StopIteration as end:
            return end.value.outcomes


def interrupted(raw, folder, planes, **options):
    """A batch that is cancelled once so many planes are finished; its only outcome."""
    seen = []
    steps = batch_steps([raw], folder, cancelled=lambda: len(seen) >= planes, **{**QUICK, **options})
    (outcome,) = finished(steps, lambda report: seen.append(report) if "denoising plane" in report.stage else None)
    return outcome


def spied(monkeypatch):
    """The planes that are denoised from now on."""
    written = []
    inner = unfinished.Unfinished.finish
    monkeypatch.setattr(unfinished.Unfinished, "finish", lambda self, index, noisy: (written.append(index), inner(self, index, noisy)))
    return written


@pytest.mark.parametrize("planes", ["shared", "plane", "warm"])
@pytest.mark.parametrize("after", [1, 2, 3])
def test_only_missing_planes_are_denoised_and_the_pixels_are_those_of_one_run(raw, stack, tmp_path, monkeypatch, planes, after):
    ended = interrupted(raw, tmp_path / "clean", after, stack=planes)
    assert (ended.state, ended.planes, ended.of) == ("interrupted", after, 4)
    assert not (tmp_path / "clean" / "raw.ome.tif").exists()
    written = spied(monkeypatch)
    (outcome,) = batch([raw], tmp_path / "clean", stack=planes, **QUICK).outcomes
    assert (outcome.state, outcome.planes, outcome.kept, len(written)) == ("done", 4, after, 4 - after)
    assert f"had finished {after} of 4 planes" in " ".join(outcome.told)
    np.testing.assert_array_equal(clean(tmp_path), denoise(stack, axes="TCYX", stack=planes, **QUICK).image)


def test_networks_are_trained_only_where_planes_are_missing(raw, tmp_path, monkeypatch):
    interrupted(raw, tmp_path / "clean", 3)  # of the first channel both, of the second one
    trained = []
    inner = running.Run._train
    monkeypatch.setattr(running.Run, "_train", lambda self, fit, group, *rest: (trained.append(group[0]), inner(self, fit, group, *rest))[1])
    batch([raw], tmp_path / "clean", **QUICK)
    assert trained == [(0, 1, None, None)]


def test_a_result_in_two_parts_has_the_record_of_one_and_can_be_made_again(raw, stack, tmp_path):
    interrupted(raw, tmp_path / "clean", 2)
    batch([raw], tmp_path / "clean", **QUICK)
    result = read(tmp_path / "clean" / "raw.ome.tif")
    assert result.provenance["source"]["pixels"] == denoise(stack, axes="TCYX", **QUICK).provenance()["source"]["pixels"]
    np.testing.assert_array_equal(rerun(result, stack).image, result.array)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 3}, "seed 0 then, 3 now"),
        ({"steps": 7}, "steps 2 then, 7 now"),
        ({"method": "zs-n2m"}, "method zs-n2n then, zs-n2m now"),
        ({"stack": "warm"}, "stack shared then, warm now"),
        ({"dtype": "float32"}, "dtype same then, float32 now"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_another_command_is_refused_with_the_difference_and_begins_anew_when_asked(raw, stack, tmp_path, change, said):
    interrupted(raw, tmp_path / "clean", 2)
    other = {**QUICK, **change}
    (outcome,) = batch([raw], tmp_path / "clean", **other).outcomes
    assert outcome.state == "failed"
    assert said in outcome.told[0]
    assert "--overwrite" in outcome.told[0]
    (outcome,) = batch([raw], tmp_path / "clean", overwrite=True, **other).outcomes
    assert (outcome.state, outcome.kept) == ("done", 0)
    np.testing.assert_array_equal(clean(tmp_path), denoise(stack, axes="TCYX", **other).image)


def test_another_image_of_the_same_name_is_refused(raw, stack, tmp_path):
    interrupted(raw, tmp_path / "clean", 2)
    write(raw, Image(stack[::-1], "TCYX"), overwrite=True)
    assert "modified" in batch([raw], tmp_path / "clean", **QUICK).outcomes[0].told[0]


@pytest.fixture
def holed(raw, stack):
    """`stack` as floats with a gap in its last plane, which are in the file `raw` now."""
    pixels = stack.astype(np.float32)
    pixels[1, 1, 2, 3] = np.nan
    write(raw, Image(pixels, "TCYX"), overwrite=True)
    return pixels


@pytest.mark.parametrize(("planes", "kept"), [("shared", 2), ("plane", 3), ("warm", 3)])
def test_planes_finished_before_a_gap_was_met_are_kept_and_filling_goes_on(raw, holed, tmp_path, monkeypatch, planes, kept):
    monkeypatch.setattr("napari_zeroshot.engine.outcome.IN_MEMORY", 0)
    (outcome,) = batch([raw], tmp_path / "clean", stack=planes, **QUICK).outcomes
    (folder,) = (tmp_path / "clean").iterdir()
    assert outcome.state == "failed"
    assert "plane T=1, C=1 are NaN or infinite, the first at row 2, column 3" in outcome.told[0]
    assert f"{kept} of 4 planes are finished and kept in {folder}" in outcome.told[0]
    (outcome,) = batch([raw], tmp_path / "clean", stack=planes, nan="fill", **QUICK).outcomes
    assert (outcome.state, outcome.kept) == ("done", kept)
    np.testing.assert_array_equal(clean(tmp_path), denoise(holed, axes="TCYX", stack=planes, nan="fill", **QUICK).image)
    assert read(tmp_path / "clean" / "raw.ome.tif").provenance["nan"] == "fill"


def test_a_gap_in_a_small_file_is_refused_before_the_work_and_nothing_is_left(raw, holed, tmp_path, monkeypatch):
    monkeypatch.setattr(running.Run, "_learn", lambda *_: pytest.fail("a gap was there to be seen"))
    (outcome,) = batch([raw], tmp_path / "clean", **QUICK).outcomes
    assert outcome.state == "failed"
    assert "row 2, column 3" in outcome.told[0]
    assert "kept" not in outcome.told[0]
    assert not list((tmp_path / "clean").iterdir())


def test_a_result_that_went_on_with_filling_does_not_go_on_without(raw, tmp_path):
    interrupted(raw, tmp_path / "clean", 1)
    interrupted(raw, tmp_path / "clean", 1, nan="fill")
    assert "nan fill then, refuse now" in batch([raw], tmp_path / "clean", **QUICK).outcomes[0].told[0]
    (outcome,) = batch([raw], tmp_path / "clean", nan="fill", **QUICK).outcomes
    assert (outcome.state, outcome.kept) == ("done", 2)


@pytest.mark.parametrize("options", [{}, {"dtype": "float32"}, {"axes": "tcyx"}, {"preset": "preview"}, {"nan": "fill"}], ids=str)
def test_what_is_done_is_known_again_whatever_was_asked_for(stack, tmp_path, options):
    raw = write(tmp_path / "raw.ome.tif", Image(stack.astype(np.float32), "TCYX"))
    for state in ("done", "done before"):
        assert batch([raw], tmp_path / "clean", **{**QUICK, **options}).outcomes[0].state == state


def test_planes_are_read_once_and_those_learnt_from_once_more_and_each_is_written_once(raw, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "TRAINING_PIXELS", 24 * 31)
    read_planes, inner = [], files.Readable.__getitem__
    monkeypatch.setattr(files.Readable, "__getitem__", lambda self, place: (read_planes.append(place[:2]), inner(self, place))[1])
    written = spied(monkeypatch)
    batch([raw], tmp_path / "clean", **QUICK)
    assert {place: read_planes.count(place) for place in read_planes} == {(0, 0): 2, (1, 0): 1, (0, 1): 2, (1, 1): 1}
    assert len(written) == len(set(written)) == 4


@pytest.mark.parametrize(
    "wrong", [{"seed": -1}, {"dtype": "int8"}, {"nan": "keep"}, {"stack": "x"}, {"memory": 0}, {"steps": 0}, {"tile": 64}, {"ending": ".png"}], ids=str
)
def test_wrong_settings_are_told_once_and_before_any_work(raw, tmp_path, wrong):
    with pytest.raises(ParamError):
        batch_steps([raw], tmp_path / "clean", **{**QUICK, **wrong})
    assert not (tmp_path / "clean").exists()


def test_planes_that_were_damaged_since_are_denoised_again(raw, stack, tmp_path):
    interrupted(raw, tmp_path / "clean", 3)
    (image,) = (tmp_path / "clean").glob(".raw*/image.tif")
    with image.open("r+b") as file:
        file.seek(400)
        file.write(b"damage")
    (outcome,) = batch([raw], tmp_path / "clean", **QUICK).outcomes
    assert (outcome.state, outcome.kept) == ("done", 2)
    np.testing.assert_array_equal(clean(tmp_path), denoise(stack, axes="TCYX", **QUICK).image)


@pytest.mark.parametrize("content", [b"", b"no journal", b"\0" * 4000], ids=["empty", "text", "zeros"])
def test_a_damaged_journal_is_told_with_what_to_do(raw, tmp_path, content):
    interrupted(raw, tmp_path / "clean", 2)
    (journal,) = (tmp_path / "clean").glob(".raw*/journal")
    journal.write_bytes(content)
    (outcome,) = batch([raw], tmp_path / "clean", **QUICK).outcomes
    assert outcome.state == "failed"
    assert "delete the folder" in outcome.told[0]


def test_an_image_that_changes_while_it_is_read_is_refused_and_nothing_kept(raw, stack, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_zeroshot.engine.outcome.IN_MEMORY", 0)
    steps = batch_steps([raw], tmp_path / "clean", **QUICK)
    next(steps)
    with raw.open("r+b") as file:
        file.seek(400)
        file.write(bytes(2000))
    (outcome,) = finished(steps)
    assert outcome.state == "failed"
    assert "has changed since" in outcome.told[0]
    assert not list((tmp_path / "clean").iterdir())


def test_the_second_of_two_runs_on_one_result_is_refused(raw, tmp_path):
    first = batch_steps([raw], tmp_path / "clean", **QUICK)
    next(first)
    (outcome,) = batch([raw], tmp_path / "clean", **QUICK).outcomes
    assert outcome.state == "failed"
    assert "another run is writing" in outcome.told[0]
    assert finished(first)[0].state == "done"


def test_a_full_disk_is_told_in_one_line_and_the_same_command_goes_on(raw, stack, tmp_path, monkeypatch):
    disk = Disk(monkeypatch)
    disk.error = OSError(28, "No space left on device")
    disk.fails_at = 12
    (outcome,) = batch([raw], tmp_path / "clean", **QUICK).outcomes
    assert outcome.state == "failed"
    assert outcome.told[0].endswith("No space left on device")
    disk.fails_at = None
    (outcome,) = batch([raw], tmp_path / "clean", **QUICK).outcomes
    assert outcome.state == "done"
    assert outcome.kept > 0
    np.testing.assert_array_equal(clean(tmp_path), denoise(stack, axes="TCYX", **QUICK).image)


KILLED = """
import os, signal, sys
from napari_zeroshot.engine import unfinished

inner = unfinished.Unfinished.finish
def finish(self, index, noisy):
    inner(self, index, noisy)
    if len(self.finished()) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
unfinished.Unfinished.finish = finish

from napari_zeroshot.cli import main
main()
"""
"""The program, which is killed when it has finished two planes."""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_program_goes_on_where_it_was(raw, stack, tmp_path):
    words = ["batch", str(raw), str(tmp_path / "clean"), "--method", "zs-n2n", "--device", "cpu", "--steps", "2", "--crop", "16", "--crops", "1"]
    done = subprocess.run([sys.executable, "-c", KILLED, *words], capture_output=True, check=False, timeout=100)  # noqa: S603
    assert done.returncode == -signal.SIGKILL
    (outcome,) = batch([raw], tmp_path / "clean", **QUICK).outcomes
    assert (outcome.state, outcome.kept) == ("done", 2)
    np.testing.assert_array_equal(clean(tmp_path), denoise(stack, axes="TCYX", **QUICK).image)


@pytest.mark.parametrize("name", ["é 細胞 🔬", "n" * 240, "µ" * 120], ids=["letters", "long", "long in bytes"])
def test_any_name_that_the_disk_takes_will_do(raw, tmp_path, name):
    source = raw.rename(tmp_path / f"{name}.tif")
    assert batch([source], tmp_path / "clean", "median").complete
    assert [path.name for path in (tmp_path / "clean").iterdir()] == [f"{name}.ome.tif"]


def test_a_name_that_the_disk_does_not_take_is_told(raw, tmp_path):
    source = raw.rename(tmp_path / f"{'n' * 250}.tif")
    (outcome,) = batch([source], tmp_path / "clean", "median").outcomes
    assert outcome.state == "failed"
    assert "too long" in outcome.told[0]
