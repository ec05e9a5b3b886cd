"""A filter as a method: nothing is learnt, and the filter itself is the denoiser."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_zeroshot.engine.method import Planes, Progress, Steps

Filter = Callable[[Planes], Planes]
"""One plane of shape (C, Y, X) in, the clean one out."""


def odd(size: int) -> int:
    """The side of a neighbourhood with a middle: an even one counts as the next odd one, or the image would move by half a pixel."""
    return size // 2 * 2 + 1


def averaged_over(size: int) -> int:
    """How far apart, in pixels, noise may be shared for a neighbourhood of this side to average over it: measured on FMD's wide-field images."""
    return (odd(size) - 1) // 5


@dataclass(frozen=True, eq=False)
class FilterDenoiser:
    """A filter made to take planes of shape (N, C, Y, X).

    Parameters
    ----------
    noisy
        What is filtered where no planes are given.
    halo
        How far the filter reaches, in pixels: a large plane then goes through it in parts. None if each pixel depends on the whole plane.
    """

    plane_filter: Filter
    noisy: Planes
    halo: int | None = None

    def __call__(self, planes: Planes | None = None) -> Planes:
        """Clean planes of the same shape."""
        noisy = self.noisy if planes is None else planes
        clean = np.empty(noisy.shape, np.float32)
        for n, plane in enumerate(noisy):
            clean[n] = self.plane_filter(plane)
        return clean


def filtered(noisy: Planes, plane_filter: Filter, stage: str, halo: int | None = None) -> Steps:
    """One report, called `stage`; then the filter as a denoiser, see `FilterDenoiser`."""
    started = time.perf_counter()
    denoiser = FilterDenoiser(plane_filter, noisy, halo)
    yield Progress(stage, 1, 1, None, time.perf_counter() - started, denoiser)
    return denoiser
