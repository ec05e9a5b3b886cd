"""Planes seen together with those before and after them, in time or in depth.

A plane's neighbours lie beside it along the channel axis, from the first to the last: a method that is given them gets arrays of
shape (N, (2 count + 1) C, Y, X), and answers for the plane in their middle alone, with C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.axes import Axes, Index
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.method import Denoiser, Planes
from napari_zeroshot.engine.params import Params
from napari_zeroshot.engine.region import Region, cut

Neighbours = Literal["auto", "0", "1", "2"]
"""How many planes on each side are seen; ``auto`` is decided before a run begins."""
LEAST = 3
"""Planes of a stack, for its planes to have neighbours."""
USUAL = "1"
"""What ``auto`` takes in stacks."""


def axis_of(axes: Axes) -> str | None:
    """Along which axis planes have neighbours: time, or else depth; None where there are too few."""
    return next((letter for letter in "TZ" if axes.size(letter) >= LEAST), None)


def decided(params: Params, axes: Axes) -> Params:
    """The parameters with the number of neighbours decided, so that the provenance says how many there were.

    Raises
    ------
    ParamError
        If neighbours are asked for in an image that has none.
    """
    wanted = getattr(params, "neighbours", "0")
    stacked = axis_of(axes) is not None
    if wanted == "auto":
        return params.replace(neighbours=USUAL if stacked else "0")
    if wanted != "0" and not stacked:
        raise ParamError(f"neighbours = {wanted} needs a stack of {LEAST} planes or more along T or Z, and this image has none; take 0, or name its axes")
    return params


def count_of(params: Params) -> int:
    """How many planes on each side are seen; 0 for methods that see none."""
    wanted = getattr(params, "neighbours", "0")
    return int(wanted) if wanted != "auto" else 0


def own(planes: Any, count: int) -> Any:
    """Of planes with their neighbours, those in the middle; arrays or tensors of shape (N, C, Y, X)."""
    channels = planes.shape[1] // (2 * count + 1)
    return planes[:, count * channels : (count + 1) * channels]


@dataclass(frozen=True, eq=False)
class Among:
    """The planes of a part of an image, each with its neighbours, which may lie outside the part.

    Parameters
    ----------
    image, axes
        The part, but whole along `letter`.
    letter, first
        Along what planes have neighbours, and where the part begins there.
    count
        How many on each side. Beyond the ends of the image they are mirrored.
    """

    image: Any
    axes: Axes
    letter: str
    first: int
    count: int

    @classmethod
    def of(cls, image: Any, whole: Axes, region: Region, count: int) -> Among | None:
        """For the region of an image; None where no neighbours are seen."""
        letter = axis_of(whole)
        if not count or letter is None:
            return None
        part = cut(image, whole, {other: ends for other, ends in region.items() if other != letter})
        return cls(part, Axes(whole.letters, part.shape), letter, region.get(letter, (0, 0))[0], count)

    def around(self, index: Index) -> list[Index]:
        """Where the planes lie, in `image`, that belong to the part's plane at `index`: as many before it as after it."""
        place, size = self.axes.letters.index(self.letter), self.axes.size(self.letter)
        middle = (index[place] or 0) + self.first
        at = (_mirrored(middle + offset, size) for offset in range(-self.count, self.count + 1))
        return [(*index[:place], one, *index[place + 1 :]) for one in at]

    def read(self, index: Index) -> NDArray[Any]:
        """The plane at an index of `image`, shape (S, Y, X)."""
        return self.axes.read(self.image, index)


def _mirrored(at: int, size: int) -> int:
    return 2 * (size - 1) - at if at >= size else abs(at)


def mirrored_around(planes: NDArray[Any], place: int, count: int) -> NDArray[Any]:
    """Planes with their neighbours, put so that the one at `place` of them is in the middle; what is unknown of its surroundings is mirrored."""
    channels, seen = planes.shape[1] // (2 * count + 1), 2 * count + 1
    order = [_mirrored(place + offset, seen) for offset in range(-count, count + 1)]
    return np.concatenate([planes[:, at * channels : (at + 1) * channels] for at in order], axis=1)


@dataclass(frozen=True, eq=False)
class OfMiddle:
    """A denoiser that knows no neighbours, for planes that come with `count` on each side."""

    denoiser: Denoiser
    count: int

    @property
    def halo(self) -> int | None:
        """The denoiser's own."""
        return getattr(self.denoiser, "halo", None)

    def __call__(self, planes: Planes) -> Planes:
        """Clean middle planes."""
        return self.denoiser(own(planes, self.count))


def amid(denoiser: Denoiser, seen: Planes, count: int) -> Denoiser:
    """A denoiser of planes that have the neighbours of `seen`, whatever they themselves are."""
    channels = seen.shape[1] // (2 * count + 1)
    before, after = seen[:, : count * channels], seen[:, (count + 1) * channels :]
    return lambda planes: denoiser(np.concatenate((before, planes, after), axis=1))
