"""The expected error against the true one, on pictures whose truth is known."""

import numpy as np
import pytest
from scipy import ndimage

from napari_zeroshot import denoise
from napari_zeroshot.engine.expected_error import error_meter
from napari_zeroshot.engine.noise_diagnosis import diagnose
from napari_zeroshot.engine.phantoms import cells
from napari_zeroshot.engine.synthetic import Camera

CAMERA = Camera(photons=30.0)


@pytest.fixture(scope="module")
def light():
    return cells((128, 128), 3)


@pytest.fixture(scope="module")
def taken(light):
    return CAMERA.taken(light, np.random.default_rng(1)), CAMERA.levels(light)


def errors(noisy, truth, method, **params):
    """The expected and the true root mean square error."""
    result = denoise(noisy, method, dtype="float32", **params)
    meter = error_meter(noisy[np.newaxis], result.levels, diagnose(noisy))
    return meter.error(result.denoiser), float(np.sqrt(np.square(result.image - truth).mean()))


@pytest.mark.parametrize("sigma", [0.4, 0.8, 1.3, 2.2, 4.0])
def test_error_of_a_blur_is_told_without_the_truth(taken, sigma):
    expected, true = errors(*taken, "gaussian", sigma=sigma)
    assert expected == pytest.approx(true, rel=0.2)


@pytest.mark.parametrize(
    ("filter_name", "name", "values"), [("gaussian", "sigma", (0.4, 0.8, 1.3, 2.2, 4)), ("median", "size", (1, 3, 5, 9)), ("nlm", "strength", (0.3, 0.8, 2, 6))]
)
def test_least_expected_error_is_nearly_the_best_setting(taken, filter_name, name, values):
    both = [errors(*taken, filter_name, **{name: value}) for value in values]
    chosen, best = min(both)[1], min(true for _, true in both)
    assert chosen < 1.1 * best


def test_noise_that_is_left_alone_costs_its_full_strength(taken):
    expected, _ = errors(*taken, "median", size=1)
    assert expected == pytest.approx(diagnose(taken[0]).noise, rel=0.1)


def test_shared_noise_is_why_the_report_is_asked_first(light):
    """Were it not, noise would pass for structure: what the docs say of it."""
    shared = ndimage.gaussian_filter(np.random.default_rng(2).normal(size=light.shape), 0.8)
    truth = 60 + 160 * light
    noisy = truth + 25 * shared / shared.std()
    assert diagnose(noisy).neighbours_share
    expected, true = errors(noisy, truth, "gaussian", sigma=0.8)
    assert expected < 0.5 * true
