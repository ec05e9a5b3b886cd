"""How long every trained method takes, beside its paper's recipe in the same run."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks import document, machine
from benchmarks.apart import apart
from benchmarks.images import Kind
from benchmarks.preview import previews, work_of
from benchmarks.preview import rows as previewed
from benchmarks.record import Entries, kept
from benchmarks.rows import Row, chosen
from benchmarks.speed_tables import TABLES, seconds, tables
from benchmarks.suite import Suite
from benchmarks.timing import Work, recipe, repeated
from napari_zeroshot import get_method

Found = dict[str, Any]
KEY = ("part", "row", "kind", "side", "planes", "stack")


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Parameters
    ----------
    grey, rgb
        Sides of the pictures, in pixels.
    judged
        Pictures by which the goals are judged: they are run `repeats` times whatever it takes, others as often as `budget` seconds allow.
    stack_side, planes
        Side and numbers of planes of the stacks.
    whole, limit
        Seconds after which a stack with one shared network, or any other stack, is stopped and scaled.
    preview_side, moves
        Side of the previewed picture, and how often its sliders move.
    missing
        Whether what is kept is left as it is.
    """

    grey: tuple[int, ...] = (128, 256, 512, 1024, 2048, 4096)
    rgb: tuple[int, ...] = (256,)
    judged: tuple[tuple[Kind, int], ...] = (("grey", 512), ("rgb", 256))
    repeats: int = 3
    budget: float = 6.0
    stack_side: int = 512
    planes: tuple[int, ...] = (1, 10, 100)
    whole: float = 150.0
    limit: float = 30.0
    preview_side: int = 256
    moves: int = 20
    missing: bool = False

    def pictures(self) -> Iterator[tuple[Kind, int]]:
        """Kinds and sides, grey ones first."""
        yield from (("grey", side) for side in self.grey)
        yield from (("rgb", side) for side in self.rgb)

    def stacks(self) -> Iterator[tuple[str, int]]:
        """How networks are shared, and numbers of planes; a single plane is measured once."""
        for planes in self.planes:
            yield from ((stack, planes) for stack in ("shared", "plane", "warm") if planes > 1 or stack == "shared")


QUICK = Plan(grey=(256, 512), judged=(), budget=0.0, repeats=1, planes=(10,), whole=4.0, limit=2.0, moves=3)


def measure(plan: Plan, device: str, names: list[str] | None, parts: Sequence[str], entries: Entries) -> None:
    """Measure what was asked for on one device, a row at a time."""
    rows = chosen(names, previewed())
    for row in (row for row in rows if get_method(row.method).trains):
        if "sizes" in parts:
            _measure_sizes(plan, row, device, entries)
        if "stacks" in parts and row.preset != "full":  # as many steps again for each plane: the two networks' own row tells enough
            _measure_stacks(plan, row, device, entries)
    if "previews" in parts:
        _measure_previews(plan, rows, device, entries)


def _measure_sizes(plan: Plan, row: Row, device: str, entries: Entries) -> None:
    for kind, side in plan.pictures():
        if plan.missing and {"part": "sizes", "row": row.name, "kind": kind, "side": side} in entries:
            continue
        least = plan.repeats if (kind, side) in plan.judged else 1
        default = apart(repeated, Work(row.method, row.preset, kind, side, device=device), least, plan.repeats, plan.budget)
        paper = apart(recipe, _recipe(row, kind, side, device), *_steps_timed(row, device, side)) if _recipe_fits(row, device, side) else None
        entry = {"part": "sizes", "row": row.name, "kind": kind, "side": side, "ratio": _ratio(default, paper), "default": default, "paper": paper}
        entries.put(entry)
        _say(row.name, f"{side}² {kind}", f"{seconds(default)} s, recipe {seconds(paper)} s, ratio {document.figure(entry['ratio'])}", default, paper)


def _recipe(row: Row, kind: Kind, side: int, device: str) -> Work:
    return Work(row.method, row.recipe or "paper", kind, side, device=device, params=row.recipe_params)


def _recipe_fits(row: Row, device: str, side: int) -> bool:
    return row.recipe is not None and (side <= row.recipe_side or machine.kind(device) == "cuda")


def _steps_timed(row: Row, device: str, side: int) -> tuple[int, int]:
    """Steps to warm up with and steps to time: multiples of five, because FM2S draws its noise at every fifth."""
    if machine.kind(device) == "cuda":
        return 10, 50
    return (5, 25) if side <= (512 if row.recipe_side > 512 else 128) else (2, 5)


def _ratio(default: Found, paper: Found | None) -> float | None:
    return round(paper["seconds"] / default["seconds"], 1) if paper and "seconds" in paper and "seconds" in default else None


def _measure_stacks(plan: Plan, row: Row, device: str, entries: Entries) -> None:
    for stack, planes in plan.stacks():
        about = {"part": "stacks", "row": row.name, "kind": "grey", "side": plan.stack_side, "planes": planes, "stack": stack}
        if plan.missing and about in entries:
            continue
        work = Work(row.method, row.preset, "grey", plan.stack_side, planes, stack, device)
        found = apart(repeated, work, 1, 1, 0.0, plan.whole if stack == "shared" else plan.limit)
        entries.put({**about, **found})
        _say(row.name, f"stack of {planes}, {stack}", f"{seconds(found)} s", found)


def _measure_previews(plan: Plan, rows: Sequence[Row], device: str, entries: Entries) -> None:
    for row in rows:
        about = {"part": "previews", "row": row.name, "side": plan.preview_side}
        if plan.missing and about in entries:
            continue
        found = apart(previews, work_of(row, plan.preview_side, device), plan.moves)
        entries.put({**about, **found})
        _say(row.name, f"preview {plan.preview_side}²", f"{seconds(found)} s", found)


def _say(row: str, what: str, figures: str, *found: Found | None) -> None:
    failed = "".join(f"; {each['error']}" for each in found if each and "error" in each)
    print(f"{row:10s} {what:20s} {figures}{failed}", flush=True)


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--only", nargs="*", metavar="ROW", help="rows to measure; the others are kept as they were")
    parser.add_argument("--parts", nargs="*", choices=TABLES, default=list(TABLES), help="which of the tables to measure")
    parser.add_argument("--device", help="measure on this device alone, rather than on the CPU and a GPU")
    parser.add_argument("--missing", action="store_true", help="run only what is not kept yet")
    parser.add_argument("--quick", action="store_true", help="a look in two minutes: few sizes, one run each, printed and not kept")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write the tables from the figures that are kept")


def run(options: Namespace) -> None:
    """Measure on each device, and write a section for each that figures are kept of."""
    if not options.tables:
        for device in [options.device] if options.device else machine.devices():
            entries = Entries(None if options.quick else f"speed_{machine.kind(device)}", KEY, device)
            measure(QUICK if options.quick else replace(Plan(), missing=options.missing), device, options.only, options.parts, entries)
            print(f"\n{tables(entries.found())}")
    if not options.quick:
        for name, found in kept("speed").items():
            document.put(name.replace("_", " "), tables(found))


SUITE = Suite("seconds and peak memory of every trained method, beside its paper's recipe in the same run", _options, run)
