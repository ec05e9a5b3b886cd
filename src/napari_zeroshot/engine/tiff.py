"""Read TIFF in its dialects: OME, ImageJ and plain."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from typing import Any
from uuid import uuid4

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_zeroshot.engine.alpha import without_alpha
from napari_zeroshot.engine.axes import LETTERS, Axes, parse, told_otherwise
from napari_zeroshot.engine.image import IN_MEMORY, Image, Scale
from napari_zeroshot.engine.ome import STORED, Said, declared_sizes, parse_xml

COARSEST = 25.0
"""A larger pixel size, in µm, in a plain TIFF is a printing resolution."""

CROWDED = 10_000
"""No compression puts so many bytes of pixels into one byte of a file."""

PLANE = 16
"""Fewer bytes cannot tell where a plane lies."""

FATAL = ("page offset", "corrupt", "TiffTag 270 ", "missing")
"""What tifffile only logs, and then gives a part of the image or guesses its axes."""


def read(path: Path, axes: str | None, in_memory: int | None = None) -> Image:
    """The first image of a TIFF file; above so many bytes, to be read when sliced."""
    with _complaints() as complaints, tifffile.TiffFile(path) as file:
        _check_declared(path, file.ome_metadata or "")
        series, said = file.series[0], _said(file)
        _check_complete(path, series)
        pixels = _typed(_pixels(path, series, in_memory), said.dtype)
        pixels, letters, doubts = _laid(pixels, series, said.axes, axes)
        pixels, letters, notes = _opaque(pixels, letters, series.keyframe.extrasamples)
        if len(file.series) > 1:
            notes += (f"The file holds {len(file.series)} images; this is the first.",)
    known = letters if set(letters) <= set(LETTERS) else None
    return Image(pixels, known, said.scale, channels=said.channels, provenance=said.provenance, notes=(*doubts, *notes, *complaints))


def provenance(path: Path) -> Mapping[str, Any] | None:
    """How the image was made, without reading it; None if we did not make it."""
    with tifffile.TiffFile(path) as file:
        return _said(file).provenance


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collect the errors that tifffile logs, and raise those that cost pixels."""
    complaints: list[str] = []
    thread, logger = get_ident(), logging.getLogger("tifffile")
    level = logger.level

    def collect(record: logging.LogRecord) -> bool:
        if record.thread == thread and record.levelno >= logging.ERROR:
            complaints.append(f"tifffile says: {record.getMessage()}")
        return record.thread != thread

    logger.addFilter(collect)
    logger.setLevel(logging.ERROR)
    try:
        yield complaints
    finally:
        logger.setLevel(level)
        logger.removeFilter(collect)
    for complaint in complaints:
        if any(word in complaint for word in FATAL):
            raise ValueError(complaint)


def _check_declared(path: Path, ome: str) -> None:
    """A few bytes of OME-XML can claim any number of planes, of each of which tifffile makes a note before it looks at the file."""
    size = path.stat().st_size
    for planes, pixels in declared_sizes(ome):
        if planes * PLANE > size or pixels > CROWDED * size:
            raise ValueError(f"it is too small for the {planes} planes that it declares")


def _check_complete(path: Path, series: Any) -> None:
    if any(page is None for page in series.pages):
        raise ValueError("some of its planes are missing")
    if series.nbytes > CROWDED * path.stat().st_size:
        raise ValueError(f"it is too small for its shape {series.shape}")


def _pixels(path: Path, series: Any, in_memory: int | None) -> Any:
    if series.nbytes > (IN_MEMORY if in_memory is None else in_memory) and not series.is_multifile:
        if series.dataoffset is not None:
            return tifffile.memmap(path, mode="r") if in_memory is None else _by_pages(path, series)
        try:
            import zarr
        except ImportError:
            return series.asarray()
        import dask.array  # here, for it takes half a second, and docks load this module

        stored: Any = zarr.open(tifffile.imread(path, aszarr=True, series=0, level=0), mode="r")
        plane = series.keyframe.shape
        return dask.array.from_array(stored, chunks=(*[1] * (stored.ndim - len(plane)), *plane))
    return series.asarray()


