"""How long after a slider of the Tune dock has moved its picture is on the screen: the hand's rest, the thread, the network and the layer included.

Run it with a display and on a quiet machine: ``xvfb-run -a -s "-screen 0 1400x900x24" python -m benchmarks tune``.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Any

import numpy as np

from benchmarks import document
from benchmarks.preview import NOT_MOVED
from benchmarks.record import Entries, origin
from benchmarks.suite import Suite
from napari_zeroshot import all_methods, get_method
from napari_zeroshot.engine.params import describe
from napari_zeroshot.engine.synthetic import sample_plane

PATIENCE = 120


def run(methods: Sequence[str], moves: int) -> None:
    """Measure in a real napari window, keep the figures and write the table into docs/benchmarks.md."""
    entries = Entries("tune", ("method",), "cpu")
    for name in methods:
        waits = slider_waits(name, moves)
        if waits:
            entries.put({"method": name, "waits": waits})
    document.put("tune", _told(entries.found()))


def slider_waits(name: str, moves: int) -> list[tuple[float, float]]:
    """Seconds from a moved slider to the first picture of it and to the last one, for each move; nothing for a method without sliders."""
    import napari
    from qtpy.QtWidgets import QLabel, QPushButton, QWidget

    viewer = napari.Viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget("napari-zeroshot", "Tune")
    viewer.add_image(sample_plane().noisy.array, name="noisy")
    method = dock.findChild(QWidget, "method")
    method.setCurrentIndex(method.findData(name))
    message = dock.findChild(QLabel, "message")
    if "Denoised" not in message.text() and dock.findChild(QPushButton, "preview").text() == "Preview":
        dock.findChild(QPushButton, "preview").click()
    _until(lambda: "Denoised" in message.text())
    waits = []
    for knob, value in islice(_moved(name), moves):
        before, started = viewer.layers["preview"].data, time.perf_counter()
        dock.findChild(QWidget, f"tune_{knob}").setValue(value)
        _until(lambda before=before: viewer.layers["preview"].data is not before)
        first = time.perf_counter() - started
        _until(lambda: "Denoised" in message.text())
        waits.append((round(first, 4), round(time.perf_counter() - started, 4)))
    viewer.close()
    return waits


def _moved(name: str) -> Iterator[tuple[str, Any]]:
    """One slider after the other, each time a little further, so that no picture is known from before."""
    method = get_method(name)
    knobs = [knob for knob in describe(method.params) if knob.tunable and knob.name not in NOT_MOVED]
    for number, knob in enumerate(cycle(knobs), start=1):
        usual = float(getattr(method.settings(), knob.name)) or 1.0
        value = usual * (1 + 0.02 * number) if knob.kind is float else usual + number
        yield knob.name, knob.kind(min(value, knob.high if knob.high is not None else value))


def _until(true: Any) -> None:
    from qtpy.QtWidgets import QApplication

    give_up = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > give_up:
            raise TimeoutError("the dock did not get there")
        QApplication.processEvents()
        time.sleep(0.001)


def _told(found: dict[str, Any]) -> str:
    rows = []
    for entry in found["entries"]:
        first, last = np.array(entry["waits"]).T
        numbers = (np.median(first), np.median(last), np.percentile(last, 95))
        rows.append((get_method(entry["method"]).title, *(document.figure(float(number)) for number in numbers), str(len(first))))
    table = document.table(("method", "first picture: median, s", "last picture: median, s", "95th percentile, s", "moves"), rows)
    about = "From a moved slider of the Tune dock to its picture in the window, on the sample plane of 256²; the dock waits 0.1 s for the hand to rest."
    return f"{origin(found)}\n\n{about}\n\n{table}"


def _options(parser: ArgumentParser) -> None:
    names = [method.name for method in all_methods().values() if method.name != "bm3d"]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="some methods only")
    parser.add_argument("--moves", type=int, default=20, help="moves of sliders for each method")


SUITE = Suite(
    "how long after a slider of the Tune dock has moved its picture is there; needs a display", _options, lambda chosen: run(chosen.only, chosen.moves)
)
