"""Exact tiles: a plane of any size through a network in bounded memory, without seams."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from napari_zeroshot.engine.method import Planes
from napari_zeroshot.engine.parts import Window, widened, windows

QUICKEST = 256
"""Side of a tile in pixels whose numbers fit the cache of most processors, with as many again as surroundings allow; GPUs take the largest."""
WORTHWHILE = 12
"""A tile's side in halos: in smaller ones, surroundings would be most of the work."""


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
        Beyond the image's edges they are its mirror image, outermost pixels and all, not the zeros that the network would put there.
    multiple
        Tiles start at multiples of this many pixels, for networks that pool.
    """
    clean: Planes | None = None
    halo = _round_up(halo, multiple)
    side = min(tile, max(QUICKEST, WORTHWHILE * halo)) if device == "cpu" else tile
    with torch.inference_mode():
        for n in range(len(planes)):
            for window in windows(planes.shape[2], planes.shape[3], _round_up(side, multiple)):
                rows, columns = window
                part = torch.from_numpy(_with_halo(planes[n : n + 1], window, halo)).to(device)
                inner = network(part)[0, :, halo : halo + rows.stop - rows.start, halo : halo + columns.stop - columns.start]
                if clean is None:
                    clean = np.empty((len(planes), len(inner), *planes.shape[2:]), np.float32)
                clean[n, :, rows, columns] = inner.float().cpu().numpy()
    return clean if clean is not None else planes


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def _with_halo(plane: Planes, window: Window, halo: int) -> Planes:
    """The part of a plane of shape (1, C, Y, X) with `halo` pixels more on each side."""
    wide, inner = widened(window, halo, *plane.shape[2:])
    part = plane[:, :, wide[0], wide[1]]
    beyond = [(halo - here.start, halo - (more.stop - span.stop)) for span, more, here in zip(window, wide, inner, strict=True)]
    return np.pad(part, ((0, 0), (0, 0), *beyond), mode="symmetric") if np.any(beyond) else part.copy()
