"""What the commands say: lines and tables for people, one JSON object for machines."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from napari_zeroshot.engine.errors import ImageError

if TYPE_CHECKING:
    from napari_zeroshot.engine.image import Image

UsageError: Any = typer.BadParameter.__base__
"""What typer raises for wrong usage; it has no public name, as newer typers carry their own copy of click."""


def fail(message: str, *, code: int, as_json: bool) -> NoReturn:
    """End the program: `message` in one line on standard error, or as ``{"error": message}`` on standard output."""
    line = " ".join(message.split())
    if as_json:
        give_json({"error": line})
    else:
        typer.echo(f"Error: {line}", err=True)
    raise SystemExit(code)


def give_json(value: object) -> None:
    """Print `value` as JSON; numbers that JSON cannot hold (infinity, NaN) become null."""
    typer.echo(json.dumps(_finite(value), ensure_ascii=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


SHORT = 24
"""Characters of a name that is not broken over lines."""
FIGURE = 10
"""Characters of a cell that is not broken over lines either."""
WIDE = 1000
"""Columns of a table that goes into a file or another program, where nothing has to be broken over lines."""


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table as wide as the terminal; short names in its first column are never broken over lines, and nothing is cut off."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table, rows = Table(box=box.SIMPLE_HEAD, pad_edge=False), list(rows)
    longest = max(len(row[0]) for row in rows)
    table.add_column(columns[0], overflow="fold", min_width=min(SHORT, longest), no_wrap=longest <= SHORT)
    for number, column in enumerate(columns[1:], start=1):
        figures = [len(row[number]) for row in rows if len(row[number]) <= FIGURE]
        word = max([*map(len, column.split()), *figures], default=0)
        table.add_column(column, max_width=None if column is columns[-1] else 22, min_width=word, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console(markup=False, highlight=False)
    least = console.measure(table, options=console.options.update(width=WIDE)).minimum + len(columns)  # rich spares the columns' margins
    console.width = max(console.width, least) if console.is_terminal or "COLUMNS" in os.environ else WIDE
    console.print(table, crop=False)  # it may be a little wider all the same: the terminal breaks its lines then


def opened(path: Path, axes: str | None) -> Image:
    """The image of a file.

    Raises
    ------
    ImageError
        If neither the file nor ``--axes`` say what the dimensions are; and as `files.read`.
    """
    from napari_zeroshot.engine.files import read

    image = read(path, axes=axes)
    if image.axes is None:
        example = {3: "TYX", 4: "TCYX"}.get(image.array.ndim, "TCZYX")
        raise ImageError(f"{path} does not say what its dimensions {image.array.shape} are; name each, such as --axes {example}")
    return image


def tell(notes: Iterable[str]) -> None:
    """Print what a user should know of a file, or of what was done."""
    for note in notes:
        typer.echo(f"Note: {note}")
