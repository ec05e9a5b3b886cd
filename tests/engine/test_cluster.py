"""A run on a cluster gives the pixels and the record of a run in one process, however many workers there are, and whatever becomes of them."""

import os
import re
import signal
import sys

import dask
import numpy as np
import pytest
import torch

from napari_zeroshot import batch, denoise, read, save_network, write
from napari_zeroshot.engine.batch import batch_steps
from napari_zeroshot.engine.cluster import UNHEARD, connected, remote_steps
from napari_zeroshot.engine.errors import DeviceError, ImageError, ParamError
from napari_zeroshot.engine.fitting import Bench
from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.method import finished
from napari_zeroshot.engine.post import fetched, workers

distributed = pytest.importorskip("distributed")
STEPS = {"device": "cpu", "steps": 2, "warm_steps": 2, "crop": 16, "crops": 1, "threads": 1}
QUICK = {"method": "zs-n2n", **STEPS}
APART = ("image", "seconds", "device", "denoiser", "lessons", "levels")
"""Of a result, what is compared by itself, or is another each time."""


@pytest.fixture(scope="module")
def address():
    """Of a cluster of two workers within this process."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None, scheduler_kwargs=UNHEARD) as local:
        yield local.scheduler_address


@pytest.fixture(scope="module")
def alone():
    """The same with one worker."""
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None, scheduler_kwargs=UNHEARD) as local:
        yield local.scheduler_address


@pytest.fixture
def raw(tmp_path, stack):
    """Three frames and two channels (TCYX) in a file."""
    return write(tmp_path / "raw.ome.tif", Image(stack, "TCYX"))


def followed(steps, then=lambda report: None):
    """What steps come to; `then` is called with each report."""
    while True:
        try:
            then(next(steps))
        except StopIteration as end:
            return end.value


def told(result):
    return {name: value for name, value in vars(result).items() if name not in APART}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("zs-n2n", STEPS),
        ("zs-n2n", {**STEPS, "stack": "plane", "dtype": "float32"}),
        ("zs-n2n", {**STEPS, "stack": "warm"}),
        ("zs-n2n", {**STEPS, "region": {"T": (1, 3), "Y": (2, 22)}}),
        ("gaussian", {}),
    ],
    ids=["shared", "plane", "warm", "region", "filter"],
)
def test_pixels_and_record_are_those_of_one_process_however_many_workers_there_are(alone, address, stack, name, options):
    expected = denoise(stack, name, axes="TCYX", **options)
    for scheduler in (alone, address):
        result = finished(remote_steps(scheduler, stack, name, axes="TCYX", **options))
        np.testing.assert_array_equal(result.image, expected.image)
        assert told(result) == told(expected)


def test_too_little_memory_in_a_worker_is_less_at_once_for_the_whole_run(address, stack, monkeypatch):
    def short(planes, job, knobs, total):
        trainings.append(knobs.crops)
        if len(trainings) == 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return set_up(planes, job, knobs, total)

    trainings, set_up = [], Bench.set_up
    options = {**STEPS, "crops": 2}
    expected = denoise(stack, "zs-n2n", axes="TCYX", **{**options, "crops": 1})
    monkeypatch.setattr(Bench, "set_up", short)  # which the second channel's training is too large for
    result = finished(remote_steps(address, stack, "zs-n2n", axes="TCYX", **options))
    assert result.instead_of == {"tile": 1024, "crops": 2}
    assert "tiles of 512 px and learnt from 1 crop at a step" in result.notes[0]
    np.testing.assert_array_equal(result.image, expected.image)


def test_progress_counts_to_its_total_and_a_snapshot_shows_what_is_finished(address, stack):
    seen = []
    result = followed(remote_steps(address, stack, axes="TCYX", **QUICK), seen.append)
    assert seen[-1].stage == "denoising plane 6/6"
    assert seen[-1].step == seen[-1].total > 0
    np.testing.assert_array_equal(seen[-1].snapshot({"T": 2, "C": 1}), result.image[2, 1])


def test_what_was_learned_comes_back_and_can_be_used_here(address, stack, tmp_path):
    result = finished(remote_steps(address, stack, axes="TCYX", **QUICK))
    network = save_network(tmp_path / "network.safetensors", result)
    np.testing.assert_array_equal(denoise(stack, "zs-n2n", axes="TCYX", trained=network, device="cpu").image, result.image)


def test_a_cancelled_run_gives_the_planes_so_far_and_the_others_as_they_were(address, stack):
    planes = set()
    steps = remote_steps(address, stack, axes="TCYX", stack="warm", cancelled=lambda: len(planes) > 1, **QUICK)
    result = followed(steps, lambda report: planes.add(report.stage) if "plane " in report.stage else None)
    assert (result.complete, 0 < result.planes_done < 6) == (False, True)
    np.testing.assert_array_equal(result.image[2, 1], stack[2, 1])


def test_files_are_worked_on_side_by_side_and_a_broken_one_stops_no_other(address, raw, stack, tmp_path):
    (tmp_path / "broken.tif").write_bytes(b"II*\0 no image")
    planes = [write(tmp_path / f"plane{number}.ome.tif", Image(stack[number, 0], "YX")) for number in range(3)]
    report = batch([raw, tmp_path / "broken.tif", *planes], tmp_path / "clean", scheduler=address, **QUICK)
    assert [outcome.state for outcome in report.outcomes] == ["done", "failed", "done", "done", "done"]
    np.testing.assert_array_equal(read(tmp_path / "clean" / "raw.ome.tif").array, denoise(stack, axes="TCYX", **QUICK).image)
    np.testing.assert_array_equal(read(tmp_path / "clean" / "plane1.ome.tif").array, denoise(stack[1, 0], **QUICK).image)


def test_fail_fast_stops_at_the_first_that_fails(address, raw, tmp_path):
    (tmp_path / "broken.tif").write_bytes(b"II*\0 no image")
    report = batch([tmp_path / "broken.tif", raw], tmp_path / "clean", scheduler=address, fail_fast=True, **{**QUICK, "steps": 10**5})
    assert [outcome.state for outcome in report.outcomes] in (["failed", "interrupted"], ["failed", "not reached"])


@pytest.mark.parametrize(("mode", "first"), [("shared", "here"), ("plane", "there"), ("warm", "here"), ("warm", "there")], ids=" ".join)
def test_a_batch_goes_on_elsewhere_than_it_was_begun(address, raw, stack, tmp_path, mode, first):
    options = {"stack": mode, **QUICK}
    begun, gone_on = (None, address) if first == "here" else (address, None)
    planes = set()
    steps = batch_steps([raw], tmp_path / "clean", scheduler=begun, cancelled=lambda: len(planes) > 2, **options)
    report = followed(steps, lambda report: planes.add(report.stage) if "denoising plane" in report.stage else None)
    assert report.outcomes[0].state == "interrupted"
    (outcome,) = batch([raw], tmp_path / "clean", scheduler=gone_on, **options).outcomes
    assert (outcome.state, outcome.kept >= 2) == ("done", True)
    np.testing.assert_array_equal(read(tmp_path / "clean" / "raw.ome.tif").array, denoise(stack, axes="TCYX", **options).image)


def test_planes_finished_there_before_a_gap_was_met_are_kept_and_filling_goes_on_here(alone, raw, stack, tmp_path):
    holed, options = stack.astype(np.float32), {**QUICK, "stack": "plane"}
    holed[2, 1, 5, 7] = np.nan
    write(raw, Image(holed, "TCYX"), overwrite=True)
    (outcome,) = batch([raw], tmp_path / "clean", scheduler=alone, **options).outcomes
    kept = re.search("([1-5]) of 6 planes are finished and kept", outcome.told[0])
    (outcome,) = batch([raw], tmp_path / "clean", nan="fill", **options).outcomes
    assert (outcome.state, outcome.kept) == ("done", int(kept[1]))
    np.testing.assert_array_equal(read(outcome.target).array, denoise(holed, axes="TCYX", nan="fill", **options).image)


@pytest.mark.parametrize("wrong", ["nowhere", "local:", "local:0", "local:many", ""])
def test_a_scheduler_that_is_none_is_refused_before_any_work(raw, tmp_path, wrong):
    with pytest.raises(ParamError, match="local:4"):
        batch_steps([raw], tmp_path / "clean", scheduler=wrong, **QUICK)


def test_what_only_one_process_can_do_is_refused(stack):
    with pytest.raises(ParamError, match="leave start"):
        remote_steps("local", stack, "zs-n2n", axes="TCYX", trained="network.safetensors")


def test_an_image_that_cannot_be_sent_is_told_with_what_to_do(address, stack):
    class Open:
        shape, dtype, ndim = stack.shape, stack.dtype, stack.ndim

        def __reduce__(self):
            raise TypeError("cannot pickle an open file")

        def __getitem__(self, place):
            return stack[place]

    with pytest.raises(ImageError, match="save it as OME-Zarr"):
        finished(remote_steps(address, Open(), axes="TCYX", **QUICK))


def test_an_address_where_nobody_answers_is_told():
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "0.3s"}),
        pytest.raises(DeviceError, match="no dask scheduler answers"),
        connected("tcp://127.0.0.1:9"),
    ):
        pass


class Ended:
    """A task that came to an error."""

    def __init__(self, error):
        self.error = error

    def result(self):
        raise self.error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (distributed.KilledWorker("share", None, 3), "too little memory"),
        (distributed.CancelledError("share"), "connection to the cluster was lost"),
        (ModuleNotFoundError("No module named 'napari_zeroshot'"), "install there what is installed here"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_goes_wrong_with_a_cluster_is_told_with_what_to_do(error, said):
    with pytest.raises(DeviceError, match=said):
        fetched(Ended(error))


def test_a_scheduler_that_is_gone_is_told_with_what_to_do():
    class Gone:
        def nthreads(self):
            raise distributed.comm.CommClosedError

    with pytest.raises(DeviceError, match="connection to the cluster was lost"):
        workers(Gone())


TALKATIVE = "from napari_zeroshot.engine import post\npost.EVERY = 0"
"""Run by a worker that is to tell of every step, be they ever so short."""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_worker_that_is_killed_at_work_changes_no_pixel(raw, stack, tmp_path):
    options = {**QUICK, "steps": 60}
    killed = []

    def kill(report):
        if "training" in report.stage and not killed:
            killed.append(next(iter(local.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, scheduler_kwargs=UNHEARD, preload=TALKATIVE) as local:
        report = followed(batch_steps([raw], tmp_path / "clean", scheduler=local.scheduler_address, **options), kill)
    assert killed
    assert report.complete
    np.testing.assert_array_equal(read(tmp_path / "clean" / "raw.ome.tif").array, denoise(stack, axes="TCYX", **options).image)
