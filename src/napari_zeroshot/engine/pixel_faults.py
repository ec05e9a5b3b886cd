"""What a camera does to single pixels, rows and grey levels: values cut off, hot and dead pixels, stripes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_zeroshot.engine.smooth_blocks import Floats

PILED = 1.5
"""An end is cut off if it holds so many times the pixels of the level beside it."""
LEAST_SHARE = 2e-4
"""A smaller share of the pixels at an end tells nothing."""
FAR_OFF = 4.0
"""Deviations of the noise by which a faulty pixel differs from every one of its neighbours."""
ALONE = 0.3
"""The share of a faulty pixel's excess that its strongest neighbour may have; optics give more."""
SURE = 4.0
"""Standard errors by which stripes must stand out."""


@dataclass(frozen=True)
class End:
    """The lowest or highest grey level of an image, the share of pixels there, and whether values pile up at it."""

    level: float
    share: float
    cut: bool


def ends(planes: Sequence[Floats]) -> tuple[End, End]:
    """The dark and the bright end of the planes' grey levels."""
    levels, counts = np.unique(np.concatenate([plane.ravel() for plane in planes]), return_counts=True)
    return _end(levels, counts), _end(levels[::-1], counts[::-1])


def _end(levels: Floats, counts: NDArray[np.int_]) -> End:
    share = float(counts[0] / counts.sum())
    beside = counts[1] if len(counts) > 1 else 0
    return End(float(levels[0]), share, bool(share > LEAST_SHARE and counts[0] > PILED * beside))


def faulty_pixels(
    planes: Sequence[Floats], *, stabilised: Callable[[Floats], Floats], deviation: Callable[[Floats], Floats]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Rows and columns of the pixels that are far brighter (hot), and far darker (dead), than all around them.

    Parameters
    ----------
    planes
        Of one place; a faulty pixel is so in most of them.
    stabilised
        Turns grey levels into multiples of the noise's deviation, which grows with them.
    deviation
        The noise's deviation at a grey level.
    """
    bright = np.median([_stands_out(stabilised(plane)) for plane in planes], axis=0)
    dark = np.median([_stands_out(_below(plane, deviation)) for plane in planes], axis=0)
    limit = max(FAR_OFF / np.sqrt(len(planes)), FAR_OFF / 2)
    return _places(bright > limit), _places(dark > limit)


def _below(plane: Floats, deviation: Callable[[Floats], Floats]) -> Floats:
    """How far each pixel is below its surroundings, in deviations of the noise there: its own says little of a dark one."""
    ground = ndimage.median_filter(plane, 5, mode="reflect")
    return np.asarray((ground - plane) / np.maximum(deviation(ground), 1e-12))


def _stands_out(plane: Floats) -> Floats:
    """By how much each pixel is above its highest neighbour; 0 where that is raised too."""
    around = np.ones((3, 3), bool)
    around[1, 1] = False
    rise = plane - ndimage.maximum_filter(plane, footprint=around, mode="reflect")
    above = rise > 0  # a ninth of noise: for the others the ground need not be known
    height = plane[above] - _ground(plane, above)
    spread = 1.4  # what the highest of eight neighbours is above the ground by noise alone
    rise[above] *= height - rise[above] - spread < ALONE * height
    return np.asarray(rise)


def _ground(plane: Floats, where: NDArray[np.bool_]) -> Floats:
    """The median of 5 x 5 pixels around some places, shape (places,)."""
    around = np.lib.stride_tricks.sliding_window_view(np.pad(plane, 2, mode="symmetric"), (5, 5))
    return np.asarray(np.median(around[where].reshape(-1, 25), axis=1))


def _places(where: NDArray[np.bool_]) -> list[tuple[int, int]]:
    return [(int(row), int(column)) for row, column in np.argwhere(where)]


def stripes(noises: Sequence[Floats]) -> float:
    """The standard deviation of what whole rows have in common beyond their neighbours, in grey levels; 0 if none is found.

    Noise that differs from pixel to pixel does not count: what the left half of a row has and the right half
    has too is the row's own.
    """
    left, right = (np.concatenate([_rows(half) for half in halves]) for halves in zip(*(np.array_split(noise, 2, axis=1) for noise in noises), strict=True))
    usual = (np.abs(left) < 6 * np.median(np.abs(left)) + 1e-12) & (np.abs(right) < 6 * np.median(np.abs(right)) + 1e-12)
    both = left[usual] * right[usual]
    if both.size < 8 or both.mean() < SURE * both.std() / np.sqrt(both.size):
        return 0.0
    return float(np.sqrt(both.mean() / 1.5))  # a row against the mean of two others has 1.5 times its own variance


def _rows(plane: Floats) -> Floats:
    from scipy.stats import trim_mean  # which loads much that opening a dock is not to wait for

    return np.asarray(trim_mean(plane[1:-1] - (plane[:-2] + plane[2:]) / 2, 0.1, axis=1))
