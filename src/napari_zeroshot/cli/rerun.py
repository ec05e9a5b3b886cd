"""`napari-zeroshot rerun RESULT --input RAW`: a result made again from its provenance alone."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from napari_zeroshot.cli.denoise import report
from napari_zeroshot.cli.partial import whole_or_partial
from napari_zeroshot.cli.progress import first_interrupt
from napari_zeroshot.cli.shared_options import JsonOption, KeepPartialOption, OverwriteOption
from napari_zeroshot.engine.errors import ImageError

if TYPE_CHECKING:
    from napari_zeroshot.engine.image import Image

VERSION = "Version of the OME-Zarr that is written; RESULT's if left out, 0.4 where that is no OME-Zarr."


def rerun(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="A file that napari-zeroshot has written.", show_default=False)],
    *,
    source: Annotated[Path, typer.Option("--input", metavar="RAW", help="The image it was made from.", show_default=False)],
    target: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="The file to write; RESULT's name with -again if left out.", show_default=False)
    ] = None,
    device: Annotated[str | None, typer.Option(help="As for denoise; the CPU if the result was made on one, else auto.", show_default=False)] = None,
    ome_zarr: Annotated[Literal["0.4", "0.5"] | None, typer.Option("--ome-zarr", help=VERSION, show_default=False)] = None,
    overwrite: OverwriteOption = False,
    keep_partial: KeepPartialOption = False,
    as_json: JsonOption = False,
) -> None:
    """Denoise an image again with the settings that a result's file holds, and compare the pixels: on a CPU they are the same, bit for bit."""
    from napari_zeroshot.engine import files
    from napari_zeroshot.engine.recorded import recorded
    from napari_zeroshot.engine.region import cut
    from napari_zeroshot.engine.rerun import rerun_steps

    target = target or _again(result)
    files.check_target(target, source=source, overwrite=overwrite)
    order, version = recorded(result), ome_zarr or files.ome_zarr_version_like(result)
    with first_interrupt() as asked:
        image = _of_that_form(source, order.axes.letters)
        order.check_form(image.array)
        part = replace(image, array=cut(image.array, order.axes, order.region))
        files.check_target(target, overwrite=overwrite, like=part, dtype=order.dtype)
        with files.room_for(target, part, order.dtype) as room:
            steps = rerun_steps(result, image, device=device, cancelled=asked.is_set, out=room, source={"name": source.name})
            put = partial(files.write, target, like=image, overwrite=overwrite, ome_zarr_version=version)
            made = whole_or_partial(steps, order.method.title, target, put, image.notes, keep_partial=keep_partial, as_json=as_json)
            put(made)
    report(target, made, [*image.notes, *made.notes], as_json)
    if not made.complete:
        raise typer.Exit(130)


def _of_that_form(source: Path, axes: str) -> Image:
    from napari_zeroshot.engine.files import read

    try:
        return read(source, axes=axes)
    except ImageError as error:
        raise ImageError(f"{source} is not the image that the result was made from: {error}") from error


def _again(path: Path) -> Path:
    """``cells.ome.tif`` gives ``cells-again.ome.tif``."""
    stem, dot, ending = path.name.partition(".")
    return path.with_name(f"{stem}-again{dot}{ending}")
