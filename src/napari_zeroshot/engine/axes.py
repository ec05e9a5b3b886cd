"""Axes letters: which dimensions of an image are planes, which make a plane.

T (time), Z (depth), C (channel) and P (position, or whatever else) count planes; Y and X make a plane; S holds the samples (red,
green, blue) of one, which are denoised together. The letters may come in any order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.errors import ImageError

LETTERS = {"T": "time", "Z": "depth", "C": "channel", "P": "position or any other", "Y": "row", "X": "column", "S": "samples of an RGB image"}
IN_PLANE = "SYX"

Index = tuple[int | None, ...]
"""Where a plane lies: a number for each axis that counts planes, None for those within a plane."""

NAMES = {
    "t": "T", "time": "T", "frame": "T", "z": "Z", "depth": "Z", "c": "C", "channel": "C",
    "p": "P", "position": "P", "scene": "P", "other": "P", "y": "Y", "row": "Y", "x": "X", "column": "X", "s": "S", "sample": "S", "rgb": "S",
}  # fmt: skip
"""What other programs call the axes, in lower case."""


@dataclass(frozen=True)
class Axes:
    """The letters of an image's dimensions, with their sizes.

    Made by `parse`; cuts an image into planes of shape (S, Y, X) and puts them back.
    """

    letters: str
    shape: tuple[int, ...]

    def size(self, letter: str) -> int:
        """The size along `letter`; 1 if the image has no such axis."""
        return self.shape[self.letters.index(letter)] if letter in self.letters else 1

    @property
    def height(self) -> int:
        """Rows of a plane, in pixels."""
        return self.size("Y")

    @property
    def width(self) -> int:
        """Columns of a plane, in pixels."""
        return self.size("X")

    def planes(self) -> list[Index]:
        """Where each plane lies, in the order of the image."""
        steps: list[Sequence[int | None]] = [(None,) if letter in IN_PLANE else range(size) for letter, size in zip(self.letters, self.shape, strict=True)]
        return list(product(*steps))

    def channel_of(self, index: Index) -> int:
        """The channel of a plane; 0 if the image has no such axis."""
        return (index[self.letters.index("C")] or 0) if "C" in self.letters else 0

    def channels(self) -> list[list[Index]]:
        """The planes grouped by channel: what may share a network."""
        groups: dict[int, list[Index]] = {}
        for index in self.planes():
            groups.setdefault(self.channel_of(index), []).append(index)
        return list(groups.values())

    def index_of(self, at: Mapping[str, int]) -> Index:
        """Where the plane at ``{"T": 3, "C": 1}`` lies; letters left out mean 0."""
        return tuple(None if letter in IN_PLANE else int(at.get(letter, 0)) for letter in self.letters)

    def at(self, index: Index) -> dict[str, int]:
        """Which plane that is: ``{"T": 3, "C": 1}``."""
        return {letter: i for letter, i in zip(self.letters, index, strict=True) if i is not None}

    def read(self, image: Any, index: Index) -> NDArray[Any]:
        """One plane of any array, in memory, shape (S, Y, X); nothing else is read."""
        plane = np.asarray(image[_slices(index)])
        inside = [letter for letter in self.letters if letter in IN_PLANE]
        ordered = plane.transpose([inside.index(letter) for letter in IN_PLANE if letter in inside])
        return ordered if "S" in inside else ordered[np.newaxis]

    def write(self, image: Any, index: Index, plane: NDArray[Any]) -> None:
        """Put a plane of shape (S, Y, X) back where `read` took it from."""
        image[_slices(index)] = self.as_laid(plane)

    def as_laid(self, plane: NDArray[Any]) -> NDArray[Any]:
        """A plane of shape (S, Y, X) with its axes in the image's own order."""
        inside = [letter for letter in self.letters if letter in IN_PLANE]
        kept = plane if "S" in inside else plane[0]
        ordered = [letter for letter in IN_PLANE if letter in inside]
        return kept.transpose([ordered.index(letter) for letter in inside])


def named(at: Mapping[str, int]) -> str:
    """Which plane, in words: ``T=0, C=1``."""
    return ", ".join(f"{letter}={i}" for letter, i in at.items())


def _slices(index: Index) -> tuple[int | slice, ...]:
    return tuple(slice(None) if i is None else i for i in index)


def letters_of(image: Any) -> str | None:
    """The letters that a labelled array (xarray) gives its own dimensions; None if it has none, or others than ours."""
    names = [NAMES.get(str(name).lower()) for name in getattr(image, "dims", ())]
    return "".join(name for name in names if name) if names and None not in names else None


def told_otherwise(said: Axes, given: Axes, who: str = "file") -> tuple[str, ...]:
    """What to tell where a file, or an array, calls its axes otherwise than the user does, who may be right. Dimensions of length 1 may be called anything."""
    known, kept = ([letter for letter, size in zip(axes.letters, axes.shape, strict=True) if size > 1] for axes in (said, given))
    if known == kept or not set(known) <= set(LETTERS):
        return ()
    return (f"The {who} says that its axes are {said.letters}; they were taken as {given.letters}.",)


def parse(letters: str | None, shape: Sequence[int]) -> Axes:
    """Check axes letters against an image's shape.

    Parameters
    ----------
    letters
        One of T, Z, C, P, Y, X, S per dimension, such as ``TCZYX``; upper or lower case. None is
        accepted for a two-dimensional image only, which is then ``YX``.
    shape
        The image's shape.

    Raises
    ------
    ImageError
        If a letter is unknown, repeated or missing, if the count does not match, or if a
        dimension is empty.
    """
    shape = tuple(int(size) for size in shape)
    if letters is None:
        letters = _obvious(shape)
    letters = letters.upper()
    for problem in _problems(letters, shape):
        raise ImageError(problem)
    return Axes(letters, shape)


def _obvious(shape: tuple[int, ...]) -> str:
    if len(shape) == 2:
        return "YX"
    if len(shape) < 2:
        raise ImageError(f"an image has rows and columns at least, and this has shape {shape}; give an array of two or more dimensions")
    example = {3: "'ZYX', 'TYX', 'CYX' or, for RGB, 'YXS'", 4: "'TCYX' or 'CZYX'", 5: "'TCZYX'"}.get(len(shape), "'TCZYX'")
    raise ImageError(f"an image of {len(shape)} dimensions {shape} needs its axes named: give one letter for each, such as {example}")


def _problems(letters: str, shape: tuple[int, ...]) -> Iterator[str]:
    unknown = [letter for letter in letters if letter not in LETTERS]
    if unknown:
        known = ", ".join(f"{letter} ({meaning})" for letter, meaning in LETTERS.items())
        yield f"axes {letters!r} have an unknown letter {unknown[0]!r}; known are {known}"
    if len(set(letters)) < len(letters):
        yield f"axes {letters!r} name one letter twice; name each dimension differently"
    if len(letters) != len(shape):
        yield f"axes {letters!r} have {len(letters)} letters, the image {len(shape)} dimensions {shape}; name each, e.g. 'TCYX'"
    if not {"Y", "X"} <= set(letters):
        yield f"axes {letters!r} lack Y or X; a plane needs rows (Y) and columns (X)"
    if 0 in shape:
        yield f"the image is empty: its shape is {shape}"
