"""Write OME-TIFF, plane by plane."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_zeroshot.engine.axes import Axes, parse
from napari_zeroshot.engine.errors import FileError
from napari_zeroshot.engine.image import Image, Scale
from napari_zeroshot.engine.intensity import check_type
from napari_zeroshot.engine.ome import STORED, metadata

CLASSIC = (1 << 32) - (1 << 25)
"""More bytes need BigTIFF."""


def write(file: BinaryIO, image: Image, *, compressed: bool = False) -> None:
    """Write an OME-TIFF plane by plane, with rows and columns last."""
    axes = parse(image.axes, image.array.shape)
    check_type(np.dtype(image.array.dtype))
    if axes.size("P") > 1:
        raise FileError(f"OME-TIFF has no place for the {axes.size('P')} positions of axes {axes.letters!r}; write each to a file of its own")
    native = np.dtype(image.array.dtype).newbyteorder("=")
    dtype = np.dtype(STORED.get(native.name, native))
    counted = "".join(letter for letter in axes.letters if letter in "TZC")
    samples = "S" if axes.size("S") > 1 else ""
    letters = f"{counted}YX{samples}"
    shape = tuple(axes.size(letter) for letter in letters)
    tifffile.imwrite(
        file,
        _planes(image.array, axes, dtype),
        shape=shape,
        dtype=dtype,
        bigtiff=int(np.prod(shape)) * dtype.itemsize > CLASSIC,
        ome=True,
        photometric="rgb" if axes.size("S") in (3, 4) else "minisblack",
        planarconfig="contig" if samples else None,
        compression="zlib" if compressed else None,
        metadata={"axes": letters, **metadata(image, axes)},
        **_resolution(image.scale),
    )


def _planes(array: Any, axes: Axes, dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    for index in axes.planes():
        plane = axes.read(array, index)
        stored = plane.astype(dtype)
        if plane.dtype.kind in "iu" and dtype.kind == "f" and (stored.astype(plane.dtype) != plane).any():
            raise FileError(f"the image holds {plane.dtype} values beyond 2**53, which OME-TIFF cannot store; convert it to float64")
        yield np.ascontiguousarray(np.moveaxis(stored, 0, -1) if axes.size("S") > 1 else stored[0])


def _resolution(scale: Scale) -> dict[str, Any]:
    """Resolution tags too, for programs that do not read OME-XML."""
    sizes = [scale.get(letter, (0.0, "")) for letter in "XY"]
    if any(unit != "µm" or size <= 0 for size, unit in sizes):
        return {}
    return {"resolution": tuple(1e4 / size for size, _ in sizes), "resolutionunit": "CENTIMETER"}
