"""One image less another, plane by plane as it is asked for, and the grey levels to show it between."""

from __future__ import annotations

from typing import Any

import dask.array
import numpy as np
from numpy.typing import NDArray

SHOWN = 0.995
"""The share of differences that are shown without being cut off."""


def difference(one: Any, other: Any) -> Any:
    """``one - other`` as float32, of any arrays of one shape; nothing is computed before a part is asked for."""
    first, second = (dask.array.asarray(image) if hasattr(image, "dask") else _lazy(image) for image in (one, other))
    return first.astype(np.float32) - second.astype(np.float32)


def _lazy(image: Any) -> Any:
    """An array in pieces of one row of its first axis, where it has more than two; its content is not hashed."""
    chunks = (1,) * (image.ndim - 2) + tuple(image.shape[-2:])
    return dask.array.from_array(image, chunks=chunks, name=False)


def symmetric_limits(differences: NDArray[Any]) -> tuple[float, float]:
    """Black and white for differences, as far from 0 on both sides: all but one in 200 lie between; -1 and 1 if all are 0 or not finite."""
    sizes = np.abs(differences[np.isfinite(differences)])
    most = float(np.quantile(sizes, SHOWN)) if sizes.size else 0.0
    most = most or (float(sizes.max()) if sizes.size else 0.0) or 1.0
    return -most, most
