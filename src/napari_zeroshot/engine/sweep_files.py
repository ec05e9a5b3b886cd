"""A sweep in a folder: a contact sheet, a table, and the tiles as a stack."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.appearing import check_folder
from napari_zeroshot.engine.contact_sheet import Captioned, contrast, sheet
from napari_zeroshot.engine.errors import FileError, ImageError
from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.provenance import versions
from napari_zeroshot.engine.sweep_tiles import Sweep, Tile

if TYPE_CHECKING:
    import PIL.Image

SHEET, TABLE, STACK = "sweep.png", "sweep.csv", "sweep.ome.tif"
FILES = (SHEET, TABLE, STACK)
"""What `write_folder` writes."""
ACROSS = 4
"""Tiles in a row, where only one thing was varied."""


def write_folder(folder: str | Path, sweep: Sweep, *, like: Image | None = None, overwrite: bool = False) -> list[Path]:
    """Write ``sweep.png``, ``sweep.csv`` and ``sweep.ome.tif``, and give their paths.

    Parameters
    ----------
    like
        The image that was swept: gives the stack's pixel size.

    Raises
    ------
    FileError
        If a file exists or cannot be written.
    ImageError
        If no tile has an image.
    """
    from napari_zeroshot.engine.files import write  # here, for docks load this module, and it takes long

    folder = Path(folder)
    check_folder(folder, FILES, replaceable=overwrite)
    write_sheet(folder / SHEET, sweep)
    write_table(folder / TABLE, sweep)
    write(folder / STACK, stacked(sweep, like), overwrite=overwrite)
    return [folder / name for name in FILES]


def write_sheet(path: Path, sweep: Sweep) -> None:
    """Draw the contact sheet into a PNG. Raises `FileError` if that cannot be written, `ImageError` if no tile has an image."""
    page = contact_sheet(sweep)
    try:
        page.save(path, format="PNG")
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from error


def write_table(path: Path, sweep: Sweep) -> None:
    """Write a row for each tile, with names in the first row, as CSV. Raises `FileError` if that cannot be written."""
    rows = sweep.rows()
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(rows[0]) if rows else ["method"])
            table.writeheader()
            table.writerows(rows)
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from error


def contact_sheet(sweep: Sweep) -> PIL.Image.Image:
    """The noisy piece, every tile, and the truth if there is one, under one contrast.

    One parameter runs along the lines; of two, the first runs down and the second across.
    """
    _check_any(sweep)
    known = [Captioned(upright(sweep.noisy, sweep.letters), ("noisy",))]
    if sweep.truth is not None:
        known.append(Captioned(upright(sweep.truth, sweep.letters), ("truth",)))
    tiles = [_captioned(sweep, place) for place in np.ndindex(sweep.shape)]
    if len(sweep.shape) == 1:
        every = [known[0], *tiles, *known[1:]]
        rows = [every[first : first + ACROSS] for first in range(0, len(every), ACROSS)]
    else:
        across = sweep.shape[1]
        rows = [known, *(tiles[first : first + across] for first in range(0, len(tiles), across))]
    return sheet(rows, limits(sweep))


def limits(sweep: Sweep) -> tuple[float, float]:
    """The grey levels shown as black and white in every tile: the truth's, or those of all tiles together."""
    images = [tile.image for tile in sweep.images if tile.image is not None]
    return contrast(sweep.truth if sweep.truth is not None else np.stack(images))


def _captioned(sweep: Sweep, place: tuple[int, ...]) -> Captioned:
    tile = sweep.tile_at(place)
    titles = ", ".join(axis.titles[i] for axis, i in zip(sweep.axes, place, strict=True))
    if tile is None or tile.image is None:
        return Captioned(None, (titles, "not done" if tile is None else "came to nothing"))
    mark = " (best)" if tile is sweep.best else ""
    return Captioned(upright(tile.image, sweep.letters), (titles + mark, told_scores(tile)))


def told_scores(tile: Tile) -> str:
    """A tile's scores in a few words."""
    parts = [
        f"{tile.psnr:.2f} dB" if tile.psnr is not None and math.isfinite(tile.psnr) else "",
        f"SSIM {tile.ssim:.3f}" if tile.ssim is not None else "",
        f"error ≈ {tile.expected_error:.3g}" if tile.expected_error is not None and tile.psnr is None else "",
    ]
    return ", ".join(part for part in parts if part)


def upright(piece: NDArray[Any], letters: str) -> NDArray[Any]:
    """A piece with rows first, then columns, then colours."""
    return piece.transpose([letters.index(letter) for letter in "YXS" if letter in letters])


def stacked(sweep: Sweep, like: Image | None = None) -> Image:
    """The tiles that came to an image, one after the other along Z, as OME-TIFF has no axis for settings; which is which stands in the provenance."""
    _check_any(sweep)
    pixels = np.stack([tile.image for tile in sweep.images if tile.image is not None])
    scale = {letter: size for letter, size in (like.scale if like else {}).items() if letter in "YX"}
    return Image(pixels, f"Z{sweep.letters}", scale, "sweep", provenance=record(sweep))


def record(sweep: Sweep) -> dict[str, Any]:
    """How each tile was made, as plain values."""
    tiles = [{**tile.row(sweep.axes), "params": tile.setting.params.to_dict()} for tile in sweep.images]
    where = {letter: list(ends) for letter, ends in sweep.region.items()}
    about = {"sweep": [axis.name for axis in sweep.axes], "region": where, "seed": sweep.seed, "notes": list(sweep.notes)}
    return {**about, "tiles": tiles, "versions": versions()}


def _check_any(sweep: Sweep) -> None:
    if not sweep.images:
        problems = [tile.problem for tile in sweep.tiles]
        raise ImageError(problems[0] if problems else "the sweep ended before any tile was done; there is nothing to show")
