"""OME-Zarr written as version 0.4 or 0.5, plane by plane in any order, with smaller copies of large planes. Needs the package zarr, which is optional."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.axes import Axes, Index, parse
from napari_zeroshot.engine.durable import settle
from napari_zeroshot.engine.image import Image, Scale
from napari_zeroshot.engine.intensity import check_type
from napari_zeroshot.engine.ome_zarr import ORDER, OURS, UNITS, VERSION, VERSIONS, check, check_version, package

KINDS = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}
CHUNK = 1024
"""Sides of a chunk, and of the largest plane that has no smaller copy, in pixels."""
COLOURS = ("FFFFFF", "00FF00", "FF00FF", "00FFFF", "FFFF00", "FF0000", "0000FF")
SAMPLES = ("FF0000", "00FF00", "0000FF")


def write(folder: Path, image: Image, version: str = VERSION) -> None:
    """Fill an empty folder."""
    axes = parse(image.axes, image.array.shape)
    growing = Growing(folder, image, version=version)
    for index in axes.planes():
        growing.put(index, axes.read(image.array, index))
    growing.describe(image.provenance)


class Growing:
    """An OME-Zarr whose planes are put in one by one, in any order.

    Parameters
    ----------
    image
        Axes, names and pixel sizes of what is to be written; of its array only shape and type are used.
    begun
        What `begun` was, if the folder was begun before.
    version
        Of OME-Zarr, one of `VERSIONS`.
    """

    def __init__(self, folder: Path, image: Image, begun: Mapping[str, Any] | None = None, version: str = VERSION) -> None:
        self._folder, self._image, self._axes = folder, image, parse(image.axes, image.array.shape)
        check(self._axes)
        check_type(np.dtype(image.array.dtype))
        self._shapes = list(_shapes(self._axes))
        self._version = check_version(version)
        self._group = package().open_group(folder, mode="w" if begun is None else "r+", zarr_format=VERSIONS[version])
        self._levels = [self._level(number, begun is None) for number in range(len(self._shapes))]
        self._ends = _Ends()
        self.begun: Mapping[str, Any] = {"levels": len(self._levels)}

    def _level(self, number: int, new: bool) -> Any:
        dtype = np.dtype(self._image.array.dtype)
        return _level(self._group, str(number), self._axes, self._shapes[number], dtype) if new else self._group[str(number)]

    def put(self, index: Index, plane: NDArray[Any]) -> None:
        """Write a plane of shape (S, Y, X), and its smaller copies, into their places."""
        self._ends.see(self._axes, index, plane)
        for level in self._levels:
            level[_place(self._axes, index)] = plane if "S" in self._axes.letters else plane[0]
            plane = _halved(plane)

    def get(self, index: Index) -> NDArray[Any]:
        """A plane of shape (S, Y, X) as it was put in.

        Raises
        ------
        ValueError
            If its smaller copies are not those of the plane, as after a power failure.
        """
        plane = smaller = self._copy(0, index)
        for number in range(1, len(self._levels)):
            smaller = _halved(smaller)
            if not np.array_equal(smaller, self._copy(number, index), equal_nan=smaller.dtype.kind == "f"):
                raise ValueError(f"copy {number} of a plane is not made from it")
        self._ends.see(self._axes, index, plane)
        return plane

    def _copy(self, number: int, index: Index) -> NDArray[Any]:
        stored = np.asarray(self._levels[number][_place(self._axes, index)])
        return stored if "S" in self._axes.letters else stored[np.newaxis]

    def describe(self, provenance: Mapping[str, Any] | None) -> None:
        """Write down what the image is, and how it was made."""
        self._group.attrs.update(_attributes(replace(self._image, provenance=provenance), self._axes, self._shapes, self._ends, self._version))

    def finish(self, provenance: Mapping[str, Any]) -> None:
        """As `describe`; all of the folder is on the disk when this returns."""
        self.describe(provenance)
        settle(self._folder)

    def close(self) -> None:
        """Nothing is held open."""


def _stored(axes: Axes) -> str:
    """The axes in the order of OME-Zarr; S, if there is one, in the place of C."""
    return "".join(letter for letter in ORDER.replace("C", "CS") if letter in axes.letters)


def _named(axes: Axes) -> str:
    """The axes as OME-Zarr calls them."""
    return _stored(axes).replace("S", "C")


def _shapes(axes: Axes) -> Iterator[tuple[int, int]]:
    height, width = axes.height, axes.width
    yield height, width
    while max(height, width) > CHUNK and min(height, width) > 1:
        height, width = height // 2, width // 2
        yield height, width


def _level(group: Any, name: str, axes: Axes, plane: tuple[int, int], dtype: np.dtype[Any]) -> Any:
    counted = tuple(axes.size(letter) for letter in _stored(axes)[:-2])
    return group.create_array(
        name,
        shape=(*counted, *plane),
        chunks=(*[1] * len(counted), *(min(size, CHUNK) for size in plane)),
        dtype=dtype.newbyteorder("="),
        **(_version_2() if group.metadata.zarr_format == 2 else _version_3(axes)),
    )


def _version_2() -> dict[str, Any]:
    from numcodecs import Blosc

    return {"compressors": Blosc(cname="zstd", clevel=3, shuffle=Blosc.SHUFFLE), "chunk_key_encoding": {"name": "v2", "separator": "/"}}


def _version_3(axes: Axes) -> dict[str, Any]:
    from zarr.codecs import BloscCodec

    return {"compressors": BloscCodec(cname="zstd", clevel=3, shuffle="shuffle"), "dimension_names": [letter.lower() for letter in _named(axes)]}


def _place(axes: Axes, index: Index) -> tuple[int | slice, ...]:
    at = dict(zip(axes.letters, index, strict=True))
    return tuple(slice(None) if at[letter] is None else at[letter] for letter in _stored(axes))  # type: ignore[misc]


def _halved(plane: NDArray[Any]) -> NDArray[Any]:
    """Means of 2 x 2 pixels of a plane of shape (S, Y, X), in its own type; a last odd row or column is left out."""
    samples, height, width = plane.shape[0], plane.shape[1] // 2, plane.shape[2] // 2
    blocks = plane[:, : 2 * height, : 2 * width].reshape(samples, height, 2, width, 2)
    means: NDArray[Any] = blocks.mean(axis=(2, 4), dtype=np.float64 if plane.dtype.itemsize > 2 else np.float32)
    return (np.rint(means) if plane.dtype.kind in "iu" else means).astype(plane.dtype)


class _Ends:
    """The least and greatest value of each channel, for the contrast that viewers begin with."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[float, float]] = {}

    def see(self, axes: Axes, index: Index, plane: NDArray[Any]) -> None:
        for number, sample in enumerate(plane, start=axes.channel_of(index)):
            finite = sample[np.isfinite(sample)]
            if finite.size:
                low, high = self._found.get(number, (np.inf, -np.inf))
                self._found[number] = (min(low, float(finite.min())), max(high, float(finite.max())))

    def window(self, channel: int) -> dict[str, float]:
        low, high = self._found.get(channel, (0.0, 1.0))
        return {"min": low, "max": high, "start": low, "end": high}


