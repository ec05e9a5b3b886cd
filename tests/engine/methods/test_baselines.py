"""The filters that every comparison needs."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from napari_zeroshot.engine.blur import best_sigma
from napari_zeroshot.engine.errors import MissingPackageError
from napari_zeroshot.engine.methods.nlm import non_local_means
from napari_zeroshot.engine.methods.wiener import wiener
from napari_zeroshot.engine.run import denoise, denoise_steps

SIGMAS = np.geomspace(0.3, 8, 80)


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """A larger scene of blurred spots, 0 to 1, shape (128, 140): enough pixels to measure noise in."""
    spots = np.zeros((128, 140))
    rng = np.random.default_rng(3)
    spots[rng.integers(0, 128, 150), rng.integers(0, 140, 150)] = rng.random(150)
    blurred = ndimage.gaussian_filter(spots, 3)
    return 0.1 + 0.7 * blurred / blurred.max()


def white(scene, level):
    return np.random.default_rng(5).normal(scale=level, size=scene.shape)


def photons(scene, count):
    return np.random.default_rng(5).poisson(scene * count) / count - scene


def shared(scene, level):
    noise = ndimage.gaussian_filter(white(scene, 1), 1.2)
    return noise / noise.std() * level


def error(image, scene):
    return float(np.sqrt(np.mean((image - scene) ** 2)))


@pytest.mark.parametrize(
    ("make", "amount", "loss"),
    [(white, 0.02, 1.1), (white, 0.05, 1.1), (white, 0.2, 1.1), (photons, 20, 1.1), (photons, 3, 1.1), (shared, 0.05, 1.25), (shared, 0.1, 1.25)],
    ids=["little", "moderate", "strong", "photons", "few photons", "shared", "more shared"],
)
def test_gaussian_comes_close_to_the_best_width_without_knowing_the_truth(scene, make, amount, loss):
    noisy = scene + make(scene, amount)
    sigma = best_sigma(noisy[np.newaxis, np.newaxis].astype(np.float32))
    best = min(error(ndimage.gaussian_filter(noisy, width), scene) for width in SIGMAS)
    assert error(ndimage.gaussian_filter(noisy, sigma), scene) < loss * best
    assert best < error(noisy, scene)


def test_gaussian_is_wider_where_there_is_more_noise(scene):
    widths = [best_sigma((scene + white(scene, level))[np.newaxis, np.newaxis].astype(np.float32)) for level in (0.01, 0.05, 0.2)]
    assert widths == sorted(widths)
    assert widths[0] < widths[2]


def test_gaussian_tells_the_width_it_chose(noisy):
    report = next(denoise_steps(noisy, "gaussian"))
    planes = (noisy / 255).astype(np.float32)[np.newaxis, np.newaxis]
    assert report.stage == f"Gaussian, sigma {best_sigma(planes):.2g} px"


def test_gaussian_takes_the_width_it_is_given(noisy):
    expected = ndimage.gaussian_filter((noisy / 255).astype(np.float32), 2.5) * 255
    np.testing.assert_allclose(denoise(noisy, "gaussian", sigma=2.5, dtype="float32").image, expected, atol=1e-3)


def test_median_by_hand():
    image = np.array([[1, 2, 3, 4], [5, 90, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16]], np.uint8)
    assert denoise(image, "median").image[1, 1:3].tolist() == [7, 8]  # of 1 2 3 5 7 9 10 11 90, and of 2 3 4 7 8 10 11 12 90


def test_wiener_evens_out_flat_places_and_leaves_busy_ones():
    image = np.zeros((1, 40, 40), np.float32)
    image[0, :, :20] = np.random.default_rng(0).normal(scale=0.01, size=(40, 20))
    image[0, 8:32:2, 24:36] = 1
    clean = wiener(image, 5)
    assert clean[0, :, :18].std() < 0.3 * image[0, :, :18].std()
    assert np.abs(clean - image)[0, 12:28, 27:33].max() < 0.5


def test_wiener_is_scipys_away_from_the_edges(noisy):
    from scipy.signal import wiener as reference

    image = noisy.astype(float)
    variances = ndimage.uniform_filter(image**2, 5) - ndimage.uniform_filter(image, 5) ** 2
    expected = reference(image, 5, noise=variances.mean())
    np.testing.assert_allclose(wiener(image[np.newaxis].astype(np.float32), 5)[0, 3:-3, 3:-3], expected[3:-3, 3:-3], rtol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_non_local_means_keeps_channels_apart_from_rows(channels):
    plane = np.random.default_rng(0).random((channels, 12, 17)).astype(np.float32) * 0.1
    plane[0] += np.linspace(0, 1, 17)
    clean = non_local_means(plane, sigma=0.03, strength=1.0, patch=3, reach=4)
    assert clean.shape == plane.shape
    assert np.abs(clean - plane).max() < 0.15


def test_bm3d_says_how_to_get_it_and_on_what_terms(noisy, monkeypatch):
    monkeypatch.setitem(sys.modules, "bm3d", None)
    with pytest.raises(MissingPackageError, match=r'non-commercial use only.*pip install "napari-zeroshot\[bm3d\]"'):
        denoise(noisy, "bm3d")


def test_bm3d_is_given_each_sample_and_the_noise_in_the_image(scene, monkeypatch):
    calls = []
    fake = SimpleNamespace(bm3d=lambda image, sigma: calls.append((image.shape, sigma)) or image)
    monkeypatch.setitem(sys.modules, "bm3d", fake)
    noisy = np.stack([255 * (scene + white(scene, 0.1))] * 3, axis=-1).clip(0, 255).astype(np.uint8)
    result = denoise(noisy, "bm3d", axes="YXS", strength=2.0)
    np.testing.assert_array_equal(result.image, noisy)
    assert [shape for shape, _ in calls] == [scene.shape] * 3
    assert calls[0][1] == pytest.approx(0.2, rel=0.1)
