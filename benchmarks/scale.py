"""How seconds and memory grow with pixels and with planes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import document, machine
from benchmarks.apart import apart
from benchmarks.plot import Line, Panel, draw, slope
from benchmarks.record import Entries, kept, origin
from benchmarks.rows import chosen, trained
from benchmarks.suite import Suite
from benchmarks.timing import Work, repeated

Found = dict[str, Any]
KEY = ("row", "side", "planes")
PHASES = ("preparing", "training", "denoising")
FITTED = (*PHASES, "training, planes", "denoising, planes")
FITTED_FROM = 512**2
"""Pixels from which the slopes of preparing and denoising are fitted: below, what a call costs in any case hides them."""


@dataclass(frozen=True)
class Plan:
    """Sides of the single pictures, numbers of planes and their side, and seconds for repeated runs of one."""

    sides: tuple[int, ...] = (128, 256, 512, 1024, 2048, 4096)
    planes: tuple[int, ...] = (1, 3, 10, 30, 100)
    plane_side: int = 256
    budget: float = 3.0


QUICK = Plan(sides=(128, 512, 1024), planes=(1, 10), budget=0.0)
ROWS = ["FM2S", "ZS-N2N", "ZS-N2M*"]
"""Measured when no rows are named: with one network each. "ZS-N2M" can be named."""


def measure(plan: Plan, device: str, names: list[str] | None, entries: Entries) -> None:
    """Measure rows on one device, first against pixels and then against planes."""
    works = [(side, 1) for side in plan.sides] + [(plan.plane_side, planes) for planes in plan.planes if (plan.plane_side, planes) not in _single(plan)]
    for row in chosen(names or ROWS, trained()):
        for side, planes in works:
            found = apart(repeated, Work(row.method, row.preset, "grey", side, planes, device=device), 1, 3, plan.budget)
            entries.put({"row": row.name, "side": side, "planes": planes, **found})
            print(f"{row.name:10s} {planes:4d} of {side}²  " + (found.get("error") or "  ".join(f"{p} {found[p]:.2f} s" for p in PHASES)), flush=True)


def _single(plan: Plan) -> set[tuple[int, int]]:
    return {(side, 1) for side in plan.sides}


def line(entries: Sequence[Found], row: str, column: str, *, against: str) -> Line:
    """The points of one row: a column against ``pixels`` of single pictures, or against ``planes`` of the stacks' side."""
    stacked = {entry["side"] for entry in entries if entry["planes"] > 1}
    found = [entry for entry in entries if entry["row"] == row and entry.get(column) is not None]
    if against == "pixels":
        return sorted((entry["side"] ** 2, entry[column]) for entry in found if entry["planes"] == 1)
    return sorted((entry["planes"], entry[column]) for entry in found if entry["side"] in stacked)


def slopes(entries: Sequence[Found], row: str) -> dict[str, float | None]:
    """The slopes of the log-log plots: of each phase against pixels, and of denoising against planes."""
    found = {phase: slope(line(entries, row, phase, against="pixels"), 0 if phase == "training" else FITTED_FROM) for phase in PHASES}
    return found | {f"{phase}, planes": slope(line(entries, row, phase, against="planes")) for phase in ("training", "denoising")}


def section(found: Found, name: str) -> str:
    """Plot and tables of one device, in Markdown; draws the plot."""
    entries, rows = found["entries"], list(dict.fromkeys(entry["row"] for entry in found["entries"]))
    path = draw(
        name, [_panel(entries, rows, against, columns) for against in ("pixels", "planes") for columns in (("training", "denoising"), (_memory(entries),))]
    )
    fitted = document.table(("slope of the log-log plot", *rows), [(what, *(_number(slopes(entries, row)[what]) for row in rows)) for what in FITTED])
    header = ("method", "image", "planes", "preparing, s", "training, s", "denoising, s", "in all, s", "MiB")
    told = (
        "Default settings, grey images, shared network. Preparing ends with the first report of training, and denoising begins with the last. "
        f"Slopes of preparing and denoising are fitted from {FITTED_FROM} pixels on, those of training over all sizes. "
        "MiB: peak memory beyond image and libraries."
    )
    shown = f"![Seconds and memory against pixels and planes](images/{path.name})"
    return "\n\n".join((origin(found), told, shown, fitted, document.table(header, _rows(entries))))


def _panel(entries: Sequence[Found], rows: Sequence[str], against: str, columns: Sequence[str]) -> Panel:
    lines = {(row if len(columns) == 1 else f"{row}, {column}"): line(entries, row, column, against=against) for row in rows for column in columns}
    up = "seconds" if len(columns) > 1 else "peak memory, MiB"
    drawn = {label: [point for point in points if point[1] > 0] for label, points in lines.items()}  # no logarithm of what was too little to measure
    return Panel(f"{up} against {against}", against, up, {label: points for label, points in drawn.items() if points})


def _memory(entries: Sequence[Found]) -> str:
    return "on_device" if any(entry.get("on_device") for entry in entries) else "resident"


def _rows(entries: Sequence[Found]) -> list[tuple[str, ...]]:
    columns = (*PHASES, "seconds")
    return [
        (
            entry["row"],
            f"{entry['side']}²",
            str(entry["planes"]),
            *(document.figure(entry.get(column)) for column in columns),
            "–" if entry.get(_memory(entries)) is None else f"{entry[_memory(entries)]:.0f}",
        )
        for entry in entries
    ]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--only", nargs="*", metavar="ROW", help=f"rows to measure, {', '.join(ROWS)} when left out; others are kept as they were")
    parser.add_argument("--sides", nargs="*", type=int, help="sides of the single pictures, in pixels")
    parser.add_argument("--device", help="measure on this device alone, rather than on the CPU and a GPU")
    parser.add_argument("--quick", action="store_true", help="few sizes, one run each, printed and not kept")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write plot and tables from the figures that are kept")


def run(options: Namespace) -> None:
    """Measure on each device; draw a plot and write a section for each that figures are kept of."""
    plan = QUICK if options.quick else Plan(sides=tuple(options.sides)) if options.sides else Plan()
    if not options.tables:
        for device in [options.device] if options.device else machine.devices():
            entries = Entries(None if options.quick else f"scale_{machine.kind(device)}", KEY, device)
            measure(plan, device, options.only, entries)
    if not options.quick:
        for name, found in kept("scale").items():
            document.put(name.replace("_", " "), section(found, name))


SUITE = Suite("seconds and peak memory against pixels and planes, with a log-log plot", _options, run)
