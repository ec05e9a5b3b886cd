"""Too little memory and a graphics card that stops working, at every stage of a run: one sentence, nothing half-written, and the finished planes are kept."""

import numpy as np
import pytest
import torch

from napari_zeroshot import batch, denoise, read, sweep, write
from napari_zeroshot.engine import auto, denoisers, device, files, fitting, intensity, tiling
from napari_zeroshot.engine.axes import Axes
from napari_zeroshot.engine.errors import DenoiseError, DeviceError, DeviceLostError, DeviceMemoryError
from napari_zeroshot.engine.expected_error import ErrorMeter
from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.method import finished
from napari_zeroshot.engine.optimiser import Optimiser
from napari_zeroshot.engine.run import denoise_steps

QUICK = {"device": "cpu", "steps": 4, "crop": 16, "crops": 2}
SHORT = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
LESS = "The graphics card ran out of memory; it was done in tiles of 512 px and learnt from 1 crop at a step."
BROKEN = RuntimeError("CUDA error: an illegal memory access was encountered\nfurther lines")
STAGES = {
    "reading": (Axes, "read", 1),
    "scaling": (intensity.Scale, "normalise", 1),
    "training begins": (fitting.Bench, "set_up", 1),
    "training is under way": (Optimiser, "step", 3),
    "the network is applied": (denoisers.NetworkDenoiser, "__call__", 1),
    "tiles are applied": (tiling, "_surrounded", 2),
    "the result is written": (intensity.Scale, "restore", 1),
}


class Fault:
    """Lets one function fail once, at its call of this number, or at all of them from there on."""

    def __init__(self, monkeypatch, place, name, number, error, *, again=False):
        self.left, inner = number, getattr(place, name)

        def fails(*arguments, **more):
            self.left -= 1
            if self.left == 0 or (again and self.left < 0):
                raise error
            return inner(*arguments, **more)

        monkeypatch.setattr(place, name, fails)


@pytest.fixture
def raw(tmp_path, stack):
    (tmp_path / "raw").mkdir()
    for name in ("first", "second"):
        write(tmp_path / "raw" / f"{name}.ome.tif", Image(stack, "TCYX"))
    return tmp_path / "raw"


def few_memory(monkeypatch, name, **more):
    place, function, number = STAGES[name]
    Fault(monkeypatch, place, function, number, SHORT, **more)


@pytest.mark.parametrize("stage", STAGES)
def test_too_little_memory_at_any_stage_is_told_and_a_later_run_works(stack, monkeypatch, stage):
    expected = denoise(stack, "zs-n2n", axes="TCYX", **QUICK).image
    with monkeypatch.context() as patch:
        few_memory(patch, stage, again=True)
        with pytest.raises(DeviceMemoryError, match=r"too little free memory.*choose the device 'cpu'") as told:
            denoise(stack, "zs-n2n", axes="TCYX", **QUICK)
    assert "\n" not in str(told.value)
    np.testing.assert_array_equal(denoise(stack, "zs-n2n", axes="TCYX", **QUICK).image, expected)


@pytest.mark.parametrize("stage", STAGES)
def test_the_fallback_does_it_with_less_at_once_and_says_so(stack, monkeypatch, stage):
    expected = denoise(stack, "zs-n2n", axes="TCYX", tile=512, **{**QUICK, "crops": 1})
    few_memory(monkeypatch, stage)
    result = denoise(stack, "zs-n2n", axes="TCYX", **QUICK)
    assert (result.complete, result.tile, result.params.crops) == (True, 512, 1)
    assert result.notes == (LESS, *expected.notes)
    assert result.provenance()["instead_of"] == {"tile": 1024, "crops": 2}
    np.testing.assert_array_equal(result.image, expected.image)


def test_reports_say_with_what_is_computed_since_less_is_done_at_once(noisy, monkeypatch):
    few_memory(monkeypatch, "training is under way")
    said = []
    result = finished(denoise_steps(noisy, "zs-n2n", **QUICK), said.append)
    assert [(report.setup.tile, report.setup.params.crops) for report in said] == 2 * [(1024, 2)] + 5 * [(512, 1)]
    assert said[-1].setup == result.setup


