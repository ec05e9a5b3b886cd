"""Write OME-TIFF, plane by plane: in the image's order, or in any."""

from __future__ import annotations

import json
import math
import os
import shutil
import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO
from xml.sax.saxutils import escape

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_zeroshot.engine.axes import Axes, Index, parse
from napari_zeroshot.engine.durable import BINARY, read_at, settle, write_at
from napari_zeroshot.engine.errors import FileError
from napari_zeroshot.engine.image import Image, Scale
from napari_zeroshot.engine.intensity import check_type
from napari_zeroshot.engine.ome import STORED, metadata

CLASSIC = (1 << 32) - (1 << 25)
"""More bytes need BigTIFF."""


NO_HISTORY = {"unfinished": "napari-zeroshot"}
"""Stands in the description of a file that grows until its provenance is known."""


def check(axes: Axes) -> None:
    """Raise `FileError` if OME-TIFF cannot hold an image of these axes."""
    if axes.size("P") > 1:
        raise FileError(f"OME-TIFF has no place for the {axes.size('P')} positions of axes {axes.letters!r}; write each to a file of its own")


def size_of(shape: Sequence[int], dtype: np.dtype[Any]) -> int:
    """Bytes of the pixels of an uncompressed OME-TIFF."""
    return math.prod(shape) * _stored_type(dtype).itemsize


def check_room(folder: Path, needed: int) -> None:
    """Raise `FileError` if a folder's disk has no room for so many bytes."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise FileError(f"writing the result takes {needed / 1e9:.2g} GB of the disk, of which {free / 1e9:.2g} GB are free; make room")


def write(file: BinaryIO, image: Image, *, compressed: bool = False) -> None:
    """Write an OME-TIFF plane by plane, with rows and columns last."""
    axes = parse(image.axes, image.array.shape)
    layout = _layout(image, axes)
    planes = (_stored(axes.read(image.array, index), layout["dtype"]) for index in axes.planes())
    tifffile.imwrite(file, planes, compression="zlib" if compressed else None, **layout)


def _layout(image: Image, axes: Axes) -> dict[str, Any]:
    """What tifffile is told of an image: all but its pixels."""
    check_type(np.dtype(image.array.dtype))
    check(axes)
    dtype = _stored_type(np.dtype(image.array.dtype))
    counted = "".join(letter for letter in axes.letters if letter in "TZC")
    samples = "S" if axes.size("S") > 1 else ""
    letters = f"{counted}YX{samples}"
    shape = tuple(axes.size(letter) for letter in letters)
    return {
        "shape": shape,
        "dtype": dtype,
        "bigtiff": int(np.prod(shape)) * dtype.itemsize > CLASSIC,
        "ome": True,
        "photometric": "rgb" if axes.size("S") in (3, 4) else "minisblack",
        "planarconfig": "contig" if samples else None,
        "metadata": {"axes": letters, **metadata(image, axes)},
        **_resolution(image.scale),
    }


def _stored_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    native = dtype.newbyteorder("=")
    return np.dtype(STORED.get(native.name, native))


def _stored(plane: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """A plane of shape (S, Y, X) as it lies in the file."""
    stored = plane.astype(dtype)
    if plane.dtype.kind in "iu" and dtype.kind == "f" and (stored.astype(plane.dtype) != plane).any():
        raise FileError(f"the image holds {plane.dtype} values beyond 2**53, which OME-TIFF cannot store; convert it to float64")
    return np.ascontiguousarray(np.moveaxis(stored, 0, -1) if len(plane) > 1 else stored[0])


class Growing:
    """An uncompressed OME-TIFF whose planes are put in one by one, in any order.

    Parameters
    ----------
    image
        Axes, names and pixel sizes of what is to be written; of its array only shape and type are used.
    begun
        What `begun` was, if the file was begun before: with it, nothing in the unfinished file itself is relied on.
    """

    def __init__(self, path: Path, image: Image, begun: Mapping[str, Any] | None = None) -> None:
        self._path, self._axes = path, parse(image.axes, image.array.shape)
        self._type = np.dtype(image.array.dtype).newbyteorder("=")
        self._layout = _layout(replace(image, provenance=NO_HISTORY), self._axes)
        self._numbers = {index: number for number, index in enumerate(self._axes.planes())}
        self._plane = self._layout["shape"][sum(letter in "TZC" for letter in self._axes.letters) :]
        self._bytes = int(np.prod(self._plane)) * int(self._layout["dtype"].itemsize)
        self.begun: Mapping[str, Any] = begun or self._begin()
        self._file = os.open(path, os.O_RDWR | BINARY)

    def _begin(self) -> Mapping[str, Any]:
        check_room(self._path.parent, self._bytes * len(self._numbers))
        tifffile.imwrite(self._path, None, **self._layout)
        settle(self._path)
        with tifffile.TiffFile(self._path) as file:
            told = file.pages[0].aspage().tags["ImageDescription"]
            wide = {"entry": told.offset + 4, "format": f"{file.byteorder}{'QQ' if file.is_bigtiff else 'II'}"}
            return {"offset": file.series[0].dataoffset, "description": file.ome_metadata, "end": file.filehandle.size, **wide}

    def put(self, index: Index, plane: NDArray[Any]) -> None:
        """Write a plane of shape (S, Y, X) into its place; it is on the disk when this returns."""
        write_at(self._file, _stored(plane, self._layout["dtype"]).tobytes(), self._place(index))

    def get(self, index: Index) -> NDArray[Any]:
        """A plane of shape (S, Y, X) as it was put in."""
        content = read_at(self._file, self._bytes, self._place(index)).ljust(self._bytes, b"\0")
        stored = np.frombuffer(content, self._layout["dtype"]).reshape(self._plane)
        return (np.moveaxis(stored, -1, 0) if self._axes.size("S") > 1 else stored[np.newaxis]).astype(self._type)

    def _place(self, index: Index) -> int:
        return int(self.begun["offset"]) + self._numbers[index] * self._bytes

    def finish(self, provenance: Mapping[str, Any]) -> None:
        """Write down how the image was made; all of the file is on the disk when this returns."""
        described = str(self.begun["description"]).replace(_in_xml(NO_HISTORY), _in_xml(provenance)).encode() + b"\0"
        end = (self.begun["end"] + 1) // 2 * 2  # TIFF wants values at even places
        write_at(self._file, described, end)  # tifffile would point to it before it is there
        write_at(self._file, struct.pack(self.begun["format"], len(described), end), self.begun["entry"])

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def _in_xml(provenance: Mapping[str, Any]) -> str:
    return escape(json.dumps(dict(provenance), default=str), {'"': "&quot;"})


def _resolution(scale: Scale) -> dict[str, Any]:
    """Resolution tags too, for programs that do not read OME-XML."""
    sizes = [scale.get(letter, (0.0, "")) for letter in "XY"]
    if any(unit != "µm" or size <= 0 for size, unit in sizes):
        return {}
    return {"resolution": tuple(1e4 / size for size, _ in sizes), "resolutionunit": "CENTIMETER"}
