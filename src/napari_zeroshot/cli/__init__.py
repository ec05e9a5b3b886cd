"""The command line: `napari-zeroshot`. Each command is a file; the work is done by the engine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from napari_zeroshot import __version__
from napari_zeroshot.cli import batch, demo, denoise, measure, methods, noise, rerun, simulate, sweep
from napari_zeroshot.cli.report import UsageError, fail
from napari_zeroshot.engine.errors import DenoiseError

app = typer.Typer(
    name="napari-zeroshot",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 something you can mend (said in one line), 2 wrong usage, 130 ended by Ctrl-C.",
)
app.command("methods")(methods.list_methods)
app.add_typer(denoise.app, name="denoise")
app.command("batch", cls=batch.CommandOfMethod)(batch.batch)
app.command("rerun")(rerun.rerun)
app.command("sweep")(sweep.sweep)
app.command("measure")(measure.measure)
app.command("noise")(noise.noise)
app.command("simulate")(simulate.simulate)
app.command("demo")(demo.demo)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"napari-zeroshot {__version__}")
        raise typer.Exit


@app.callback()
def _about(version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version and leave.")] = False) -> None:
    """Denoise the microscope image in front of you: zero-shot, with no training set, no weights and no noise model."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the program with its exit code.

    Parameters
    ----------
    arguments
        What follows the program's name; taken from the command line when left out.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    as_json = "--json" in words
    try:
        sys.exit(app(words, prog_name="napari-zeroshot", standalone_mode=not as_json))
    except DenoiseError as error:
        fail(str(error), code=1, as_json=as_json)
    except UsageError as error:
        fail(error.format_message(), code=2, as_json=as_json)
