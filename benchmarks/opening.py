"""How long the program takes to say its help, and how much opening each dock adds to napari.

The docks need a display: ``tools/with_display python -m benchmarks opening``.
"""

from __future__ import annotations

import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import document
from benchmarks.record import Entries, load, origin
from benchmarks.suite import Suite

TOOL = Path(__file__).parents[1] / "tools" / "opening_time.py"
HELP = "help"
DOCKS = ("Denoise", "Tune", "Noise", "Compare")


def run(options: Namespace) -> None:
    """Measure, keep the figures and write their table."""
    entries = Entries("opening", ("what",), "cpu")
    with TemporaryDirectory() as folder:
        for what in options.only:
            once = _seconds_of_help if what == HELP else lambda what=what: _tool().apart(what, folder)
            once()  # compiles what is not compiled yet
            every = [round(once(), 3) for _ in range(options.times)]
            entries.put({"what": what, "seconds": median(every), "best": min(every), "every": every})
            print(f"{what:8s} median {median(every):.2f} s", flush=True)
    document.put("opening", section(load("opening") or entries.found()))


def _seconds_of_help() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "napari_zeroshot", "--help"], check=True, capture_output=True)
    return time.perf_counter() - started


def _tool() -> Any:
    spec = spec_from_file_location(TOOL.stem, TOOL)
    tool = module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(tool)  # type: ignore[union-attr]
    return tool


def section(found: dict[str, Any]) -> str:
    """The table, in Markdown."""
    rows = [(_named(entry["what"]), f"{entry['seconds']:.2f}", f"{entry['best']:.2f}", str(len(entry["every"]))) for entry in found["entries"]]
    about = "Each in a fresh process, all bytecode compiled; docks from the menu to the drawn dock, with napari's window shown."
    return f"{origin(found)}\n\n{about}\n\n{document.table(('what', 'median, s', 'best, s', 'times'), rows)}"


def _named(what: str) -> str:
    return f"`napari-zeroshot --{what}`, by the clock" if what == HELP else f"dock {what}, of the processor"


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=(HELP, *DOCKS), default=(HELP, *DOCKS), help="some only; the others are kept as they were")
    parser.add_argument("--times", type=int, default=5, help="how often each is opened")


SUITE = Suite("how long the program takes to say its help, and opening each dock; needs a display", _options, run)
