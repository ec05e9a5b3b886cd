"""Images in, images out: axes, kinds of arrays, stacks, cancelling, snapshots and what is refused."""

from itertools import permutations

import dask.array
import numpy as np
import pytest
import torch
import xarray
import zarr

from napari_zeroshot.engine import plan, running
from napari_zeroshot.engine.axes import parse
from napari_zeroshot.engine.errors import DenoiseError, DeviceError, GapsError, ImageError, ParamError
from napari_zeroshot.engine.fingerprint import of_image
from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.run import denoise, denoise_steps

TRAINED = {"method": "zs-n2n", "device": "cpu", "steps": 15, "crop": 16, "crops": 2}


def finish(steps, until=lambda report: False, then=lambda: None):
    """Run to the end; `then` is called once, after the first report for which `until` holds."""
    while True:
        try:
            report = next(steps)
        except StopIteration as end:
            return end.value
        if until(report):
            until = lambda report: False  # noqa: E731
            then()


# ---- axes


@pytest.mark.parametrize("order", ["".join(letters) for letters in permutations("TCYX")])
def test_order_of_the_axes_does_not_matter(stack, order):
    canonical = denoise(stack, axes="TCYX", **TRAINED).image
    moved = np.einsum(stack, [0, 1, 2, 3], ["TCYX".index(letter) for letter in order])
    result = denoise(moved, axes=order, **TRAINED).image
    back = np.einsum(result, ["TCYX".index(letter) for letter in order], [0, 1, 2, 3])
    np.testing.assert_array_equal(back, canonical)


