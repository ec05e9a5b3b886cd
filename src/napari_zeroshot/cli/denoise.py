"""`napari-zeroshot denoise METHOD INPUT OUTPUT`: one command for each method, with its own options."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from napari_zeroshot.cli.options import command_for
from napari_zeroshot.cli.partial import whole_or_partial
from napari_zeroshot.cli.progress import first_interrupt
from napari_zeroshot.cli.report import give_json, opened, tell
from napari_zeroshot.cli.shared_options import (
    AxesOption,
    DeviceOption,
    DtypeOption,
    JsonOption,
    KeepPartialOption,
    MemoryOption,
    NanOption,
    OmeZarrOption,
    OverwriteOption,
    SchedulerOption,
    SeedOption,
    StackOption,
    ThreadsOption,
)
from napari_zeroshot.engine.errors import DenoiseError, FileError, ParamError
from napari_zeroshot.engine.method import Method
from napari_zeroshot.engine.registry import all_methods, get_method
from napari_zeroshot.engine.result import Result

NETWORK = "Denoise with a network of this method that --save-network has written, and train nothing; its preset and parameters hold."
SAVE_NETWORK = "Write what was learnt to a file ending in .safetensors, for --network."


class MethodGroup(TyperGroup):
    """A group of commands with one for each method, made when asked for."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What follows the command's name, in words that say more than COMMAND and ARGS."""
        return ["METHOD", "INPUT", "OUTPUT", "[OPTIONS]"]

    def list_commands(self, ctx: Any) -> list[str]:
        """The methods' names."""
        return list(all_methods())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of one method; an unknown name is wrong usage, and the nearest is named."""
        try:
            method = get_method(cmd_name)
        except ParamError as error:
            forgotten = f"{cmd_name} is no method but a file; name the method first, such as denoise auto {cmd_name} clean.ome.tif"
            ctx.fail(forgotten if Path(cmd_name).is_file() else str(error))
        one = typer.Typer(add_completion=False)
        one.command(method.name, help=f"{method.summary}\n\n{method.reference}")(command_for(method, denoise_file))
        return typer.main.get_command(one)


app = typer.Typer(cls=MethodGroup, no_args_is_help=True, help="Denoise an image. denoise METHOD --help lists the options of a method.")


@app.callback()
def _about() -> None: ...


def denoise_file(
    method: Method,
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="The noisy image: TIFF, OME-TIFF, ImageJ TIFF, OME-Zarr or PNG.", show_default=False)],
    target: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="What to write: .ome.tif (or .tif), .ome.zarr, or .png for one plane of pixels only.", show_default=False)
    ],
    *,
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
    network: Annotated[Path | None, typer.Option(help=NETWORK, show_default=False)] = None,
    save_network: Annotated[Path | None, typer.Option(help=SAVE_NETWORK, show_default=False)] = None,
    ome_zarr: OmeZarrOption = "0.4",
    overwrite: OverwriteOption = False,
    keep_partial: KeepPartialOption = False,
    as_json: JsonOption = False,
    params: Mapping[str, Any],
) -> None:
    """Denoise one file into another; the first Ctrl-C ends training, the second the program."""
    from napari_zeroshot.engine import cluster, files
    from napari_zeroshot.engine.run import denoise_steps

    files.check_target(target, source=source, overwrite=overwrite)
    _check_network(method, network, save_network, overwrite=overwrite)
    with first_interrupt() as asked:
        image = opened(source, axes)
        files.check_target(target, overwrite=overwrite, like=image, dtype=dtype)
        with files.room_for(target, image, dtype) as room:
            start = denoise_steps if scheduler is None else partial(cluster.remote_steps, scheduler)
            steps = start(
                files.Readable(source, axes, array=image.array), method.name, axes=image.axes, preset=preset, device=device, seed=seed, threads=threads,
                stack=stack, dtype=dtype, nan=nan, memory=memory, out=room, cancelled=asked.is_set, source={"name": source.name}, trained=network, **params,
            )  # fmt: skip
            put = partial(files.write, target, like=image, overwrite=overwrite, ome_zarr_version=ome_zarr)
            result = whole_or_partial(steps, method.title, target, put, image.notes, keep_partial=keep_partial, as_json=as_json)
            unsaved = _written(result, put, save_network, overwrite=overwrite)
    report(target, result, [*image.notes, *result.notes], as_json, error=f"no network was saved: {unsaved}" if unsaved else "")
    if unsaved or not result.complete:
        raise typer.Exit(1 if result.complete else 130)


def _check_network(method: Method, used: Path | None, saved: Path | None, *, overwrite: bool) -> None:
    """Raise what would be raised only after the work was done."""
    from napari_zeroshot.engine.weights import check_network_place

    if saved is None:
        return
    if used is not None or not method.trains:
        raise ParamError("there will be no new network to save: " + (f"{method.title} trains none" if not method.trains else "--network trains none"))
    check_network_place(saved, overwrite=overwrite)


def _written(result: Result, put: Callable[[Result], object], network: Path | None, *, overwrite: bool) -> str:
    """Write a result and, if there is a place for it, its network: neither is lost because the other cannot be written.

    Returns
    -------
    Why there is no network in its place; empty if there is, or if none was asked for.
    """
    try:
        put(result)
    except DenoiseError as error:
        if network is None:
            raise
        unsaved = _unsaved(result, network, overwrite=overwrite)
        kept = f"no network was saved either: {unsaved}" if unsaved else f"its network was saved: with --network {network} nothing has to be trained again"
        raise FileError(f"{error}; {kept}") from error
    return _unsaved(result, network, overwrite=overwrite) if network is not None else ""


def _unsaved(result: Result, network: Path, *, overwrite: bool) -> str:
    """Save the network of a result. Why that could not be; empty if it could."""
    from napari_zeroshot.engine.weights import save_network

    try:
        save_network(network, result, overwrite=overwrite)
    except DenoiseError as error:
        return str(error)
    return ""


def report(target: Path, result: Result, notes: Sequence[str], as_json: bool, error: str = "") -> None:
    """Tell what was written, how, what the user should know of it, and what went wrong beside it."""
    if as_json:
        give_json({"output": str(target), **result.provenance(), "notes": notes, **({"error": error} if error else {})})
        return
    typer.echo(f"Wrote {target}" if result.complete else f"Ended by Ctrl-C; wrote the best result so far to {target}")
    typer.echo(f"{result.method}, preset {result.preset}, seed {result.seed}, {result.seconds:.1f} s on {result.device}")
    tell(notes)
    if error:
        typer.echo(f"Error: {error}", err=True)
