"""Grey levels: the user's type and range to float32 about 0 to 1, and exactly back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_zeroshot.engine.errors import ImageError
from napari_zeroshot.engine.method import Planes


@dataclass(frozen=True)
class Scale:
    """A straight line from grey levels to the methods' range.

    `low` becomes 0 and `high` becomes 1; values outside are kept, not clipped.
    """

    low: float
    high: float

    def normalise(self, plane: NDArray[Any]) -> Planes:
        """Grey levels to float32 about 0 to 1."""
        scaled = (plane.astype(np.float64) - self.low) / (self.high - self.low)
        return scaled.astype(np.float32)

    def restore(self, plane: Planes, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Back to grey levels of type `dtype`; whole numbers are rounded, and clipped to its range."""
        levels = plane.astype(np.float64) * (self.high - self.low) + self.low
        kind = dtype.newbyteorder("=")
        if kind.kind in "iu":
            levels = np.clip(np.rint(levels), *_bounds(kind))
        else:
            floats = np.finfo(kind)
            levels = np.clip(levels, float(floats.min), float(floats.max))
        return levels.astype(dtype)


def _bounds(kind: np.dtype[Any]) -> tuple[float, float]:
    """The least and greatest float that a whole-number type holds: 2**64 - 1 itself is no float."""
    low, high = float(np.iinfo(kind).min), float(np.iinfo(kind).max)
    return low, high if int(high) <= np.iinfo(kind).max else float(np.nextafter(high, 0))


MOST = 0.995


def measure(planes: Iterable[NDArray[Any]], dtype: np.dtype[Any]) -> Scale:
    """The scale of planes that share a network.

    8-bit images use 0 to 255, as the papers do. Any other type has no fixed meaning for its largest
    value (12-bit cameras write 16-bit files, with an offset), so its scale runs from the least to
    the greatest value that survives a 3 x 3 median: single hot or dead pixels do not set it. Where
    little survives, as of sparse photons, it ends above all but one in 200 values.
    """
    if dtype.newbyteorder("=") == np.uint8:
        return Scale(0.0, 255.0)
    ends = np.array([_ends(plane) for plane in planes])
    low, high = float(ends[:, 0].min()), float(ends[:, 1].max())
    return Scale(low, high) if high > low else Scale(low, low + 1.0)


def _ends(plane: NDArray[Any]) -> tuple[float, float]:
    levels = plane.astype(np.float64)
    calm = ndimage.median_filter(levels, size=(1, 3, 3), mode="reflect")
    return float(calm.min()), max(float(calm.max()), float(np.quantile(levels, MOST, method="lower")))


def check_type(dtype: np.dtype[Any]) -> None:
    """Refuse what is not a grey-level image.

    Raises
    ------
    ImageError
        For bool, complex, text and objects.
    """
    if dtype.kind == "b":
        raise ImageError("the image is bool, a mask with nothing between its two values to denoise; denoise the image it was made from")
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise ImageError(f"the image holds {dtype}; whole numbers and float16, float32 or float64 can be denoised")


def fill_gaps(plane: NDArray[Any], where: str, *, allowed: bool) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Replace NaN and infinity by the nearest number, and say where they were.

    Parameters
    ----------
    plane
        Shape (S, Y, X).
    where
        Which plane this is, for the error.
    allowed
        Whether the user asked for filling; if not, gaps are refused.

    Returns
    -------
    The plane without gaps, and the mask of gaps (None if there were none).

    Raises
    ------
    ImageError
        If there are gaps that may not be filled, or nothing but gaps.
    """
    if plane.dtype.kind != "f" or bool(np.isfinite(plane).all()):
        return plane, None
    gaps = ~np.isfinite(plane)
    first = tuple(int(i) for i in np.argwhere(gaps)[0][1:])
    if not allowed:
        raise ImageError(
            f"{int(gaps.sum())} of {plane.size} values{where} are NaN or infinite, the first at row {first[0]}, column {first[1]}; "
            "mend them, or ask for filling (nan='fill', --nan fill): they are then NaN in the result too"
        )
    if gaps.all():
        raise ImageError(f"every value{where} is NaN or infinite; there is nothing to denoise")
    nearest = ndimage.distance_transform_edt(gaps, return_distances=False, return_indices=True)
    return plane[tuple(nearest)], gaps
