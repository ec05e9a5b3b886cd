"""`napari-zeroshot batch INPUT... OUTPUT_FOLDER`: many files into a folder, with the options of `denoise`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from napari_zeroshot.cli.options import command_for
from napari_zeroshot.cli.progress import first_interrupt, follow
from napari_zeroshot.cli.report import UsageError, give_json, show_table
from napari_zeroshot.cli.shared_options import (
    AxesOption,
    DeviceOption,
    DtypeOption,
    JsonOption,
    MemoryOption,
    NanOption,
    OmeZarrOption,
    SchedulerOption,
    SeedOption,
    StackOption,
    ThreadsOption,
)
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.method import Method
from napari_zeroshot.engine.registry import get_method

if TYPE_CHECKING:
    from napari_zeroshot.engine.batch import Report
    from napari_zeroshot.engine.outcome import Outcome

USUAL = "auto"
MEANT = "Files, OME-Zarr folders, folders with images (and those below), or patterns in quotes such as 'raw/**/*.tif'."
REPLACE = "Replace results that were made otherwise; those made from the same image by the same command stay in any case."


class CommandOfMethod(TyperCommand):
    """A command with the options of the method that ``--method`` names, made when it is called."""

    def make_context(self, info_name: Any, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the command for the method named; an unknown name is wrong usage, and the nearest is told."""
        try:
            method = get_method(_named(args))
        except ParamError as error:
            raise UsageError(str(error)) from error
        one = typer.Typer(add_completion=False)
        one.command(self.name, help=f"{self.help}\n\nParameters below are those of {method.name}; --method NAME --help shows another's.")(
            command_for(method, batch_files)
        )
        try:
            return typer.main.get_command(one).make_context(info_name, args, parent=parent, **extra)
        except UsageError as error:
            if getattr(getattr(error, "param", None), "name", "") == "inputs":
                raise UsageError("name the images, or their folder, and last the folder for the results: batch raw clean") from error
            raise


def _named(words: Sequence[str]) -> str:
    """The method that a command line names; the last wins, as with any option."""
    options = list(words)[: list(words).index("--")] if "--" in words else list(words)
    named = [
        follower if word == "--method" else word.partition("=")[2]
        for word, follower in pairwise([*options, ""])
        if word == "--method" or word.startswith("--method=")
    ]
    return named[-1] if named else USUAL


def batch() -> None:
    """Denoise many files into a folder. The same command goes on where it was interrupted."""


def batch_files(
    method: Method,
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help=MEANT, show_default=False)],
    folder: Annotated[Path, typer.Argument(metavar="OUTPUT_FOLDER", help="Where results go; made if missing.", show_default=False)],
    *,
    method_name: Annotated[str, typer.Option("--method", help="See `napari-zeroshot methods`.")] = USUAL,
    output: Annotated[Literal["ome.tif", "ome.zarr"], typer.Option("--format", help="What results are written as.")] = "ome.tif",
    ome_zarr: OmeZarrOption = "0.4",
    preset: str | None = None,
    axes: AxesOption = None,
    stack: StackOption = "shared",
    device: DeviceOption = "auto",
    seed: SeedOption = 0,
    threads: ThreadsOption = None,
    dtype: DtypeOption = "same",
    nan: NanOption = "refuse",
    memory: MemoryOption = None,
    scheduler: SchedulerOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help=REPLACE)] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first file that fails, instead of going on with the next.")] = False,
    as_json: JsonOption = False,
    params: Mapping[str, Any],
) -> None:
    """Denoise files; the first Ctrl-C ends the batch and keeps the finished planes, the second ends the program."""
    from napari_zeroshot.engine.batch import batch_steps

    with first_interrupt() as asked:
        steps = batch_steps(
            inputs, folder, method.name, ending=f".{output}", ome_zarr_version=ome_zarr, overwrite=overwrite, fail_fast=fail_fast, scheduler=scheduler,
            cancelled=asked.is_set, axes=axes, preset=preset, device=device, seed=seed, threads=threads, stack=stack, dtype=dtype, nan=nan, memory=memory,
            **params,
        )  # fmt: skip
        report = follow(steps, method.title, quiet=as_json)
    _tell(report, as_json)
    if asked.is_set() and not report.complete:
        raise typer.Exit(130)
    if not report.complete:
        raise typer.Exit(1)


def _tell(report: Report, as_json: bool) -> None:
    if as_json:
        give_json({"complete": report.complete, "files": [_plain(outcome) for outcome in report.outcomes], "left_out": dict(report.left_out)})
        return
    show_table(("file", "outcome", "planes", "seconds", "result"), [_row(outcome) for outcome in report.outcomes])
    for warning, sources in _warnings(report).items():
        typer.echo(f"{sources[0]}{f' and {len(sources) - 1} more' if sources[1:] else ''}: {warning}", err=True)
    for outcome in report.outcomes:
        if outcome.state == "failed":
            typer.echo(f"{outcome.source}: {' '.join(outcome.told)}", err=True)
    if report.left_out:
        typer.echo("Left out, as of no known kind: " + ", ".join(f"{count} {ending}" for ending, count in report.left_out.items()) + ".")
    typer.echo(_summary(report))


def _warnings(report: Report) -> dict[str, list[Path]]:
    """What is told of files, each sentence once, with the files that it is told of."""
    found: dict[str, list[Path]] = {}
    for outcome in report.outcomes:
        for warning in outcome.warnings:
            found.setdefault(warning, []).append(outcome.source)
    return found


def _summary(report: Report) -> str:
    """How many images are done, and what to do about the others."""
    failed = report.count("failed")
    rest = f", {failed} failed: once that is mended, the same command does the rest" if failed else "; the same command goes on from here"
    return f"{report.count('done', 'done before')} of {len(report.outcomes)} done{'' if report.complete else rest}."


def _plain(outcome: Outcome) -> dict[str, Any]:
    return {**asdict(outcome), "source": str(outcome.source), "target": str(outcome.target)}


def _row(outcome: Outcome) -> tuple[str, ...]:
    planes = "" if outcome.planes is None else f"{outcome.planes}/{outcome.of}"
    result = str(outcome.target) if outcome.state in ("done", "done before") else ""
    return str(outcome.source), outcome.state, planes, f"{outcome.seconds:.1f}", result
