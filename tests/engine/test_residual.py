"""What was taken away, and what was left, is told as numpy tells it by hand, and as the truth knows it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_zeroshot.engine.phantoms import nuclei
from napari_zeroshot.engine.places import SIDE, places
from napari_zeroshot.engine.residual import REACH, autocorrelation, noise_left, structure, whiteness

RNG = np.random.default_rng(4)
CLEAN = 100 + 900 * nuclei((192, 192)).astype(float)
PHOTONS = RNG.poisson(CLEAN / 10) * 10.0


def shared(noise: np.ndarray) -> np.ndarray:
    """The same noise, a share of it in common with the neighbours."""
    blurred = ndimage.gaussian_filter(noise, 0.8, mode="wrap")
    return blurred * noise.std() / blurred.std()


def test_autocorrelation_by_hand() -> None:
    residual = RNG.normal(0, 1, (12, 15))
    seen, centred = autocorrelation(residual, 2), residual - residual.mean()
    power = (centred**2).mean()
    assert seen[2, 2] == pytest.approx(1)
    assert seen[2, 4] == pytest.approx((centred[:, :-2] * centred[:, 2:]).mean() / power)
    assert seen[3, 1] == pytest.approx((centred[1:, :-1] * centred[:-1, 1:]).mean() / power)
    assert np.allclose(seen, seen[::-1, ::-1])


def test_autocorrelation_reaches_no_further_than_the_image() -> None:
    seen = autocorrelation(RNG.normal(0, 1, (1, 40)))
    assert seen.shape == (2 * REACH + 1, 2 * REACH + 1)
    assert np.isfinite(seen[REACH]).all()
    assert np.isnan(np.delete(seen, REACH, axis=0)).all()


def test_independent_noise_is_white_and_shared_noise_is_not() -> None:
    noise = RNG.normal(0, 5, (200, 180))
    assert whiteness(noise) == pytest.approx(1, abs=0.01)
    assert whiteness(shared(noise)) < 0.4
    assert whiteness(np.full((30, 30), 3.0)) is None


def test_whiteness_by_hand() -> None:
    residual = RNG.normal(0, 1, (40, 40))
    assert whiteness(residual) == pytest.approx(1 / (autocorrelation(residual, 3) ** 2).sum())


@pytest.mark.parametrize("noisy", [PHOTONS, CLEAN + shared(RNG.normal(0, 80, CLEAN.shape)), PHOTONS - 5000], ids=["photons", "shared", "negative"])
def test_noise_alone_has_no_structure_and_removed_detail_has(noisy) -> None:
    assert structure(noisy, noisy - CLEAN) == 0
    assert structure(noisy, noisy - ndimage.gaussian_filter(CLEAN, 4)) > 0.1


def test_more_blur_removes_more_detail_and_leaves_less_noise() -> None:
    blurred = [ndimage.gaussian_filter(PHOTONS, sigma) for sigma in (1, 2, 4)]
    removed, left = ([figure(PHOTONS, image) for image in images] for figure, images in ((structure, [PHOTONS - b for b in blurred]), (noise_left, blurred)))
    assert removed == sorted(removed)
    assert left == sorted(left, reverse=True)


def test_nothing_removed_is_no_structure_and_all_the_noise_left() -> None:
    assert structure(PHOTONS, np.zeros_like(PHOTONS)) == 0
    assert noise_left(PHOTONS, PHOTONS) == 1


@pytest.mark.parametrize("sigma", [0.7, 1.5])
def test_noise_left_by_a_blur_is_what_the_kernel_says(sigma) -> None:
    noise = RNG.normal(0, 10, (256, 256))
    kernel = ndimage.gaussian_filter(np.pad([[1.0]], 20), sigma)
    assert noise_left(noise, ndimage.gaussian_filter(noise, sigma)) == pytest.approx(np.sqrt((kernel**2).sum()), rel=0.12)


def test_flat_places_are_where_nothing_is() -> None:
    noisy = RNG.normal(50, 3, (128, 128))
    noisy[:, 64:] += 200 * RNG.normal(0, 1, (128, 64)).cumsum(axis=0) / 10
    found = places(noisy)
    columns = 128 // SIDE
    assert (found.flat % columns < columns // 2).all()
    assert (found.structured % columns >= columns // 2).all()


def test_noise_left_is_not_told_where_nothing_is_flat() -> None:
    texture = ndimage.gaussian_filter(RNG.normal(0, 1, (192, 192)), 3) * 1000
    assert noise_left(texture + RNG.normal(0, 3, texture.shape), texture) is None


@pytest.mark.parametrize("plane", [np.zeros((48, 200)), np.full((96, 96), 7.0)], ids=["small", "even"])
def test_what_cannot_be_told_is_none(plane) -> None:
    assert places(plane) is None
    assert structure(plane, plane) is None
    assert noise_left(plane, plane) is None
