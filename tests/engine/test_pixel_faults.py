"""Cut-off ends, faulty pixels and stripes are found where they were put, and nowhere else."""

import numpy as np
import pytest
from scipy import ndimage

from napari_zeroshot.engine.pixel_faults import ends, faulty_pixels, stripes


def noise(level=5.0, shape=(128, 160), seed=3):
    return 100 + np.random.default_rng(seed).normal(scale=level, size=shape)


LEVEL_5 = {"stabilised": lambda plane: plane / 5, "deviation": lambda plane: np.full_like(plane, 5)}


def test_ends_are_the_extremes_with_their_shares():
    low, high = ends([np.array([[1.0, 1, 2, 3], [4, 5, 6, 7]])])
    assert (low.level, low.share) == (1, 0.25)
    assert (high.level, high.share) == (7, 0.125)


def test_values_that_pile_up_are_cut_off():
    plane = np.rint(np.clip(noise(20), 70, 130))
    low, high = ends([plane])
    assert low.cut
    assert high.cut
    assert high.share == pytest.approx((plane == 130).mean())


def test_thin_tails_are_not_cut_off():
    assert not any(end.cut for end in ends([np.rint(noise(20))]))


def test_hot_and_dead_pixels_are_where_they_were_put():
    plane = noise()
    plane[20, 30], plane[70, 9] = 180, 10
    assert faulty_pixels([plane], **LEVEL_5) == ([(20, 30)], [(70, 9)])


def test_small_bright_spots_are_not_hot():
    spots = np.zeros((128, 160))
    spots[10::20, 10::20] = 2000
    assert faulty_pixels([noise() + ndimage.gaussian_filter(spots, 1.1)], **LEVEL_5) == ([], [])


def test_what_is_bright_in_one_frame_only_is_not_hot():
    frames = [noise(seed=seed) for seed in range(3)]
    frames[1][5, 5] = 300
    assert faulty_pixels(frames, **LEVEL_5) == ([], [])


@pytest.mark.parametrize("level", [1.0, 4.0])
def test_stripes_have_their_own_deviation(level):
    rows = np.random.default_rng(8).normal(scale=level, size=(128, 1))
    assert stripes([noise() + rows]) == pytest.approx(rows.std(), rel=0.25)
    assert stripes([(noise() + rows).T]) == 0


def test_noise_of_single_pixels_makes_no_stripes():
    assert stripes([noise()]) == 0
    assert stripes([ndimage.gaussian_filter(noise(), 1)]) == 0
