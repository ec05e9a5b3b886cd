"""What can go wrong with files: each is told in one line, the rest of a batch goes on, and nothing half-written is left."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_zeroshot import batch, denoise, read, write
from napari_zeroshot.engine import files, growing_zarr, memory, plan
from napari_zeroshot.engine.batch import batch_steps
from napari_zeroshot.engine.errors import FileError
from napari_zeroshot.engine.image import Image


@pytest.fixture
def raw(tmp_path, stack):
    """A folder with a good file, to which bad ones are added: they come first."""
    (tmp_path / "raw").mkdir()
    write(tmp_path / "raw" / "good.ome.tif", Image(stack, "TCYX"))
    return tmp_path / "raw"


def told(raw):
    """What is said of the one bad file of a batch, whose good one is denoised all the same."""
    report = batch([raw], raw.parent / "clean", "median")
    bad, good = report.outcomes
    assert (bad.state, good.state) == ("failed", "done")
    assert [path.name for path in (raw.parent / "clean").iterdir()] == ["good.ome.tif"]
    (sentence,) = bad.told
    assert "\n" not in sentence
    return sentence


def outcomes_of(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value.outcomes


@pytest.mark.parametrize("in_memory", [None, 0], ids=["at once", "by planes"])
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
def test_no_prefix_of_a_tiff_gives_other_pixels(tmp_path, compressed, in_memory):
    array = np.random.default_rng(0).integers(0, 99, (2, 5, 6)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "whole.tif", array, photometric="minisblack", compression="zlib" if compressed else None)
    whole = (tmp_path / "whole.tif").read_bytes()
    complaints = []
    for length in range(len(whole)):
        (tmp_path / "cut.tif").write_bytes(whole[:length])
        said, found = complaint(tmp_path / "cut.tif", in_memory)
        assert said or (found == array).all()
        complaints += [said] if said else []
    assert all("damaged" in said and "\n" not in said for said in complaints)
    assert len(complaints) > len(whole) - 20  # only what no pixel needs may be missing


def complaint(path, in_memory):
    """What is said of a file, and its pixels if nothing is."""
    try:
        with files.damage_explained(path):
            return "", np.asarray(read(path, in_memory=in_memory).array)
    except FileError as error:
        return str(error), None


def test_a_damaged_plane_is_told(raw, stack, monkeypatch):
    monkeypatch.setattr("napari_zeroshot.engine.outcome.IN_MEMORY", 0)
    path = write(raw / "bad.ome.tif", stack[:, 0], axes="TYX", compressed=True)
    with tifffile.TiffFile(path) as file:
        (start,), (size,) = file.pages[1].dataoffsets, file.pages[1].databytecounts
    content = bytearray(path.read_bytes())
    content[start + 20 : start + size - 20] = b"\x55" * (size - 40)
    path.write_bytes(content)
    assert "which is damaged" in told(raw)


@pytest.mark.parametrize(
    ("change", "by"),
    [('SizeT="3"', 'SizeT="30"'), ('SizeX="31"', 'SizeX="310"'), ('DimensionOrder="XY', 'DimensionOrder="XQ'), ('Type="uint16"', 'Type="float"')],
    ids=["more planes than there are", "wider than it is", "letters that are none", "another type"],
)
def test_metadata_that_lie_never_give_made_up_pixels(raw, stack, change, by):
    path = write(raw / "bad.ome.tif", Image(stack, "TCYX"))
    with tifffile.TiffFile(path) as file:
        assert change in file.ome_metadata
        lying = file.ome_metadata.replace(change, by)
    tifffile.tiffcomment(path, lying.encode())
    (bad, good) = batch([raw], raw.parent / "clean", "median").outcomes
    assert good.state == "done"
    if bad.state == "done":
        made = read(raw.parent / "clean" / "bad.ome.tif").array
        assert sorted(made.shape) == sorted(stack.shape)
        assert made.dtype == stack.dtype
    else:
        assert re.search(r"damaged|its axes named", bad.told[0])


def test_axes_that_do_not_fit_are_told_and_other_files_go_on(raw, stack, tmp_path):
    tifffile.imwrite(raw / "bad.tif", stack[0, 0])
    bad, good = batch([raw], tmp_path / "clean", "median", axes="TCYX").outcomes
    assert (bad.state, good.state) == ("failed", "done")
    assert "'TCYX' have 4 letters" in bad.told[0]


def test_a_small_file_that_claims_huge_planes_is_told_before_memory_runs_out(raw, monkeypatch):
    write(raw / "bad.tif", np.zeros((4000, 4000), np.uint8), axes="YX", compressed=True)
    monkeypatch.setattr("napari_zeroshot.engine.outcome.IN_MEMORY", 1 << 20)
    monkeypatch.setattr(memory, "free", lambda device: 0.02)
    assert re.search(r"4000 x 4000 pixels takes 0\.016 GB, and the machine has 0\.02 GB free", told(raw))


@pytest.mark.parametrize("size", ["SizeT", "SizeC", "SizeX"])
@pytest.mark.parametrize("claimed", [10**8, 10**12, 10**30])
def test_metadata_that_claim_millions_of_planes_are_refused_at_once(raw, stack, size, claimed):
    path = write(raw / "bad.ome.tif", Image(stack, "TCYX"))
    with tifffile.TiffFile(path) as file:
        lying = re.sub(rf'{size}="\d+"', f'{size}="{claimed}"', file.ome_metadata)
    tifffile.tiffcomment(path, lying.encode())
    started = time.process_time()
    assert re.search(r"it is too small for the \d+ planes that it declares", told(raw))
    assert time.process_time() - started < 10


@pytest.mark.parametrize("claimed", [10**8, 10**12])
def test_a_zarr_that_claims_millions_of_chunks_is_refused_at_once(raw, stack, claimed):
    folder = write(raw / "bad.ome.zarr", Image(stack, "TCYX"))
    described = json.loads((folder / "0" / ".zarray").read_text())
    described["shape"][0] = claimed
    (folder / "0" / ".zarray").write_text(json.dumps(described))
    assert re.search(r"it claims \d+ chunks, and 4194304 are read at most", told(raw))


@pytest.mark.parametrize("in_memory", [None, 0], ids=["at once", "by planes"])
@pytest.mark.parametrize("tag", ["ImageLength", "ImageWidth"])
def test_a_file_far_too_small_for_what_it_declares_is_refused(raw, tag, in_memory, monkeypatch):
    monkeypatch.setattr("napari_zeroshot.engine.outcome.IN_MEMORY", in_memory)
    write(raw / "bad.tif", np.zeros((64, 64), np.uint8), axes="YX", compressed=True)
    with tifffile.TiffFile(raw / "bad.tif", mode="r+b") as file:
        file.pages[0].tags[tag].overwrite(1 << 31)
    assert re.search(r"which is damaged or not an image: .*(too small for its shape|corrupt)", told(raw))


@pytest.mark.parametrize("in_memory", [1 << 26, 0], ids=["at once", "by planes"])
def test_a_file_that_is_cut_off_or_gone_while_it_is_read_is_told(raw, stack, tmp_path, monkeypatch, in_memory):
    monkeypatch.setattr("napari_zeroshot.engine.outcome.IN_MEMORY", in_memory)
    steps = batch_steps([raw / "good.ome.tif"], tmp_path / "clean", "zs-n2n", device="cpu", steps=3, crop=16, crops=1)
    next(steps)
    os.truncate(raw / "good.ome.tif", 3000)
    (outcome,) = outcomes_of(steps)
    if in_memory:
        assert outcome.state == "done"
    else:
        assert outcome.state == "failed"
        assert "it ends before its last plane" in outcome.told[0]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_that_leads_in_a_circle_is_told(raw):
    (raw / "bad.tif").symlink_to(raw / "bad.tif")
    assert "Too many levels of symbolic links" in told(raw)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(30, "Read-only file system")], ids=["rights", "disk"])
def test_a_place_where_nothing_can_be_written_is_told(raw, tmp_path, monkeypatch, error):
    monkeypatch.setattr("pathlib.Path.mkdir", lambda *_, **__: (_ for _ in ()).throw(error))
    (outcome,) = batch([raw], tmp_path / "clean", "median").outcomes
    assert outcome.state == "failed"
    assert outcome.told[0].startswith("cannot write")
    assert outcome.told[0].endswith(error.strerror)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 kB, where that can be had."""
    (tmp_path / "disk").mkdir()
    mounted = sys.platform == "linux" and os.geteuid() == 0
    mounted = mounted and not subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", tmp_path / "disk"], check=False).returncode  # noqa: S603, S607
    if not mounted:
        pytest.skip("no disk can be mounted here")
    yield tmp_path / "disk"
    subprocess.run(["umount", tmp_path / "disk"], check=True)  # noqa: S603, S607


