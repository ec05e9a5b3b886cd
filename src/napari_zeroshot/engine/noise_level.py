"""How much noise an image holds, told from the image alone, at each fineness of detail.

Optics blur the sample but not the camera's noise, so the finest details of a microscope image are
all noise. Noise that neighbouring pixels share (resampled or compressed frames) has little of the
finest detail; it is told from the sample by its evenness, as in Johnstone and Silverman, "Wavelet
threshold estimators for data with correlated noise", J. R. Stat. Soc. B 59 (1997).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.method import Planes
from napari_zeroshot.engine.parts import middle_of

Spectrum = NDArray[np.float64]
"""Shape (Y, X): mean power of each cosine of an image; white noise of variance v has power v at every one."""

ALL_NOISE = 0.3
"""Finer than so many cycles a pixel, nothing but noise is expected."""
ONE_WAY, ACROSS, BOTH_WAYS = 0.35, (0.02, 0.15), 0.4
"""Cycles a pixel: details finer than the first along one axis, and between the second along the other, hold texture and noise (coarser ones are stripes);
those finer than the third along both hold next to nothing but noise."""
ENOUGH = 1024
"""Side of a plane's middle, in pixels, in which texture is looked for."""
TEXTURE = 1.2
"""So many times as strong the former are where there is texture. Noise of microscopes and simulated scenes, 256 x 256: 0.9 to 1.17; FMD's confocal
BPAE cells 1.2 to 1.3; photographs with noise of a standard deviation of 10: 1.0 to 3.3."""
ALL_SHARED_NOISE = 0.1
"""The same where neighbouring pixels share their noise."""


def noise_deviation(planes: Planes) -> float:
    """The noise's standard deviation, averaged over bright and dark places. Shape (N, C, Y, X)."""
    return float(np.sqrt(noise_spectrum(planes, power_spectrum(planes)).mean()))


def finest_variance(planes: NDArray[Any]) -> float:
    """The variance of white noise, and of structure no coarser: mean square of second differences along rows of those along columns (Immerkaer, 1996).

    Shape (..., Y, X).
    """
    return float(np.square(np.diff(np.diff(planes, 2, axis=-1), 2, axis=-2)).mean(dtype=np.float64)) / 36


def fine_texture(plane: NDArray[Any]) -> bool:
    """Whether the sample has details as fine as single pixels, such as grass or bricks, and mostly along one axis, which white noise has not.

    Shape (Y, X). What whole rows or columns have in common does not count: that is a camera's stripes.
    """
    power = power_spectrum(middle_of(plane[np.newaxis, np.newaxis], ENOUGH))
    along = np.meshgrid(*(np.arange(size) / (2 * size) for size in power.shape), indexing="ij")
    coarser, finer = np.minimum(*along), np.maximum(*along)
    one, both = (finer > ONE_WAY) & (coarser > ACROSS[0]) & (coarser < ACROSS[1]), coarser > BOTH_WAYS
    return bool(one.any() and both.any() and power[one].mean() > TEXTURE * power[both].mean())


def power_spectrum(planes: Planes) -> Spectrum:
    """Mean power of each cosine, over all planes and channels."""
    from scipy.fft import dctn  # here, for docks load this module, and it takes long

    total = np.zeros(planes.shape[2:])
    for channel in planes.reshape(-1, *planes.shape[2:]):
        total += np.square(dctn(channel.astype(np.float64), norm="ortho"))
    mean: Spectrum = total / (planes.shape[0] * planes.shape[1])
    return mean


def noise_spectrum(planes: Planes, power: Spectrum) -> Spectrum:
    """The part of `power`, the planes' spectrum, that is noise.

    White noise has the mean power of the finest details everywhere. Shared noise has all the power
    down to details of ten pixels, and for coarser ones that of the octave above.
    """
    fineness = np.hypot(*np.meshgrid(*(np.arange(size) / (2 * size) for size in power.shape), indexing="ij"))
    if not neighbours_share_noise(planes):
        return np.full_like(power, power[fineness > ALL_NOISE].mean())
    finer = fineness > ALL_SHARED_NOISE
    coarsest = power[finer & (fineness < 1.5 * ALL_SHARED_NOISE)].mean()
    return np.where(finer, power, coarsest)


def neighbours_share_noise(planes: Planes) -> bool:
    """Whether details of a few pixels hold far more noise than single pixels do.

    They hold noise rather than structure where their values are spread normally: structure is sparse,
    and gives a few large values among many small ones. A dense, even texture can pass for noise.
    """
    octaves = _octaves(planes)
    finest, next_finest = (_usual_power(octave) for octave in octaves)
    of_white = [float(np.square(octave).sum()) for octave in _octaves(_one_bright_pixel())]
    more_than_white = next_finest / of_white[1] > 3 * finest / of_white[0]
    return more_than_white and 0.85 < float(octaves[1].var()) / next_finest < 1.3


def _octaves(planes: Planes) -> tuple[Planes, Planes]:
    from scipy import ndimage  # here, for docks load this module, and it takes long

    blurred, more = (ndimage.gaussian_filter(planes, (0, 0, sigma, sigma)) for sigma in (0.7, 1.4))
    return planes - blurred, blurred - more


def _one_bright_pixel() -> Planes:
    planes = np.zeros((1, 1, 33, 33), np.float32)
    planes[0, 0, 16, 16] = 1
    return planes


def _usual_power(octave: Planes) -> float:
    """The variance of normally spread values with this median size; large values do not count for more."""
    return float(np.median(np.abs(octave)) / 0.6745) ** 2
