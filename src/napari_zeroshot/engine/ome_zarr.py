"""OME-Zarr, read in versions 0.1 to 0.5 and written as 0.4 or 0.5, plane by plane in any order, with smaller copies of large planes.

Needs the package zarr, which is optional.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from errno import ENOENT
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.axes import LETTERS, NAMES, Axes, Index, parse
from napari_zeroshot.engine.durable import settle
from napari_zeroshot.engine.errors import FileError, MissingPackageError, ParamError
from napari_zeroshot.engine.image import IN_MEMORY, Image, Scale
from napari_zeroshot.engine.intensity import check_type

VERSIONS = {"0.4": 2, "0.5": 3}
"""What is written, and the format of zarr that it wants."""
VERSION = "0.4"
"""What most programs read."""
OURS = "napari-zeroshot"
"""The attribute that holds what OME-Zarr has no place for."""
ORDER = "TCZYX"
"""How OME-Zarr wants its axes; the samples of a colour image lie where the channels would."""
KINDS = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}
UNITS = {
    "pm": "picometer", "nm": "nanometer", "µm": "micrometer", "mm": "millimeter", "cm": "centimeter", "dm": "decimeter", "m": "meter",
    "Å": "angstrom", "in": "inch", "ft": "foot",
    "ns": "nanosecond", "µs": "microsecond", "ms": "millisecond", "s": "second", "min": "minute", "h": "hour", "d": "day",
}  # fmt: skip
"""How OME-Zarr writes the units; a size in any other is written without its unit."""
CHUNK = 1024
"""Sides of a chunk, and of the largest plane that has no smaller copy, in pixels."""
MOST_CHUNKS, FEW_CHUNKS = 2**22, 2**14
"""A few bytes can claim any number of chunks. More than these are refused, or not read at once."""
COLOURS = ("FFFFFF", "00FF00", "FF00FF", "00FFFF", "FFFF00", "FF0000", "0000FF")
SAMPLES = ("FF0000", "00FF00", "0000FF")
MARKS = (".zgroup", ".zarray", ".zattrs", "zarr.json")
"""The files of which a folder that is a zarr has one."""


def is_zarr(folder: Path) -> bool:
    """Whether a folder is a zarr, ours or another's."""
    return any((folder / mark).is_file() for mark in MARKS)


def read(path: Path, axes: str | None, in_memory: int | None = None) -> Image:
    """The first image of an OME-Zarr at full resolution, or the pixels of a plain zarr array; above so many bytes, to be read when sliced."""
    zarr = _zarr()
    found = zarr.open(path, mode="r")
    if isinstance(found, zarr.Array):
        return _image(_loaded(found, path, in_memory), None, found.attrs, axes, {})
    said = found.attrs.get("ome", found.attrs)  # since 0.5
    if not said.get("multiscales"):
        raise ValueError("it is a zarr without an image; plates and other groups hold theirs in folders below, so open one of those")
    first = said["multiscales"][0]
    level = first["datasets"][0]
    stored = found[str(level["path"])]
    if not isinstance(stored, zarr.Array):
        raise ValueError(f"its image {level['path']} is no array")
    letters = _letters(first.get("axes"), stored.ndim)
    return _image(_loaded(stored, path, in_memory), letters, found.attrs, axes, {"scale": _scale(first, level, letters), "channels": _channels(said)})


def provenance(path: Path) -> Mapping[str, Any] | None:
    """How the image was made, without reading it; None if we did not make it."""
    return _ours(_zarr().open(path, mode="r").attrs).get("provenance")


def _zarr() -> Any:
    try:
        import zarr
    except ImportError as error:
        raise MissingPackageError("OME-Zarr needs another package: pip install 'napari-zeroshot[zarr]'") from error
    return zarr


def _ours(attributes: Any) -> Mapping[str, Any]:
    ours = attributes.get(OURS)
    ours = dict(ours) if isinstance(ours, Mapping) else {}
    if not isinstance(ours.get("provenance"), Mapping):
        ours["provenance"] = None
    return ours


@dataclass(frozen=True, eq=False)
class _Watched:
    """A stored array whose folder has to be there: of a disk that vanishes, zarr takes every chunk for an empty one."""

    stored: Any
    folder: Path

    @property
    def shape(self) -> tuple[int, ...]:
        return self.stored.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> Any:
        return self.stored.dtype

    def __getitem__(self, place: Any) -> NDArray[Any]:
        pixels = np.asarray(self.stored[place])
        if not is_zarr(self.folder):
            raise FileNotFoundError(ENOENT, "it was there and is gone", str(self.folder))
        return pixels


