"""How much noise an image holds, and whether neighbours share it, told from the image alone."""

import numpy as np
import pytest
from scipy import ndimage

from napari_zeroshot.engine.noise_level import fine_texture, finest_variance, neighbours_share_noise, noise_deviation, noise_spectrum, power_spectrum


def planes(image):
    return np.asarray(image, np.float32)[np.newaxis, np.newaxis]


@pytest.fixture(scope="module")
def smooth():
    """A picture as the optics leave it: nothing finer than some ten pixels."""
    picture = ndimage.gaussian_filter(np.random.default_rng(0).random((160, 170)), 5)
    return (picture - picture.min()) / np.ptp(picture)


def noise(level, blur=0.0):
    values = np.random.default_rng(1).normal(size=(160, 170))
    values = ndimage.gaussian_filter(values, blur) if blur else values
    return values / values.std() * level


@pytest.mark.parametrize("level", [0.01, 0.05, 0.3])
@pytest.mark.parametrize("blur", [0, 1.2], ids=["white", "shared"])
def test_deviation_is_that_of_the_noise(smooth, level, blur):
    measured = noise_deviation(planes(smooth + noise(level, blur)))
    assert measured == pytest.approx(level, rel=0.05 if not blur else 0.25)


def test_deviation_averages_bright_and_dark_places(smooth):
    counts = np.random.default_rng(2).poisson(smooth * 30) / 30
    assert noise_deviation(planes(counts)) == pytest.approx(np.sqrt(smooth.mean() / 30), rel=0.05)


def test_deviation_follows_the_intensity_scale(smooth):
    image = smooth + noise(0.1)
    assert noise_deviation(planes(image * 7 + 3)) == pytest.approx(7 * noise_deviation(planes(image)), rel=1e-3)


@pytest.mark.parametrize("image", [np.full((12, 15), 0.4), np.zeros((4, 4))], ids=["even", "smallest"])
def test_an_even_image_has_no_noise(image):
    assert noise_deviation(planes(image)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("blur", "shared"), [(0, False), (0.3, False), (1, True), (1.5, True)])
def test_shared_noise_is_noticed(smooth, blur, shared):
    assert neighbours_share_noise(planes(smooth + noise(0.1, blur))) == shared


def test_sharp_structure_is_not_taken_for_shared_noise():
    spots, rng = np.zeros((160, 170)), np.random.default_rng(6)
    spots[rng.integers(0, 160, 100), rng.integers(0, 170, 100)] = 1
    lines = np.zeros((160, 170))
    lines[::30], lines[:, ::40] = 1, 1
    for structure in (spots, lines):
        assert not neighbours_share_noise(planes(ndimage.gaussian_filter(structure, 1) + noise(0.002)))


def test_finest_variance_is_that_of_white_noise_whatever_smooth_structure_it_lies_on(smooth):
    assert finest_variance(planes(smooth + noise(0.1))) == pytest.approx(0.01, rel=0.05)


def test_texture_as_fine_as_pixels_is_told_from_noise_stripes_and_what_optics_show(smooth):
    rows, columns = np.mgrid[:160, :170]
    bricks = np.sin(2.3 * columns + 0.5 * rows) * (np.sin(rows / 5) > 0)
    rng = np.random.default_rng(4)
    assert fine_texture(smooth + bricks + noise(0.5))
    assert fine_texture(smooth + bricks.T[:160, :160].repeat(2, axis=1)[:, :170] + noise(0.2))
    assert not fine_texture(smooth + noise(0.05))
    assert not fine_texture(np.random.default_rng(2).poisson(smooth * 10))
    assert not fine_texture(smooth + 0.2 * rng.normal(size=(160, 1)) + noise(0.1))
    assert not fine_texture(np.full((40, 40), 3.0))


def test_white_noise_has_an_even_spectrum_of_its_variance():
    image = planes(noise(0.2))
    power = power_spectrum(image)
    assert power.mean() == pytest.approx(0.04, rel=0.02)
    assert noise_spectrum(image, power) == pytest.approx(np.full_like(power, 0.04), rel=0.05)


def test_spectrum_is_the_mean_over_planes_and_channels():
    image = np.random.default_rng(0).random((2, 3, 8, 9)).astype(np.float32)
    each = [power_spectrum(image[n : n + 1, c : c + 1]) for n in range(2) for c in range(3)]
    np.testing.assert_allclose(power_spectrum(image), np.mean(each, axis=0))


@pytest.mark.parametrize("shape", [(4, 4), (5, 5), (4, 9), (6, 7)], ids=str)
def test_tiny_images_have_a_noise_level_too(shape):
    image = np.random.default_rng(3).random(shape)
    assert 0 < noise_deviation(planes(image)) < 1
