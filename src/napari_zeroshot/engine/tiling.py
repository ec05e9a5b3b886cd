"""Exact tiles: a plane of any size through a network in bounded memory, without seams."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from napari_zeroshot.engine.method import Planes


def apply_in_tiles(network: Callable[[Tensor], Tensor], planes: Planes, device: str, *, tile: int, halo: int, multiple: int = 1) -> Planes:
    """Run planes through a network, part by part, as if in one piece.

    Parameters
    ----------
    planes
        Shape (N, C, Y, X).
    tile
        Largest side of the part that is kept of each tile, in pixels.
    halo
        Pixels of surroundings given to each tile; the network's reach or more, so no seam can be seen.
    multiple
        Tiles start at multiples of this many pixels, for networks that pool.
    """
    clean = np.empty_like(planes)
    tile, halo = _round_up(tile, multiple), _round_up(halo, multiple)
    with torch.inference_mode():
        for n in range(len(planes)):
            for rows, outer_rows in _spans(planes.shape[2], tile, halo):
                for columns, outer_columns in _spans(planes.shape[3], tile, halo):
                    part = torch.from_numpy(np.ascontiguousarray(planes[n : n + 1, :, outer_rows, outer_columns])).to(device)
                    inner = network(part)[0, :, _within(rows, outer_rows), _within(columns, outer_columns)]
                    clean[n, :, rows, columns] = inner.float().cpu().numpy()
    return clean


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def _spans(length: int, tile: int, halo: int) -> Iterator[tuple[slice, slice]]:
    for start in range(0, length, tile):
        stop = min(start + tile, length)
        yield slice(start, stop), slice(max(start - halo, 0), min(stop + halo, length))


def _within(inner: slice, outer: slice) -> slice:
    return slice(inner.start - outer.start, inner.stop - outer.start)
