"""A short sum of an image's pixels, by which a later run knows that it has the same image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.axes import Axes, Index
from napari_zeroshot.engine.region import Region

LENGTH = 16
"""Bytes of a sum: images that differ have the same one never in practice."""


def of_plane(plane: NDArray[Any]) -> bytes:
    """The sum of one plane in memory; the same in either byte order."""
    stored = np.ascontiguousarray(plane, dtype=plane.dtype.newbyteorder("<"))
    return blake2b(stored.reshape(-1).view(np.uint8).data, digest_size=LENGTH).digest()


def of_planes(axes: Axes, dtype: np.dtype[Any], sums: Mapping[Index, bytes]) -> str | None:
    """The sum of an image from those of its planes; None while the sum of any plane is missing."""
    if any(index not in sums for index in axes.planes()):
        return None
    return _of_sums(dtype, (sums[index] for index in axes.planes()))


def of_image(image: Any, axes: Axes, region: Region | None = None) -> str:
    """The sum of any array that can be sliced, or of a region of it, in one pass, plane by plane."""
    ends = {letter: (0, axes.size(letter)) for letter in axes.letters} | dict(region or {})
    rows, columns = slice(*ends["Y"]), slice(*ends["X"])
    inside = (index for index in axes.planes() if all(i is None or i in range(*ends[letter]) for letter, i in zip(axes.letters, index, strict=True)))
    return _of_sums(np.dtype(image.dtype), (of_plane(axes.read(image, index)[:, rows, columns]) for index in inside))


def _of_sums(dtype: np.dtype[Any], sums: Iterable[bytes]) -> str:
    whole = blake2b(dtype.name.encode(), digest_size=LENGTH)
    for each in sums:
        whole.update(each)
    return f"blake2b:{whole.hexdigest()}"
