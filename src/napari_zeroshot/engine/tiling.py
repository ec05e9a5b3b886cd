"""Exact tiles: a plane of any size through a network in bounded memory, without seams."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_zeroshot.engine.method import Planes
from napari_zeroshot.engine.parts import Window, rounded_up, windows

QUICKEST = 256
"""Side of a tile in pixels whose numbers fit the cache of most processors, with as many again as surroundings allow; GPUs take the largest."""
WORTHWHILE = 12
"""A tile's side in halos: in smaller ones, surroundings would be most of the work."""
MIRRORED = 24
"""So many pixels beyond an image's edge are its mirror image, or as many more as a network that pools needs; then come the network's own zeros."""


def apply_in_tiles(
    network: Callable[[Tensor], Tensor], planes: Planes, device: str, *, tile: int, halo: int, multiple: int = 1, mirrored: int = MIRRORED
) -> Planes:
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
    mirrored
        How many pixels of mirror image are laid beyond the edges, at most; 0 for a network that knows what its own zeros there mean.
    """
    clean: Planes | None = None
    halo = rounded_up(halo, multiple)
    side = min(tile, max(QUICKEST, WORTHWHILE * halo)) if device == "cpu" else tile
    with torch.inference_mode():
        for n in range(len(planes)):
            for window in windows(planes.shape[2], planes.shape[3], rounded_up(side, multiple)):
                part, (rows, columns) = _surrounded(planes[n : n + 1], window, halo, multiple, mirrored)
                inner = network(torch.from_numpy(part).to(device))[0, :, rows, columns]
                if clean is None:
                    clean = np.empty((len(planes), len(inner), *planes.shape[2:]), np.float32)
                clean[n, :, *window] = inner.float().cpu().numpy()
    return clean if clean is not None else planes


def _surrounded(plane: Planes, window: Window, halo: int, multiple: int, mirrored: int) -> tuple[Planes, Window]:
    """The part of a plane of shape (1, C, Y, X) with what is around it, and where the window lies in that."""
    rows, columns = (_around(span, length, halo, multiple, mirrored) for span, length in zip(window, plane.shape[2:], strict=True))
    inner = tuple(slice(span.start - around.start, span.stop - around.start) for span, around in zip(window, (rows, columns), strict=True))
    part = plane.take(_mirrored(rows, plane.shape[2]), axis=2).take(_mirrored(columns, plane.shape[3]), axis=3)
    return part, (inner[0], inner[1])


def _around(span: slice, length: int, halo: int, multiple: int, mirrored: int) -> range:
    """A stretch of rows or columns with its halo; beyond the edges only with so much of it as is mirrored."""
    beyond = min(halo, rounded_up(mirrored, multiple))
    return range(max(span.start - halo, -beyond), min(rounded_up(span.stop, multiple) + halo, rounded_up(length, multiple) + beyond))


def _mirrored(around: range, length: int) -> NDArray[np.intp]:
    """Places in a plane, those beyond its edges mirrored into it, outermost pixels and all."""
    places = np.arange(around.start, around.stop) % (2 * length)
    return np.minimum(places, 2 * length - 1 - places)