def test_less_is_done_at_once_until_it_fits(stack, monkeypatch):
    def short(planes, job, knobs, total):
        asked.append((job.tile, knobs.crops))
        if job.tile > 256:
            raise SHORT
        return set_up(planes, job, knobs, total)

    asked, set_up = [], fitting.Bench.set_up
    monkeypatch.setattr(fitting.Bench, "set_up", short)
    result = denoise(stack[0, 0], "zs-n2n", device="cpu", steps=1, crop=16, crops=4)
    assert asked == [(1024, 4), (512, 2), (256, 1)]
    assert "tiles of 256 px and learnt from 1 crop at a step" in result.notes[0]


def test_a_filter_has_smaller_tiles_only(stack, monkeypatch):
    few_memory(monkeypatch, "the result is written")
    assert denoise(stack, "median", axes="TCYX").notes[0] == "The graphics card ran out of memory; it was done in tiles of 512 px."


def test_so_has_a_network_that_is_trained_already(stack, monkeypatch):
    trained = denoise(stack, "zs-n2n", axes="TCYX", **QUICK)
    few_memory(monkeypatch, "the network is applied")
    result = denoise(stack, "zs-n2n", axes="TCYX", device="cpu", trained=trained)
    assert (result.tile, result.params.crops) == (512, 2)
    np.testing.assert_array_equal(result.image, trained.image)


def test_a_run_that_may_not_do_less_says_that_memory_is_short(stack, monkeypatch):
    few_memory(monkeypatch, "training begins")
    with pytest.raises(DeviceMemoryError):
        denoise(stack, "zs-n2n", axes="TCYX", lessen=False, **QUICK)


def test_nor_may_a_sweep_whose_tile_says_so_and_leaves_the_others_there(stack, monkeypatch):
    few_memory(monkeypatch, "training begins")
    done = sweep(stack, "zs-n2n", vary={"crops": "2,1"}, axes="TCYX", device="cpu", steps=2, crop=16)
    assert [tile.image is None for tile in done.tiles] == [True, False]
    assert "too little free memory" in done.tiles[0].problem
    assert done.complete


def test_nor_do_tiles_of_a_sweep_vanish_when_one_fits_but_its_error_cannot_be_told(noisy, monkeypatch):
    Fault(monkeypatch, ErrorMeter, "error", 2, SHORT)
    done = sweep(noisy, "zs-n2n", vary={"crops": "1,2"}, device="cpu", steps=2, crop=16)
    assert [tile.image is None for tile in done.tiles] == [False, True]
    assert "too little free memory" in done.tiles[1].problem


def test_a_card_so_full_that_it_cannot_be_asked_what_is_free_is_told_as_that(noisy, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda name: f"Model {name}")
    Fault(monkeypatch, torch.cuda, "mem_get_info", 1, RuntimeError("CUDA error: out of memory\nfurther lines"))
    with pytest.raises(DeviceMemoryError, match=r"cuda:0 has too little free memory.*choose the device 'cpu'"):
        denoise(noisy, "zs-n2n", precision="float32", device="cuda")


def test_where_whole_planes_are_learnt_from_crops_are_not_spoken_of(noisy, monkeypatch):
    few_memory(monkeypatch, "training begins")
    result = denoise(noisy, "zs-n2n", device="cpu", steps=2, crop=0, crops=4)
    assert (result.notes[0], result.params.crops) == ("The graphics card ran out of memory; it was done in tiles of 512 px.", 4)


def test_an_image_that_is_overwritten_in_part_is_not_denoised_twice(stack, monkeypatch):
    Fault(monkeypatch, intensity.Scale, "restore", 2, SHORT)
    into = stack.copy()
    with pytest.raises(DeviceMemoryError):
        denoise(into, "zs-n2n", axes="TCYX", out=into, **QUICK)
    np.testing.assert_array_equal(into[1:], stack[1:])


@pytest.mark.parametrize("stage", STAGES)
def test_a_file_of_a_batch_is_done_with_less_at_once_and_known_as_done(raw, tmp_path, monkeypatch, stage):
    few_memory(monkeypatch, stage)
    first, second = batch([raw], tmp_path / "clean", "zs-n2n", **QUICK).outcomes
    assert (first.state, second.state) == ("done", "done")
    assert first.told[0].startswith("The graphics card ran out of memory; it was done in tiles of 512 px")
    assert LESS not in second.told
    assert read(tmp_path / "clean" / "first.ome.tif").provenance["instead_of"] == {"tile": 1024, "crops": 2}
    assert [outcome.state for outcome in batch([raw], tmp_path / "clean", "zs-n2n", **QUICK).outcomes] == ["done before"] * 2


