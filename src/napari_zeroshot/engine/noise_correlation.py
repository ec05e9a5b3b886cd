"""Which pixels share their noise: neighbours in a plane, and the same pixel in successive frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_zeroshot.engine.smooth_blocks import Band, Floats, coarse, cut, fine, not_coarse

SIDE = 16
"""Pixels of a block: wide enough to tell noise that is shared over three pixels."""
SMOOTHEST = 0.05
"""The share of blocks that is taken to hold nothing but noise."""
FEWEST = 24
"""Blocks that are taken at least."""
STEEPEST = 4.0
"""Coarse details are taken to be so many times as strong as the next finer ones, at most."""
MIDDLING = slice(5, 8)
"""Waves of a block between coarse and fine, along rows and columns."""
LAGS = 4
"""Correlations are told for neighbours 0 to 3 pixels away."""


def noise_shape(signals: Sequence[Floats], noises: Sequence[Floats]) -> Floats:
    """The noise's spectrum, shape (16, 16), mean 1: flat where no pixels share noise.

    Taken from the blocks with the least coarse detail for their fine detail, in which every block counts
    alike, however bright. Their coarse details were what they were chosen by; how strong those would be
    is told by the ones a little finer.
    """
    cuts = [cut(signal, noise, SIDE) for signal, noise in zip(signals, noises, strict=True)]
    power = np.concatenate([one.power for one in cuts])
    roughness, strength = (np.concatenate([one.of(band) for one in cuts]) for band in (coarse, fine))
    live = np.flatnonzero(strength > 0)
    if not live.size:
        return np.ones((SIDE, SIDE))
    order = np.argsort(roughness[live] / strength[live])
    chosen = live[order[: max(FEWEST, int(SMOOTHEST * live.size))]]
    shape = (power[chosen] / strength[chosen, np.newaxis, np.newaxis]).mean(axis=0)
    return _completed(shape)


def unevenness(planes: Sequence[Floats]) -> float:
    """How much more coarse detail, for its fine detail, the tenth block in a hundred has than the second.

    About 1.6 where both are noise, shared or not, and however bright: then blocks differ by chance only. Several
    times as much where the smoothest blocks of the image hold structure, of which some have more than others.
    """
    cuts = [cut(plane, plane, SIDE) for plane in planes]
    roughness, strength = (np.concatenate([one.of(band) for one in cuts]) for band in (coarse, fine))
    live = strength > 0
    second, tenth = np.quantile(roughness[live] / strength[live], (0.02, 0.1)) if live.any() else (1.0, 1.0)
    return float(tenth / second) if second > 0 else np.inf


def flatness(shape: Floats) -> float:
    """How strong the finest details are beside those twice as coarse: about 1 where each pixel has noise of its own, whatever structure is
    among it; hardly anything where neighbours share noise, which is a blur."""
    return float(shape[-SIDE // 4 :, -SIDE // 4 :].mean() / max(float(shape[MIDDLING, MIDDLING].mean()), 1e-12))


def _completed(shape: Floats) -> Floats:
    """The spectrum with its coarse part continued from the finer one, as a Gaussian's."""
    places = np.arange(SIDE)
    squared = np.add.outer(places**2, places**2)
    ring = not_coarse(SIDE) & (np.add.outer(places, places) <= SIDE // 2)
    steepness, peak = np.polyfit(squared[ring], np.log(np.maximum(shape[ring], 1e-12)), 1)
    missing = ~not_coarse(SIDE)
    continued = np.exp(peak + min(float(steepness), 0.0) * squared[missing])
    shape[missing] = np.minimum(continued, STEEPEST * shape[ring].mean())
    return np.asarray(shape / shape.mean())


def variance_over(shape: Floats, band: Band) -> float:
    """How many times the mean power of the details of a band the noise's variance is; 1 for white noise."""
    return float(shape.mean() / shape[band(SIDE)].mean())


def correlation_map(shape: Floats) -> Floats:
    """The correlation of the noise of two pixels, shape (4, 4): so many rows and so many columns apart."""
    places = np.arange(SIDE + 1)
    waves = np.cos(np.pi * np.outer(np.arange(LAGS), places) / SIDE)
    waves[:, [0, -1]] /= 2  # the trapezoidal rule, up to the finest wave that a block itself lacks
    covariance = waves @ np.pad(shape, ((0, 1), (0, 1)), mode="edge") @ waves.T
    return np.asarray(covariance / covariance[0, 0])


def frame_correlation(frames: Floats) -> float | None:
    """The correlation of the noise of successive frames, shape (T, Y, X); None if fewer than three or nothing stays in place.

    Frames further apart differ by all of the noise, successive ones by what they do not share. Only the
    finest details of the blocks that differ least are compared, which leaves out most of what moves.
    """
    if len(frames) < 3:
        return None
    apart = min(len(frames) - 1, 4)
    near, far = (_difference(frames[: len(frames) - apart], frames[lag : len(frames) - apart + lag]) for lag in (1, apart))
    return None if far <= 0 else float(np.clip(1 - near / far, -1, 1))


def _difference(one: Floats, other: Floats) -> float:
    strengths = []
    for first, second in zip(one, other, strict=True):
        blocks = cut((first + second) / 2, second - first, SIDE)
        roughness = blocks.of(coarse)
        strengths.append(blocks.of(fine)[roughness <= np.median(roughness)])
    return float(np.mean(np.concatenate(strengths)))
