"""How fine the detail is that an image shows above its noise, and how fine the detail that a denoiser kept.

Fourier ring correlation of halves of one image: Koho et al., "Fourier ring correlation simplifies image restoration in
fluorescence microscopy", Nat. Commun. 10 (2019). Here the halves are the means of the two diagonals of every 2 x 2 pixels, as in
ZS-N2N, which lie in the same place and so need no correction for a shift.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.residual import middle
from napari_zeroshot.engine.smooth_blocks import Floats

MOST_RINGS = 32
"""From no detail to the finest that the halves can show; fewer in small images, where so many would hold no wave."""
SMALLEST = 32
"""Least height and width, in pixels."""
HALF = 0.5
"""Where the correlation falls to this, detail is as strong as the noise."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A value for each ring, from coarse to fine; `fineness` in cycles per pixel."""

    fineness: Floats
    values: Floats

    def crossing(self) -> float | None:
        """The fineness at which the curve, smoothed over three rings, first falls to a half; its last if it never does, None if it begins below."""
        padded = np.pad(self.values, 1, mode="edge")
        smooth = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
        below = np.flatnonzero(smooth < HALF)
        if not below.size:
            return float(self.fineness[-1])
        first = int(below[0])
        if first == 0:
            return None
        before, after = smooth[first - 1], smooth[first]
        return float(self.fineness[first - 1] + (before - HALF) / (before - after) * (self.fineness[first] - self.fineness[first - 1]))


def checkerboard_halves(plane: Floats) -> tuple[Floats, Floats]:
    """The means of the two diagonals of every 2 x 2 pixels, shape (Y // 2, X // 2): the same picture, with noise of their own."""
    height, width = (size // 2 * 2 for size in plane.shape)
    even = plane[:height, :width]
    return (even[::2, ::2] + even[1::2, 1::2]) / 2, (even[::2, 1::2] + even[1::2, ::2]) / 2


def ring_correlation(one: Floats, other: Floats, rings: int | None = None) -> Curve:
    """The correlation of the waves of two planes of one shape, ring by ring, up to half a cycle a pixel."""
    rings = rings or _enough(one.shape)
    first, second = (_waves(plane) for plane in (one, other))
    ring, fineness = _rings(one.shape, rings)
    shared, *own = (_summed(values, ring, rings) for values in ((first * second.conj()).real, np.abs(first) ** 2, np.abs(second) ** 2))
    scale = np.sqrt(own[0] * own[1])
    return Curve(fineness, np.divide(shared, scale, out=np.zeros(rings), where=scale > 0))


def detail(plane: Floats) -> float | None:
    """The fineness, in cycles a pixel, down to which an image holds more detail than noise; 0.25 at most, None if nowhere.

    Each pixel must have noise of its own: halves that share noise would correlate by it.
    """
    halves = ring_correlation(*checkerboard_halves(middle(plane)))
    # each half has half the light: Spearman and Brown's formula gives the correlation of two whole images
    whole = 2 * halves.values / (1 + np.maximum(halves.values, 0))
    return Curve(halves.fineness / 2, whole).crossing()


def kept(raw: Floats, result: Floats) -> Curve:
    """The share of the raw image's waves that is in the result, ring by ring: of a linear filter, its transfer function."""
    before, after = (_waves(middle(plane)) for plane in (raw, result))
    rings = 2 * _enough(tuple(size // 2 for size in before.shape))
    ring, fineness = _rings(before.shape, rings)
    shared, own = (_summed(values, ring, rings) for values in ((after * before.conj()).real, np.abs(before) ** 2))
    return Curve(fineness, np.divide(shared, own, out=np.zeros(rings), where=own > 0))


def sharpness(raw: Floats, result: Floats) -> float | None:
    """How fine the detail is that the result keeps at least half of, against the finest that stands out of the raw image's noise.

    1 is what the best linear filter would keep; less means blurred, more means that detail finer than the
    noise allows to tell was kept, noise with it. None if no detail stands out of the noise. The result's own halves are not compared:
    denoising makes neighbours share what noise is left, so that they would correlate however blurred they are.
    """
    finest = detail(raw)
    held = kept(raw, result).crossing()
    return None if finest is None else (held or 0.0) / finest


def _enough(shape: tuple[int, ...]) -> int:
    return min(MOST_RINGS, min(shape) // 2)


def _waves(plane: Floats) -> NDArray[np.complex128]:
    """The Fourier transform, with edges faded out that would look like detail."""
    fade = np.outer(*(np.hanning(size + 2)[1:-1] for size in plane.shape))
    return np.asarray(np.fft.fft2((plane - plane.mean()) * fade))


def _rings(shape: tuple[int, ...], rings: int) -> tuple[NDArray[np.int64], Floats]:
    """The ring of each wave, and the fineness at the middle of each ring; waves finer than half a cycle a pixel have the number `rings`."""
    fineness = np.hypot(*np.meshgrid(*(np.fft.fftfreq(size) for size in shape), indexing="ij"))
    number = np.minimum((fineness * 2 * rings).astype(np.int64), rings)
    number[0, 0] = rings  # the mean is no detail
    return number, (np.arange(rings) + 0.5) / (2 * rings)


def _summed(values: Floats, ring: NDArray[np.int64], rings: int) -> Floats:
    return np.asarray(np.bincount(ring.ravel(), values.ravel(), minlength=rings + 1)[:rings])
