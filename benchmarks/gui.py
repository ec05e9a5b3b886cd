"""Training beside a window: how smoothly the window runs meanwhile, and how much slower the training is than alone.

Run it with a display and on a quiet machine: ``xvfb-run -a -s "-screen 0 1400x900x24" python -m benchmarks gui``.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from itertools import pairwise
from statistics import median, quantiles

from benchmarks import document, machine
from benchmarks.suite import Suite
from napari_zeroshot.engine.run import denoise
from napari_zeroshot.engine.synthetic import sample_plane

BEAT = 20
"""Milliseconds between two heartbeats that a free event loop gives."""
METHOD = "zs-n2m"
TURNS = 3
PATIENCE = 1800


def run(*, steps: int) -> None:
    """Measure in a real napari window and write the table into docs/benchmarks.md."""
    alone, beside, gaps = measure(steps)
    ninety_fifth = quantiles(gaps, n=20)[-1]
    rows = [
        ["training alone", f"{steps / alone:.1f} steps/s"],
        ["training from the dock", f"{steps / beside:.1f} steps/s"],
        ["speed kept in the dock", f"{100 * alone / beside:.0f} %"],
        [f"heartbeat of {BEAT} ms, median", f"{median(gaps):.0f} ms"],
        ["95th percentile", f"{ninety_fifth:.0f} ms"],
        ["longest", f"{max(gaps):.0f} ms"],
    ]
    told = machine.describe()
    text = document.table(["", f"{METHOD}, 256 x 256 px, {steps} steps"], rows)
    document.put("gui", f"## In the window\n\n{text}\n\nMedian of {TURNS} runs each way, on {told['processor']}, {told['cores']} cores, {told['date']}.")
    print(text)


def measure(steps: int) -> tuple[float, float, list[float]]:
    """Seconds of a run alone and from the dock, alternately and each the median, and the milliseconds between heartbeats while the dock ran."""
    import napari
    from qtpy.QtWidgets import QPushButton, QWidget

    viewer = napari.Viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget("napari-zeroshot", "Denoise")
    plane = sample_plane().noisy.array
    viewer.add_image(plane, name="noisy")
    method = dock.findChild(QWidget, "method")
    method.setCurrentIndex(method.findData(METHOD))
    dock.findChild(QWidget, "param_steps").setValue(steps)
    alone, beside, gaps = [], [], []
    denoise(plane, METHOD, steps=10)  # torch is loaded and warm
    for _ in range(TURNS):
        alone.append(denoise(plane, METHOD, steps=steps).seconds)
        before = len(viewer.layers)
        dock.findChild(QPushButton, "run").click()
        gaps += heartbeats(lambda before=before: dock.findChild(QPushButton, "run").isVisible() and len(viewer.layers) > before)
        beside.append(viewer.layers[-1].metadata["napari-zeroshot"]["seconds"])
    viewer.close()
    return median(alone), median(beside), gaps


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
