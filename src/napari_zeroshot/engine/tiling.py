"""Exact tiles: a plane of any size through a network in bounded memory, without seams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_zeroshot.engine.method import Planes
from napari_zeroshot.engine.parts import windows

QUICKEST = 256
"""Side of a tile in pixels whose numbers fit the cache of most processors, with as many again as surroundings allow; GPUs take the largest."""
WORTHWHILE = 12
"""A tile's side in halos: in smaller ones, surroundings would be most of the work."""
MIRRORED = 24
"""So many pixels beyond an image's edge are its mirror image, or as many more as a network that pools needs; then come the network's own zeros."""


def apply_in_tiles(network: Callable[[Tensor], Tensor], planes: Planes, device: str, *, tile: int, halo: int, multiple: int = 1) -> Planes:
    """Run planes through a network, part by part, as if in one piece.

    Parameters
    ----------
    planes
        Shape (N, C, Y, X); the network may answer with other channels.
    tile
        Largest side of the part that is kept of each tile, in pixels. On the CPU tiles are smaller where that is quicker.
    halo
        Pixels of surroundings given to each tile; the network's reach or more, so no seam can be seen.
    multiple
        Tiles start and end at multiples of this many pixels, for networks that pool.
    """
    clean: Planes | None = None
    halo = _round_up(halo, multiple)
    side = min(tile, max(QUICKEST, WORTHWHILE * halo)) if device == "cpu" else tile
    with torch.inference_mode():
        for n in range(len(planes)):
            for window in windows(planes.shape[2], planes.shape[3], _round_up(side, multiple)):
                rows, columns = (_Surrounded.of(span, length, halo, multiple) for span, length in zip(window, planes.shape[2:], strict=True))
                part = torch.from_numpy(planes[n : n + 1, :, rows.places[:, None], columns.places]).to(device)
                inner = network(part)[0, :, rows.inner, columns.inner]
                if clean is None:
                    clean = np.empty((len(planes), len(inner), *planes.shape[2:]), np.float32)
                clean[n, :, *window] = inner.float().cpu().numpy()
    return clean if clean is not None else planes


@dataclass(frozen=True, eq=False)
class _Surrounded:
    """A stretch of rows or columns with those around it: their places in the plane, and where the stretch lies among them."""

    places: NDArray[np.intp]
    inner: slice

    @classmethod
    def of(cls, span: slice, length: int, halo: int, multiple: int) -> _Surrounded:
        """A stretch with its halo; beyond the edges only so much of it as is mirrored, outermost pixels and all."""
        mirrored = min(halo, _round_up(MIRRORED, multiple))
        start, stop = max(span.start - halo, -mirrored), min(_round_up(span.stop, multiple) + halo, _round_up(length, multiple) + mirrored)
        places = np.arange(start, stop) % (2 * length)
        return cls(np.minimum(places, 2 * length - 1 - places), slice(span.start - start, span.stop - start))


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
