"""One image less another, part by part as it is asked for, and the grey levels to show it between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHOWN = 0.995
"""The share of differences that are shown without being cut off."""


@dataclass(frozen=True, eq=False)
class Difference:
    """``one - other`` as float32, of any arrays of one shape: an array to be sliced, which computes no more than is asked for.

    dask would do, but copies both arrays at once.

    Parameters
    ----------
    samples
        Whether the last axis holds the samples of a colour image: their mean is taken.
    """

    one: Any
    other: Any
    samples: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Without the samples."""
        shape = tuple(self.one.shape)
        return shape[:-1] if self.samples else shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32."""
        return np.dtype(np.float32)

    @property
    def ndim(self) -> int:
        """As many axes as `shape` has."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many values there are."""
        return int(np.prod(self.shape))

    def __getitem__(self, key: Any) -> NDArray[np.float32]:
        first, second = (np.asarray(image[key], np.float32) for image in (self.one, self.other))
        taken = first - second
        return np.asarray(taken.mean(axis=-1) if self.samples else taken)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """All of it."""
        return np.asarray(self[...], dtype)


def symmetric_limits(differences: NDArray[Any]) -> tuple[float, float]:
    """Black and white for differences, as far from 0 on both sides: all but one in 200 lie between; -1 and 1 if all are 0 or not finite."""
    sizes = np.abs(differences[np.isfinite(differences)])
    most = float(np.quantile(sizes, SHOWN)) if sizes.size else 0.0
    most = most or (float(sizes.max()) if sizes.size else 0.0) or 1.0
    return -most, most
