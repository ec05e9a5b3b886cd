"""A running generator on the terminal: its progress bar, and Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from napari_zeroshot.engine.method import Progress

Made = TypeVar("Made")


def follow(steps: Generator[Progress, None, Made], title: str, *, quiet: bool = False) -> Made:
    """Run a denoising, several, or a sweep to the end, with a progress bar on standard error if that is a terminal."""
    from napari_zeroshot.engine.method import finished

    with _bar(quiet) as bar:
        task = bar.add_task(title, total=None)
        return finished(steps, lambda report: bar.update(task, completed=report.step, total=report.total, description=f"{title}: {_said(report)}"))


def _bar(quiet: bool) -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)


def _said(report: Progress) -> str:
    return report.stage if report.loss is None else f"{report.stage}, loss {report.loss:#.3g}"


@contextmanager
def first_interrupt() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; the second one ends the program at once."""
    asked = threading.Event()

    def on_interrupt(*_: Any) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        asked.set()
        typer.echo("Stopping; press Ctrl-C again to leave at once.", err=True)

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
