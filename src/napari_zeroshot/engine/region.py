"""A box cut out of any array, of which only what is asked for is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_zeroshot.engine.axes import Axes
from napari_zeroshot.engine.errors import ImageError

Region = Mapping[str, tuple[int, int]]
"""The first and the end index along some axes, such as ``{"T": (3, 5), "Y": (0, 256)}``; the others are whole."""


def lies_in_memory(image: Any) -> bool:
    """Whether an image, or what it is a part of, lies in memory as a whole, so that looking through it reads no file."""
    return bool(getattr(image, "lies_in_memory", isinstance(image, np.ndarray) and not isinstance(image, np.memmap)))


@dataclass(frozen=True, eq=False)
class Part:
    """The box of `shape` that begins at `start`; sliced as `Axes.read` slices, by a number or the whole of each axis."""

    array: Any
    start: tuple[int, ...]
    shape: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The array's own."""
        dtype: np.dtype[Any] = np.dtype(self.array.dtype)
        return dtype

    @property
    def lies_in_memory(self) -> bool:
        """Whether the array does."""
        return lies_in_memory(self.array)

    def __getitem__(self, index: tuple[int | slice, ...]) -> Any:
        places = zip(index, self.start, self.shape, strict=True)
        return self.array[tuple(slice(start, start + size) if isinstance(at, slice) else start + at for at, start, size in places)]


def cut(image: Any, axes: Axes, region: Region) -> Part:
    """The part of an image that a region names.

    Raises
    ------
    ImageError
        If the region has a letter that the image has not, or goes beyond it, or is empty.
    """
    for letter, (first, end) in region.items():
        if letter not in axes.letters:
            raise ImageError(f"the region names an axis {letter!r}, the image has {', '.join(axes.letters)}")
        if not 0 <= first < end <= axes.size(letter):
            raise ImageError(f"the region has {letter} from {first} to {end}, the image from 0 to {axes.size(letter)}; give a first and an end index within it")
    ends = [region.get(letter, (0, size)) for letter, size in zip(axes.letters, axes.shape, strict=True)]
    return Part(image, tuple(first for first, _ in ends), tuple(end - first for first, end in ends))


def planes_around(image: Any, axes: Axes, region: Region) -> Part:
    """The whole planes that a region lies in."""
    return cut(image, axes, {letter: ends for letter, ends in region.items() if letter not in "YX"})
