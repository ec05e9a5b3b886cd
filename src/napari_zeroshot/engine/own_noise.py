"""An image's own noise, as it was measured, put on other images: what ZS-UNet learns from in the second half of its training."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from napari_zeroshot.engine.method import Planes
from napari_zeroshot.engine.noise_diagnosis import NoiseReport
from napari_zeroshot.engine.noise_level import finest_variance
from napari_zeroshot.engine.sampling import brightness_around

LIKELY = 2.0
"""Sigma of the blur that tells, before anything is learnt, how bright a place is and so how noisy."""


@dataclass(frozen=True)
class OwnNoise:
    """The Poisson and Gaussian noise that a report tells of, in the report's grey levels.

    Parameters
    ----------
    offset, gain
        The grey level of darkness, and grey levels per photon; no gain where the noise does not grow with brightness.
    read_noise
        Standard deviation in darkness.
    ends
        The grey levels at which the camera cuts off; infinite where it does not.
    """

    offset: float
    gain: float | None
    read_noise: float
    ends: tuple[float, float]

    @classmethod
    def of(cls, report: NoiseReport) -> OwnNoise:
        """The noise of a report; without a gain it is the same everywhere."""
        low = report.lowest.level if report.lowest.cut else -float("inf")
        high = report.highest.level if report.highest.cut else float("inf")
        return cls(report.offset, report.gain, report.read_noise if report.gain else report.noise, (low, high))

    @classmethod
    def even(cls, deviation: float) -> OwnNoise:
        """The same noise everywhere, for images too small for a report."""
        return cls(0.0, None, deviation, (-float("inf"), float("inf")))

    def variance_in(self, planes: Tensor) -> float:
        """The variance of this noise in noisy planes, on the whole. Shape (N, C, Y, X)."""
        return float(self.deviation(brightness_around(planes, LIKELY)).square().mean())

    def within(self, planes: Planes) -> OwnNoise:
        """This noise, or as much weaker as the finest details of noisy planes allow: fine texture passes for noise. Shape (N, C, Y, X)."""
        told, held = self.variance_in(torch.from_numpy(planes)), finest_variance(planes)
        if told <= held:
            return self
        share = held / told
        return replace(self, gain=self.gain and self.gain * share, read_noise=self.read_noise * share**0.5)

    def on(self, clean: Tensor, rng: torch.Generator) -> Tensor:
        """`clean` with noise, of its shape and device. What is darker than darkness has read noise only."""
        here = clean.to(rng.device)  # not every GPU draws Poisson numbers
        noisy = here + self.read_noise * torch.randn(here.shape, generator=rng, device=rng.device)
        if self.gain is not None:
            photons = ((here - self.offset) / self.gain).clamp_min(0)
            noisy += self.gain * (torch.poisson(photons, generator=rng) - photons)
        return noisy.clamp(*self.ends).to(clean.device)

    def deviation(self, clean: Tensor) -> Tensor:
        """The noise's standard deviation at these grey levels."""
        photons_variance = (clean - self.offset).clamp_min(0) * (self.gain or 0.0)
        return (photons_variance + self.read_noise**2).sqrt()