@pytest.mark.parametrize("ending", [".ome.tif", ".ome.zarr"])
def test_a_disk_that_is_really_full_is_told_and_has_room_again_afterwards(small_disk, tmp_path, ending):
    noisy = np.random.default_rng(0).integers(0, 60000, (8, 128, 128)).astype(np.uint16)
    write(tmp_path / "raw.ome.tif", noisy, axes="TYX")
    (outcome,) = batch([tmp_path / "raw.ome.tif"], small_disk, "gaussian", sigma=0.3, ending=ending).outcomes
    assert outcome.state == "failed"
    assert re.search("make room|No space left", outcome.told[0])
    assert not (small_disk / f"raw{ending}").exists()
    subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)  # noqa: S603, S607
    (outcome,) = batch([tmp_path / "raw.ome.tif"], small_disk, "gaussian", sigma=0.3, ending=ending).outcomes
    assert outcome.state == "done"
    assert [path.name for path in small_disk.iterdir()] == [f"raw{ending}"]


@pytest.mark.parametrize("ending", [".ome.tif", ".ome.zarr"])
def test_a_disk_that_is_really_read_only_is_told(small_disk, raw, ending):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)  # noqa: S603, S607
    for folder in (small_disk, small_disk / "clean"):
        (outcome,) = batch([raw], folder, "median", ending=ending).outcomes
        assert outcome.state == "failed"
        assert re.fullmatch(rf"cannot write {folder / f'good{ending}'}: (the folder is read-only|Read-only file system)", outcome.told[0])


