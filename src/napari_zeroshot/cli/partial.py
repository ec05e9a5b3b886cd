"""A run followed to its end, and what is written of one that ended by Ctrl-C or with an error."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import NoReturn

import typer

from napari_zeroshot.cli.progress import follow
from napari_zeroshot.cli.report import fail, give_json
from napari_zeroshot.engine.errors import DenoiseError
from napari_zeroshot.engine.method import Progress
from napari_zeroshot.engine.result import Result


def whole_or_partial(
    steps: Generator[Progress, None, Result],
    title: str,
    target: Path,
    put: Callable[[Result], object],
    notes: Sequence[str],
    *,
    keep_partial: bool,
    as_json: bool,
) -> Result:
    """What a run comes to, to be written; one that was ended by Ctrl-C gives the best so far, if that is wanted. Else the program ends here.

    Parameters
    ----------
    target, put
        Where the result goes, and what writes it there: after an error, the planes that were finished before it.
    notes
        What a user should know of the image.
    keep_partial
        Whether what is not whole is wanted.
    """
    try:
        result = follow(steps, title, quiet=as_json)
    except DenoiseError as error:
        if error.so_far is None:
            raise
        if not keep_partial:
            fail(f"{error}; nothing was written (--keep-partial writes {_done(error.so_far)})", code=1, as_json=as_json)
        put(error.so_far)
        _report_failed(target, error, error.so_far, [*notes, *error.so_far.notes], as_json)
    if not result.complete and not (keep_partial and result.planes_done):
        fail(_why_nothing(keep_partial), code=130, as_json=as_json)
    return result


def _why_nothing(keep_partial: bool) -> str:
    if keep_partial:
        return "ended by Ctrl-C before anything was denoised; nothing was written"
    return "ended by Ctrl-C; nothing was written (--keep-partial writes the best result so far)"


def _done(result: Result) -> str:
    return f"the {result.planes_done} of {result.planes} planes that were finished"


def _report_failed(target: Path, error: DenoiseError, so_far: Result, notes: Sequence[str], as_json: bool) -> NoReturn:
    """End the program: tell the error, and what was written all the same."""
    if as_json:
        give_json({"output": str(target), **so_far.provenance(), "notes": notes, "error": str(error)})
        raise typer.Exit(1)
    typer.echo(f"Failed; wrote {_done(so_far)} to {target}; its history says what the others hold")
    raise error
