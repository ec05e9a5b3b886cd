"""What a denoiser took away: whether it is noise alone, or holds detail of the sample; and how much noise it left.

Buades, Coll and Morel, "A review of image denoising algorithms, with a new one", Multiscale Model. Simul. 4 (2005), call it
the method's noise, to be looked at: structure in it is detail that was removed.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy import fft

from napari_zeroshot.engine.noise_correlation import noise_shape, variance_over
from napari_zeroshot.engine.places import SIDE, Places, details, places
from napari_zeroshot.engine.smooth_blocks import Floats, fine

REACH = 8
"""Autocorrelations are told for pixels up to so many rows and columns apart."""
WHITE_REACH = 3
"""`whiteness` looks so far."""
BANDS = (1, 3, 5, 9, 16)
"""Where the bands of detail begin, by the sum of a cosine's two orders; the last ends where only noise is left."""
SURE = 4.0
"""So many standard errors above the noise, power is taken for structure."""
MOSTLY_NOISE = 1.3
"""Places count as flat while their details are no stronger than so many times the noise."""
MUCH_DETAIL = 0.05
"""Above this share of detail in what was removed, the residual is said to contain structure."""
WIDEST = 1024
"""The middle of a plane, so many pixels wide and high, stands for its autocorrelation."""


def autocorrelation(residual: Floats, reach: int = REACH) -> Floats:
    """The correlation of pixels so many rows and columns apart, shape (2 reach + 1, 2 reach + 1), 1 in its middle.

    Of the middle 1024 x 1024 pixels of a residual of shape (Y, X). NaN if it is constant.
    """
    part = middle(residual)
    part = part - part.mean()
    rows, columns = (min(reach, size - 1) for size in part.shape)
    above, beside = np.arange(-rows, rows + 1), np.arange(-columns, columns + 1)
    room = [fft.next_fast_len(size + apart, real=True) for size, apart in zip(part.shape, (rows, columns), strict=True)]  # so that the ends do not meet
    full = fft.irfft2(np.abs(fft.rfft2(part, room)) ** 2, room)
    pairs = np.outer(part.shape[0] - np.abs(above), part.shape[1] - np.abs(beside))
    seen = np.full((2 * reach + 1, 2 * reach + 1), np.nan)
    covariance = full[np.ix_(above, beside)] / pairs
    power = covariance[rows, columns]
    if np.ptp(part) > 0 and power > 0:
        seen[reach - rows : reach + rows + 1, reach - columns : reach + columns + 1] = covariance / power
    return seen


def middle(plane: Floats, most: int = WIDEST) -> Floats:
    """The middle of a plane, no more than `most` pixels high and wide."""
    starts = [max(0, size - most) // 2 for size in plane.shape]
    return plane[starts[0] : starts[0] + most, starts[1] : starts[1] + most]


def whiteness(residual: Floats) -> float | None:
    """1 if pixels of the residual have nothing in common, less the more they do; None if it is constant.

    One over the sum of squared autocorrelations up to three pixels away.
    """
    correlations = autocorrelation(residual, WHITE_REACH)
    return None if np.isnan(correlations[WHITE_REACH, WHITE_REACH]) else float(1 / np.nansum(correlations**2))


def structure(raw: Floats, residual: Floats) -> float | None:
    """The share of what was removed in structured places that is detail of the sample, 0 to 1; None if it cannot be told.

    How much noise was removed, at each fineness, is read from flat places, and scaled to how much stronger the raw
    image's finest details, which are noise, are in structured ones. Power above that, by four standard errors
    of noise at least, is detail. Noise may be shared by neighbours and grow with brightness. A lower bound, as a method may
    remove less noise where there is structure.

    Parameters
    ----------
    raw, residual
        Shape (Y, X): the noisy plane, and what was taken from it.
    """
    where = places(raw)
    if where is None:
        return None
    noisy, removed = details(raw), details(residual)
    noise, seen = removed[where.flat], removed[where.structured]
    total = float(seen.mean(axis=0).sum() - seen[:, 0, 0].mean())
    if total <= 0:
        return 0.0
    brighter = _strength(noisy[where.structured]) / _strength(noisy[where.flat])
    excess = sum(_excess(_band(seen, *ends), brighter * _band(noise, *ends)) for ends in pairwise(BANDS))
    return float(min(1.0, excess / total))


def _strength(power: Floats) -> float:
    return float(power[:, fine(SIDE)].mean())


def _band(power: Floats, first: int, end: int) -> Floats:
    """The power of a band's cosines in each place, shape (places, cosines)."""
    order = np.add.outer(np.arange(SIDE), np.arange(SIDE))
    return np.asarray(power[:, (order >= first) & (order < end)])


def _excess(removed: Floats, noise: Floats) -> float:
    """By how much more power was removed, summed over the cosines, than noise; 0 if that may be chance."""
    expected = float(noise.mean())
    excess = float(removed.mean()) - expected
    error = expected * np.sqrt(2 / removed.size + 2 / noise.size)  # of the mean of so many squared normal values
    return excess * removed.shape[1] if excess > SURE * error else 0.0


def noise_left(raw: Floats, result: Floats) -> float | None:
    """The deviation of the noise that is left, as a share of the raw image's; None if it cannot be told, as where no place is flat.

    Both are read where the raw image is flat, within squares of 16 x 16 pixels: clouds of noise larger than these
    are not seen, and what little structure there is counts as noise.
    """
    where = places(raw)
    if where is None or not _flat(raw, where):
        return None
    before, after = (_variance(plane, where) for plane in (raw, result))
    return float(np.sqrt(after / before)) if before > 0 else None


def _flat(raw: Floats, where: Places) -> bool:
    """Whether the flat places hold little but noise, of the spectrum that the smoothest blocks of the image have."""
    power = details(raw)[where.flat]
    noise = _strength(power) * variance_over(noise_shape([raw], [raw]), fine)
    power[:, 0, 0] = 0
    return bool(power.mean() < MOSTLY_NOISE * noise)


def _variance(plane: Floats, where: Places) -> float:
    power = details(plane)[where.flat]
    power[:, 0, 0] = 0
    return float(np.median(power.sum(axis=(1, 2))))