def test_a_large_result_is_refused_on_a_small_disk_before_any_work(small_disk, tmp_path):
    image = Image(np.broadcast_to(np.uint8(0), (1 << 20, 1200)))
    with pytest.raises(FileError, match=r"of which .* are free; make room"), files.room_for(small_disk / "clean.tif", image):
        pytest.fail("there is no room")


def test_ten_thousand_files_are_listed_in_seconds(tmp_path):
    from napari_zeroshot.engine.worklist import worklist

    (tmp_path / "raw").mkdir()
    for number in range(10_000):
        (tmp_path / "raw" / f"{number:05d}.tif").touch()
    started = time.process_time()
    assert len(worklist([tmp_path / "raw"], tmp_path / "clean", ".ome.tif")) == 10_000
    assert time.process_time() - started < 20


def test_a_folder_that_cannot_be_looked_into_is_told_before_any_work(raw, monkeypatch):
    (raw / "day 2").mkdir()
    scandir = os.scandir

    def refuse(folder):
        if Path(folder).name == "day 2":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(FileError, match=r"cannot read the folder .*day 2: Permission denied"):
        batch([raw], raw.parent / "clean", "median")
    assert not (raw.parent / "clean").exists()


VANISHED = {
    "no rights": PermissionError(13, "Permission denied"),
    "gone": FileNotFoundError(2, "No such file or directory"),
    "stale": OSError(116, "Stale file handle"),
    "cable": OSError(5, "Input/output error"),
}


class Failing:
    """Lets calls of one function fail, those whose numbers are asked for."""

    def __init__(self, monkeypatch, place, name, numbers, error):
        self.calls, inner = 0, getattr(place, name)

        def fails(*arguments, **more):
            self.calls += 1
            if numbers(self.calls):
                raise error
            return inner(*arguments, **more)

        monkeypatch.setattr(place, name, fails)


