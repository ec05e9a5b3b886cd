"""PNG: pixels of one plane, grey or RGB, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import imageio.v3 as imageio
import numpy as np

from napari_zeroshot.engine.alpha import without_alpha
from napari_zeroshot.engine.axes import Axes, parse, told_otherwise
from napari_zeroshot.engine.errors import FileError
from napari_zeroshot.engine.image import Image

DEPTH, COLOUR_TYPE = 24, 25
"""Where the two bytes lie in a PNG file."""


def read(path: Path, axes: str | None, in_memory: int | None = None) -> Image:
    """The image of a PNG file, always in memory; an opaque alpha channel is dropped."""
    with path.open("rb") as file:
        header = file.read(26)
    if header[:8] != b"\x89PNG\r\n\x1a\n" or len(header) < 26:
        raise ValueError("it is no PNG")
    if header[DEPTH] == 16 and header[COLOUR_TYPE] != 0:
        raise FileError(f"{path} is a 16-bit colour PNG, of which only 8 bits could be read; save it as TIFF")
    pixels = imageio.imread(path, plugin="pillow")
    notes: tuple[str, ...] = ()
    if pixels.ndim == 3 and pixels.shape[-1] in (2, 4):
        pixels, notes = without_alpha(pixels, -1)
    own = parse("YXS"[: pixels.ndim], pixels.shape)
    given = parse(axes, pixels.shape) if axes else own
    return Image(pixels, given.letters, notes=(*told_otherwise(own, given), *notes))


def write(file: BinaryIO, image: Image, *, compressed: bool = True) -> None:
    """Write one plane; PNG is always compressed."""
    axes = parse(image.axes, image.array.shape)
    check(axes, np.dtype(image.array.dtype))
    plane = axes.read(image.array, axes.planes()[0])
    pixels = np.moveaxis(plane, 0, -1) if axes.size("S") > 1 else plane[0]
    imageio.imwrite(file, np.ascontiguousarray(pixels), plugin="pillow", extension=".png")


def check(axes: Axes, dtype: np.dtype[Any]) -> None:
    """Raise `FileError` if PNG cannot hold such an image."""
    held = {(np.dtype(np.uint8), 1), (np.dtype(np.uint16), 1), (np.dtype(np.uint8), 3)}
    if len(axes.planes()) > 1 or (dtype.newbyteorder("="), axes.size("S")) not in held:
        raise FileError(f"PNG takes one 8- or 16-bit plane or 8-bit RGB, not {dtype} {axes.letters} {axes.shape}; write .ome.tif")
