"""Gaussian blur, as wide as the image's own noise asks for: the plainest filter, and hard to beat at low light.

Mallows, "Some comments on Cp", Technometrics 15 (1973); Stein, "Estimation of the mean of a multivariate normal
distribution", Ann. Statist. 9 (1981).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.filtering import filtered
from napari_zeroshot.engine.method import Job, Method, Planes, Steps
from napari_zeroshot.engine.noise_level import Spectrum, noise_spectrum, power_spectrum
from napari_zeroshot.engine.params import Params, param

SIGMAS = np.geomspace(0.3, 8.0, 80)
"""What is tried, in pixels: each 4 % wider than the last."""


@dataclass(frozen=True)
class GaussianParams(Params):
    """Parameters of the Gaussian blur."""

    sigma: float = param(
        0.0,
        "Width of the blur; wider removes more noise and more detail. 0 chooses it from the image, without knowing the truth.",
        symbol="σ", low=0, high=100, step=0.1, unit="px", tunable=True, log=True,
    )  # fmt: skip


def best_sigma(planes: Planes) -> float:
    """The width, in pixels, whose blur is expected to come nearest to the clean image.

    Mallows' Cp, which is Stein's unbiased risk of a linear filter: what the blur takes away, plus
    twice the noise that it leaves in. Worked out on cosines, where a blur with reflected edges is a
    product; the noise comes from `noise_level`, white or shared by neighbours. Of the widths that do
    equally well, the least.
    """
    power = power_spectrum(planes)
    noise = noise_spectrum(planes, power)
    return float(min(SIGMAS, key=lambda sigma: _risk(power, noise, _kept(power.shape, sigma))))


def _risk(power: Spectrum, noise: Spectrum, kept: Spectrum) -> float:
    return float((np.square(1 - kept) * power + 2 * noise * kept).sum())


def _kept(shape: tuple[int, ...], sigma: float) -> Spectrum:
    """The share of each cosine that a blur lets through, shape (Y, X)."""
    rows, columns = (_kept_along(size, sigma) for size in shape)
    return np.outer(rows, columns)


def _kept_along(size: int, sigma: float) -> NDArray[np.float64]:
    reach = int(4 * sigma + 0.5)
    offsets = np.arange(-reach, reach + 1)
    kernel = np.exp(-np.square(offsets / sigma) / 2)
    kept: NDArray[np.float64] = np.cos(np.pi * np.outer(np.arange(size), offsets) / size) @ (kernel / kernel.sum())
    return kept


def fit(noisy: Planes, params: GaussianParams, job: Job) -> Steps:
    """Choose the width if it is not given, the same for all planes."""

    sigma = params.sigma or best_sigma(noisy)
    if not params.sigma:
        job.note(f"A sigma of {sigma:.2g} px was chosen from the image's own noise.")
    reach = int(4 * sigma + 0.5)  # where scipy cuts the bell off
    return (yield from filtered(noisy, Blur(sigma), f"Gaussian, sigma {sigma:.2g} px", reach))


@dataclass(frozen=True)
class Blur:
    """A blur so many pixels wide, of planes of shape (C, Y, X)."""

    sigma: float

    def __call__(self, plane: Planes) -> Planes:
        """The blurred plane."""
        from scipy import ndimage

        blurred: Planes = ndimage.gaussian_filter(plane, (0, self.sigma, self.sigma))
        return blurred


METHOD = Method(
    name="gaussian",
    title="Gaussian",
    summary="A plain blur whose width is chosen from the image's own noise; what any other method has to beat.",
    citation={
        "type": "article",
        "key": "mallows1973some",
        "author": "Mallows, Colin L.",
        "title": "Some Comments on Cp",
        "journal": "Technometrics",
        "volume": "15",
        "number": "4",
        "pages": "661--675",
        "year": "1973",
        "doi": "10.1080/00401706.1973.10489103",
    },
    params=GaussianParams,
    fit=fit,
)