@pytest.mark.parametrize("axes", ["SYX", "YSX", "YXS", "TYXS", "YXTS"])
def test_samples_may_lie_anywhere(noisy, axes):
    samples = np.stack((noisy, noisy // 2, noisy // 3))[:, :20, :26]
    expected = denoise(samples, axes="SYX", **TRAINED).image
    sizes = {"S": 0, "Y": 1, "X": 2}
    laid = samples.transpose([sizes[letter] for letter in axes if letter in sizes])
    image = np.expand_dims(laid, axes.index("T")) if "T" in axes else laid
    result = denoise(image, axes=axes, **TRAINED).image
    assert result.shape == image.shape
    kept = np.squeeze(result, axes.index("T")) if "T" in axes else result
    np.testing.assert_array_equal(kept.transpose([[letter for letter in axes if letter in sizes].index(letter) for letter in "SYX"]), expected)


def test_singleton_axes_are_kept_and_change_nothing(noisy):
    plane = noisy[:20, :26]
    expected = denoise(plane, **TRAINED).image
    result = denoise(plane[None, None, :, None], axes="TCYZX", **TRAINED)
    assert result.image.shape == (1, 1, 20, 1, 26)
    np.testing.assert_array_equal(result.image[0, 0, :, 0], expected)


# ---- kinds of arrays and types


@pytest.mark.parametrize(
    "wrap",
    [
        lambda image: dask.array.from_array(image, chunks=(1, 1, 12, 31)),
        lambda image: zarr.array(image, chunks=(1, 2, 24, 16)),
        lambda image: xarray.DataArray(image, dims=("time", "channel", "y", "x")),
        lambda image: image[:, :, ::-1][:, :, ::-1],
        lambda image: np.asfortranarray(image),
        lambda image: image.astype(">u2"),
    ],
    ids=["dask", "zarr", "xarray", "view", "fortran", "big-endian"],
)
def test_any_array_gives_the_same_pixels(stack, wrap):
    result = denoise(wrap(stack), axes="TCYX", **TRAINED)
    assert isinstance(result.image, np.ndarray)
    assert result.image.dtype == wrap(stack).dtype
    np.testing.assert_array_equal(result.image, denoise(stack, axes="TCYX", **TRAINED).image)


def test_xarray_names_its_axes_itself(stack):
    named = xarray.DataArray(stack, dims=("time", "channel", "y", "x"))
    assert denoise(named, **TRAINED).axes == "TCYX"


def test_axes_that_an_array_calls_otherwise_are_the_users_word_and_told(stack):
    named = xarray.DataArray(stack[:, 0], dims=("z", "y", "x"))
    result = denoise(named, "median", axes="TYX")
    assert (result.axes, result.notes) == ("TYX", ("The array says that its axes are ZYX; they were taken as TYX.",))
    assert denoise(named, "median", axes="zyx").notes == ()


def test_read_only_images_are_fine(noisy):
    image = noisy[:20, :26].copy()
    image.flags.writeable = False
    assert denoise(image, **TRAINED).complete


@pytest.mark.parametrize("dtype", ["u1", "u2", ">u2", "i2", "i4", "f2", ">f4", "f4", "f8"])
def test_type_is_kept(noisy, dtype):
    levels = noisy[:20, :26].astype(float) - (0 if np.dtype(dtype).kind == "u" else 100)
    result = denoise(levels.astype(dtype), "median").image
    assert result.dtype == np.dtype(dtype)
    np.testing.assert_allclose(result.astype(float), denoise(levels, "median").image, rtol=0, atol=0.1)


def test_float32_on_request_keeps_the_grey_levels(stack):
    exact = denoise(stack, axes="TCYX", dtype="float32", **TRAINED).image
    rounded = denoise(stack, axes="TCYX", **TRAINED).image
    assert exact.dtype == np.float32
    assert np.abs(exact - rounded).max() <= 0.51


@pytest.mark.parametrize("make", [np.empty_like, lambda image: zarr.zeros(image.shape, chunks=(1, 1, 24, 31), dtype=image.dtype)], ids=["numpy", "zarr"])
def test_result_goes_where_it_is_wanted(stack, make):
    out = make(stack)
    result = denoise(stack, "median", axes="TCYX", out=out)
    assert result.image is out
    np.testing.assert_array_equal(out[...], denoise(stack, "median", axes="TCYX").image)


# ---- gaps


def test_gaps_are_refused_with_the_plane_and_the_place(stack):
    image = stack.astype(float)
    image[2, 1, 5, 7] = np.nan
    with pytest.raises(ImageError, match="1 of 744 values of plane T=2, C=1 are NaN or infinite, the first at row 5, column 7"):
        denoise(image, axes="TCYX", **TRAINED)


@pytest.mark.parametrize("region", [None, {"T": (1, 3), "Y": (0, 20)}], ids=["whole", "region"])
@pytest.mark.parametrize("options", [{"stack": "plane"}, {"stack": "warm"}, {"on_demand": True}], ids=lambda options: next(iter(options.values())))
def test_gaps_in_memory_are_refused_before_any_plane_is_learnt_from(stack, monkeypatch, options, region):
    image = stack.astype(np.float32)
    image[2, 1, 5, 7] = np.inf
    monkeypatch.setattr(running.Run, "_learn", lambda *_: pytest.fail("a gap was there to be seen"))
    with pytest.raises(GapsError, match="row 5, column 7"):
        next(denoise_steps(image, axes="TCYX", region=region, **options, **TRAINED))


def test_gaps_that_are_met_while_a_file_is_read_cost_no_finished_plane(stack):
    image = stack.astype(np.float32)
    image[2, 1, 5, 7] = np.nan
    with pytest.raises(GapsError, match="row 5, column 7") as told:
        denoise(dask.array.from_array(image), axes="TCYX", stack="plane", **TRAINED)
    assert (told.value.so_far.planes_done, told.value.so_far.planes) == (5, 6)


def test_gaps_are_filled_for_the_work_and_given_back(noisy):
    image = noisy[:20, :26].astype(np.float32)
    image[3:5, 8] = np.nan
    image[9, 9] = np.inf
    result = denoise(image, nan="fill", **TRAINED).image
    np.testing.assert_array_equal(np.isnan(result), ~np.isfinite(image))
    assert np.nanmin(result) > 0
    assert np.nanmax(result) < 300


# ---- stacks


def test_a_channel_does_not_depend_on_the_others(stack):
    other = stack.copy()
    other[:, 1] = other[::-1, 1, ::-1] * 3
    first, second = (denoise(image, axes="TCYX", **TRAINED).image for image in (stack, other))
    np.testing.assert_array_equal(first[:, 0], second[:, 0])
    assert not np.array_equal(first[:, 1], second[:, 1])


def test_a_network_of_its_own_makes_planes_independent(stack):
    frames = stack[:, 0]
    alone = [denoise(frame, **TRAINED).image for frame in frames]
    np.testing.assert_array_equal(denoise(frames, axes="TYX", stack="plane", **TRAINED).image, alone)


def test_a_shared_network_learns_from_all_planes(stack):
    frames = stack[:, 0]
    other = frames.copy()
    other[2] = other[2][::-1]
    first, second = (denoise(image, axes="TYX", dtype="float32", **TRAINED).image for image in (frames, other))
    assert not np.array_equal(first[0], second[0])


def test_a_warm_network_goes_on_from_the_last_plane(stack):
    twice = np.stack((stack[0, 0], stack[0, 0]))
    cold, warm = (denoise(twice, axes="TYX", stack=kind, dtype="float32", **TRAINED) for kind in ("plane", "warm"))
    np.testing.assert_array_equal(warm.image[0], cold.image[0])
    np.testing.assert_array_equal(cold.image[1], cold.image[0])
    assert not np.array_equal(warm.image[1], warm.image[0])
    assert np.mean([loss for _, loss in warm.losses[15:]]) < np.mean([loss for _, loss in cold.losses[15:]])


def test_a_warm_network_begins_anew_with_every_channel(stack):
    both = denoise(stack[:2], axes="TCYX", stack="warm", **TRAINED).image
    second = denoise(stack[:2, 1], axes="TYX", stack="warm", **TRAINED).image
    np.testing.assert_array_equal(both[:, 1], second)


def test_a_refined_network_goes_on_too(stack):
    options = {**TRAINED, "method": "zs-n2m", "refine": True, "refine_steps": 3, "refine_width": 4, "steps": 5}
    result = denoise(stack[:2, 0], axes="TYX", stack="warm", **options)
    assert result.complete


def test_huge_stacks_lend_some_planes_and_say_so(stack, monkeypatch):
    monkeypatch.setattr(plan, "TRAINING_PIXELS", 24 * 31 * 2)
    result = denoise(stack, axes="TCYX", **TRAINED)
    assert "learnt from 2 evenly spaced planes of 3" in result.notes[0]


# ---- progress and snapshots


def test_progress_never_goes_back_and_ends_at_its_total(stack):
    reports = list(denoise_steps(stack, axes="TCYX", stack="plane", **TRAINED))
    parts = [report.step / report.total for report in reports]
    assert parts == sorted(parts)
    assert parts[-1] == 1
    assert {report.total for report in reports} == {reports[0].total}
    assert reports[-1].stage == "denoising plane 6/6"


def test_snapshot_of_a_plane_is_that_of_the_whole(stack):
    for report in denoise_steps(stack.transpose(0, 3, 1, 2), axes="TXCY", **TRAINED):
        np.testing.assert_array_equal(report.snapshot(at={"T": 2, "C": 1}), report.snapshot()[2, :, 1])
        assert report.snapshot(at={}).shape == (31, 24)


def test_snapshot_shows_what_is_not_reached_as_it_is(stack):
    report = next(denoise_steps(stack, axes="TCYX", stack="plane", **TRAINED))
    shown = report.snapshot()
    np.testing.assert_array_equal(shown[1:], stack[1:])
    assert not np.array_equal(shown[0, 0], stack[0, 0])


def test_last_snapshot_is_the_result(stack):
    reports = []
    result = finish(denoise_steps(stack, axes="TCYX", **TRAINED), until=lambda report: reports.append(report))
    np.testing.assert_array_equal(reports[-1].snapshot(), result.image)


# ---- cancelling


@pytest.mark.parametrize("kind", ["plane", "warm"])
def test_cancelled_within_a_stack_leaves_the_rest_noisy_and_says_so(stack, kind):
    flag = []
    frames = stack[:, 0]
    steps = denoise_steps(frames, axes="TYX", stack=kind, cancelled=lambda: bool(flag), **TRAINED)
    result = finish(steps, until=lambda report: "denoising plane 1/3" in report.stage, then=lambda: flag.append("stop"))
    assert (result.complete, result.planes_done, result.planes) == (False, 1, 3)
    assert not np.array_equal(result.image[0], frames[0])
    np.testing.assert_array_equal(result.image[1:], frames[1:])
    assert "1 of 3 planes are denoised" in result.notes[-1]


def test_cancelled_while_denoising_a_shared_stack_stops_there(stack):
    flag = []
    frames = stack[:, 0]
    steps = denoise_steps(frames, axes="TYX", cancelled=lambda: bool(flag), **TRAINED)
    result = finish(steps, until=lambda report: "denoising plane 2/3" in report.stage, then=lambda: flag.append("stop"))
    assert (result.complete, result.planes_done) == (False, 2)
    np.testing.assert_array_equal(result.image[2], frames[2])


def test_a_cancelled_filter_stops_at_the_next_plane(stack):
    flag = []
    steps = denoise_steps(stack[:, 0], "median", axes="TYX", cancelled=lambda: bool(flag))
    result = finish(steps, until=lambda report: True, then=lambda: flag.append("stop"))
    assert (result.complete, result.planes_done) == (False, 0)


def test_cancelled_training_still_denoises_its_planes(stack):
    flag = []
    steps = denoise_steps(stack[:, 0], axes="TYX", cancelled=lambda: bool(flag), **TRAINED)
    result = finish(steps, until=lambda report: report.loss is not None, then=lambda: flag.append("stop"))
    assert (result.complete, result.planes_done) == (False, 3)
    assert "training ended early" in result.notes[-1]


# ---- what is refused


@pytest.mark.parametrize(
    ("image", "options", "kind", "words"),
    [
        (np.zeros((9, 9)), {"method": "zs-n2x"}, ParamError, "did you mean 'zs-n2"),
        (np.zeros((9, 9)), {"preset": "confocal"}, ParamError, "median has no preset 'confocal'; it has default"),
        (np.zeros((9, 9)), {"sise": 5}, ParamError, "did you mean size"),
        (np.zeros((9, 9)), {"size": 0}, ParamError, "size = 0 is not allowed; it takes at least 1"),
        (np.zeros((9, 9)), {"seed": -1}, ParamError, "seed = -1"),
        (np.zeros((9, 9)), {"seed": 1.5}, ParamError, "seed = 1.5"),
        (np.zeros((9, 9)), {"stack": "every"}, ParamError, "stack = 'every' is not allowed; it takes shared, plane, warm"),
        (np.zeros((9, 9)), {"nan": "skip"}, ParamError, "refuse, fill"),
        (np.zeros((9, 9)), {"dtype": "float64"}, ParamError, "same, float32"),
        (np.zeros((9, 9)), {"method": "zs-n2n", "device": "tpu"}, DeviceError, "choose auto"),
        (np.zeros((9, 9), bool), {}, ImageError, "bool, a mask"),
        (np.zeros((9, 9), complex), {}, ImageError, "complex"),
        (np.zeros((2, 9, 9)), {}, ImageError, "needs its axes named"),
        (np.zeros((2, 9, 9)), {"axes": "YX"}, ImageError, "have 2 letters, the image 3 dimensions"),
        (np.zeros((3, 9)), {}, ImageError, "3 x 9 pixels is too small for Median, which needs at least 4 x 4"),
        (np.zeros((0, 9)), {}, ImageError, "the image is empty"),
        (np.zeros(9), {}, ImageError, "rows and columns at least"),
        ([[1, 2], [3, 4]], {}, ImageError, "a list is not an image"),
        ("cells.tif", {}, ImageError, "'cells.tif' is a path, not an image; read it first"),
        (Image(np.zeros((9, 9)), "YX"), {}, ImageError, "give its array and its axes"),
        (np.ma.masked_equal(np.zeros((9, 9)), 0), {}, ImageError, "the array is masked"),
        (torch.zeros((9, 9)), {}, ImageError, "a Tensor is not an image"),
    ],
    ids=lambda value: repr(value) if isinstance(value, dict) else "",
)
def test_mistakes_are_told_before_anything_is_computed(image, options, kind, words):
    with pytest.raises(kind, match=words) as caught:
        denoise_steps(image, **{"method": "median", **options})
    assert isinstance(caught.value, DenoiseError)


def test_presets_join_and_changes_win(noisy):
    result = denoise(noisy[:20, :26], "fm2s", preset="wide-field+preview", steps=3, coarse_steps=1, device="cpu")
    assert (result.params.filter_size, result.params.crops, result.params.steps) == (11, 8, 3)
    assert result.preset == "wide-field+preview"


def test_result_tells_how_it_was_made(stack):
    result = denoise(stack, axes="tcyx", seed=5, source={"name": "cells.tif"}, **TRAINED)
    record = result.provenance()
    assert (record["axes"], record["seed"], record["stack"], record["complete"]) == ("TCYX", 5, "shared", True)
    assert record["source"] == {"shape": [3, 2, 24, 31], "dtype": "uint16", "name": "cells.tif", "pixels": of_image(stack, parse("TCYX", stack.shape))}
    assert (record["dtype"], record["nan"], record["tile"], record["processor"], record["continued"]) == ("same", "refuse", 1024, "cpu", False)
    assert record["threads"] == torch.get_num_threads()
    assert record["device"].startswith("CPU")
    assert record["loss"] == result.losses[-1][1]
    assert {"napari-zeroshot", "torch", "numpy", "python"} <= set(record["versions"])


@pytest.mark.parametrize("tile", [0, -5, 2.5, 15, True])
def test_impossible_tiles_are_refused(noisy, tile):
    with pytest.raises(ParamError, match="whole number from 16"):
        denoise(noisy, tile=tile, **TRAINED)


@pytest.mark.parametrize(("shape", "dtype"), [((20, 26), np.uint8), ((1, 20, 26), np.uint16), ((20, 27), np.uint16)])
def test_an_array_that_cannot_hold_the_result_is_refused(noisy, shape, dtype):
    with pytest.raises(ParamError, match=r"the result needs uint16 \(20, 26\)"):
        denoise(noisy[:20, :26].astype(np.uint16), out=np.empty(shape, dtype), **TRAINED)


def test_see_through_samples_are_refused(noisy):
    with pytest.raises(ImageError, match="S holds 4 samples"):
        denoise(np.stack([noisy] * 4, axis=-1), axes="YXS", **TRAINED)


def test_cancelled_long_stacks_are_not_finished_first(stack, monkeypatch):
    monkeypatch.setattr(running, "PATIENCE", 0.0)
    cancelled = []
    result = finish(denoise_steps(stack, axes="TCYX", cancelled=lambda: bool(cancelled), **TRAINED), lambda report: True, lambda: cancelled.append(True))
    assert (result.planes_done, result.complete) == (1, False)


def test_even_neighbourhoods_do_not_move_the_image(noisy):
    for method, option in (("median", "size"), ("wiener", "size")):
        even, odd = (denoise(noisy, method, **{option: size}).image for size in (4, 5))
        np.testing.assert_array_equal(even, odd)
