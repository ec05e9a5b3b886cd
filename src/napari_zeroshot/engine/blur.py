"""A Gaussian blur, and the width that an image's own noise asks for, told without the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.method import Planes
from napari_zeroshot.engine.noise_level import Spectrum, noise_spectrum, power_spectrum

SIGMAS = np.geomspace(0.3, 8.0, 80)
"""What is tried, in pixels: each 4 % wider than the last."""


@dataclass(frozen=True)
class Blur:
    """A blur so many pixels wide, of planes of shape (..., Y, X)."""

    sigma: float

    def __call__(self, plane: Planes) -> Planes:
        """The blurred plane."""
        from scipy import ndimage

        blurred: Planes = ndimage.gaussian_filter(plane, self.sigma, axes=(-2, -1))
        return blurred


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
