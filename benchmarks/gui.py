"""Training beside a window: how smoothly the window runs meanwhile, and how much slower the training is than alone.

Run it with a display and on a quiet machine: ``xvfb-run -a -s "-screen 0 1400x900x24" python -m benchmarks gui``.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from itertools import pairwise
from statistics import median, quantiles
from typing import Any

from numpy.typing import NDArray

from benchmarks import document, machine, record
from benchmarks.apart import apart
from benchmarks.suite import Suite
from napari_zeroshot.engine.run import denoise
from napari_zeroshot.engine.synthetic import sample_plane

BEAT = 20
"""Milliseconds between two heartbeats that a free event loop gives."""
METHOD = "zs-n2m"
TURNS = 15
WARM_UP = 10
"""Steps of a first run, which loads torch."""
DRAWING = (
    "The window is drawn by the processor here (Mesa's llvmpipe, in a virtual display), all of it for each report, and no step begins meanwhile: "
    "a cost that a computer with a graphics card hardly has. Reports are as rare as keeps drawing them to about a fiftieth of the run."
)
PATIENCE = 1800


def run(*, steps: int) -> None:
    """Measure in a real napari window, keep the figures and write the table into docs/benchmarks.md."""
    alone, beside, gaps = measure(steps)
    beats = {"median": median(gaps), "95th percentile": quantiles(gaps, n=20)[-1], "longest": max(gaps)}
    found = {"machine": machine.describe(), "command": record.command(), "steps": steps, "alone": alone, "beside": beside, "beats": beats}
    record.save("gui", found)
    document.put("gui", section(found))


def section(found: dict[str, Any]) -> str:
    """The table, in Markdown."""
    steps, alone, beside = found["steps"], found["alone"], found["beside"]
    rows = [
        ("training alone, in a process of its own", f"{steps / median(alone):.1f} steps/s"),
        ("training from the dock", f"{steps / median(beside):.1f} steps/s"),
        ("speed kept in the dock", _kept(alone, beside)),
        *((f"heartbeat of {BEAT} ms, {name}", f"{beat:.0f} ms") for name, beat in found["beats"].items()),
    ]
    text = document.table(("", f"{METHOD}, 256 x 256 px, {steps} steps"), rows)
    return f"{record.origin(found)}\n\nMedians of {len(alone)} runs each way, in turn. {DRAWING}\n\n{text}"


def _kept(alone: list[float], other: list[float]) -> str:
    """The median over the turns, and its extremes: the machine's pace changes from turn to turn, and hardly within one."""
    shares = [100 * one / another for one, another in zip(alone, other, strict=True)]
    return f"{median(shares):.0f} % ({min(shares):.0f} to {max(shares):.0f})"


def measure(steps: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds of runs alone and from the dock, in turn; and milliseconds between heartbeats in the dock."""
    import napari
    from qtpy.QtWidgets import QWidget

    viewer = napari.Viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget("napari-zeroshot", "Denoise")
    plane = sample_plane().noisy.array
    viewer.add_image(plane, name="noisy")
    method = dock.findChild(QWidget, "method")
    method.setCurrentIndex(method.findData(METHOD))
    chosen_steps = dock.findChild(QWidget, "param_steps")
    chosen_steps.setValue(WARM_UP)
    from_dock(viewer, dock)
    chosen_steps.setValue(steps)
    alone, beside, gaps = [], [], []
    for _ in range(TURNS):
        alone.append(apart(by_itself, plane, steps)["seconds"])  # in this process its threads would slow those of the dock
        seconds, beats = from_dock(viewer, dock)
        beside.append(seconds)
        gaps += beats
    viewer.close()
    return alone, beside, gaps


def by_itself(plane: NDArray[Any], steps: int) -> dict[str, float]:
    """Seconds of a run without a window, once torch is loaded and warm."""
    denoise(plane, METHOD, steps=WARM_UP)
    return {"seconds": denoise(plane, METHOD, steps=steps).seconds}


def from_dock(viewer: Any, dock: Any) -> tuple[float, list[float]]:
    """Seconds of a run from the dock, and the milliseconds between heartbeats meanwhile."""
    from qtpy.QtWidgets import QPushButton

    run, before = dock.findChild(QPushButton, "run"), len(viewer.layers)

    def over() -> bool:
        return bool(run.isVisible() and len(viewer.layers) > before)

    run.click()
    gaps = heartbeats(over)
    seconds = viewer.layers[-1].metadata["napari-zeroshot"]["seconds"]
    viewer.layers.remove(viewer.layers[-1])
    viewer.layers["noisy"].visible = True
    return seconds, gaps


def heartbeats(over: Callable[[], bool]) -> list[float]:
    """Milliseconds between beats of a timer in the window's event loop, until something is over."""
    from qtpy.QtCore import QEventLoop, Qt, QTimer

    loop, beats, give_up = QEventLoop(), [time.perf_counter()], time.monotonic() + PATIENCE
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)

    def beat() -> None:
        beats.append(time.perf_counter())
        if over() or time.monotonic() > give_up:
            loop.quit()

    timer.timeout.connect(beat)
    timer.start(BEAT)
    loop.exec()
    timer.stop()
    return [1000 * (later - earlier) for earlier, later in pairwise(beats)]


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--steps", type=int, default=600, help="training steps of each run")


SUITE = Suite(
    "how smoothly the window runs beside a training, and how fast the training is there; needs a display", _options, lambda chosen: run(steps=chosen.steps)
)