def test_finished_planes_of_a_batch_stay_and_the_others_are_of_the_same_training(raw, tmp_path, monkeypatch):
    Fault(monkeypatch, intensity.Scale, "restore", 5, SHORT)
    first, _ = batch([raw], tmp_path / "clean", "zs-n2n", **QUICK).outcomes
    assert first.told[0] == "The graphics card ran out of memory; it was done in tiles of 512 px."
    np.testing.assert_array_equal(*(read(tmp_path / "clean" / f"{name}.ome.tif").array for name in ("first", "second")))


def test_what_was_begun_with_less_goes_on_with_as_much(raw, stack, tmp_path, monkeypatch):
    few_memory(monkeypatch, "training begins")
    Fault(monkeypatch, intensity.Scale, "restore", 3, BROKEN)
    first, _ = batch([raw], tmp_path / "clean", "zs-n2n", **QUICK).outcomes
    assert (first.state, first.planes) == ("failed", None)
    first, _ = batch([raw], tmp_path / "clean", "zs-n2n", **QUICK).outcomes
    assert (first.state, first.kept, first.told[0]) == ("done", 2, LESS)
    expected = denoise(stack, "zs-n2n", axes="TCYX", **{**QUICK, "crops": 1}).image
    np.testing.assert_array_equal(read(tmp_path / "clean" / "first.ome.tif").array, expected)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("error", [MemoryError("Unable to allocate 9 GiB"), BROKEN], ids=["computer", "broken"])
def test_one_file_of_a_batch_fails_and_the_next_is_denoised(raw, tmp_path, monkeypatch, stage, error):
    place, function, number = STAGES[stage]
    Fault(monkeypatch, place, function, number, error)
    first, second = batch([raw], tmp_path / "clean", "zs-n2n", **QUICK).outcomes
    assert (first.state, second.state) == ("failed", "done")
    assert ("too little free memory" if error is not BROKEN else "the computation failed on cpu: CUDA error") in first.told[0]
    assert "\n" not in first.told[0]
    assert [path.name for path in (tmp_path / "clean").iterdir() if not path.name.startswith(".")] == ["second.ome.tif"]
    assert batch([raw], tmp_path / "clean", "zs-n2n", **QUICK).complete
    np.testing.assert_array_equal(*(read(tmp_path / "clean" / f"{name}.ome.tif").array for name in ("first", "second")))


@pytest.mark.parametrize("place", ["read", "check_target"])
def test_too_little_memory_beside_the_run_costs_one_file_only(raw, tmp_path, monkeypatch, place):
    Fault(monkeypatch, files, place, 1, MemoryError("Unable to allocate 9 GiB"))
    first, second = batch([raw], tmp_path / "clean", "median").outcomes
    assert (first.state, second.state) == ("failed", "done")
    assert "too little free memory" in first.told[0]


def test_a_preview_for_which_memory_is_short_leaves_the_run_alone(stack, monkeypatch):
    expected = denoise(stack, "zs-n2n", axes="TCYX", **QUICK).image
    steps = denoise_steps(stack, "zs-n2n", axes="TCYX", **QUICK)
    shown = next(steps).snapshot
    with monkeypatch.context() as patch:
        few_memory(patch, "the network is applied")
        with pytest.raises(DeviceMemoryError):
            shown(at={"T": 0, "C": 0})
    np.testing.assert_array_equal(finished(steps).image, expected)


@pytest.mark.parametrize("error", [SHORT, MemoryError("Unable to allocate 9 GiB")], ids=["card", "computer"])
def test_too_little_memory_while_auto_judges_is_told(noisy, monkeypatch, error):
    Fault(monkeypatch, auto, "_share_of", 1, error, again=True)
    monkeypatch.setattr(auto, "JUDGED_FROM", 1)
    with pytest.raises(DeviceError, match="too little free memory"):
        denoise(noisy, "auto", **QUICK)


def stopping(monkeypatch, number):
    """The card stops working when a plane is written, and says so at every call from then on."""
    Fault(monkeypatch, intensity.Scale, "restore", number, BROKEN)


