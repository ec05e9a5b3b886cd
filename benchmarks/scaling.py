"""A batch on 1, 2 and 4 worker processes of this machine: seconds, what a task costs beside its work, and what that would mean for many more.

What is projected is no measurement: it takes for granted that each worker has a core to itself and reads as quickly as one does here.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import document
from benchmarks.images import picture
from benchmarks.record import Entries, Entry, kept, origin
from benchmarks.suite import Suite
from napari_zeroshot import batch, write
from napari_zeroshot.engine.cluster import connected
from napari_zeroshot.engine.image import Image

KEY = ("work", "method", "side", "planes", "steps")
TINY = 32
"""Side of the planes whose work counts for nothing: with them a task's own cost is measured."""
PROJECTED = (16, 64)
"""Workers."""


def measure(method: str, side: int, planes: int, steps: int, workers: Sequence[int], runs: int, tasks: int, entries: Entries) -> None:
    """Seconds of each kind of work in this process and on so many workers; they take turns, so that what else the machine does slows all of them."""
    params = {"threads": 1, "device": "cpu", "early_stop": False, **({"steps": steps} if steps else {})}
    with TemporaryDirectory() as folder:
        cost = overhead(Path(folder), tasks)
        print(f"a task costs {cost * 1000:.3g} ms beside its work", flush=True)
        for work, sources, how in works(Path(folder), side, planes):
            every = [timed(sources, Path(folder, "clean"), method, workers, {**params, **how}) for _ in range(runs)]
            took = {name: round(median(each[name] for each in every), 3) for name in every[0]}
            entries.put({"work": work, "method": method, "side": side, "planes": planes, "steps": steps, "seconds": took, "task": cost, "runs": runs})
            print(f"{work}: {', '.join(f'{name} {value:.3g} s' for name, value in took.items())}", flush=True)


def works(folder: Path, side: int, planes: int) -> Iterator[tuple[str, list[Path], dict[str, Any]]]:
    """Each kind of work: what it is called, its files, and the stack mode."""
    stack = picture("grey", side, planes)
    series = write(folder / "series.ome.tif", Image(stack, "TYX"))
    yield "a series, a network for each plane", [series], {"stack": "plane"}
    yield "a series, one network", [series], {"stack": "shared"}
    yield "files of one plane", [write(folder / f"plane{number}.ome.tif", Image(plane, "YX")) for number, plane in enumerate(stack)], {}


def timed(sources: Sequence[Path], clean: Path, method: str, workers: Sequence[int], options: Mapping[str, Any]) -> dict[str, float]:
    """Seconds here and on so many workers, which have been started and have loaded everything before."""
    found = {"here": _seconds(sources, clean, method, None, options)}
    for count in workers:
        with connected(f"local:{count}", threads=1) as cluster:
            cluster.client.run(_loaded)
            found[str(count)] = _seconds(sources, clean, method, cluster.client.scheduler.address, options)
    return found


def overhead(folder: Path, tasks: int) -> float:
    """Seconds that a task costs beside its work: of many that have hardly any, on one worker, less what they take here."""
    source = write(folder / "tiny.ome.tif", Image(np.random.default_rng(0).integers(0, 999, (tasks, TINY, TINY)).astype(np.uint16), "TYX"))
    took = timed([source], folder / "clean", "median", [1], {"stack": "plane"})
    return max(0.0, took["1"] - took["here"]) / tasks


def _loaded() -> None:
    from napari_zeroshot.engine import fitting, share  # noqa: F401 what the first task of a worker would load


def _seconds(sources: Sequence[Path], clean: Path, method: str, scheduler: str | None, options: Mapping[str, Any]) -> float:
    with TemporaryDirectory(dir=clean.parent) as results:
        started = time.perf_counter()
        report = batch(sources, results, method, scheduler=scheduler, **options)
        seconds = time.perf_counter() - started
    if not report.complete:
        raise RuntimeError(str([outcome.told for outcome in report.outcomes]))
    return seconds


def projected(entry: Entry, workers: int) -> float:
    """Times as fast as here with so many workers and as many more planes that each has work: every task's own cost counts as if one after another."""
    work = entry["seconds"]["here"] / entry["planes"]
    return work / (work / workers + entry["task"])


def section(found: dict[str, Any]) -> str:
    """A row for each kind of work; the last columns are a projection and say so."""
    entries: list[Entry] = found["entries"]
    counts = sorted({int(name) for entry in entries for name in entry["seconds"] if name != "here"})
    header = ("work", "planes", "here, s", *(f"{count} worker{'s' * (count > 1)}, s" for count in counts), "a plane's work, s", "a task's cost, ms")
    rows = [_row(entry, counts) for entry in entries]
    told = ("work", *(f"{count} workers, projected" for count in PROJECTED))
    ahead = [(entry["work"], *(f"{projected(entry, count):.0f}x" for count in PROJECTED)) for entry in entries if not entry["work"].endswith("one network")]
    return "\n\n".join(
        (
            f"Seconds, and how many times as quick as without workers. Each worker is a process with one thread, started before. {origin(found)}",
            document.table(header, rows),
            "A projection, not a measurement: as many planes as keep all workers busy, a core for each worker, and the cost of every task paid one after "
            "another by the program that hands them out.",
            document.table(told, ahead),
        )
    )


def _row(entry: Entry, counts: Sequence[int]) -> tuple[str, ...]:
    took, here = entry["seconds"], entry["seconds"]["here"]
    cells = [f"{document.figure(took.get(str(count)))} ({here / took[str(count)]:.2f}x)" if str(count) in took else "–" for count in counts]
    planes = f"{entry['planes']} of {entry['side']}²"
    return (entry["work"], planes, document.figure(here), *cells, document.figure(here / entry["planes"]), document.figure(entry["task"] * 1000))


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--method", default="zs-n2n")
    parser.add_argument("--side", type=int, default=512, help="of a plane, in pixels")
    parser.add_argument("--planes", type=int, default=16)
    parser.add_argument("--steps", type=int, default=0, help="of training; the method's own if left out")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--tasks", type=int, default=200, help="of hardly any work, by which a task's own cost is measured")
    parser.add_argument("--runs", type=int, default=3, help="of each, of which the median counts")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write the table from the figures that are kept")


def run(options: Namespace) -> None:
    """Measure, keep the figures and write the table."""
    if not options.tables:
        entries = Entries("scaling_cpu", KEY, "cpu")
        measure(options.method, options.side, options.planes, options.steps, options.workers, options.runs, options.tasks, entries)
    for found in kept("scaling").values():
        document.put("scaling", section(found))


SUITE = Suite("a batch on 1, 2 and 4 worker processes, and a projection to 64", _options, run)
