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


def with_less_memory(run: Run, params: Params) -> Generator[Progress, None, Result]:
    """A run that begins anew with fewer crops and smaller tiles each time the graphics card runs out of memory.

    Parameters
    ----------
    run
        `denoise_steps`, given everything but what is passed here: nothing at first, then a smaller `tile`, and fewer `crops` where the method has them.
    params
        The parameters asked for.

    Raises
    ------
    DeviceMemoryError
        If the least that can be done at once is still too much.
    """
    less: dict[str, Any] = {}
    while True:
        try:
            result = yield from run(**less)
        except DeviceMemoryError:
            if less.get("tile") == SMALLEST_TILE:
                raise
            less = _less(params, less)
        else:
            return replace(result, notes=(*result.notes, _told(less))) if less else result


def _less(params: Params, before: dict[str, Any]) -> dict[str, Any]:
    crops = before.get("crops", getattr(params, "crops", None))
    return {"tile": before.get("tile", 1024) // 2} | ({} if crops is None else {"crops": max(1, crops // 2)})


def _told(less: dict[str, Any]) -> str:
    crops = f" and learnt from {less['crops']} crops at a step" if "crops" in less else ""
    return f"The graphics card ran out of memory; it was done in tiles of {less['tile']} px{crops}."
