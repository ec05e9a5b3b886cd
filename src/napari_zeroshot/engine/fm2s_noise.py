"""The noise that FM2S adds, fitted to the noise that an image has, and both to look at beside one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine import intensity
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.methods.fm2s import FM2SParams, inject_noise, pre_denoised, region_brightness
from napari_zeroshot.engine.params import describe

if TYPE_CHECKING:
    from napari_zeroshot.engine.noise_diagnosis import NoiseReport
    from napari_zeroshot.engine.smooth_blocks import Floats

FACTORS = ("k_g", "k_p", "lambda_p")
"""FM2S's noise factors, by name."""
STRENGTH = 2.0
"""How many times the image's own variance is added: measured best on real images, see docs/noise.md."""
LEAST = 0.05
"""The share of the noise at middle brightness that is added in the dark at least."""
SHARED_NOISE = {"filter_size": 11, "amplification": 1}
"""What the paper's table has where neighbouring pixels share noise: a pre-filter wider than the blots."""


LEVELS = 40
"""Bars of a histogram."""
STEPS = 10
"""Brightnesses at which added noise is measured."""


@dataclass(frozen=True, eq=False)
class AddedNoise:
    """What FM2S would learn from, beside what it is to denoise; all in the image's grey levels.

    Parameters
    ----------
    real, synthetic
        Shape (Y, X): a piece of the image, and the same pre-denoised, with added noise.
    edges, real_counts, synthetic_counts
        Their histograms.
    means, variances
        The added noise: its variance at a few brightnesses.
    """

    real: Floats
    synthetic: Floats
    edges: Floats
    real_counts: Floats
    synthetic_counts: Floats
    means: Floats
    variances: Floats


def added_noise(piece: NDArray[Any], report: NoiseReport, params: FM2SParams, *, seed: int = 0) -> AddedNoise:
    """Add the noise of `params` to a piece of an image, of shape (Y, X), as FM2S does in training."""
    import torch

    scale = intensity.Scale(report.black, report.white)
    clean = pre_denoised(scale.normalise(piece)[np.newaxis, np.newaxis], params.pre_denoise, params.filter_size).clip(0, 1)
    brightness = region_brightness(clean, params.stride, params.dimmest, params.brightest)
    rng = torch.Generator().manual_seed(seed)
    noisy = inject_noise(torch.from_numpy(clean), torch.from_numpy(brightness), params, rng).numpy()
    real = piece.astype(np.float64)
    truth, synthetic = (np.asarray(scale.restore(image[0, 0], np.dtype(np.float64)), np.float64) for image in (clean, noisy))
    low, high = np.quantile(np.concatenate((real, synthetic)), (0, 0.999))
    edges = np.linspace(low, max(high, low + 1e-6), LEVELS + 1)
    means, variances = _by_brightness(truth.ravel(), synthetic.ravel())
    return AddedNoise(real, synthetic, edges, _counts(real, edges), _counts(synthetic, edges), means, variances)


def _counts(image: Floats, edges: Floats) -> Floats:
    return np.histogram(image, edges)[0].astype(np.float64)


def _by_brightness(clean: Floats, noisy: Floats) -> tuple[Floats, Floats]:
    parts = np.array_split(np.argsort(clean), STEPS)
    return np.array([clean[part].mean() for part in parts]), np.array([np.square(noisy[part] - clean[part]).mean() for part in parts])


def fm2s_factors(report: NoiseReport, *, strength: float = STRENGTH) -> dict[str, float]:
    """FM2S's parameters with which the noise that it adds follows an image's own variance-mean curve.

    Parameters
    ----------
    strength
        How many times the image's variance is added. At 1 added and real noise are alike; more denoises
        harder, and makes up for the noise that is left in what FM2S learns from.

    Returns
    -------
    ``k_g``, ``k_p`` and ``lambda_p``, within their bounds; where neighbouring pixels share noise, also
    ``filter_size`` and ``amplification``.

    Notes
    -----
    Added noise has the variance y M / k_p + (k_g M / 255)² + y / lambda_p at brightness y in a region of mean
    M: linear in 1 / k_p, k_g² and 1 / lambda_p, which least squares with no negative terms give. Errors
    count in proportion to the variance, so that dark places are fitted as well as bright ones.

    Raises
    ------
    ParamError
        If the strength is not above 0.
    """
    from scipy.optimize import nnls  # which loads much that opening a dock is not to wait for

    if not strength > 0:
        raise ParamError(f"strength = {strength} is not allowed; it takes more than 0")
    brightness = np.clip(np.array(report.regions), 1e-4, 1)
    mean = np.clip(brightness[:, 0], FM2SParams().dimmest, FM2SParams().brightest)
    wanted = strength * _variance(report, brightness)
    terms = np.concatenate([_terms(y, mean) / variance[:, np.newaxis] for y, variance in zip(brightness.T, wanted.T, strict=True)])
    region, gaussian, overall = nnls(terms, np.ones(len(terms)))[0]
    found = {"k_g": 255 * np.sqrt(gaussian), "k_p": 1 / max(region, 1e-12), "lambda_p": 1 / max(overall, 1e-12)}
    return {name: _allowed(name, value) for name, value in found.items()} | (SHARED_NOISE if report.neighbours_share else {})


def _terms(brightness: Floats, mean: Floats) -> Floats:
    return np.stack((brightness * mean, mean**2, brightness), axis=1)


def _variance(report: NoiseReport, brightness: Floats) -> Floats:
    """The image's own variance at brightness 0 to 1, on that scale."""
    span, line = report.white - report.black, report.transfer
    least = max(LEAST * line.variance(line.pivot), 1e-12)
    variance: Floats = np.vectorize(line.variance)(report.black + brightness * span)
    return np.maximum(variance, least) / span**2


def _allowed(name: str, value: float) -> float:
    """Within the parameter's bounds, to three digits."""
    knob = next(knob for knob in describe(FM2SParams) if knob.name == name)
    return float(f"{min(max(value, knob.low or 0), knob.high or value):.3g}")
