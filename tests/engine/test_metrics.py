"""Scores agree with their formulas and with scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import metrics as skimage

from napari_zeroshot.engine.axes import parse
from napari_zeroshot.engine.errors import ImageError
from napari_zeroshot.engine.metrics import affine_psnr, psnr, ssim, whole_range

RNG = np.random.default_rng(2)
TRUTH = RNG.uniform(0, 200, (40, 33))
IMAGE = TRUTH + RNG.normal(0, 12, TRUTH.shape)


def test_psnr_by_hand() -> None:
    assert psnr([[0, 0], [0, 0]], [[1, 1], [1, 3]], 10) == pytest.approx(10 * np.log10(100 / 3))


def test_whole_numbers_do_not_wrap_around() -> None:
    assert psnr(np.array([[0]], np.uint8), np.array([[255]], np.uint8)) == 0


def test_scores_are_scikit_images() -> None:
    assert psnr(TRUTH, IMAGE, 255) == pytest.approx(skimage.peak_signal_noise_ratio(TRUTH, IMAGE, data_range=255))
    assert ssim(TRUTH, IMAGE, 255) == pytest.approx(skimage.structural_similarity(TRUTH, IMAGE, data_range=255))


def test_identical_images_are_perfect() -> None:
    assert (psnr(TRUTH, TRUTH), affine_psnr(TRUTH, TRUTH), ssim(TRUTH, TRUTH)) == (np.inf, np.inf, pytest.approx(1))


@pytest.mark.parametrize(("dtype", "data_range"), [(np.uint8, 255), (np.uint16, 180), (np.float32, 180)])
def test_left_out_data_range_is_255_for_8_bits_else_the_truths(dtype: type, data_range: float) -> None:
    truth = np.array([[20, 200], [50, 60]], dtype)
    assert psnr(truth, truth + 1) == pytest.approx(20 * np.log10(data_range))
    assert whole_range(truth, parse("YX", truth.shape)) == data_range


def test_affine_psnr_forgives_gain_and_offset_and_nothing_else() -> None:
    gain, offset = np.polyfit(IMAGE.ravel(), TRUTH.ravel(), 1)
    assert affine_psnr(TRUTH, IMAGE, 255) == pytest.approx(psnr(TRUTH, gain * IMAGE + offset, 255))
    assert affine_psnr(TRUTH, 0.1 * IMAGE + 90, 255) == pytest.approx(affine_psnr(TRUTH, IMAGE, 255))
    assert affine_psnr(TRUTH, np.full(TRUTH.shape, 7.0), 255) == pytest.approx(psnr(TRUTH, np.full(TRUTH.shape, TRUTH.mean()), 255))


@pytest.mark.parametrize("score", [psnr, ssim, affine_psnr])
def test_images_of_different_shape_are_refused(score) -> None:
    with pytest.raises(ImageError, match="same shape"):
        score(TRUTH, IMAGE[1:])


def test_tiny_images_have_a_ssim_down_to_3_pixels() -> None:
    assert 0 < ssim(TRUTH[:4, :9], IMAGE[:4, :9], 255) < 1
    with pytest.raises(ImageError, match="at least 3 pixels"):
        ssim(TRUTH[:2], IMAGE[:2], 255)