def _attributes(image: Image, axes: Axes, shapes: Sequence[tuple[int, int]], ends: _Ends, version: str) -> dict[str, Any]:
    stored = _named(axes)
    ours: dict[str, Any] = {"axes": axes.letters}
    if image.provenance is not None:
        ours["provenance"] = json.loads(json.dumps(dict(image.provenance), default=str))
    said = {"version": version}
    multiscale = {
        "name": image.name,
        "axes": [_axis(letter, image.scale) for letter in stored],
        "datasets": [{"path": str(number), "coordinateTransformations": _steps(stored, image.scale, shapes[0], shape)} for number, shape in enumerate(shapes)],
        "type": "mean",
    }
    colours = SAMPLES if "S" in axes.letters else COLOURS
    channels = [
        {"label": name, "color": colours[number % len(colours)], "active": True, "window": ends.window(number)}
        for number, name in enumerate(_names(image, axes))
    ]
    if VERSIONS[version] == 2:
        return {"multiscales": [said | multiscale], OURS: ours, **({"omero": said | {"channels": channels}} if channels else {})}
    return {"ome": said | {"multiscales": [multiscale], **({"omero": {"channels": channels}} if channels else {})}, OURS: ours}


def _names(image: Image, axes: Axes) -> Sequence[str]:
    if "S" in axes.letters:
        return ("red", "green", "blue")[: axes.size("S")]
    return image.channels if len(image.channels) == axes.size("C") else ()


def _axis(letter: str, scale: Scale) -> dict[str, str]:
    unit = UNITS.get(scale.get(letter, (0.0, ""))[1])
    return {"name": letter.lower(), "type": KINDS[letter], **({"unit": unit} if unit else {})}


def _steps(stored: str, scale: Scale, full: tuple[int, int], plane: tuple[int, int]) -> list[dict[str, Any]]:
    """The size of a pixel at a level, and where the middle of its first one lies."""
    smaller = {"Y": 2.0 ** round(np.log2(full[0] / plane[0])), "X": 2.0 ** round(np.log2(full[1] / plane[1]))}
    sizes = {letter: scale.get(letter, (1.0, ""))[0] for letter in stored}
    steps = [{"type": "scale", "scale": [sizes[letter] * smaller.get(letter, 1.0) for letter in stored]}]
    if plane != full:
        steps.append({"type": "translation", "translation": [sizes[letter] * (smaller.get(letter, 1.0) - 1) / 2 for letter in stored]})
    return steps
