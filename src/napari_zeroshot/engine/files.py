"""Read and write image files and OME-Zarr folders: axes, pixel size and provenance stay with the pixels."""

from __future__ import annotations

import errno
import math
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_zeroshot.engine import growing_zarr, ome_tiff, ome_zarr, png, tiff
from napari_zeroshot.engine.appearing import appearing, appearing_folder, check_place
from napari_zeroshot.engine.axes import Axes, parse
from napari_zeroshot.engine.errors import FileError, MissingPackageError
from napari_zeroshot.engine.image import IN_MEMORY, Image, image_of
from napari_zeroshot.engine.region import lies_in_memory
from napari_zeroshot.engine.result import Result

READERS = {".tif": tiff.read, ".tiff": tiff.read, ".zarr": ome_zarr.read, ".png": png.read}
FOLDERS = {".zarr"}
"""The endings of images that are folders."""
WRITERS = {".tif": ome_tiff.write, ".tiff": ome_tiff.write, ".png": png.write}

BROKEN = (
    OSError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    ArithmeticError,
    MemoryError,
    EOFError,
    AssertionError,
    RuntimeError,
    SyntaxError,
    struct.error,
    tifffile.TiffFileError,
    zlib.error,
)
"""What decoders raise when a file is not what it says."""
OF_CONTENT = (None, errno.EINVAL, errno.EOVERFLOW)
"""The system's errors that a damaged file can cause; any other is told as it is: the disk is gone, rights are missing."""


def read(path: str | Path, *, axes: str | None = None, in_memory: int | None = None) -> Image:
    """The image of a TIFF, OME-TIFF, ImageJ TIFF or PNG file, or of an OME-Zarr or zarr folder.

    Parameters
    ----------
    path
        Of several images in one TIFF the first is read, and ``notes`` say so.
    axes
        A letter for each dimension, where the file does not say or is wrong. Dimensions of length 1
        may be named or left out.
    in_memory
        Images of more bytes are read when they are sliced, where the file allows it; a gigabyte if left out.

    Returns
    -------
    ``array`` is in memory or, above `in_memory` and where the file allows, reads from the disk when
    sliced. ``axes`` is None if neither file nor `axes` say. A file written by `write` gives the axes
    and type that were written.

    Raises
    ------
    FileError
        If the file is missing, damaged, of another type, or has see-through pixels.
    ImageError
        If `axes` do not fit the image.
    """
    path = Path(path)
    _check_there(path)
    reader = READERS[_ending(path)]
    with damage_explained(path):
        image = reader(path, axes, in_memory)
    return replace(image, name=stem(path))


