"""Many images denoised into a folder, one after another, each as `denoise_steps` does: interrupted or not, the pixels are the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from napari_zeroshot.engine import ome_zarr
from napari_zeroshot.engine.cluster import check_scheduler, connected
from napari_zeroshot.engine.device import LOST
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.method import Progress, finished, never
from napari_zeroshot.engine.outcome import Outcome, State, outcome_of
from napari_zeroshot.engine.post import SPARE
from napari_zeroshot.engine.standing_order import DEFAULTS, StandingOrder, standing_order
from napari_zeroshot.engine.worklist import ENDINGS, Item, left_out, worklist

PER_FILE = 1000
"""Of the reports' steps, where several files are worked on at once."""


@dataclass(frozen=True)
class Report:
    """What became of each image of a batch, in the order of the work, and how many files of other endings its folders hold."""

    outcomes: tuple[Outcome, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)

    def count(self, *states: State) -> int:
        """How many images came to one of these ends."""
        return sum(outcome.state in states for outcome in self.outcomes)

    @property
    def complete(self) -> bool:
        """Whether every image has its result."""
        return self.count("done", "done before") == len(self.outcomes)


def batch(inputs: Sequence[str | Path], folder: str | Path, method: str = "auto", **options: Any) -> Report:
    """Denoise files into a folder; what became of each.

    Parameters
    ----------
    inputs, folder, method, options
        As for `batch_steps`, which takes single parameters of the method too.

    Examples
    --------
    >>> batch(["raw"], "clean", "fm2s", preset="confocal").complete  # doctest: +SKIP
    True
    """
    steps = batch_steps(inputs, folder, method, **options)
    return finished(steps)


def batch_steps(
    inputs: Sequence[str | Path],
    folder: str | Path,
    method: str = "auto",
    *,
    ending: str = ".ome.tif",
    ome_zarr_version: str = ome_zarr.VERSION,
    overwrite: bool = False,
    fail_fast: bool = False,
    scheduler: str | None = None,
    cancelled: Callable[[], bool] = never,
    **options: Any,
) -> Generator[Progress, None, Report]:
    """Denoise files into a folder step by step: a generator of `Progress`, whose `stage` names the file, that returns a `Report`.

    The same call goes on where an earlier one was interrupted: results that are complete stay, and of an unfinished one only the missing planes
    are denoised. For that, a network is trained again from its seed where it is needed, which on a CPU gives the same network bit for bit.

    Parameters
    ----------
    inputs
        Files, OME-Zarr folders, folders with images (in folders below too), patterns such as ``raw/**/*.tif``.
    folder
        Where results go; made if missing. Those of a folder go into the same folders below it.
    ending
        ``.ome.tif`` or ``.ome.zarr``.
    ome_zarr_version
        Of the latter: ``0.4``, which most programs read, or ``0.5``.
    overwrite
        Replace results that are there and were made from another image or by other settings. Those that are the same are left as they are.
    fail_fast
        Stop at the first image that cannot be denoised, instead of going on with the next. A graphics card that stops working ends the batch in any case.
    scheduler
        Does the work on several processes or machines, with the same pixels for the same `threads`: ``local`` for a process for each CPU core,
        ``local:4`` for four, or the address of a running dask.distributed cluster, such as ``tcp://host:8786``. See `cluster`.
    cancelled
        Asked at every report. Once true, the batch ends; the finished planes are kept for the next run.
    **options
        As for `denoise_steps`: axes, preset, device, seed, threads, stack, dtype, nan, memory, and single parameters of the method.

    Raises
    ------
    FileError, ParamError, DeviceError
        If the inputs, the names of the results or the settings are wrong, before any work is done. What is wrong with one image is in the report.
    """
    form = {"version": ome_zarr.check_version(ome_zarr_version)} if ending == ".ome.zarr" else {}
    order = standing_order(method, {**DEFAULTS, **options}, form=form, elsewhere=scheduler is not None)
    if scheduler is not None:
        check_scheduler(scheduler)
    if ending not in ENDINGS:
        raise ParamError(f"ending = {ending!r} is not allowed; it takes {' or '.join(ENDINGS)}")
    given = [inputs] if isinstance(inputs, str | Path) else inputs
    items, others = worklist(given, Path(folder), ending), left_out(given, Path(folder))
    if scheduler is None:
        return _told_of(others, _one_by_one(order, items, overwrite, fail_fast, cancelled))
    return _told_of(others, _on_cluster(scheduler, order, items, overwrite, fail_fast, cancelled))


def _told_of(others: Mapping[str, int], steps: Generator[Progress, None, Report]) -> Generator[Progress, None, Report]:
    return replace((yield from steps), left_out=others)


def _one_by_one(
    order: StandingOrder, items: Sequence[Item], overwrite: bool, fail_fast: bool, cancelled: Callable[[], bool]
) -> Generator[Progress, None, Report]:
    outcomes, lost_before = [Outcome(item.source, item.target) for item in items], len(LOST)
    for number, item in enumerate(items):
        if cancelled():
            break
        outcomes[number] = yield from outcome_of(order, item, _which(items, number), overwrite, cancelled)
        if outcomes[number].state == "failed" and (fail_fast or len(LOST) > lost_before):
            break
    return Report(tuple(outcomes))


def _which(items: Sequence[Item], number: int) -> str:
    return f"{items[number].source.name}" + (f" ({number + 1}/{len(items)})" if len(items) > 1 else "")


def _on_cluster(
    scheduler: str, order: StandingOrder, items: Sequence[Item], overwrite: bool, fail_fast: bool, cancelled: Callable[[], bool]
) -> Generator[Progress, None, Report]:
    with connected(scheduler, order.options["threads"]) as cluster:
        yield from cluster.awaited(cancelled)
        at_once = min(len(items), cluster.workers() + SPARE)
        return (yield from _at_once(at_once, replace(order, where=cluster), items, overwrite, fail_fast, cancelled))


def _at_once(
    most: int, order: StandingOrder, items: Sequence[Item], overwrite: bool, fail_fast: bool, cancelled: Callable[[], bool]
) -> Generator[Progress, None, Report]:
    """Several files at a time, each in a thread that mostly waits for the cluster: a file of one plane keeps but one worker busy."""
    outcomes = [Outcome(item.source, item.target) for item in items]
    heard: SimpleQueue[tuple[int, Progress | None]] = SimpleQueue()
    over = threading.Event()

    def follow(number: int) -> None:
        try:
            if not over.is_set() and not cancelled():
                steps = outcome_of(order, items[number], _which(items, number), overwrite, lambda: over.is_set() or cancelled())
                outcomes[number] = finished(steps, lambda report: heard.put((number, report)))
                if fail_fast and outcomes[number].state == "failed":
                    over.set()
        finally:
            heard.put((number, None))

    with ThreadPoolExecutor(most) as pool:
        ends = [pool.submit(follow, number) for number in range(len(items))]
        try:
            yield from _heard_of_all(heard, ends)
        finally:
            over.set()
    return Report(tuple(outcomes))


def _heard_of_all(heard: SimpleQueue[tuple[int, Progress | None]], ends: Sequence[Future[None]]) -> Generator[Progress, None, None]:
    """The reports of all files, with how far they are together, until each has ended; raises what one of them did not expect."""
    parts = dict.fromkeys(range(len(ends)), 0.0)
    left = len(ends)
    while left:
        number, report = heard.get()
        parts[number] = report.step / max(1, report.total) if report else 1.0
        if report:
            yield replace(report, step=round(PER_FILE * sum(parts.values())), total=PER_FILE * len(ends))
        else:
            ends[number].result()
            left -= 1
