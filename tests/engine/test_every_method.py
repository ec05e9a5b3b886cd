"""The contract that every method fills in."""

import numpy as np
import pytest
import torch

from napari_zeroshot.engine.errors import ImageError
from napari_zeroshot.engine.method import Job
from napari_zeroshot.engine.params import describe
from napari_zeroshot.engine.run import denoise, denoise_steps


def error(image, clean):
    return float(np.sqrt(np.mean((np.asarray(image, float) - clean) ** 2)))


def finish(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_shape_type_and_axes_are_kept(method, noisy, quick):
    image = noisy[:33, :41].astype(np.uint16)[np.newaxis]
    result = denoise(image, method.name, axes="ZYX", device="cpu", **quick(method))
    assert (result.image.shape, result.image.dtype, result.axes, result.complete) == (image.shape, image.dtype, "ZYX", True)


def test_noise_falls(method, noisy, clean):
    result = denoise(noisy, method.name, preset="preview", device="cpu")
    assert error(result.image, clean) < 0.8 * error(noisy, clean)


def test_image_is_not_changed(method, noisy, quick):
    before = noisy.copy()
    denoise(noisy, method.name, device="cpu", **quick(method))
    np.testing.assert_array_equal(noisy, before)


def test_same_seed_gives_the_same_pixels(method, noisy, quick):
    first, again = (denoise(noisy, method.name, seed=7, device="cpu", **quick(method)).image for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_other_seed_gives_other_pixels(trained, noisy, quick):
    first, other = (denoise(noisy, trained.name, seed=seed, device="cpu", dtype="float32", **quick(trained)).image for seed in (1, 2))
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("level", [0, 37, 255])
def test_constant_stays_constant(method, level):
    image = np.full((24, 30), level, np.uint8)
    result = denoise(image, method.name, preset="preview", device="cpu").image.astype(int)
    assert np.abs(result - level).max() <= (8 if method.name == "fm2s" else 1)
    assert np.ptp(result) <= 1


@pytest.mark.parametrize("sides", ["odd", "flat", "smallest"])
def test_odd_and_tiny_images_come_back_whole(method, noisy, quick, sides):
    height, width = {"odd": (17, 23), "flat": (method.smallest, 41), "smallest": (method.smallest, method.smallest)}[sides]
    image = noisy[:height, :width]
    result = denoise(image, method.name, device="cpu", **quick(method))
    assert result.image.shape == image.shape


def test_smaller_than_the_smallest_is_refused(method, noisy):
    with pytest.raises(ImageError, match=f"at least {method.smallest} x {method.smallest}"):
        denoise(noisy[: method.smallest - 1], method.name, device="cpu")


def test_intensity_scale_does_not_matter(method, noisy, quick):
    image = noisy.astype(np.float64)
    plain, scaled = (denoise(values, method.name, device="cpu", **quick(method)).image for values in (image, image * 10 + 100))
    np.testing.assert_allclose(scaled, plain * 10 + 100, rtol=0, atol=0.05)


def test_rgb_samples_are_denoised_together(method, noisy, quick):
    image = np.stack((noisy, noisy // 2, 255 - noisy), axis=-1)[:32, :40]
    result = denoise(image, method.name, axes="YXS", device="cpu", **quick(method))
    assert (result.image.shape, result.planes) == (image.shape, 1)
    assert np.abs(result.image.mean(axis=(0, 1)) - image.mean(axis=(0, 1))).max() < 60


def test_nobodys_random_numbers_are_touched(method, noisy, quick):
    torch_state, numpy_state = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    denoise(noisy, method.name, device="cpu", **quick(method))
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)


def test_every_preset_makes_valid_parameters(method):
    for preset in method.presets:
        assert isinstance(method.settings(preset), method.params)
    assert {"default", "preview", "paper"} <= set(method.presets)


def test_every_knob_says_what_it_does(method):
    for knob in describe(method.params):
        assert knob.help.endswith((".", "?"))
        assert knob.check(knob.default) == knob.default


def test_progress_counts_to_its_total(method, noisy, quick):
    reports = list(denoise_steps(noisy, method.name, device="cpu", **quick(method)))
    steps = [report.step for report in reports]
    assert steps == sorted(steps)
    assert steps[-1] == reports[-1].total
    assert all(report.stage for report in reports)
    assert any(report.loss is not None for report in reports) == method.trains


def test_snapshot_shows_the_image_so_far(method, noisy, quick):
    steps = denoise_steps(noisy, method.name, device="cpu", **quick(method))
    shown = next(steps).snapshot()
    assert (shown.shape, shown.dtype) == (noisy.shape, noisy.dtype)
    *_, last = steps
    assert last.snapshot().shape == noisy.shape


def test_closing_the_generator_leaves_a_working_snapshot(method, noisy, quick):
    steps = denoise_steps(noisy, method.name, device="cpu", **quick(method))
    report = next(steps)
    steps.close()
    assert report.snapshot().shape == noisy.shape


def test_snapshot_of_a_fit_denoises_other_planes(method, noisy, quick):
    planes = (noisy / 255).astype(np.float32)[np.newaxis, np.newaxis]
    changes = dict(quick(method))
    steps = method.fit(planes, method.settings(changes.pop("preset"), changes), Job())
    report = next(steps)
    assert report.snapshot().shape == planes.shape
    assert report.snapshot(planes=planes[..., :16, :20]).shape == (1, 1, 16, 20)


def test_cancelled_before_it_starts_gives_the_noisy_image(method, noisy, quick):
    result = denoise(noisy, method.name, device="cpu", cancelled=lambda: True, **quick(method))
    np.testing.assert_array_equal(result.image, noisy)
    assert (result.complete, result.planes_done) == (False, 0)


def test_cancelled_while_training_gives_the_best_so_far(trained, noisy, quick):
    flag = []
    steps = denoise_steps(noisy, trained.name, device="cpu", cancelled=lambda: bool(flag), **quick(trained))
    next(steps)
    flag.append("stop")
    result = finish(steps)
    assert (result.image.shape, result.image.dtype) == (noisy.shape, noisy.dtype)
    assert not result.complete
    assert not np.array_equal(result.image, noisy)
    assert len(result.losses) == 1
    assert "Cancelled" in result.notes[-1]


def test_provenance_holds_every_parameter(method, noisy, quick):
    record = denoise(noisy, method.name, device="cpu", seed=3, **quick(method)).provenance()
    assert set(record["params"]) == {knob.name for knob in describe(method.params)}
    assert (record["method"], record["seed"], record["preset"]) == (method.name, 3, "preview")
