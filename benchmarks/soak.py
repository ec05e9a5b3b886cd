"""Whether anything grows: memory, threads, open files and widgets over many runs in one process.

The runs in napari need a display: ``tools/with_display python -m benchmarks soak``.
"""

from __future__ import annotations

import gc
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np
import psutil

from benchmarks import document, record
from benchmarks.apart import MIB, apart
from benchmarks.gui import heartbeats
from benchmarks.plot import Panel, draw
from benchmarks.suite import Suite
from napari_zeroshot import all_methods, denoise

RUNS = {"engine": 1000, "napari": 200}
WARM_UP = 0.2
"""The share of the samples that count as warming up; as many after it are compared with as many at the end."""
GOAL = 0.02
"""Memory may grow by this share after that."""
STEPS = 5
COUNTED = {"memory": "resident memory, MiB", "threads": "threads", "files": "open files", "widgets": "Qt widgets"}
METHODS = tuple(name for name in all_methods() if name != "bm3d" or find_spec("bm3d"))
FOLLOWS = "follows every change"
"""What the dock says once a preview is there."""


def run(options: Namespace) -> None:
    """Run what is asked for, each in a fresh process, and write plot and table."""
    entries = record.Entries("soak_cpu", ["part"], "cpu")
    for part, work in {"engine": engine, "napari": in_napari}.items():
        if part in options.parts and not options.tables:
            entries.put({"part": part, **apart(work, options.runs or RUNS[part])})
    document.put("soak", section(entries.found()))


def engine(runs: int) -> dict[str, Any]:
    """Counts over runs of the engine, the methods in turn, on two planes of 48 x 48 pixels."""
    image = noisy()

    def once(method: str) -> None:
        denoise(image, method, axes="TYX", device="cpu", **({"steps": STEPS} if all_methods()[method].trains else {}))

    return counted(once, runs)


def in_napari(runs: int) -> dict[str, Any]:
    """Counts over runs in one napari session: a preview, a run, and the result deleted, the methods in turn."""
    import napari
    from qtpy.QtWidgets import QApplication

    viewer = napari.Viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget("napari-zeroshot", "Denoise")
    viewer.add_image(noisy(), name="noisy", axis_labels=("t", "y", "x"))
    found = counted(lambda method: from_dock(viewer, dock, method), runs, lambda: len(QApplication.allWidgets()))
    viewer.close()
    return found


def from_dock(viewer: Any, dock: Any, method: str) -> None:
    """Preview, run, wait for the result and delete it."""
    from qtpy.QtWidgets import QLabel, QPushButton, QWidget

    menu = dock.findChild(QWidget, "method")
    menu.setCurrentIndex(menu.findData(method))
    if all_methods()[method].trains:
        dock.findChild(QWidget, "param_steps").setValue(STEPS)
    pressed, message = dock.findChild(QPushButton, "run"), dock.findChild(QLabel, "message")
    dock.findChild(QPushButton, "preview").click()
    heartbeats(lambda: FOLLOWS in message.text())
    pressed.click()
    heartbeats(lambda: pressed.isVisible() and viewer.layers[-1].name not in ("noisy", "preview"))
    viewer.layers.remove(viewer.layers[-1])
    viewer.layers["noisy"].visible = True


def noisy() -> np.ndarray[Any, Any]:
    """Two planes of photons on a slope."""
    return np.random.default_rng(0).poisson(np.linspace(20, 80, 48), (2, 48, 48)).astype(np.uint16)


def counted(once: Callable[[str], None], runs: int, widgets: Callable[[], int] = lambda: 0) -> dict[str, Any]:
    """What the process holds after each turn of all methods, garbage collected, until there were so many runs."""
    found: dict[str, Any] = {"runs": [], **{name: [] for name in COUNTED}}
    for turn in range(1, -(-runs // len(METHODS)) + 1):
        for method in METHODS:
            once(method)
        gc.collect()
        held = psutil.Process()
        counts = {"memory": round(held.memory_info().rss / MIB, 1), "threads": held.num_threads(), "files": held.num_fds(), "widgets": widgets()}
        for name, count in {"runs": turn * len(METHODS), **counts}.items():
            found[name].append(count)
    return found


def early_and_late(counts: Sequence[float]) -> tuple[float, float]:
    """The median after the warm-up, and that at the end."""
    some = max(1, int(WARM_UP * len(counts)))
    return median(counts[some : 2 * some] or counts), median(counts[-some:])


def section(found: dict[str, Any]) -> str:
    """Plot and table, in Markdown; draws the plot."""
    entries: Sequence[dict[str, Any]] = found["entries"]
    panels = [Panel(title, "runs", title, _lines(entries, name), even=True) for name, title in COUNTED.items()]
    path = draw("soak", panels)
    header = ("runs", "counted", "after warming up", "at the end", "drift")
    rows = [_row(entry, name) for entry in entries for name in COUNTED if any(entry[name])]
    told = f"Goal: less than {GOAL:.0%}. After warming up: the median of the second fifth of the runs; at the end: that of the last fifth."
    return "\n\n".join((record.origin(found), f"![What is held, over runs](images/{path.name})", document.table(header, rows), told))


def _lines(entries: Sequence[dict[str, Any]], name: str) -> dict[str, list[tuple[float, float]]]:
    return {entry["part"]: list(zip(entry["runs"], entry[name], strict=True)) for entry in entries if any(entry[name])}


def _row(entry: dict[str, Any], name: str) -> tuple[str, ...]:
    early, late = early_and_late(entry[name])
    return f"{entry['part']}, {entry['runs'][-1]}", COUNTED[name], f"{early:g}", f"{late:g}", f"{late / early - 1:+.1%}"


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--parts", nargs="+", choices=RUNS, default=list(RUNS), help="where to run")
    parser.add_argument("--runs", type=int, help="how many, instead of 1,000 in the engine and 200 in napari")
    parser.add_argument("--tables", action="store_true", help="write plot and table from the figures kept")


SUITE = Suite("whether memory, threads, files or widgets grow over many runs; needs a display", _options, run)
