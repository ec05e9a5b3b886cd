"""What trained networks leave behind: denoisers, which are called on planes of any size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor, nn

from napari_zeroshot.engine.method import Planes
from napari_zeroshot.engine.precision import half_precision
from napari_zeroshot.engine.sampling import turned, turned_back
from napari_zeroshot.engine.tiling import MIRRORED, apply_in_tiles

if TYPE_CHECKING:
    from napari_zeroshot.engine.trained import State

TURNS = {1: (0,), 2: (0, 2), 4: (0, 1, 2, 3), 8: (0, 1, 2, 3, 4, 5, 6, 7)}
"""For each number of copies: which orientations, see `sampling.turned`."""


@dataclass(frozen=True, eq=False)
class NetworkDenoiser:
    """What a training leaves behind: call it on planes of shape (N, C, Y, X).

    Parameters
    ----------
    network
        The trained network.
    infer
        Noisy to clean tensor, by means of the network.
    device, tile
        Where to compute, and the largest side of a part in pixels.
    halo, multiple, mirrored
        What exact tiles need, and what lies beyond the planes' edges, see `tiling`.
    first
        The denoiser of an earlier stage, on whose answers this one was trained.
    turns
        Over how many turned and mirrored copies of the planes the answer is averaged: 1, 2, 4 or 8.
    half
        Whether convolutions may be computed in bfloat16: only where the network gives a small correction.
    """

    network: nn.Module
    infer: Callable[[Tensor], Tensor]
    device: str
    tile: int
    halo: int
    multiple: int = 1
    first: NetworkDenoiser | None = None
    turns: int = 1
    half: bool = False
    mirrored: int = MIRRORED

    def __call__(self, planes: Planes) -> Planes:
        """Clean planes of the same shape, in tiles."""
        with half_precision(self.device, self.half):
            return apply_in_tiles(self._over_turns, planes, self.device, tile=self.tile, halo=self.halo, multiple=self.multiple, mirrored=self.mirrored)

    def states(self) -> list[State]:
        """The weights of each network, in the order in which they were trained."""
        return [*(self.first.states() if self.first is not None else ()), self.network.state_dict()]

    def _over_turns(self, planes: Tensor) -> Tensor:
        answers = (turned_back(self.infer(turned(planes, turn)), turn) for turn in TURNS[self.turns])
        return sum(answers) / self.turns  # type: ignore[return-value]


@dataclass(frozen=True, eq=False)
class Apart:
    """What networks trained side by side leave behind: a denoiser for each.

    Parameters
    ----------
    members
        One for each part of the planes, in turn.
    """

    members: Sequence[NetworkDenoiser]

    def __call__(self, planes: Planes) -> Planes:
        """Clean planes of the same shape; they fall into a part for each member."""
        parts = np.split(planes, len(self.members))
        return np.concatenate([member(part) for member, part in zip(self.members, parts, strict=True)])
