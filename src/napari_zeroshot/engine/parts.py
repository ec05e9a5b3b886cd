"""A plane in parts: to work on it in bounded memory, and to learn from one that is too large to learn from whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

PART = 2048
"""Side of the part of a plane that is worked on at once, in pixels: always the same, so that no bound on memory changes a result."""
STRIP = 2**18
"""Pixels whose grey levels are converted at once: few enough for the processor's cache."""
BLOCK = 512
"""Side of the blocks that are learnt from, in pixels."""
MIDDLE = 256
"""Side of the middle of a plane by which noise and answers are judged, in pixels."""

Window = tuple[slice, slice]
"""Rows and columns of a part."""


def spans(length: int, side: int) -> Iterator[slice]:
    """Stretches of `side` pixels, the last one shorter if it must be, that make up `length`."""
    for start in range(0, length, side):
        yield slice(start, min(start + side, length))


def windows(height: int, width: int, side: int) -> Iterator[Window]:
    """Squares of at most `side` pixels a side that make up a plane."""
    for rows in spans(height, side):
        for columns in spans(width, side):
            yield rows, columns


def strips(shape: tuple[int, ...], pixels: int = STRIP) -> Iterator[slice]:
    """Stretches of an array's last axis but one, such as a plane's rows, each with about `pixels` values."""
    return spans(shape[-2], max(1, pixels * shape[-2] // max(1, math.prod(shape))))


def widened(window: Window, halo: int, height: int, width: int) -> tuple[Window, Window]:
    """The window with `halo` pixels more on each side, where the plane has them; and where the window lies in that."""
    wide = tuple(slice(max(span.start - halo, 0), min(span.stop + halo, length)) for span, length in zip(window, (height, width), strict=True))
    inner = tuple(slice(span.start - more.start, span.stop - more.start) for span, more in zip(window, wide, strict=True))
    return (wide[0], wide[1]), (inner[0], inner[1])


def blocks(plane: NDArray[Any], pixels: int) -> list[NDArray[Any]]:
    """The plane itself if it has at most so many pixels; else evenly spaced blocks of it, `pixels` in all at most.

    Parameters
    ----------
    plane
        Shape (S, Y, X).

    Returns
    -------
    Views, all of one shape, which do not overlap: from edge to edge of the plane, or in its middle where there is only one in a row or column.
    """
    samples, height, width = plane.shape
    if height * width <= pixels:
        return [plane]
    tall, wide = min(BLOCK, height), min(BLOCK, width)
    most = max(1, pixels // (samples * tall * wide))
    rows = min(max(1, round(math.sqrt(most * height / width))), height // tall, most)
    columns = min(most // rows, width // wide)
    return [plane[:, y : y + tall, x : x + wide] for y in _starts(height - tall, rows) for x in _starts(width - wide, columns)]


def middle_of(planes: NDArray[Any], side: int = MIDDLE) -> NDArray[Any]:
    """The middle of the middle plane, by itself: enough to tell noise by. Shape (N, C, Y, X) to (1, C, <= side, <= side)."""
    return _middles(planes, side)[len(planes) // 2, np.newaxis].copy()


def squares(planes: NDArray[Any], side: int = MIDDLE) -> list[NDArray[Any]]:
    """Views of planes, shape (N, C, Y, X), each of shape (C, side, side) or less: evenly spaced, and as many as fit beside one another."""
    height, width = planes.shape[2:]
    tall, wide = min(side, height), min(side, width)
    places = [(y, x) for y in _starts(height - tall, height // tall) for x in _starts(width - wide, width // wide)]
    return [plane[:, y : y + tall, x : x + wide] for plane in planes for y, x in places]


def spread(planes: NDArray[Any], most: int, side: int) -> NDArray[Any]:
    """The middles of evenly spaced planes, of those that are not even. Shape (N, C, Y, X) to (<= most, C, <= side, <= side)."""
    middles = _middles(planes, side)
    lively = [place for place, plane in enumerate(middles) if plane.min() < plane.max()] or [0]
    return middles[[lively[int(place)] for place in np.linspace(0, len(lively) - 1, min(most, len(lively))).round()]]


def _middles(planes: NDArray[Any], side: int) -> NDArray[Any]:
    top, left = (max(0, size - side) // 2 for size in planes.shape[2:])
    return planes[:, :, top : top + side, left : left + side]


def rounded_up(length: int, multiple: int) -> int:
    """A length, or the next greater one that is a multiple."""
    return -(-length // multiple) * multiple


def _starts(last: int, count: int) -> list[int]:
    return [int(start) for start in np.linspace(0, last, count).round()] if count > 1 else [last // 2]
