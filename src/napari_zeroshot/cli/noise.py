"""`napari-zeroshot noise IMAGE`: what noise an image holds, and what that means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from napari_zeroshot.cli.report import give_json, opened, show_table, tell
from napari_zeroshot.cli.shared_options import AxesOption, JsonOption, OverwriteOption
from napari_zeroshot.engine.params import describe
from napari_zeroshot.engine.registry import get_method

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_zeroshot.engine.noise_diagnosis import NoiseReport

OFFSET = "The camera's grey level in darkness, if you know it; makes the read noise exact."
FIT = "Also give the method's options that fit the image's noise."
STRENGTH = "How many times the image's variance FM2S adds: 1 makes added and real noise alike; 2 measured best."
PLOT = "Draw variance against mean, and the correlation, into this PNG or SVG."


def noise(
    source: Annotated[Path, typer.Argument(metavar="IMAGE", help="The noisy image: a plane or, better, a stack.", show_default=False)],
    *,
    fit: Annotated[Literal["fm2s"] | None, typer.Option(help=FIT, show_default=False)] = None,
    strength: Annotated[float, typer.Option(help=STRENGTH, min=0.01)] = 2.0,
    plot: Annotated[Path | None, typer.Option(help=PLOT, show_default=False)] = None,
    offset: Annotated[float | None, typer.Option(help=OFFSET, show_default=False)] = None,
    channel: Annotated[int, typer.Option(help="Which channel of a stack, counted from 0.", min=0)] = 0,
    axes: AxesOption = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Read an image's noise: gain, photons, read noise, ends, faulty pixels, stripes, and which pixels share noise."""
    from napari_zeroshot.engine import noise_plot
    from napari_zeroshot.engine.noise_diagnosis import diagnose

    if plot is not None:
        noise_plot.check_plot(plot, overwrite=overwrite)
    image = opened(source, axes)
    report = diagnose(image.array, axes=image.axes, channel=channel, offset=offset)
    factors = _factors(report, strength) if fit else {}
    if not as_json:  # first, for the file may turn out not to be writable
        _show(report, factors)
    if plot is not None:
        noise_plot.write(plot, report)
    if as_json:
        give_json({**_plain(source, report, factors, plot), "notes": image.notes})
        return
    if plot is not None:
        typer.echo(f"Wrote {plot}")
    tell(image.notes)


def _factors(report: NoiseReport, strength: float) -> dict[str, Any]:
    from napari_zeroshot.engine.fm2s_noise import fm2s_factors

    return fm2s_factors(report, strength=strength)


def _plain(source: Path, report: NoiseReport, factors: Mapping[str, Any], plot: Path | None) -> dict[str, Any]:
    from dataclasses import asdict

    from napari_zeroshot.engine.noise_findings import findings, verdict

    found = {"verdict": verdict(report), "findings": [asdict(finding) for finding in findings(report)], "report": report.to_dict()}
    return {"image": str(source), **found, **({"fm2s": dict(factors)} if factors else {}), **({"plot": str(plot)} if plot else {})}


def _show(report: NoiseReport, factors: Mapping[str, Any]) -> None:
    from napari_zeroshot.engine.noise_findings import findings, verdict

    typer.echo(f"{verdict(report)} (Read from {report.seen}.)\n")
    show_table(("what", "value", "what it means"), [(one.topic, one.value, f"{one.sentence} {one.advice}".strip()) for one in findings(report)])
    if factors:
        flags = {knob.name: knob.flag for knob in describe(get_method("fm2s").params)}
        typer.echo("Noise like this image's: napari-zeroshot denoise fm2s " + " ".join(f"{flags[name]} {value:g}" for name, value in factors.items()))
