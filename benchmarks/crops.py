"""Crops of real images before and after, side by side, for the pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import plot
from benchmarks.pairs import Pair, kind_of
from napari_zeroshot.engine.contact_sheet import Captioned, as_shown, contrast, sheet
from napari_zeroshot.engine.metrics import psnr

SIDE = 180
"""Pixels of a crop."""
MOST = 3


def draw(name: str, scenes: Sequence[Pair], methods: Mapping[str, Callable[[Pair], Any]]) -> None:
    """Draw a row of pictures for the first scene of each kind: raw, by each method, and the reference, into docs/images."""
    first: dict[str, Pair] = {}
    for pair in scenes:
        first.setdefault(kind_of(pair.name), pair)
    rows = [_row(pair, methods) for pair in list(first.values())[:MOST]]
    plot.FOLDER.mkdir(parents=True, exist_ok=True)
    sheet(rows, (0, 255)).save(plot.FOLDER / _file(name), optimize=True)


def _row(pair: Pair, methods: Mapping[str, Callable[[Pair], Any]]) -> list[Captioned]:
    """Under the contrast of the reference, whole images denoised and then cut."""
    images = {"raw": pair.raw, **{name: method(pair) for name, method in methods.items()}}
    limits, place = contrast(pair.truth), _liveliest(pair.truth)
    shown = [Captioned(as_shown(np.asarray(image)[place], limits), (name, f"{psnr(pair.truth, image, 255):.2f} dB")) for name, image in images.items()]
    return [*shown, Captioned(as_shown(pair.truth[place], limits), ("reference", pair.name))]


def _liveliest(truth: NDArray[Any]) -> tuple[slice, slice]:
    """Where a square of the reference differs most within itself: not the empty ground."""
    corners = product(*(range(0, max(length - SIDE, 0) + 1, SIDE // 2) for length in truth.shape))
    places = [(slice(top, top + SIDE), slice(left, left + SIDE)) for top, left in corners]
    return max(places, key=lambda place: float(truth[place].std()))


def shown(name: str) -> list[str]:
    """The pictures of a set, in Markdown; nothing where none were drawn."""
    if not (plot.FOLDER / _file(name)).exists():
        return []
    told = "Crops, a row for the first scene of each kind, under the reference's contrast; PSNR of the whole image:"
    return [f"{told}\n\n![Crops before and after]({plot.FOLDER.name}/{_file(name)})"]


def _file(name: str) -> str:
    return f"quality_{name}_crops.png"
