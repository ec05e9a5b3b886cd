"""Pictures side by side on one page, under one contrast, each with what it is below it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import PIL.Image
    import PIL.ImageFont

GAP, LINE, MARGIN = 8, 20, 6
"""Pixels between tiles, of a line of text, and around the text."""
SMALLEST = 160
"""A tile is enlarged by a whole number until it is about as wide, so that its text has room."""
GREEK = str.maketrans({"α": "alpha", "β": "beta", "λ": "lambda", "σ": "sigma"})
"""Letters that Pillow's own font lacks."""


@dataclass(frozen=True, eq=False)
class Captioned:
    """A picture with the lines below it; a picture without pixels is left blank.

    Parameters
    ----------
    image
        Shape (Y, X), or (Y, X, 3) for colours.
    lines
        The first is the title.
    """

    image: NDArray[Any] | None
    lines: tuple[str, ...]


def contrast(image: NDArray[Any]) -> tuple[float, float]:
    """The grey levels to show as black and white: all but the few darkest and brightest pixels lie between. Gaps (NaN) count for nothing."""
    low, high = np.percentile(image[np.isfinite(image)], (0.1, 99.9))
    return float(low), float(high) if high > low else float(low) + 1


def as_shown(image: NDArray[Any], limits: tuple[float, float]) -> NDArray[np.uint8]:
    """An image in 8 bits, from black to white at `limits`; gaps (NaN) are black."""
    low, high = limits
    shown: NDArray[np.uint8] = np.nan_to_num(np.clip((image.astype(np.float64) - low) / (high - low) * 255, 0, 255)).astype(np.uint8)
    return shown


def sheet(rows: Sequence[Sequence[Captioned]], limits: tuple[float, float]) -> PIL.Image.Image:
    """A page of pictures of one shape, in rows.

    Parameters
    ----------
    limits
        The grey levels shown as black and white in every picture.
    """
    import PIL.Image

    shape = next(one.image.shape for row in rows for one in row if one.image is not None)
    times = max(1, round(SMALLEST / shape[1]))
    height, width = shape[0] * times, shape[1] * times
    lines = max(len(one.lines) for row in rows for one in row)
    room = max((_font().getlength(line.translate(GREEK)) for row in rows for one in row for line in one.lines), default=0)
    tall, wide = height + lines * LINE + 2 * MARGIN, max(width, math.ceil(room)) + GAP
    page = PIL.Image.new("RGB", (max(len(row) for row in rows) * wide + GAP, len(rows) * tall + GAP), "white")
    for down, row in enumerate(rows):
        for across, one in enumerate(row):
            _put(page, one, (GAP + across * wide, GAP + down * tall), (width, height), limits)
    return page if len(shape) == 3 else page.convert("L")


def _font() -> PIL.ImageFont.FreeTypeFont:
    from PIL import ImageFont

    return ImageFont.load_default(15)  # type: ignore[return-value]


def _put(page: PIL.Image.Image, one: Captioned, corner: tuple[int, int], size: tuple[int, int], limits: tuple[float, float]) -> None:
    import PIL.Image
    from PIL import ImageDraw

    left, top = corner
    if one.image is not None:
        page.paste(PIL.Image.fromarray(as_shown(one.image, limits)).resize(size, PIL.Image.Resampling.NEAREST), corner)
    pen = ImageDraw.Draw(page)
    for number, line in enumerate(one.lines):
        middle = top + size[1] + MARGIN + LINE * number + LINE // 2
        pen.text((left, middle), line.translate(GREEK), fill="black" if number == 0 else "dimgray", font=_font(), anchor="lm")
