"""When the graphics card has too little memory: the same with less at once."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from napari_zeroshot.engine.errors import DeviceMemoryError
from napari_zeroshot.engine.method import Progress, Result
from napari_zeroshot.engine.params import Params

Run = Callable[..., Generator[Progress, None, Result]]
SMALLEST_TILE = 128
"""Tiles are not made smaller than this, in pixels: they would be all halo."""


def with_less_memory(run: Run, params: Params, *, tile: int = 1024) -> Generator[Progress, None, Result]:
    """A run that begins anew with fewer crops and smaller tiles each time the graphics card runs out of memory.

    Parameters
    ----------
    run
        `denoise_steps`, given everything but what is passed here: the number `tile`, and `crops` where there are fewer than asked for.
    params
        The parameters asked for.
    tile
        The tile to begin with, in pixels.

    Raises
    ------
    DeviceMemoryError
        If the least that can be done at once is still too much.
    """
    fewer: dict[str, Any] = {}
    least = tile
    while True:
        try:
            result = yield from run(tile=least, **fewer)
        except DeviceMemoryError:
            if least <= SMALLEST_TILE:
                raise
            least //= 2
            fewer = _fewer_crops(params, fewer)
            continue
        return replace(result, notes=(*result.notes, _told(least, fewer))) if least < tile else result


def _fewer_crops(params: Params, fewer: dict[str, Any]) -> dict[str, Any]:
    crops = fewer.get("crops", getattr(params, "crops", None))
    return {} if crops is None else {"crops": max(1, crops // 2)}


def _told(tile: int, fewer: dict[str, Any]) -> str:
    crops = f" and learnt from {fewer['crops']} crops at a step" if fewer else ""
    return f"The graphics card ran out of memory; it was done in tiles of {tile} px{crops}."
