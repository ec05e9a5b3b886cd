"""Square blocks of an image by their details: where nothing but noise is seen, the noise can be measured.

As in Ponomarenko et al., "An automatic approach to lossy compression of AVIRIS images", IGARSS 2007: of the
blocks of one brightness, those with the least coarse detail are taken, and the noise is read from their fine detail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

Floats = NDArray[np.float64]
Band = Callable[[int], NDArray[np.bool_]]
"""Which cosines of a block of so many pixels a side."""

MOST = 20_000
"""So many blocks of a plane are looked at, at most."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """The blocks of a plane.

    Parameters
    ----------
    power
        Shape (blocks, side, side): the power of each cosine of each block.
    mean
        Mean grey level of each block.
    at
        Shape (blocks, 2): row and column of each block's first pixel.
    """

    power: Floats
    mean: Floats
    at: NDArray[np.int64]

    def of(self, band: Band) -> Floats:
        """Mean power of some details of each block."""
        return np.asarray(self.power[:, band(self.power.shape[-1])].mean(axis=1))


def cut(signal: Floats, noise: Floats, side: int) -> Blocks:
    """Cut a plane into blocks.

    Parameters
    ----------
    signal, noise
        Shape (Y, X): where the brightness and where the power of the details comes from; the same
        plane twice, or the mean and the difference of two frames.
    side
        In pixels; blocks overlap by half, or lie further apart in planes with very many.
    """
    step = max(side // 2, int(np.sqrt(noise.size / MOST)))
    power = np.square(dctn(windows(noise, side, step), axes=(1, 2), norm="ortho"))
    rows, columns = (np.arange(0, size - side + 1, step) for size in noise.shape)
    at = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    return Blocks(power, windows(signal, side, step).mean(axis=(1, 2)), at)


def windows(plane: Floats, side: int, step: int) -> Floats:
    """Every square of `side` pixels, `step` apart; shape (blocks, side, side)."""
    every = np.lib.stride_tricks.sliding_window_view(plane, (side, side))
    return every[::step, ::step].reshape(-1, side, side)


def _order(side: int) -> NDArray[np.int64]:
    return np.add.outer(np.arange(side), np.arange(side))


def coarse(side: int) -> NDArray[np.bool_]:
    """A block's coarse details, which are weak where there is no structure; its mean is none of them."""
    order = _order(side)
    return (order > 0) & (order <= side // 4)


def fine(side: int) -> NDArray[np.bool_]:
    """A block's finest details, which optics do not show: what is there is noise."""
    return _order(side) >= side


def not_coarse(side: int) -> NDArray[np.bool_]:
    """All but a block's coarse details and its mean."""
    return _order(side) > side // 4
