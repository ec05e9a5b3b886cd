"""Grey levels: every type in, the same type out; gaps refused or given back."""

import numpy as np
import pytest

from napari_zeroshot.engine.errors import ImageError
from napari_zeroshot.engine.intensity import Scale, check_type, fill_gaps, measure

WHOLE = ["u1", "i1", "<u2", ">u2", "<i2", ">i2", "<u4", ">i4", "<i8", "u8"]
REAL = ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"]


def picture(dtype):
    """A ramp over most of what a 12-bit camera gives, or of what the type can hold; negative where it can be."""
    kind = np.dtype(dtype)
    low, high = (0, 4000) if kind.kind == "u" else (-900, 4000)
    if kind.itemsize == 1:
        low, high = (0, 250) if kind.kind == "u" else (-100, 100)
    return np.linspace(low, high, 20 * 24).reshape(1, 20, 24).astype(kind)


@pytest.mark.parametrize("dtype", WHOLE)
def test_whole_numbers_come_back_exactly(dtype):
    image = picture(dtype)
    scale = measure([image], image.dtype)
    again = scale.restore(scale.normalise(image), image.dtype)
    np.testing.assert_array_equal(again, image)
    assert again.dtype == image.dtype


@pytest.mark.parametrize("shape", [(600, 700), (3, 2, 400, 500), (700, 600, 3)], ids=str)
def test_arrays_of_any_layout_come_back(shape):
    image = np.random.default_rng(0).integers(100, 4000, shape).astype(np.uint16)
    scale = Scale(100.0, 4000.0)
    np.testing.assert_array_equal(scale.restore(scale.normalise(image), image.dtype), image)


@pytest.mark.parametrize("dtype", REAL)
def test_real_numbers_come_back_to_rounding(dtype):
    image = picture(dtype)
    scale = measure([image], image.dtype)
    again = scale.restore(scale.normalise(image), image.dtype)
    np.testing.assert_allclose(again.astype(float), image.astype(float), rtol=1e-3 if image.itemsize == 2 else 1e-5, atol=1e-3)
    assert again.dtype == image.dtype


@pytest.mark.parametrize("dtype", WHOLE + REAL)
def test_methods_see_small_float32(dtype):
    image = picture(dtype)
    seen = measure([image], image.dtype).normalise(image)
    assert seen.dtype == np.float32
    assert -0.01 < seen.min() < 0.1
    assert 0.9 < seen.max() < 1.01


def test_eight_bits_are_taken_as_in_the_papers():
    assert measure([np.full((1, 8, 8), 40, np.uint8)], np.dtype(np.uint8)) == Scale(0.0, 255.0)


def test_hot_and_dead_pixels_do_not_set_the_scale():
    image = np.linspace(100, 200, 400).reshape(1, 20, 20).astype(np.uint16)
    image[0, 5, 5], image[0, 9, 9] = 65535, 0
    scale = measure([image], image.dtype)
    assert 99 <= scale.low <= 105
    assert 195 <= scale.high <= 201
    assert scale.normalise(image).max() > 100


def test_planes_of_one_network_share_a_scale():
    dim, bright = np.full((1, 8, 8), 10.0), np.full((1, 8, 8), 90.0)
    assert measure([dim, bright], dim.dtype) == Scale(10.0, 90.0)


def test_a_constant_image_has_a_scale_too():
    scale = measure([np.full((1, 8, 8), 500, np.uint16)], np.dtype(np.uint16))
    assert scale.restore(scale.normalise(np.full((1, 2, 2), 500, np.uint16)), np.dtype(np.uint16)).tolist() == [[[500, 500], [500, 500]]]


@pytest.mark.parametrize(
    ("level", "dtype", "kept"),
    [(1.5, "u1", 255), (-0.5, "u1", 0), (0.5, "u1", 128), (2.0, "f4", 510.0), (-1.0, "f4", -255.0), (1e38, "f2", 65504.0)],
    ids=["above", "below", "rounded", "floats keep more", "floats keep less", "float16 ends"],
)
def test_going_back_rounds_and_clips_whole_numbers_only(level, dtype, kept):
    assert Scale(0.0, 255.0).restore(np.full((1, 1, 1), level, np.float32), np.dtype(dtype))[0, 0, 0] == kept


@pytest.mark.parametrize(
    ("dtype", "words"), [("bool", "a mask with nothing between"), ("c8", "whole numbers and float16"), ("U3", "can be denoised"), ("O", "can be denoised")]
)
def test_what_is_no_grey_image_is_refused_with_a_reason(dtype, words):
    with pytest.raises(ImageError, match=words):
        check_type(np.dtype(dtype))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_gaps_are_refused_with_their_number_and_the_first_place(value):
    image = np.ones((1, 6, 7))
    image[0, 2, 5] = image[0, 4, 1] = value
    with pytest.raises(ImageError, match="2 of 42 values of plane T=3 are NaN or infinite, the first at row 2, column 5"):
        fill_gaps(image, " of plane T=3", allowed=False)


def test_filling_takes_the_nearest_number_and_says_where():
    image = np.arange(12.0).reshape(1, 3, 4)
    image[0, 0, 0] = np.nan
    filled, gaps = fill_gaps(image, "", allowed=True)
    assert filled[0, 0, 0] in (1.0, 4.0)
    assert np.argwhere(gaps).tolist() == [[0, 0, 0]]
    assert np.isnan(image[0, 0, 0])


def test_nothing_but_gaps_is_refused():
    with pytest.raises(ImageError, match="nothing to denoise"):
        fill_gaps(np.full((1, 3, 3), np.nan), "", allowed=True)


@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_an_image_without_gaps_is_passed_on(dtype):
    image = picture(dtype)
    same, gaps = fill_gaps(image, "", allowed=False)
    assert same is image
    assert gaps is None


@pytest.mark.parametrize("kind", ["uint64", "int64"])
def test_saturated_64_bit_values_do_not_wrap(kind):
    top = np.iinfo(kind).max
    restored = Scale(0.0, float(top)).restore(np.ones((1, 2, 2), np.float32), np.dtype(kind))
    assert (restored > 0.999 * top).all()


def test_scale_of_sparse_photons_reaches_to_the_photons():
    photons = 500.0 * (np.random.default_rng(0).random((1, 64, 64)) < 0.06)
    assert 250 < measure([photons], np.dtype(float)).high < 1000
