"""`napari-zeroshot measure TRUTH IMAGE...`: how close images are to the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_zeroshot.cli.report import check_named, give_json, show_table
from napari_zeroshot.cli.shared_options import AxesOption, JsonOption

if TYPE_CHECKING:
    from napari_zeroshot.engine.metrics import Scores

WHITE = "Distance from black to white. Left out, 255 for an 8-bit truth, else the truth's greatest less its least value."


def measure(
    truth: Annotated[Path, typer.Argument(metavar="TRUTH", help="The image without noise.", show_default=False)],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE", help="The images to score.", show_default=False)],
    *,
    affine: Annotated[bool, typer.Option("--affine", help="Also give the PSNR after the gain and offset that fit the truth best.")] = False,
    data_range: Annotated[float | None, typer.Option(help=WHITE, min=1e-9, show_default=False)] = None,
    axes: AxesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score images against the truth by PSNR and SSIM, the means over planes."""
    from napari_zeroshot.engine import files, metrics

    true = files.read(truth, axes=axes)
    check_named(true, truth)
    scores = {path: metrics.measure(true.array, files.read(path, axes=axes).array, axes=true.axes, data_range=data_range) for path in images}
    if as_json:
        give_json({"truth": str(truth), "images": [{"image": str(path), **_plain(found)} for path, found in scores.items()]})
    else:
        _show(scores, affine)


def _plain(found: Scores) -> dict[str, Any]:
    mean = {name: value for name, value in asdict(found.mean).items() if name != "where"}
    return {**mean, "data_range": found.data_range, "planes": [asdict(plane) for plane in found.planes]}


def _show(scores: Mapping[Path, Scores], affine: bool) -> None:
    names = ["psnr", "ssim", *(["affine_psnr"] if affine else [])]
    titles = {"psnr": "PSNR (dB)", "ssim": "SSIM", "affine_psnr": "affine PSNR (dB)"}
    rows = [(str(path), *(_rounded(name, getattr(found.mean, name)) for name in names)) for path, found in scores.items()]
    show_table(("image", *(titles[name] for name in names)), rows)
    typer.echo(f"Data range {next(iter(scores.values())).data_range:g}.")


def _rounded(name: str, value: float) -> str:
    return f"{value:.4f}" if name == "ssim" else f"{value:.2f}"