class Readable:
    """The array of a file, which may turn out to be damaged, or gone, only when it is sliced.

    Another process that it is sent to opens the file itself.

    Parameters
    ----------
    path, axes, in_memory
        As for `read`.
    array
        What was read already.
    """

    def __init__(self, path: Path, axes: str | None = None, in_memory: int | None = None, *, array: Any = None) -> None:
        self._path, self._axes, self._in_memory = path, axes, in_memory
        self._array = array

    def __reduce__(self) -> tuple[type[Readable], tuple[Path, str | None, int | None]]:
        return Readable, (self._path.absolute(), self._axes, self._in_memory)

    @property
    def _opened(self) -> Any:
        if self._array is None:
            self._array = read(self._path, axes=self._axes, in_memory=self._in_memory).array
        return self._array

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return tuple(self._opened.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the array."""
        dtype: np.dtype[Any] = np.dtype(self._opened.dtype)
        return dtype

    @property
    def lies_in_memory(self) -> bool:
        """Whether the array does."""
        return lies_in_memory(self._opened)

    def __getitem__(self, place: Any) -> NDArray[Any]:
        with damage_explained(self._path):
            return np.asarray(self._opened[place])


def read_provenance(path: str | Path) -> dict[str, Any] | None:
    """How the image in a file was made, see `Result.provenance`; None if we did not make it. Reads no pixels."""
    path = Path(path)
    _check_there(path)
    reader = {".zarr": ome_zarr.provenance, ".png": _no_provenance}.get(_ending(path), tiff.provenance)
    with damage_explained(path):
        provenance = reader(path)
    return None if provenance is None else dict(provenance)


def ome_zarr_version_like(path: str | Path) -> str:
    """The version that an OME-Zarr is of; the usual one for other files, and where it is of one that is not written here."""
    path = Path(path)
    if _ending(path) not in FOLDERS:
        return ome_zarr.VERSION
    with damage_explained(path):
        found = ome_zarr.version_of(path)
        return next((version for version in ome_zarr.VERSIONS if version == found), ome_zarr.VERSION)


def _no_provenance(path: Path) -> None:
    """What a PNG says of how it was made."""


def _check_there(path: Path) -> None:
    if not path.exists():
        raise FileError(f"{path} is a link that leads nowhere" if path.is_symlink() else f"there is no file {path}")
    if path.is_dir() and path.suffix.lower() not in FOLDERS:
        raise FileError(f"{path} is a folder, not an image; name an image in it, or denoise all that are in it with `batch`")
    if not path.is_dir() and _ending(path) in FOLDERS:
        raise FileError(f"{path} is a file, while a zarr is a folder")


def write(
    path: str | Path,
    image: Result | Image | Any,
    *,
    axes: str | None = None,
    like: Image | None = None,
    overwrite: bool = False,
    compressed: bool = False,
    ome_zarr_version: str = ome_zarr.VERSION,
) -> Path:
    """Write an image to an OME-TIFF or PNG file or an OME-Zarr folder, which appears only when it is complete.

    Parameters
    ----------
    path
        Ends in .tif or .tiff (always OME-TIFF), in .zarr (always OME-Zarr), or in .png.
    image
        A `Result` (its provenance goes into the file), an `Image`, or an array.
    axes
        A letter for each dimension of an array. OME-TIFF wants rows and columns last, OME-Zarr the
        order TCZYX: other orders are turned for the file, and `read` turns them back.
    like
        The image that `image` was made from: gives pixel sizes, time interval and channel names.
    overwrite
        Replace an existing file.
    compressed
        Lossless (zlib) TIFF. Smaller, slower, and no longer readable piece by piece without zarr.
        OME-Zarr is always compressed.
    ome_zarr_version
        ``0.4``, which most programs read, or ``0.5``, which is zarr version 3.

    Returns
    -------
    The path.

    Notes
    -----
    OME-TIFF has no float16 and no 64-bit whole numbers: they are stored as float32 and float64,
    without loss, and `read` gives their own type back. Planes larger than 1024 pixels have smaller
    copies beside them in OME-Zarr, for viewers. PNG keeps pixels only.

    Raises
    ------
    FileError
        If the file exists, or cannot be written there or in this format.
    ImageError
        If nothing says what the axes of a stack are.
    """
    path = Path(path)
    ome_zarr.check_version(ome_zarr_version)
    check_target(path, overwrite=overwrite)
    known = image_of(image, axes=axes, like=like)
    if _ending(path) in FOLDERS:
        with appearing_folder(path) as folder:
            growing_zarr.write(folder, known, ome_zarr_version)
    else:
        with appearing(path) as file:
            WRITERS[_ending(path)](file, known, compressed=compressed)
    return path


def check_target(path: str | Path, *, source: str | Path | None = None, overwrite: bool = False, like: Image | None = None, dtype: str = "same") -> None:
    """Raise `FileError` if `write` would, or if it would replace the image that the result is made from, before an hour of work is spent.

    Parameters
    ----------
    source
        The file of that image.
    like, dtype
        What is going to be written: an image of these axes and this shape, and ``float32`` or the ``same`` type.
    """
    path = Path(path)
    _check_name(path)
    if source is not None and path.exists() and Path(source).exists() and path.samefile(source):
        raise FileError(f"{path} is the input itself, which is never replaced; choose another name for the result")
    ending = _ending(path)
    if like is not None:
        _check_holds(ending, parse(like.axes, like.array.shape), _type_of(like, dtype))
    check_place(path, replaceable=overwrite and (ome_zarr.is_zarr(path) if ending in FOLDERS else not path.is_dir()))


def _check_name(path: Path) -> None:
    """Raise `FileError` for a name that the disk cannot have, such as one that is too long, or a place that may not be looked at."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from error


def _check_holds(ending: str, axes: Axes, dtype: np.dtype[Any]) -> None:
    """Raise `FileError` if files of that ending cannot hold such an image, `MissingPackageError` if none can be written here."""
    if ending == ".png":
        png.check(axes, dtype)
    elif ending in FOLDERS:
        ome_zarr.package()
        ome_zarr.check(axes)
    else:
        ome_tiff.check(axes)


@contextmanager
def room_for(path: str | Path, like: Image, dtype: str = "same") -> Iterator[NDArray[Any] | None]:
    """Where a result can be put together before `write`: None for memory or, above a gigabyte, an array on the disk beside `path`.

    Raises
    ------
    FileError
        If the disk has too little room for that and for the file, as far as its size is known before.
    """
    shape, kind = tuple(like.array.shape), _type_of(like, dtype)
    needed = math.prod(shape) * kind.itemsize
    kept = needed if needed > IN_MEMORY else 0
    if Path(path).suffix.lower() in (".tif", ".tiff"):
        ome_tiff.check_room(Path(path).parent, kept + ome_tiff.size_of(shape, kind))
    if not kept:
        yield None
        return
    with TemporaryFile(dir=Path(path).parent) as file:
        try:
            if hasattr(os, "posix_fallocate"):  # else a full disk would end the program once the map is written to
                os.posix_fallocate(file.fileno(), 0, needed)
            room = np.memmap(file, kind, "w+", shape=shape)
        except OSError as error:
            raise FileError(f"cannot write {path}: {error.strerror or error}") from error
        yield room


def _type_of(like: Image, dtype: str) -> np.dtype[Any]:
    return np.dtype(np.float32) if dtype == "float32" else np.dtype(like.array.dtype)


def _ending(path: Path) -> str:
    ending = path.suffix.lower()
    if ending not in READERS:
        raise FileError(f"{path.name} has an unknown ending {ending!r}; known are {', '.join(READERS)}; use OME-TIFF (.ome.tif)")
    return ending


def stem(path: Path) -> str:
    """The name of an image file without its ending: ``cells`` of ``cells.ome.tif``."""
    return path.stem[:-4] if path.stem.lower().endswith(".ome") else path.stem


@contextmanager
def damage_explained(path: Path) -> Iterator[None]:
    """Turn what decoders raise into a `FileError`, in one line."""
    try:
        yield
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno not in OF_CONTENT:
            raise FileError(f"cannot read {path}: {error.strerror}") from error
        reason = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, MemoryError):
            raise FileError(f"cannot read {path}: there is too little free memory for it, or it is damaged and claims too much ({reason})") from error
        if "imagecodecs" in reason:
            raise MissingPackageError(f"{path} is compressed in a way that needs another package: pip install imagecodecs") from error
        raise FileError(f"cannot read {path}, which is damaged or not an image: {reason}") from error