def _loaded(stored: Any, path: Path, in_memory: int | None) -> Any:
    watched, most = _Watched(stored, path / stored.path), IN_MEMORY if in_memory is None else in_memory
    if stored.nchunks > MOST_CHUNKS:
        raise ValueError(f"it claims {stored.nchunks} chunks, and {MOST_CHUNKS} are read at most")
    if stored.nbytes <= most and stored.nchunks <= FEW_CHUNKS:
        return watched[...]
    import dask.array  # here, for it takes half a second, and docks load this module

    return dask.array.from_array(watched, chunks=stored.chunks, name=f"{path.name}-{uuid4().hex}")


def _image(pixels: Any, letters: str | None, attributes: Any, named: str | None, known: dict[str, Any]) -> Image:
    ours = _ours(attributes)
    pixels, letters = _turned(pixels, letters, ours.get("axes"))
    if named is not None:
        kept = pixels if len(named) == pixels.ndim else pixels.squeeze()
        pixels, letters = kept, parse(named, kept.shape).letters
    return Image(pixels, letters, provenance=ours["provenance"], **known)


def _letters(axes: Any, ndim: int) -> str | None:
    if axes is None:
        return ORDER if ndim == len(ORDER) else None  # before 0.3
    names = [str(axis["name"] if isinstance(axis, Mapping) else axis).lower() for axis in axes]
    letters = "".join(NAMES.get(name, " ") for name in names)
    return letters if set(letters) <= set(LETTERS) and len(letters) == ndim else None


def _turned(pixels: Any, letters: str | None, written: Any) -> tuple[Any, str | None]:
    """In the order of axes that we once wrote, if the file is still as we wrote it."""
    if letters is None or not isinstance(written, str):
        return pixels, letters
    stored = letters.replace("C", "S") if "S" in written else letters
    if sorted(stored) != sorted(written):
        return pixels, letters
    return pixels.transpose([stored.index(letter) for letter in written]), written


def _scale(first: Any, level: Any, letters: str | None) -> Scale:
    if letters is None:
        return {}
    steps = np.ones(len(letters))
    for transformations in (level, first):
        for told in transformations.get("coordinateTransformations", ()):
            steps = steps * np.asarray(told["scale"] if told.get("type") == "scale" else 1.0, dtype=float)
    written = {name: short for short, name in UNITS.items()}
    units = [axis.get("unit") if isinstance(axis, Mapping) else None for axis in first.get("axes") or [{}] * len(letters)]
    sizes = zip(letters, steps, units, strict=True)
    return {
        letter: (float(step), written.get(str(unit), str(unit)) if unit else "pixel")
        for letter, step, unit in sizes
        if (unit or step != 1) and letter in "TZYX" and 0 < step < np.inf
    }


def _channels(said: Any) -> tuple[str, ...]:
    names = tuple(str(channel.get("label", "")) for channel in said.get("omero", {}).get("channels", ()))
    return names if any(names) else ()


def check(axes: Axes) -> None:
    """Raise `FileError` if OME-Zarr cannot hold an image of these axes."""
    if not set(axes.letters) <= {*ORDER, "S"}:
        raise FileError(f"OME-Zarr takes the axes {ORDER} or colour samples, not {axes.letters}; write .ome.tif")
    if "S" in axes.letters and "C" in axes.letters:
        raise FileError(f"OME-Zarr has no place for both channels (C) and colour samples (S) as in {axes.letters}; write .ome.tif")


def check_version(version: str) -> str:
    """The version as it is; raises `ParamError` if it cannot be written."""
    if version not in VERSIONS:
        raise ParamError(f"OME-Zarr {version!r} is not written here; it takes {' or '.join(VERSIONS)}")
    return version


def version_of(folder: Path) -> str | None:
    """The version that an OME-Zarr says it is of."""
    attributes = _zarr().open(folder, mode="r").attrs
    said = attributes["ome"] if "ome" in attributes else next(iter(attributes.get("multiscales", ())), {})
    version: str | None = said.get("version")
    return version


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
        self._group = _zarr().open_group(folder, mode="w" if begun is None else "r+", zarr_format=VERSIONS[version])
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
