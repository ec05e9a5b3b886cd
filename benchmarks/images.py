"""Noisy pictures of any size to measure speed on: made, not read, so that everyone has the same."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.noise import add_noise
from napari_zeroshot.engine.phantoms import cells, histology
from napari_zeroshot.engine.synthetic import Camera

DRAWN = 512
"""Pixels; larger pictures are mirrored copies of one this large, with noise of their own everywhere."""
Kind = Literal["grey", "rgb"]


def picture(kind: Kind, side: int, planes: int = 1) -> NDArray[Any]:
    """A noisy picture.

    Parameters
    ----------
    kind
        ``grey``: uint16, filaments and puncta as a confocal microscope takes them, shape (side, side), or
        (planes, side, side) for more than one plane. ``rgb``: uint8, a stained section with Gaussian noise, shape (side, side, 3).
    """
    rng = np.random.default_rng(0)
    if kind == "rgb":
        light = _mirrored(histology((min(side, DRAWN),) * 2, 0), side)
        return np.rint(255 * add_noise(light, "gaussian", rng, sigma=25.0, clip=True)).astype(np.uint8)
    light = _mirrored(cells((min(side, DRAWN),) * 2, 0), side)
    taken = [Camera(photons=30.0).taken(np.roll(light, 3 * number, axis=0), rng) for number in range(planes)]
    return taken[0] if planes == 1 else np.stack(taken)


def axes(kind: Kind, planes: int) -> str:
    """The letters of the picture's dimensions."""
    return "YXS" if kind == "rgb" else "YX" if planes == 1 else "TYX"


def _mirrored(light: NDArray[Any], side: int) -> NDArray[Any]:
    """`light` grown to a square of `side` pixels by reflection, repeated as often as needed."""
    more = [(0, max(0, side - length)) for length in light.shape[:2]]
    return np.pad(light, [*more, *[(0, 0)] * (light.ndim - 2)], mode="symmetric")
