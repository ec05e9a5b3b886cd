"""A filter as a method: nothing is learnt, and the filter itself is the denoiser."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from napari_zeroshot.engine.method import Planes, Progress, Steps

Filter = Callable[[Planes], Planes]
"""One plane of shape (C, Y, X) in, the clean one out."""


def odd(size: int) -> int:
    """The side of a neighbourhood with a middle: an even one counts as the next odd one, or the image would move by half a pixel."""
    return size // 2 * 2 + 1


def filtered(noisy: Planes, plane_filter: Filter, stage: str) -> Steps:
    """One report, called `stage`; then the filter, made to take planes of shape (N, C, Y, X)."""
    started = time.perf_counter()

    def denoise(planes: Planes = noisy) -> Planes:
        return np.stack([plane_filter(plane) for plane in planes]).astype(np.float32, copy=False)

    yield Progress(stage, 1, 1, None, time.perf_counter() - started, denoise)
    return denoise
