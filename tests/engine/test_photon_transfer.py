"""The photon-transfer line has the gain and the read noise that were simulated, and the blocks are what numpy says."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.fft import dctn

from napari_zeroshot.engine.noise_correlation import correlation_map, flatness, frame_correlation, noise_shape, unevenness, variance_over
from napari_zeroshot.engine.phantoms import cells
from napari_zeroshot.engine.photon_transfer import _line, photon_transfer
from napari_zeroshot.engine.smooth_blocks import coarse, cut, fine, not_coarse

WHITE = {"band": fine, "of_band": 1.0, "of_means": 1.0, "ends": (-np.inf, np.inf)}


def rng():
    return np.random.default_rng(4)


def white(shape=(128, 128), level=1.0):
    return rng().normal(scale=level, size=shape)


def test_blocks_hold_the_power_of_their_cosines():
    plane = white((20, 24))
    blocks = cut(plane, plane, 8)
    row, column = blocks.at[3]
    inside = plane[row : row + 8, column : column + 8]
    np.testing.assert_allclose(blocks.power[3], np.square(dctn(inside, norm="ortho")))
    assert blocks.mean[3] == pytest.approx(inside.mean())
    assert blocks.of(fine)[3] == pytest.approx(blocks.power[3][fine(8)].mean())


def test_coarse_and_not_coarse_details_are_all_but_the_mean():
    together = coarse(8).astype(int) + not_coarse(8)
    assert together[0, 0] == 0
    assert together.sum() == 63
    assert not (fine(8) & ~not_coarse(8)).any()


def test_line_is_that_of_weighted_least_squares():
    means, errors = np.array([1.0, 2, 4, 7, 9]), np.array([0.1, 0.2, 0.2, 0.4, 0.5])
    variances = 3 * means + 2 + errors * np.array([0.5, -0.5, 0.3, 0.1, -0.4])
    slope, _, pivot, height, _ = _line(means, variances, errors)
    expected = np.polyfit(means, variances, 1, w=1 / errors)
    assert slope == pytest.approx(expected[0], rel=0.02)
    assert height - slope * pivot == pytest.approx(expected[1], rel=0.1)


def test_one_bin_far_off_does_not_move_the_line():
    means = np.arange(1.0, 11)
    variances = 2 * means + 5 + 0.1 * (-1) ** np.arange(10)
    spoilt = variances.copy()
    spoilt[7] *= 5
    assert _line(means, spoilt, np.ones(10))[0] == pytest.approx(2, abs=0.15)


@pytest.mark.parametrize(("gain", "read"), [(1.0, 0.0), (2.0, 4.0), (5.0, 10.0)])
def test_ramp_gives_its_gain_and_read_noise(gain, read):
    light = np.tile(np.linspace(5, 200, 256), (256, 1))
    plane = 100 + gain * rng().poisson(light) + rng().normal(scale=read, size=light.shape)
    found = photon_transfer([plane], [plane], raws=[plane], **WHITE)
    assert found.slope == pytest.approx(gain, rel=0.08)
    assert found.slope_is_known
    assert found.variance(100 + 100 * gain) == pytest.approx(gain**2 * 100 + read**2, rel=0.08)


def test_even_image_tells_no_gain():
    plane = 50 + white((256, 256), 3)
    assert not photon_transfer([plane], [plane], raws=[plane], **WHITE).slope_is_known


def test_bins_at_an_end_of_the_range_are_left_out():
    light = np.tile(np.linspace(0, 100, 256), (256, 1))
    plane = np.clip(light + white((256, 256), 10), 0, 80)
    found = photon_transfer([plane], [plane], raws=[plane], **{**WHITE, "ends": (0.0, 80.0)})
    assert not found.used[0]
    assert not found.used[-1]
    assert found.variance(40) == pytest.approx(100, rel=0.1)


def test_white_noise_is_shared_by_no_pixels():
    plane = white((256, 256))
    shape = noise_shape([plane], [plane])
    found = correlation_map(shape)
    assert found[0, 0] == 1
    assert np.abs(found.ravel()[1:]).max() < 0.05
    assert variance_over(shape, fine) == pytest.approx(1, abs=0.05)


def test_correlations_are_those_of_the_noise_along_rows_and_columns():
    plane = white((256, 256))
    plane = plane + np.roll(plane, 1, axis=1)  # beside: 1/2; below: none
    found = correlation_map(noise_shape([plane], [plane]))
    beside = np.corrcoef(plane[:, 1:].ravel(), plane[:, :-1].ravel())[0, 1]
    assert found[0, 1] == pytest.approx(beside, abs=0.08)
    assert found[1, 0] == pytest.approx(0, abs=0.08)
    assert found[0, 2] == pytest.approx(0, abs=0.08)


def test_structure_is_uneven_and_noise_is_not():
    assert unevenness([rng().poisson(20 + 1000 * cells((128, 128))).astype(float)]) > 3
    assert unevenness([white((256, 256))]) < 2
    assert unevenness([ndimage.gaussian_filter(white((256, 256)), 1)]) < 2


def test_blurred_noise_has_hardly_any_finest_details_and_dense_texture_leaves_them_as_they_are():
    noise = white((256, 256))
    assert flatness(noise_shape([noise], [noise])) == pytest.approx(1, abs=0.2)
    shared = ndimage.gaussian_filter(noise, 0.8)
    assert flatness(noise_shape([shared], [shared])) < 0.2
    textured = noise + 3 * ndimage.gaussian_filter(white((256, 256), 1), 1)
    assert correlation_map(noise_shape([textured], [textured]))[0, 1] > 0.2
    assert flatness(noise_shape([textured], [textured])) > 0.3


def test_frames_that_share_half_their_noise_are_found_to():
    noise = np.random.default_rng(1).normal(size=(9, 96, 96))
    picture = 50 * np.random.default_rng(2).random((96, 96))
    assert frame_correlation(picture + noise) == pytest.approx(0, abs=0.05)
    assert frame_correlation(picture + noise[1:] + noise[:-1]) == pytest.approx(0.5, abs=0.05)


def test_two_frames_tell_nothing_of_what_frames_share():
    assert frame_correlation(np.zeros((2, 64, 64))) is None
