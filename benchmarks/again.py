"""How far two runs with the same settings are apart where sums are rounded otherwise: what the tolerance of a rerun rests on."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import document
from benchmarks.record import Entries, load, origin
from benchmarks.rows import chosen, trained
from benchmarks.suite import Suite
from napari_zeroshot import denoise
from napari_zeroshot.engine.agreement import TOLERANCE, agreement
from napari_zeroshot.engine.axes import parse
from napari_zeroshot.engine.synthetic import sample_plane

ROWS = trained()
KEY = ("row", "device")
CHANGES: dict[str, dict[str, Any]] = {"threads": {"threads": 2}, "seed": {"seed": 1}}


def shares(run: Callable[..., Any], noisy: Any, device: str) -> dict[str, float]:
    """By what share of what is taken away a result on the CPU with one thread differs from others of the same settings."""
    first, axes = run(device="cpu", threads=1), parse("YX", noisy.shape)
    others = {name: run(**{"device": "cpu", "threads": 1, **change}) for name, change in CHANGES.items()}
    if device != "cpu":
        others["elsewhere"] = run(device=device)
    found = {name: agreement(first, image, noisy, axes) for name, image in others.items()}
    return {name: round(one.difference / one.taken_away, 4) for name, one in found.items()}


def measure(names: Sequence[str] | None, side: int, device: str, entries: Entries, params: dict[str, Any]) -> None:
    """Run each row several times."""
    noisy = sample_plane(size=side).noisy.array
    for row in chosen(names, ROWS):

        def run(row: Any = row, **options: Any) -> Any:
            return denoise(noisy, row.method, preset=row.preset, dtype="float32", **options, **params).image

        found = shares(run, noisy, device)
        entries.put({"row": row.name, "device": device, **found})
        print(row.name, found, flush=True)


def section(found: dict[str, Any]) -> str:
    """The table, in Markdown."""
    columns = {"threads": "two threads", "seed": "another seed", "elsewhere": "that device"}
    rows = [(entry["row"], entry["device"], *(document.figure(entry.get(name)) for name in columns)) for entry in found["entries"]]
    about = f"Root mean square difference from a run on the CPU with one thread, as a share of what that took away; the tolerance is {TOLERANCE:g}."
    return f"{about} {origin(found)}\n\n{document.table(('method', 'device', *columns.values()), rows)}"


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", metavar="ROW", help=f"rows to measure, out of {', '.join(ROWS)}; the others are kept as they were")
    parser.add_argument("--side", type=int, default=192, help="side of the image, in pixels")
    parser.add_argument("--device", default="cpu", help="a device to compare with the CPU")
    parser.add_argument("--steps", type=int, help="train for so many steps, rather than as by default")


def run(options: Namespace) -> None:
    """Measure, keep the figures and write their section."""
    entries = Entries("again", KEY, options.device)
    measure(options.only, options.side, options.device, entries, {} if options.steps is None else {"steps": options.steps})
    document.put("again", section(load("again") or {}))


SUITE = Suite("how far runs with the same settings are apart on other devices and with other threads and seeds", _options, run)
