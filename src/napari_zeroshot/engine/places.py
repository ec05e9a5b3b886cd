"""Where an image is flat and where it holds structure, told from each place's surroundings.

A place that is chosen for how smooth it is itself has less noise than others, by chance. Its neighbours have noise
of their own, so a place that is chosen for them has the noise it would have anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.fft import dctn

from napari_zeroshot.engine.smooth_blocks import Floats, coarse, fine, windows

SIDE = 16
"""Pixels of a place along Y and X."""
SMALLEST = 4 * SIDE
"""Least height and width of an image with enough places, in pixels."""
SHARE = 8
"""One in so many places is taken for flat, and as many for structured."""
FEWEST = 8
"""So many are taken at least, if there are twice as many."""


@dataclass(frozen=True, eq=False)
class Places:
    """Squares of an image, numbered row by row; `flat` and `structured` are the numbers of those."""

    flat: NDArray[np.int64]
    structured: NDArray[np.int64]


def places(plane: Floats) -> Places | None:
    """The flat and the structured places of a noisy plane of shape (Y, X); None if it is too small, or has too little noise to tell.

    They are told by how strong coarse details are beside the finest ones, which are noise, around each place.
    """
    if min(plane.shape) < SMALLEST:
        return None
    power = details(plane)
    strength = power[:, fine(SIDE)].mean(axis=1)
    live = strength > 0
    if live.sum() < 2 * FEWEST:
        return None
    roughness = np.divide(power[:, coarse(SIDE)].mean(axis=1), strength, out=np.zeros_like(strength), where=live)
    grid = tuple(size // SIDE for size in plane.shape)
    around = np.where(live, _around(roughness.reshape(grid), live.reshape(grid)).ravel(), np.nan)
    order = np.argsort(around)[: int(np.isfinite(around).sum())]
    number = max(FEWEST, len(order) // SHARE)
    return Places(order[:number], order[-number:])


def _around(values: Floats, live: NDArray[np.bool_]) -> Floats:
    """The mean of the up to eight neighbours that are live; NaN where there are none."""
    ring = np.ones((3, 3))
    ring[1, 1] = 0
    total, count = (ndimage.convolve(part.astype(np.float64), ring, mode="constant") for part in (values * live, live))
    return np.asarray(np.divide(total, count, out=np.full(values.shape, np.nan), where=count > 0))


def details(plane: Floats) -> Floats:
    """The power of each cosine of every place, shape (places, 16, 16)."""
    return np.asarray(np.square(dctn(windows(plane, SIDE, SIDE), axes=(1, 2), norm="ortho")))
