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
        Beyond the image's edges they are its mirror image, not the zeros that the network would put there.
    multiple
        Tiles start at multiples of this many pixels, for networks that pool.
    """
    clean = np.empty_like(planes)
    tile, halo = _round_up(tile, multiple), _round_up(halo, multiple)
    with torch.inference_mode():
        for n in range(len(planes)):
            for rows in _spans(planes.shape[2], tile):
                for columns in _spans(planes.shape[3], tile):
                    part = torch.from_numpy(_with_halo(planes[n : n + 1], rows, columns, halo)).to(device)
                    inner = network(part)[0, :, halo : halo + rows.stop - rows.start, halo : halo + columns.stop - columns.start]
                    clean[n, :, rows, columns] = inner.float().cpu().numpy()
    return clean


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def _spans(length: int, tile: int) -> Iterator[slice]:
    for start in range(0, length, tile):
        yield slice(start, min(start + tile, length))


def _with_halo(plane: Planes, rows: slice, columns: slice, halo: int) -> Planes:
    """The part of a plane of shape (1, C, Y, X) with `halo` pixels more on each side."""
    reach = [(max(span.start - halo, 0), min(span.stop + halo, length)) for span, length in zip((rows, columns), plane.shape[2:], strict=True)]
    beyond = [(halo - span.start + start, halo + span.stop - stop) for span, (start, stop) in zip((rows, columns), reach, strict=True)]
    return np.pad(plane[:, :, slice(*reach[0]), slice(*reach[1])], ((0, 0), (0, 0), *beyond), mode="reflect")
