"""OME-Zarr read in versions 0.1 to 0.5, and what it can hold; `growing_zarr` writes it. Needs the package zarr, which is optional."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from errno import ENOENT
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.axes import LETTERS, NAMES, Axes, parse, told_otherwise
from napari_zeroshot.engine.errors import FileError, MissingPackageError, ParamError
from napari_zeroshot.engine.image import IN_MEMORY, Image, Scale

VERSIONS = {"0.4": 2, "0.5": 3}
"""What is written, and the format of zarr that it wants."""
VERSION = "0.4"
"""What most programs read."""
OURS = "napari-zeroshot"
"""The attribute that holds what OME-Zarr has no place for."""
ORDER = "TCZYX"
"""How OME-Zarr wants its axes; the samples of a colour image lie where the channels would."""
UNITS = {
    "pm": "picometer", "nm": "nanometer", "µm": "micrometer", "mm": "millimeter", "cm": "centimeter", "dm": "decimeter", "m": "meter",
    "Å": "angstrom", "in": "inch", "ft": "foot",
    "ns": "nanosecond", "µs": "microsecond", "ms": "millisecond", "s": "second", "min": "minute", "h": "hour", "d": "day",
}  # fmt: skip
"""How OME-Zarr writes the units; a size in any other is written without its unit."""
MOST_CHUNKS, FEW_CHUNKS = 2**22, 2**14
"""A few bytes can claim any number of chunks. More than these are refused, or not read at once."""
MARKS = (".zgroup", ".zarray", ".zattrs", "zarr.json")
"""The files of which a folder that is a zarr has one."""


def is_zarr(folder: Path) -> bool:
    """Whether a folder is a zarr, ours or another's."""
    return any((folder / mark).is_file() for mark in MARKS)


def read(path: Path, axes: str | None, in_memory: int | None = None) -> Image:
    """The first image of an OME-Zarr at full resolution, or the pixels of a plain zarr array; above so many bytes, to be read when sliced."""
    zarr = package()
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
    return _ours(package().open(path, mode="r").attrs).get("provenance")


def package() -> Any:
    """The package zarr. Raises `MissingPackageError` if it is not installed."""
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
    doubts: tuple[str, ...] = ()
    if named is not None:
        kept = pixels if len(named) == pixels.ndim else pixels.squeeze()
        given = parse(named, kept.shape)
        doubts = told_otherwise(Axes(letters, pixels.shape), given) if letters else ()
        pixels, letters = kept, given.letters
    return Image(pixels, letters, provenance=ours["provenance"], notes=doubts, **known)


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
    attributes = package().open(folder, mode="r").attrs
    said = attributes["ome"] if "ome" in attributes else next(iter(attributes.get("multiscales", ())), {})
    version: str | None = said.get("version")
    return version
