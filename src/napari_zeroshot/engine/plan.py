"""How a method is run on an image of some form, decided and checked before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from napari_zeroshot.engine import intensity, memory, neighbours
from napari_zeroshot.engine import threads as cpu_threads
from napari_zeroshot.engine.axes import Axes, letters_of, parse
from napari_zeroshot.engine.device import Device, choose, failures_explained
from napari_zeroshot.engine.errors import ImageError, ParamError
from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.method import Method
from napari_zeroshot.engine.params import Params
from napari_zeroshot.engine.precision import best
from napari_zeroshot.engine.registry import get_method

Stack = Literal["shared", "plane", "warm"]
TRAINING_PIXELS = 2**24
"""A network learns from evenly spaced planes, or blocks of a larger plane, of at most this many pixels together: more than it gets to see."""
TOGETHER = {"cpu": 1, "cuda": 16, "mps": 16}
"""So many planes at most have their networks trained side by side, for ``stack="plane"``. On CPUs it would gain 1.2 to 1.5 times with two
threads (docs/benchmarks.md), for pixels a little different from those of planes trained alone."""
STEP_PIXELS = 2**18
"""A training step of all of them sees so many pixels at most: with more, side by side is no quicker, and takes memory."""


@dataclass(frozen=True)
class Plan:
    """How a method is run on an image of some form; under another plan pixels come out a little different.

    Parameters
    ----------
    params
        With everything decided that was left to ``auto``.
    threads
        CPU threads that train; None for PyTorch's own number.
    together
        How many planes at most have their networks trained side by side.
    tile
        Largest side of an image part that goes through the network at once, in pixels.
    """

    method: Method
    params: Params
    device: Device
    threads: int | None
    together: int
    tile: int


def planned(
    method: str,
    axes: Axes,
    *,
    preset: str | None,
    device: str,
    threads: int | None,
    stack: Stack,
    memory: float | None,
    tile: int | None,
    params: Mapping[str, Any],
    whole: Axes | None = None,
) -> Plan:
    """The plan of `denoise_steps` for an image of these axes, or for a part of a `whole` one; the arguments are checked as there."""
    chosen = get_method(method)
    place = choose(device) if chosen.trains else Device("cpu", "CPU (this method uses no GPU)")
    with failures_explained(place.name):  # a card that is full cannot even be asked what is free
        settings = neighbours.decided(_with_precision(chosen.settings(preset, params), place.name), whole or axes)
        checked = big_enough(axes, chosen)
        together = _together(settings, checked, place) if one_of("stack", stack, Stack) == "plane" else 1
        side = _tile(tile, memory, chosen, settings, checked, place, together)
    return Plan(
        method=chosen,
        params=settings,
        device=place,
        threads=whole_number("threads", threads, 1, cpu_threads.MOST) if threads is not None and chosen.trains else None,
        together=together,
        tile=side,
    )


def checked_axes(image: Any, letters: str | None) -> Axes:
    """The axes of an image that can be denoised.

    Raises
    ------
    ImageError
        If it is no array of grey levels, or the letters do not fit it.
    """
    _check_array(image)
    intensity.check_type(np.dtype(image.dtype))
    axes = parse(letters or letters_of(image), image.shape)
    if axes.size("S") not in (1, 3):
        raise ImageError(
            f"S holds {axes.size('S')} samples, red, green and blue are 3; leave a see-through channel (alpha) out, and name other channels C, not S"
        )
    return axes


def _check_array(image: Any) -> None:
    if isinstance(image, str | Path):
        raise ImageError(f"{str(image)!r} is a path, not an image; read it first: noisy = read(path), then denoise(noisy.array, axes=noisy.axes)")
    if isinstance(image, Image):
        raise ImageError("an Image, which `read` gives, holds more than pixels; give its array and its axes: denoise(noisy.array, axes=noisy.axes)")
    if isinstance(image, np.ma.MaskedArray) and np.ma.is_masked(image):
        raise ImageError("the array is masked, and the mask would not be seen; give image.filled(...) with the values that are to stand there")
    try:
        np.dtype(image.dtype)
    except (AttributeError, TypeError) as error:
        raise ImageError(f"a {type(image).__name__} is not an image; give an array, such as numpy.asarray(...) of it") from error


def big_enough(axes: Axes, method: Method) -> Axes:
    """The axes as they are.

    Raises
    ------
    ImageError
        If the planes are too small for a method.
    """
    if min(axes.height, axes.width) < method.smallest:
        raise ImageError(
            f"a plane of {axes.height} x {axes.width} pixels is too small for {method.title}, which needs at least {method.smallest} x {method.smallest}"
        )
    return axes


def one_of(name: str, value: str, allowed: Any) -> Any:
    """The value, if it is one of a `Literal`."""
    if value not in get_args(allowed):
        raise ParamError(f"{name} = {value!r} is not allowed; it takes {', '.join(get_args(allowed))}")
    return value


def whole_number(name: str, value: int, low: int, high: int) -> int:
    """The value as an int, if it is one and within its bounds."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
        raise ParamError(f"{name} = {value!r} is not allowed; it takes a whole number from {low} to {high}")
    return int(value)


def _with_precision(params: Params, device: str) -> Params:
    """The parameters with the precision decided, so that the provenance says which it was."""
    return params.replace(precision=best(device)) if getattr(params, "precision", None) == "auto" else params


def _together(params: Params, axes: Axes, device: Device) -> int:
    """How many planes have their networks trained side by side. Not a matter of free memory: with it, FM2S's noise would change."""
    if not getattr(params, "side_by_side", False):
        return 1
    plane = axes.height * axes.width
    return max(1, min(TOGETHER[device.name.partition(":")[0]], TRAINING_PIXELS // (plane * axes.size("S")), STEP_PIXELS // memory.seen(params, plane)))


def _tile(tile: int | None, bound: float | None, method: Method, params: Params, axes: Axes, device: Device, together: int) -> int:
    if tile is not None:
        return whole_number("tile", tile, memory.SMALLEST_TILE, 2**31)
    needed = memory.need(method, params, axes, TRAINING_PIXELS, together)
    return memory.tile_side(needed, bound, device.name, f"{method.title} on planes of {axes.height} x {axes.width}")
