"""A short sum of an image's pixels, by which a later run knows that it has the same image."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.axes import Axes, Index

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
    whole = blake2b(dtype.name.encode(), digest_size=LENGTH)
    for index in axes.planes():
        whole.update(sums[index])
    return f"blake2b:{whole.hexdigest()}"


def of_image(image: Any, axes: Axes) -> str | None:
    """The sum of any array that can be sliced, in one pass, plane by plane."""
    return of_planes(axes, np.dtype(image.dtype), {index: of_plane(axes.read(image, index)) for index in axes.planes()})
