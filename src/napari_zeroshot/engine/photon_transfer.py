"""The photon-transfer curve: how the noise's variance grows with brightness, var = gain · (mean - offset) + read noise².

Photons come at random, so that light of N photons has a variance of N; a camera turns them into grey levels
(`gain`), puts them on an `offset` and adds a read noise that does not depend on the light. The line's slope
is the gain. Its height at the offset is the read noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.smooth_blocks import MOST, Band, Floats, coarse, cut, windows

SIDE = 8
"""Pixels of a block: small, so that its brightness is nearly even."""
BINS = 24
"""Intensities told apart, at most."""
FEWEST = 30
"""Blocks of a bin, at least."""
SMOOTHEST = 0.3
"""The share of a bin's blocks, those with the least coarse detail, that is measured."""
MOST_CUT = 0.02
"""Bins in which more of the pixels are at an end of the range are left out of the line."""
FEWEST_BINS = 4
"""With fewer bins than that, those at an end are used too."""
RELIABLE = 0.6
"""With less than this share of real differences in brightness, the slope is not told."""
TUKEY = 4.0
"""Bins further from the line than so many standard errors do not count at all."""


@dataclass(frozen=True)
class PhotonTransfer:
    """Variance against mean, and the line through it.

    Parameters
    ----------
    means, variances, errors
        Of each bin: mean grey level, variance of the noise, and its standard error.
    used
        Which bins the line goes through; the others are cut off at an end of the range.
    slope, slope_error
        The line's slope, the gain in grey levels per photon, and its standard error.
    pivot, height, height_error
        The line's height at `pivot`, where slope and height err independently.
    reliability
        The share of the differences in brightness that is not noise itself; little in an even image,
        which shows one brightness only.
    """

    means: tuple[float, ...]
    variances: tuple[float, ...]
    errors: tuple[float, ...]
    used: tuple[bool, ...]
    slope: float
    slope_error: float
    pivot: float
    height: float
    height_error: float
    reliability: float

    def variance(self, mean: float) -> float:
        """The line's variance at a mean grey level; never below 0."""
        return max(0.0, self.height + self.slope * (mean - self.pivot))

    def variance_error(self, mean: float) -> float:
        """The standard error of `variance`."""
        return float(np.hypot(self.height_error, self.slope_error * (mean - self.pivot)))

    @property
    def slope_is_known(self) -> bool:
        """Whether the image tells that noise grows with brightness."""
        return self.slope > 2.5 * self.slope_error and self.reliability > RELIABLE


def photon_transfer(
    signals: Sequence[Floats], noises: Sequence[Floats], *, band: Band, of_band: float, of_means: float, ends: tuple[float, float], raws: Sequence[Floats]
) -> PhotonTransfer:
    """Measure the curve and fit the line.

    Parameters
    ----------
    signals, noises
        Planes as `smooth_blocks.cut` takes them.
    band, of_band
        The details that are noise, and how many times their mean power the noise's variance is.
    of_means
        How many times as much the mean of a block varies with shared noise as with white noise.
    ends
        The grey levels at which values are cut off.
    raws
        The planes as they came, to see which places are cut off.
    """
    cuts = [cut(signal, noise, SIDE) for signal, noise in zip(signals, noises, strict=True)]
    mean = np.concatenate([one.mean for one in cuts])
    roughness, power = (np.concatenate([one.of(which) for one in cuts]) for which in (coarse, band))
    at_end = np.concatenate([_share_at_ends(raw, ends) for raw in raws])
    bins = [_measured(mean[chosen], roughness[chosen], of_band * power[chosen], at_end[chosen]) for chosen in _bins(mean)]
    means, variances, errors, cut_off = (np.array(column) for column in zip(*bins, strict=True))
    used = _usable(means, cut_off)
    line = _line(means[used], variances[used], errors[used])
    by_noise = of_means * float(variances.mean()) / SIDE**2
    reliability = 1 - by_noise / float(mean.var()) if mean.var() > 0 else 0.0
    return PhotonTransfer(tuple(means.tolist()), tuple(variances.tolist()), tuple(errors.tolist()), tuple(used.tolist()), *line, reliability)


def _share_at_ends(raw: Floats, ends: tuple[float, float]) -> Floats:
    outside = ((raw <= ends[0]) | (raw >= ends[1])).astype(np.float64)
    step = max(SIDE // 2, int(np.sqrt(raw.size / MOST)))
    return np.asarray(windows(outside, SIDE, step).mean(axis=(1, 2)))


def _bins(mean: Floats) -> list[NDArray[np.int64]]:
    """Blocks by brightness: even steps from dark to bright, joined where they hold few blocks."""
    order = np.argsort(mean)
    low, high = mean[order[0]], mean[order[-1]]
    edges = np.searchsorted(mean[order], np.linspace(low, high, BINS + 1)[1:-1], side="right") if high > low else np.array([], np.int64)
    bins: list[NDArray[np.int64]] = []
    waiting = np.array([], np.int64)
    for part in np.split(order, edges):
        waiting = np.concatenate((waiting, part))
        if len(waiting) >= FEWEST:
            bins.append(waiting)
            waiting = np.array([], np.int64)
    return [*bins[:-1], np.concatenate((bins[-1], waiting))] if bins else [order]


def _measured(mean: Floats, roughness: Floats, variance: Floats, cut_off: Floats) -> tuple[float, float, float, float]:
    smooth = np.argsort(roughness)[: max(FEWEST // 2, int(SMOOTHEST * len(mean)))]
    values = variance[smooth]
    middle = float(np.median(values))
    usual = values[values <= middle + 6 * float(np.median(np.abs(values - middle))) + 1e-12]  # hot pixels and sharp edges apart
    error = 1.5 * float(usual.std()) / np.sqrt(len(usual))  # overlapping blocks are not independent
    return float(mean[smooth].mean()), float(usual.mean()), max(error, 1e-3 * float(usual.mean()), 1e-12), float(cut_off.mean())


def _usable(means: Floats, cut_off: Floats) -> NDArray[np.bool_]:
    """Bins that nothing is cut from; the half that is cut least, where hardly any are left."""
    whole = cut_off <= MOST_CUT
    return whole if whole.sum() >= min(FEWEST_BINS, len(whole)) else cut_off <= np.median(cut_off)


def _line(means: Floats, variances: Floats, errors: Floats) -> tuple[float, float, float, float, float]:
    """The line by repeated weighted least squares; bins far from it count little."""
    weight, errors = 1 / errors**2, errors.copy()
    slope = slope_error = 0.0
    for _ in range(20):
        pivot = float(np.average(means, weights=weight))
        height = float(np.average(variances, weights=weight))
        leverage = float((weight * (means - pivot) ** 2).sum())
        slope = float((weight * (means - pivot) * variances).sum() / leverage) if leverage > 0 else 0.0
        off = (variances - height - slope * (means - pivot)) / errors
        spread = max(1.0, 1.4826 * float(np.median(np.abs(off))))
        weight = np.maximum(np.clip(1 - (off / (TUKEY * spread)) ** 2, 0, None) ** 2, 1e-6) / (errors * spread) ** 2
        slope_error = float(1 / np.sqrt(leverage)) if leverage > 0 else float("inf")
    return slope, slope_error, pivot, height, float(1 / np.sqrt(weight.sum()))
