"""How far a denoised image is expected to be from the truth, told without the truth.

Stein's unbiased risk estimate: the mean squared error of f(y) is the mean of (f(y) - y)² - v + 2 v ∂f/∂y, v being
the noise's variance. The last term, how strongly each pixel of the answer hangs on its own noise, is found by
adding a little more noise (Ramani, Blu and Unser, "Monte-Carlo SURE", IEEE TIP 17 (2008)). Here v follows the
brightness, along the line that `noise_diagnosis` reads from the image.

It knows nothing of how a method works, and so is fair between methods. It holds for noise that pixels do not share:
noise that neighbours share is kept by what it cannot tell from structure, and would go unseen. It takes the trained
network as given; what a network has learnt by heart of the noise is not counted, so a small network that was trained
far too long comes off a little too well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_zeroshot.engine.intensity import Scale
from napari_zeroshot.engine.method import Denoiser, Planes
from napari_zeroshot.engine.noise_diagnosis import NoiseReport

PROBES = 2
"""Drawn patterns of more noise; each costs one more denoising."""
STRENGTH = 0.1
"""How strong they are, in standard deviations of the noise."""
LEAST = 0.05
"""The share of the image's mean variance that the darkest places have at least."""
CALM = 1.5
"""By how many pixels (sigma) an image is blurred before its brightness tells how strong the noise is."""


@dataclass(frozen=True, eq=False)
class ErrorMeter:
    """Tells the expected error of any denoiser on one plane.

    Parameters
    ----------
    noisy
        Shape (1, C, Y, X), about 0 to 1.
    variance
        Of the noise at each of its pixels.
    span
        Grey levels from 0 to 1.
    looks
        How many patterns of more noise are drawn.
    """

    noisy: Planes
    variance: Planes
    span: float
    looks: int = PROBES
    probes: list[Planes] = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(0)  # the same for every denoiser, so that their differences hang on chance the less
        signs = (rng.integers(0, 2, self.noisy.shape) * 2 - 1 for _ in range(self.looks))
        object.__setattr__(self, "probes", [(sign * np.sqrt(self.variance)).astype(np.float32) for sign in signs])

    def error(self, denoiser: Denoiser) -> float:
        """The expected root mean square error, in grey levels; negative if it is too small to be told from none."""
        squared = self.squared(denoiser)
        return math.copysign(math.sqrt(abs(squared)), squared) * self.span

    def squared(self, denoiser: Denoiser) -> float:
        """The expected mean square error, on the scale of `noisy`; what is wrong with the noise's variance is so in those of all denoisers alike."""
        clean = denoiser(self.noisy)
        answers = (denoiser(self.noisy + np.float32(STRENGTH) * probe) - clean for probe in self.probes)
        kept = np.mean([float((probe * answer).mean(dtype=np.float64)) / STRENGTH for probe, answer in zip(self.probes, answers, strict=True)])
        taken = float(np.square(clean - self.noisy).mean(dtype=np.float64))
        return taken - float(self.variance.mean(dtype=np.float64)) + 2 * float(kept)


def error_meter(plane: NDArray[np.number], levels: Scale, report: NoiseReport, looks: int = PROBES) -> ErrorMeter:
    """A meter for denoisers of one plane.

    Parameters
    ----------
    plane
        Shape (S, Y, X), in the image's grey levels.
    levels
        The grey scale that the denoisers work in.
    report
        The noise of the image; no meter if its neighbouring pixels share noise (`NoiseReport.neighbours_share`).
    looks
        As `ErrorMeter` has it.
    """
    span, line = levels.high - levels.low, report.transfer
    brightness = ndimage.gaussian_filter(plane.astype(np.float64), (0, CALM, CALM))
    slope = line.slope if line.slope_is_known else 0.0
    variance = (line.height if slope else report.noise**2) + slope * (brightness - line.pivot)
    least = LEAST * report.noise**2  # the line may go below 0 in the dark
    return ErrorMeter(levels.normalise(plane)[np.newaxis], (np.maximum(variance, least) / span**2).astype(np.float32)[np.newaxis], span, looks)
