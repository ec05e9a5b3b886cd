"""What is measured of grey levels is right on images whose answer is known."""

import numpy as np
import pytest

from benchmarks.brightness import border_loss, leftover, line_through_bins, mean_kept
from napari_zeroshot.engine.phantoms import nuclei, tissue

TRUTH = 100 + 50 * nuclei((128, 128)).astype(float)


def test_a_faithful_image_has_slope_1_and_no_offset():
    assert line_through_bins(TRUTH, TRUTH) == pytest.approx((1, 0), abs=1e-9)


def test_noise_in_the_result_changes_neither_slope_nor_offset():
    slope, offset = line_through_bins(TRUTH, TRUTH + np.random.default_rng(0).normal(scale=3, size=TRUTH.shape))
    assert slope == pytest.approx(1, abs=0.02)
    assert offset == pytest.approx(0, abs=0.005)


def test_bright_places_drawn_to_the_dark_have_a_flatter_slope_and_a_haze_an_offset():
    assert line_through_bins(TRUTH, 100 + 0.9 * (TRUTH - 100))[0] == pytest.approx(0.9)
    assert line_through_bins(TRUTH, TRUTH + 5) == pytest.approx((1, 0.1))


def test_a_blur_shrinks_the_result_and_not_what_is_read_from_it():
    from scipy import ndimage

    blurred = ndimage.gaussian_filter(TRUTH, 3)
    assert line_through_bins(TRUTH, blurred)[0] < 0.9
    assert line_through_bins(blurred, TRUTH)[0] > 1


def test_mean_and_leftover_are_shares():
    assert mean_kept(TRUTH, TRUTH * 1.01) == pytest.approx(0.01)
    assert leftover(TRUTH + np.random.default_rng(0).normal(scale=2, size=TRUTH.shape), TRUTH, noise=4) == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize(("times", "loss"), [(1, 0), (2, 3.01), (4, 6.02)])
def test_borders_are_compared_with_the_same_places_elsewhere(times, loss):
    scene = tissue((192, 192)).astype(float)

    def error(light):
        worse = np.full(light.shape, float(times))
        worse[8:-8, 8:-8] = 1
        return light * worse  # some places are worse than others, wherever they lie

    assert border_loss(scene, 128, error) == pytest.approx(loss, abs=0.01)
