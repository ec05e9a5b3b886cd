"""Profiles agree with the pixels that the line passes, and with scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import profile_line

from napari_zeroshot.engine.errors import ImageError
from napari_zeroshot.engine.line_profile import line_profile

PLANE = np.random.default_rng(0).uniform(0, 100, (1, 12, 16))


def test_profile_along_a_row_is_the_row() -> None:
    along, levels = line_profile(PLANE, (3, 2), (3, 9))
    assert np.allclose(levels, PLANE[0, 3, 2:10])
    assert np.allclose(along, np.arange(8) / 7)


def test_slanted_profile_is_scikit_images() -> None:
    _, levels = line_profile(PLANE, (1, 1), (10, 13))  # 15 pixels long
    assert np.allclose(levels, profile_line(PLANE[0], (1, 1), (10, 13), linewidth=1, order=1, mode="constant", cval=np.nan), equal_nan=True)


def test_colours_are_averaged() -> None:
    colours = np.concatenate([PLANE, PLANE + 30, PLANE - 30])
    assert np.allclose(line_profile(colours, (0, 0), (5, 5))[1], line_profile(PLANE, (0, 0), (5, 5))[1])


def test_what_lies_outside_is_a_gap() -> None:
    _, levels = line_profile(PLANE, (3, -4), (3, 4))
    assert np.isnan(levels[:4]).all()
    assert np.isfinite(levels[4:]).all()


@pytest.mark.parametrize(
    ("plane", "ends", "said"),
    [
        (PLANE, ((3, 3), (3, 3.5)), "shorter than a pixel"),
        (PLANE, ((50, 50), (60, 60)), "outside the image"),
        (PLANE * np.nan, ((0, 0), (5, 5)), "NaN"),
        (PLANE[:, :, :1], ((1, 0), (1, 0)), "shorter than a pixel"),
    ],
    ids=["short", "outside", "nan", "one pixel"],
)
def test_lines_without_a_profile_are_refused(plane, ends, said) -> None:
    with pytest.raises(ImageError, match=said):
        line_profile(plane, *ends)
