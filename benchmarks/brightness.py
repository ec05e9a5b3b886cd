"""Whether grey levels mean after denoising what they meant before: bins of brightness, borders, empty images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 16
"""Steps of brightness, equally wide from the darkest to the brightest pixel."""
FEWEST = 60
"""Pixels that a step must hold to count."""
FRAME = 8
"""Pixels from the edge that are border."""
INSIDE = 32
"""Pixels from the edge from which on the edge is far away."""


def line_through_bins(across: Any, up: Any) -> tuple[float, float]:
    """Slope and offset of the straight line through the means of `up` over bins of `across`, in which every bin counts alike.

    The offset is that of the line from the diagonal at the darkest bin, as a share of the range of `across`.
    """
    x, y = (np.asarray(values, np.float64).ravel() for values in (across, up))
    places = np.clip(((x - x.min()) / (np.ptp(x) or 1.0) * BINS).astype(int), 0, BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    full = counts >= FEWEST
    means = [np.bincount(places, values, BINS)[full] / counts[full] for values in (x, y)]
    slope, at_zero = np.polyfit(*means, 1)
    darkest = means[0].min()
    return float(slope), float((at_zero + slope * darkest - darkest) / np.ptp(x))


def mean_kept(noisy: Any, image: Any, dark: float = 0.0) -> float:
    """By what share the mean above `dark` of an image has changed."""
    before, after = (float(np.mean(values, dtype=np.float64)) - dark for values in (noisy, image))
    return after / before - 1


def leftover(image: Any, truth: Any, noise: float) -> float:
    """The standard deviation of an image that should be even, in deviations of the noise."""
    return float(np.std(np.asarray(image, np.float64) - truth)) / noise


def crops(light: Floats, side: int) -> list[tuple[slice, slice]]:
    """Four overlapping squares, which have in their middle what is at the border of others."""
    ends = [(0, side), (light.shape[0] - side, light.shape[0])]
    return [(slice(*rows), slice(*columns)) for rows in ends for columns in ends]


def border_loss(light: Floats, side: int, error: Callable[[Floats], Floats]) -> float:
    """By how many dB the squared error at borders is above that of the very same places when they are far from any border.

    Parameters
    ----------
    error
        Gives the squared error at each pixel of a square of the scene; called for four of them.
    """
    edges = np.minimum.outer(*[np.minimum(np.arange(side), np.arange(side)[::-1])] * 2)
    sums = np.zeros((2, 2, *light.shape))
    for square in crops(light, side):
        squared = error(light[square])
        for place, where in enumerate((edges < FRAME, edges >= INSIDE)):
            sums[place, 0][square] += where * squared
            sums[place, 1][square] += where
    both = (sums[:, 1] > 0).all(axis=0)
    border, inside = ((total / np.maximum(count, 1))[both].mean() for total, count in sums)
    return float(10 * np.log10(border / inside))
