"""A network for each plane of a stack: trained one by one, and several side by side."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks import document, machine
from benchmarks.images import picture
from benchmarks.record import Entries, Entry, kept, origin
from benchmarks.rows import chosen, trained
from benchmarks.suite import Suite
from benchmarks.timing import Work, warm_up
from napari_zeroshot import get_method
from napari_zeroshot.engine import plan as engine_plan
from napari_zeroshot.engine.threads import used

ROWS = {name: row for name, row in trained().items() if get_method(row.method).settings(row.preset).side_by_side}
KEY = ("row", "side", "planes", "steps", "threads", "together")


def seconds(work: Work, together: int) -> float:
    """Seconds of a run with so many networks side by side, where that is allowed."""
    engine_plan.TOGETHER[machine.kind(work.device)] = together
    image = picture(work.kind, work.side, work.planes)
    started = time.perf_counter()
    for _ in work.run(image):
        pass
    return time.perf_counter() - started


def measure(
    names: Sequence[str] | None, side: int, planes: int, counts: Sequence[int], runs: int, params: dict[str, Any], device: str, entries: Entries
) -> None:
    """Median seconds for each number of networks side by side; they take turns, so that what else the machine does slows all of them."""
    usual = engine_plan.TOGETHER[machine.kind(device)]
    for row in chosen(names, ROWS):
        work = Work(row.method, row.preset, "grey", side, planes, "plane", device, {"early_stop": False, **params})  # the same steps for all
        warm_up(work)
        steps = work.counts()["training"]
        turns = [[seconds(work, count) for count in counts] for _ in range(runs)]
        for count, every in zip(counts, zip(*turns, strict=True), strict=True):
            measured = {"row": row.name, "side": side, "planes": planes, "steps": steps, "threads": used(), "together": count}
            entries.put({**measured, "seconds": round(median(every), 4), "every": [round(one, 4) for one in every]})
            print(f"{row.name}, {planes} planes of {side}², {count} side by side: {median(every):.3g} s", flush=True)
    engine_plan.TOGETHER[machine.kind(device)] = usual


def section(found: dict[str, Any]) -> str:
    """A row for each method, a column for each number of networks side by side."""
    entries: list[Entry] = found["entries"]
    counts = sorted({entry["together"] for entry in entries})
    cases = list(dict.fromkeys(_case(entry) for entry in entries))
    took = {(_case(entry), entry["together"]): entry["seconds"] for entry in entries}
    rows = [
        (row, f"{planes} of {side}²", str(steps), str(threads), *(_cell(took.get((case, count)), took.get((case, 1)), planes) for count in counts))
        for case in cases
        for row, side, planes, steps, threads in [case]
    ]
    header = ("method", "planes", "steps", "threads", *("one by one" if count == 1 else f"{count} side by side" for count in counts))
    return f"Planes a second, and how many times as many as one by one. {origin(found)}\n\n{document.table(header, rows)}"


def _case(entry: Entry) -> tuple[Any, ...]:
    return tuple(entry[name] for name in KEY if name != "together")


def _cell(took: float | None, alone: float | None, planes: int) -> str:
    if took is None:
        return "–"
    times = f" ({alone / took:.2f}x)" if alone and alone != took else ""
    return f"{document.figure(planes / took)}{times}"


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--only", nargs="*", metavar="ROW", help=f"rows to measure, {', '.join(ROWS)} when left out; others are kept as they were")
    parser.add_argument("--side", type=int, default=512, help="side of the planes, in pixels")
    parser.add_argument("--planes", type=int, default=32, help="planes of the stack")
    parser.add_argument("--together", nargs="*", type=int, default=[1, 4, 8, 16], help="how many networks side by side")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, of which the median counts")
    parser.add_argument("--steps", type=int, help="train for so many steps, rather than as by default")
    parser.add_argument("--device", help="measure on this device alone, rather than on the CPU and a GPU")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write the tables from the figures that are kept")


def run(options: Namespace) -> None:
    """Measure on each device, and write a section for each that figures are kept of."""
    params = {} if options.steps is None else {"steps": options.steps}
    for device in [] if options.tables else [options.device] if options.device else machine.devices():
        entries = Entries(f"together_{machine.kind(device)}", KEY, device)
        measure(options.only, options.side, options.planes, options.together, options.runs, params, device, entries)
    for name, found in kept("together").items():
        document.put(name.replace("_", " "), section(found))


SUITE = Suite("a network for each plane: planes a second, one by one and side by side", _options, run)
