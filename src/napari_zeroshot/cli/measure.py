"""`napari-zeroshot measure`: how close images are to the truth, and what was taken from the noisy image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_zeroshot.cli.report import UsageError, give_json, opened, show_table, tell
from napari_zeroshot.cli.shared_options import AxesOption, JsonOption, OverwriteOption

if TYPE_CHECKING:
    from napari_zeroshot.engine.comparison import Comparison, Measured

WHITE = "Distance from black to white. Left out, 255 for an 8-bit truth, else the truth's greatest less its least value."
IMAGES = "The images to measure. Without --raw and --truth, the first is the truth."
RAW = "The noisy image that they were made from: tells what was removed, and what noise is left."
TRUTH = "The image without noise: gives PSNR and SSIM."
GAUSSIAN = "Measure the tuned Gaussian of the noisy image too, and say which images beat it."
CSV = "Write every figure of every plane into this CSV file."


def measure(
    images: Annotated[list[Path], typer.Argument(metavar="[TRUTH] IMAGE...", help=IMAGES, show_default=False)],
    *,
    raw: Annotated[Path | None, typer.Option(help=RAW, show_default=False)] = None,
    truth: Annotated[Path | None, typer.Option(help=TRUTH, show_default=False)] = None,
    gaussian: Annotated[bool, typer.Option("--gaussian", help=GAUSSIAN)] = False,
    affine: Annotated[bool, typer.Option("--affine", help="Also give the PSNR after the gain and offset that fit the truth best.")] = False,
    data_range: Annotated[float | None, typer.Option(help=WHITE, min=1e-9, show_default=False)] = None,
    per_plane: Annotated[bool, typer.Option("--per-plane", help="Show a line for each plane, not the mean.")] = False,
    csv: Annotated[Path | None, typer.Option(help=CSV, show_default=False)] = None,
    axes: AxesOption = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure images: against the truth by PSNR and SSIM, against the noisy image by what was removed and what noise is left."""
    from napari_zeroshot.engine.comparison import compare
    from napari_zeroshot.engine.comparison_table import check_csv, write_csv

    if raw is None and truth is None:
        truth, images = _first_is_truth(images)
    if gaussian and raw is None:
        raise UsageError("--gaussian blurs the noisy image; name it with --raw")
    if csv is not None:
        check_csv(csv, overwrite=overwrite)
    known = {path: opened(path, axes) for path in (raw, truth, *images) if path is not None}
    noisy, true = (None if path is None else known[path].array for path in (raw, truth))
    named = known[raw or truth or images[0]].axes
    notes = [f"{path}: {note}" for path, image in known.items() for note in image.notes]
    found = compare({str(path): known[path].array for path in images}, raw=noisy, truth=true, axes=named, data_range=data_range, gaussian=gaussian)
    if not as_json:  # first, for the file may turn out not to be writable
        _show(found, affine, per_plane)
        _tell(found)
    if csv is not None:
        write_csv(csv, found, overwrite=overwrite)
    if as_json:
        give_json({**_plain(found, raw, truth, csv), "notes": notes})
        return
    if csv is not None:
        typer.echo(f"Wrote {csv}")
    tell(notes)


def _first_is_truth(images: Sequence[Path]) -> tuple[Path, list[Path]]:
    if len(images) < 2:
        raise UsageError(f"there is nothing to compare {images[0]} with; name the noisy image (--raw), the image without noise (--truth), or both")
    return images[0], list(images[1:])


def _plain(found: Comparison, raw: Path | None, truth: Path | None, csv: Path | None) -> dict[str, Any]:
    asked = {"raw": raw, "truth": truth, "csv": csv}
    rows = [{"image": row.name, **_figures(found, row)} for row in found.images]
    gaussian = {"gaussian": {"note": found.gaussian.note, **_figures(found, found.gaussian)}} if found.gaussian else {}
    return {**{name: str(path) for name, path in asked.items() if path}, "images": rows, **gaussian, **({"untold": dict(found.untold)} if found.untold else {})}


def _figures(found: Comparison, row: Measured) -> dict[str, Any]:
    """The figures of an image that were asked for; those that could not be told are null."""
    from napari_zeroshot.engine.comparison_findings import sentences, standing
    from napari_zeroshot.engine.comparison_table import COLUMNS, columns

    left_out = {column.name for column in COLUMNS} - {column.name for column in columns(found)}
    mean, *planes = ({name: value for name, value in one.to_dict().items() if name not in left_out} for one in (row.mean, *row.planes))
    del mean["where"]
    told: dict[str, Any] = {"findings": list(sentences(row))}
    if found.gaussian and row is not found.gaussian:
        against = standing(row, found.gaussian)
        told |= {"beats_gaussian": against.beats, "beside_gaussian": against.sentence}
    return {**mean, "data_range": found.data_range, **told, "planes": planes}


def _show(found: Comparison, affine: bool, per_plane: bool) -> None:
    from napari_zeroshot.engine.comparison_table import columns

    shown = [column for column in columns(found) if affine or column.name != "affine_psnr"]
    rows = ((*words, *(column.write(getattr(figures, column.name)) for column in shown)) for words, figures in _lines(found, per_plane))
    show_table(("image", *(["plane"] if per_plane else []), *(column.title for column in shown)), rows)


def _lines(found: Comparison, per_plane: bool) -> Iterator[tuple[tuple[str, ...], Any]]:
    for row in found.rows:
        name = f"{row.name} ({row.note})" if row.note else row.name
        yield from (((name, plane.where), plane) for plane in row.planes) if per_plane else [((name,), row.mean)]


def _tell(found: Comparison) -> None:
    """The means in words."""
    from napari_zeroshot.engine.comparison_findings import refusals, sentences, standing

    for row in found.images:
        told = [*sentences(row), *([standing(row, found.gaussian).sentence] if found.gaussian else [])]
        if told:
            typer.echo(f"{row.name}: {' '.join(told)}")
    for refusal in refusals(found):
        typer.echo(refusal)
    if found.data_range is not None:
        typer.echo(f"Data range {found.data_range:g}.")