@pytest.fixture
def two(raw, stack):
    """A folder with two stacks, and the settings that denoise them plane by plane."""
    write(raw / "first.ome.tif", Image(stack, "TCYX"))
    return raw


@pytest.mark.parametrize("error", VANISHED.values(), ids=VANISHED)
@pytest.mark.parametrize("stop", [False, True], ids=["goes on", "fail fast"])
def test_a_share_that_vanishes_amid_reading_costs_one_file_and_the_same_command_goes_on(two, tmp_path, monkeypatch, error, stop):
    """The first file's third plane cannot be read."""
    monkeypatch.setattr("napari_zeroshot.engine.outcome.IN_MEMORY", 0)
    monkeypatch.setattr(plan, "TRAINING_PIXELS", 1)
    options = {"method": "gaussian", "sigma": 1.0}
    with monkeypatch.context() as patch:
        Failing(patch, np, "fromfile", lambda number: number == 4, error)
        first, second = batch([two], tmp_path / "clean", fail_fast=stop, **options).outcomes
    assert (first.state, second.state) == ("failed", "not reached" if stop else "done")
    assert first.told == (f"cannot read {two / 'first.ome.tif'}: {error.strerror}",)
    assert not (tmp_path / "clean" / "first.ome.tif").exists()
    first, second = batch([two], tmp_path / "clean", **options).outcomes
    assert (first.state, first.kept, second.state) == ("done", 2, "done" if stop else "done before")
    np.testing.assert_array_equal(*(read(tmp_path / "clean" / f"{name}.ome.tif").array for name in ("first", "good")))


@pytest.mark.parametrize("error", VANISHED.values(), ids=VANISHED)
@pytest.mark.parametrize(("ending", "where", "number"), [(".ome.tif", (os, "write"), 12), (".ome.zarr", (growing_zarr.Growing, "put"), 3)], ids=["tif", "zarr"])
def test_a_share_that_vanishes_amid_writing_costs_one_file_and_the_same_command_goes_on(two, tmp_path, monkeypatch, error, ending, where, number):
    options = {"method": "gaussian", "sigma": 1.0, "ending": ending}
    with monkeypatch.context() as patch:
        Failing(patch, *where, lambda call: call == number, error)
        first, second = batch([two], tmp_path / "clean", **options).outcomes
    assert (first.state, second.state) == ("failed", "done")
    assert first.told == (f"cannot write {tmp_path / 'clean' / f'first{ending}'}: {error.strerror}",)
    assert not (tmp_path / "clean" / f"first{ending}").exists()
    first, second = batch([two], tmp_path / "clean", **options).outcomes
    assert (first.state, second.state) == ("done", "done before")
    assert first.kept > 0
    np.testing.assert_array_equal(*(read(tmp_path / "clean" / f"{name}{ending}").array for name in ("first", "good")))