def test_planes_that_were_finished_before_a_failure_come_with_the_error(stack, monkeypatch):
    expected = denoise(stack, "zs-n2n", axes="TCYX", **QUICK)
    stopping(monkeypatch, 5)
    with pytest.raises(DeviceError) as told:
        denoise(stack, "zs-n2n", axes="TCYX", **QUICK)
    so_far = told.value.so_far
    assert (so_far.planes, so_far.planes_done, so_far.complete) == (6, 4, False)
    np.testing.assert_array_equal(so_far.image[:, 0], expected.image[:, 0])
    np.testing.assert_array_equal(so_far.image[0, 1], expected.image[0, 1])
    assert not so_far.image[1:, 1].any()
    assert so_far.notes[-1].endswith("4 of 6 planes are denoised, the others are empty.")


def test_an_array_of_the_users_is_not_cleared_when_a_run_into_it_fails(stack, monkeypatch):
    stopping(monkeypatch, 2)
    into = stack.copy()
    with pytest.raises(DeviceError) as told:
        denoise(into, "zs-n2n", axes="TCYX", out=into, **QUICK)
    assert told.value.so_far.planes_done == 1
    np.testing.assert_array_equal(into[1:], stack[1:])


def test_where_nothing_was_finished_there_is_nothing_to_keep(stack, monkeypatch):
    few_memory(monkeypatch, "training is under way", again=True)
    with pytest.raises(DenoiseError) as told:
        denoise(stack, "zs-n2n", axes="TCYX", **QUICK)
    assert told.value.so_far is None


def test_a_card_that_answers_no_more_is_told_and_not_taken_again(monkeypatch):
    monkeypatch.setattr(device, "_answers", lambda name: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda name: f"Model {name}")
    words = "failed on cuda:0: CUDA error: an illegal.*try the device 'cpu'; restart the program to use cuda:0 again$"
    with pytest.raises(DeviceLostError, match=words), device.failures_explained("cuda:0"):
        raise BROKEN
    with pytest.raises(DeviceError, match=r"'cuda' was asked for, but cuda:0 stopped working .*restart the program"):
        device.choose("cuda")
    assert device.choose("auto") == device.Device("cpu", "CPU (no GPU: cuda:0 stopped working; restart the program to use it again)")
    assert device.choose("cuda:1").name == "cuda:1"


def test_a_card_that_answers_again_is_used_again(monkeypatch):
    monkeypatch.setattr(device, "_answers", lambda name: True)
    with pytest.raises(DeviceError, match="please report it"), device.failures_explained("cuda:0"):
        raise BROKEN
    assert not device.LOST


@pytest.mark.parametrize("words", ["CUDA error: out of memory", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"])
def test_what_else_runs_out_of_memory_on_a_card_is_known_as_that(words):
    with pytest.raises(DeviceMemoryError), device.failures_explained("cuda:0"):
        raise RuntimeError(words)


def test_giving_memory_back_to_a_card_that_is_lost_hides_no_error(monkeypatch):
    def broken():
        raise BROKEN

    monkeypatch.setattr(torch.cuda, "empty_cache", broken)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(DenoiseError, match="the first error"), device.memory_given_back("cuda:0"):
        raise DenoiseError("the first error")
    device.give_memory_back()


def test_what_a_run_held_of_an_apple_gpu_is_given_back(monkeypatch):
    given_back = []
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "empty_cache", lambda: given_back.append("mps"))
    with device.memory_given_back("mps"):
        assert not given_back
    assert given_back == ["mps"]


def test_a_batch_whose_card_stops_working_ends_with_the_reason_and_goes_on_when_started_again(raw, tmp_path, monkeypatch):
    stopping(monkeypatch, 3)
    kind = device._kind
    monkeypatch.setattr(device, "_kind", lambda name, error: kind("cuda:0", error))
    monkeypatch.setattr(device, "_answers", lambda name: False)
    report = batch([raw], tmp_path / "clean", "zs-n2n", **QUICK)
    assert [outcome.state for outcome in report.outcomes] == ["failed", "not reached"]
    assert "CUDA error: an illegal memory access" in report.outcomes[0].told[0]
    device.LOST.clear()  # as in a program that is started anew
    first, second = batch([raw], tmp_path / "clean", "zs-n2n", **QUICK).outcomes
    assert (first.state, first.kept, second.state) == ("done", 2, "done")
    np.testing.assert_array_equal(*(read(tmp_path / "clean" / f"{name}.ome.tif").array for name in ("first", "second")))
