"""PNG: pixels of one plane, grey or RGB, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import imageio.v3 as imageio
import numpy as np

from napari_zeroshot.engine.alpha import without_alpha
from napari_zeroshot.engine.axes import parse
from napari_zeroshot.engine.errors import FileError
from napari_zeroshot.engine.image import Image

DEPTH, COLOUR_TYPE = 24, 25
"""Where the two bytes lie in a PNG file."""


def read(path: Path, axes: str | None) -> Image:
    """The image of a PNG file; an opaque alpha channel is dropped."""
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
    return Image(pixels, parse(axes or "YXS"[: pixels.ndim], pixels.shape).letters, notes=notes)


def write(file: BinaryIO, image: Image, *, compressed: bool = True) -> None:
    """Write one plane; PNG is always compressed."""
    plane = _plane(image)
    if (plane.dtype, plane.ndim) not in ((np.uint8, 2), (np.uint16, 2), (np.uint8, 3)) or plane.shape[2:] not in ((), (3,)):
        raise FileError(f"PNG takes one 8- or 16-bit plane or 8-bit RGB, not {plane.dtype} {image.axes} {image.array.shape}; write .ome.tif")
    imageio.imwrite(file, plane, plugin="pillow", extension=".png")


def _plane(image: Image) -> np.ndarray[Any, Any]:
    axes = parse(image.axes, image.array.shape)
    if len(axes.planes()) > 1:
        raise FileError(f"PNG takes one plane, not {len(axes.planes())} ({image.axes} {image.array.shape}); write .ome.tif")
    plane = axes.read(image.array, axes.planes()[0])
    return np.ascontiguousarray(np.moveaxis(plane, 0, -1) if axes.size("S") > 1 else plane[0])