def _by_pages(path: Path, series: Any) -> Any:
    """Pages that are read when they are sliced. A memory map is quicker, but ends the program if the file is cut off or its disk vanishes meanwhile."""
    page, dtype = series.keyframe.shape, np.dtype(series.parent.byteorder + series.dtype.char)
    counted = series.shape[: series.ndim - len(page)]
    if series.shape[len(counted) :] != page:
        return tifffile.memmap(path, mode="r")
    import dask.array

    def read_page(block_id: tuple[int, ...]) -> NDArray[Any]:
        number = int(np.ravel_multi_index(block_id[: len(counted)], counted)) if counted else 0
        values = int(np.prod(page))
        found = np.fromfile(path, dtype, values, offset=series.dataoffset + number * values * dtype.itemsize)
        if found.size < values:
            raise ValueError("it ends before its last plane")
        return found.reshape((1,) * len(counted) + page)

    chunks = (*((1,) * size for size in counted), *((size,) for size in page))
    meta = np.empty((0,) * series.ndim, dtype)
    return dask.array.map_blocks(read_page, chunks=chunks, dtype=dtype, meta=meta, name=f"{path.name}-{uuid4().hex}")


def _typed(pixels: Any, name: str | None) -> Any:
    stored = STORED.get(name or "")
    return pixels.astype(name) if stored == np.dtype(pixels.dtype).name else pixels


def _laid(pixels: Any, series: Any, written: str | None, named: str | None) -> tuple[Any, str, tuple[str, ...]]:
    """The pixels with their letters: the user's, those that we once wrote, or the file's; and what to tell if the first are not the others."""
    full, letters = pixels.reshape(series.get_shape(False)), series.get_axes(False)
    if written is not None and _fits(written, letters, full.shape):
        pixels, own = _turned(full, letters, written), written
    else:
        pixels, own = pixels.reshape(series.shape), series.axes
    if named is None:
        return pixels, own, ()
    chosen = full if len(named) == full.ndim != pixels.ndim else pixels
    given = parse(named, chosen.shape)
    return chosen, given.letters, told_otherwise(Axes(own, pixels.shape), given)


def _fits(wanted: str, letters: str, shape: tuple[int, ...]) -> bool:
    """Whether only dimensions of length 1 get lost: another program may have changed the file."""
    return set(wanted) <= set(LETTERS) and all(letter in wanted for letter, size in zip(letters, shape, strict=True) if size > 1)


def _turned(pixels: Any, letters: str, wanted: str) -> Any:
    kept = [letter for letter in letters if letter in wanted]
    missing = [letter for letter in wanted if letter not in letters]
    sizes = dict(zip(letters, pixels.shape, strict=True))
    pixels = pixels.reshape([sizes[letter] for letter in kept] + [1] * len(missing))
    return pixels.transpose([(kept + missing).index(letter) for letter in wanted])


def _opaque(pixels: Any, letters: str, extra: tuple[int, ...]) -> tuple[Any, str, tuple[str, ...]]:
    if "S" not in letters or not {1, 2} & set(extra):
        return pixels, letters, ()
    opaque, notes = without_alpha(pixels, letters.index("S"))
    return opaque, letters if opaque.ndim == len(letters) else letters.replace("S", ""), notes


def _said(file: tifffile.TiffFile) -> Said:
    if file.ome_metadata:
        return parse_xml(file.ome_metadata)
    if file.imagej_metadata:
        return Said(_imagej_scale(file.pages[0], file.imagej_metadata))
    return Said(_plain_scale(file.pages[0]))


def _imagej_scale(page: Any, told: dict[str, Any]) -> Scale:
    scale = {}
    unit = str(told.get("unit", "pixel"))
    if unit not in ("pixel", "pixels", ""):
        scale = {letter: (size, unit) for letter, size in _sizes(page).items()}
        if told.get("spacing"):
            scale["Z"] = (abs(float(told["spacing"])), unit)
    if told.get("finterval"):
        scale["T"] = (float(told["finterval"]), str(told.get("tunit", "s")))
    return scale


def _plain_scale(page: Any) -> Scale:
    per_centimeter = page.resolutionunit == 3
    sizes = {letter: 1e4 * size for letter, size in _sizes(page).items()} if per_centimeter else {}
    return {letter: (size, "µm") for letter, size in sizes.items() if size < COARSEST}


def _sizes(page: Any) -> dict[str, float]:
    """One over the resolution tags."""
    return {letter: 1 / rate for letter, rate in zip("XY", page.resolution, strict=True) if rate > 0}