def test_a_share_that_stays_away_fails_every_file_in_one_line(two, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        Failing(patch, os, "write", lambda number: number > 8, OSError(116, "Stale file handle"))
        outcomes = batch([two], tmp_path / "clean", "median").outcomes
    assert [outcome.state for outcome in outcomes] == ["failed", "failed"]
    assert all(len(outcome.told) == 1 and outcome.told[0].endswith("Stale file handle") for outcome in outcomes)
    assert not list((tmp_path / "clean").glob("*.ome.tif"))
    assert batch([two], tmp_path / "clean", "median").complete


@pytest.mark.parametrize("kind", ["plain.ome.tif", "packed.ome.tif", "cells.ome.zarr"])
def test_an_image_that_is_taken_away_while_it_is_read_never_gives_made_up_planes(tmp_path, stack, monkeypatch, kind):
    """Planes that are read only once: what zarr says of chunks that are gone is that they were empty."""
    monkeypatch.setattr("napari_zeroshot.engine.outcome.IN_MEMORY", 0)
    monkeypatch.setattr(plan, "TRAINING_PIXELS", 1)
    source = write(tmp_path / kind, Image(stack, "TCYX"), compressed="packed" in kind)
    settings = {"method": "zs-n2n", "device": "cpu", "steps": 2, "crop": 16, "crops": 1}
    steps = batch_steps([source], tmp_path / "clean", **settings)
    next(steps)
    shutil.rmtree(source) if source.is_dir() else source.unlink()
    (outcome,) = outcomes_of(steps)
    if outcome.state == "done":  # it was open, and on this system still could be read
        np.testing.assert_array_equal(read(outcome.target).array, denoise(stack, axes="TCYX", **settings).image)
    else:
        assert outcome.told[0].startswith(f"cannot read {source}: ")
        assert not outcome.target.exists()


def test_a_lazy_image_whose_disk_vanishes_is_told_and_the_finished_planes_come_with_the_error(stack):
    class Lazy:
        shape, dtype, read = stack.shape, stack.dtype, 0

        def __getitem__(self, place):
            self.read += 1
            if self.read == 11:  # each plane of the second channel was read once to measure its grey levels, and the first again
                raise OSError(116, "Stale file handle")
            return stack[place]

    with pytest.raises(FileError, match=r"^cannot read the pixels of plane T=1, C=1: Stale file handle") as told:
        denoise(Lazy(), "median", axes="TCYX")
    assert told.value.so_far.planes_done == 4
    assert told.value.so_far.image[:, 0].any(axis=(1, 2)).all()


@pytest.mark.parametrize("ending", [".tif", ".ome.zarr", ".png"])
def test_a_name_as_long_as_the_disk_takes_can_be_written(tmp_path, stack, ending):
    path = write(tmp_path / ("n" * (255 - len(ending)) + ending), stack[0, 0].astype(np.uint8), axes="YX")
    assert read(path).array.shape == stack[0, 0].shape


@pytest.mark.parametrize("ending", [".tif", ".ome.zarr", ".png"])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_what_is_being_written_is_private_and_gone_when_it_fails(tmp_path, stack, monkeypatch, ending):
    rights = []

    def seen(*_, **__):
        (room,) = tmp_path.iterdir()
        rights.append(stat.S_IMODE(room.stat().st_mode))
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", seen)
    with pytest.raises(FileError, match="Input/output error"):
        write(tmp_path / f"cells{ending}", stack[0, 0].astype(np.uint8), axes="YX")
    assert set(rights) == {0o700}
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_what_a_batch_is_writing_is_private(raw, tmp_path):
    steps = batch_steps([raw], tmp_path / "clean", "median")
    next(steps)
    (growing,) = (tmp_path / "clean").iterdir()
    assert stat.S_IMODE(growing.stat().st_mode) == 0o700
    assert outcomes_of(steps)[0].state == "done"


@pytest.mark.parametrize("fails", [1, 2])
def test_a_zarr_that_cannot_be_replaced_stays(tmp_path, stack, monkeypatch, fails):
    write(tmp_path / "cells.ome.zarr", stack[0, 0], axes="YX")
    Failing(monkeypatch, os, "replace", lambda number: number == fails, OSError(5, "Input/output error"))
    with pytest.raises(FileError, match="Input/output error"):
        write(tmp_path / "cells.ome.zarr", stack[1, 0], axes="YX", overwrite=True)
    np.testing.assert_array_equal(read(tmp_path / "cells.ome.zarr").array, stack[0, 0])
    assert [path.name for path in tmp_path.iterdir()] == ["cells.ome.zarr"]


def test_a_file_too_large_for_memory_is_told_as_that(tmp_path, stack, monkeypatch):
    path = write(tmp_path / "cells.tif", stack[0, 0], axes="YX")
    Failing(monkeypatch, tifffile.TiffPageSeries, "asarray", lambda number: True, MemoryError("Unable to allocate 9 GiB"))
    with pytest.raises(FileError, match=r"cells\.tif: there is too little free memory for it.*Unable to allocate 9 GiB"):
        read(path)
