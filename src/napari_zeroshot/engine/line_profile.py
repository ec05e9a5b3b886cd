"""Grey levels along a line through a plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from napari_zeroshot.engine.errors import ImageError
from napari_zeroshot.engine.smooth_blocks import Floats


def line_profile(plane: NDArray[Any], start: Sequence[float], end: Sequence[float]) -> tuple[Floats, Floats]:
    """How far along the line, 0 to 1, and the grey level there: about one for each pixel that the line passes, read between pixels in proportion.

    Parameters
    ----------
    plane
        Shape (S, Y, X); the mean over samples is read.
    start, end
        Row and column, in pixels; 0 is the middle of the first. What lies outside the plane is NaN.

    Raises
    ------
    ImageError
        If the line is shorter than a pixel, or lies outside the plane.
    """
    ends = np.array([start, end], np.float64)
    length = float(np.hypot(*(ends[1] - ends[0])))
    if length < 1:
        raise ImageError("the line is shorter than a pixel; draw a longer one")
    along = np.linspace(0, 1, int(np.ceil(length)) + 1)
    places = ends[0][:, np.newaxis] + along * (ends[1] - ends[0])[:, np.newaxis]
    samples = [map_coordinates(sample, places, np.float64, order=1, mode="constant", cval=np.nan) for sample in plane]
    levels = np.mean(samples, axis=0)
    if not np.isfinite(levels).any():
        raise ImageError("there is nothing to read along the line: it lies outside the image, or on NaN")
    return along, levels
