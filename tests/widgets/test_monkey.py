"""A monkey at the controls: whatever is pressed in whatever order, nothing breaks and nothing is left behind."""

import gc
import random
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QThreadPool
from qtpy.QtWidgets import QApplication, QPushButton

from napari_zeroshot.widgets import denoise as dock_module
from napari_zeroshot.widgets.layers import camera

pytestmark = pytest.mark.gui
ACTIONS = 520
METHODS = ("zs-n2n", "zs-n2m", "median", "gaussian")


class Monkey:
    """Does random things to a viewer with the dock, from a seed."""

    def __init__(self, viewer, open_dock, seed) -> None:
        self.viewer, self.open_dock, self.random = viewer, open_dock, random.Random(seed)  # noqa: S311
        self.dock = open_dock(viewer)
        presses = {f"press_{name}": (lambda name=name: self.press(name)) for name in ("run", "preview", "cancel", "end", "keep", "details", "reset")}
        own = {name: getattr(self, name) for name in dir(self) if name.startswith("do_")}
        self.actions = [*(presses | own).values(), *(presses[f"press_{name}"] for name in ("run", "preview", "cancel", "end"))]

    def act(self) -> None:
        self.random.choice(self.actions)()
        pause = time.monotonic() + self.random.choice([0, 0, 0.01, 0.04])
        while True:
            QApplication.processEvents()
            if time.monotonic() >= pause:
                return
            time.sleep(0.002)

    def press(self, name: str) -> None:
        button = self.dock.widget.findChild(QPushButton, name)
        if button.isEnabled() and button.isVisibleTo(self.dock.widget):
            button.click()

    def do_add_layer(self) -> None:
        if len(self.viewer.layers) > 5:
            return
        shape = self.random.choice([(16, 18), (3, 16, 18), (2, 2, 12, 14), (1, 16, 16)])
        if self.random.random() < 0.2:
            self.viewer.add_image(np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8), rgb=True, name="noisy")
        else:
            self.viewer.add_image(np.random.default_rng(0).poisson(50, shape).astype(np.uint16), name="noisy", scale=(0.5,) * len(shape))

    def do_remove_layer(self) -> None:
        if self.viewer.layers:
            self.viewer.layers.remove(self.random.choice(list(self.viewer.layers)))

    def do_move_slider(self) -> None:
        if self.viewer.dims.ndim > 2:
            self.viewer.dims.set_current_step(0, self.random.randrange(4))

    def do_zoom(self) -> None:
        camera(self.viewer).zoom = self.random.choice([1, 5, 30])

    def do_method(self) -> None:
        if self.dock["method"].isEnabled():
            self.dock.quick(self.random.choice(METHODS[:2]), steps=self.random.choice([2, 3]))

    def do_filter(self) -> None:
        if self.dock["method"].isEnabled():
            self.dock["method"].setCurrentIndex(self.dock["method"].findData(self.random.choice(METHODS[2:])))

    def do_knob(self) -> None:
        for name in ("param_consistency", "param_alpha_ie", "param_sigma", "param_steps"):
            knob = self.dock[name]
            if knob is not None and knob.isEnabled():
                knob.setValue(self.random.choice([2, 3]))

    def do_scope(self) -> None:
        if self.dock["scope"].isEnabled() and self.dock["scope"].count():
            self.dock["scope"].setCurrentIndex(self.random.randrange(self.dock["scope"].count()))

    def do_axis(self) -> None:
        menu = self.dock["axis_0"]
        if menu is not None and menu.isEnabled():
            menu.setCurrentIndex(self.random.randrange(menu.count()))

    def do_layer(self) -> None:
        if self.dock["layer"].isEnabled() and self.dock["layer"].count():
            self.dock["layer"].setCurrentIndex(self.random.randrange(self.dock["layer"].count()))

    def do_history(self) -> None:
        if self.dock["history"].isEnabled():
            self.dock["history"].setValue(self.random.randrange(self.dock["history"].maximum() + 1))

    def do_ndisplay(self) -> None:
        self.viewer.dims.ndisplay = self.random.choice([2, 2, 3])

    def do_theme(self) -> None:
        if self.random.random() < 0.1:
            self.viewer.theme = self.random.choice(["dark", "light"])

    def do_reopen(self) -> None:
        if self.random.random() < 0.15:
            self.viewer.window.remove_dock_widget(self.dock.widget)
            self.dock = self.open_dock(self.viewer)


@pytest.fixture
def quick_collections():
    """napari collects garbage whenever a layer goes, of all that there is: here only of what the test makes."""
    import napari_zeroshot.engine.fitting  # noqa: F401

    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("quick_collections", "rest")
def test_nothing_a_user_can_press_breaks_the_dock(make_napari_viewer_proxy, open_dock, qtbot, monkeypatch, tmp_path):
    monkeypatch.setattr(dock_module, "show_error", lambda message: None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    threads = set(threading.enumerate())
    viewer = make_napari_viewer_proxy()
    monkey = Monkey(viewer, open_dock, seed=2026)
    with qtbot.captureExceptions() as exceptions:
        for _ in range(ACTIONS):
            monkey.act()
        viewer.window.remove_dock_widget(monkey.dock.widget)
        qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() == 0, timeout=60_000)
        QApplication.processEvents()
    assert exceptions == []
    assert "preview" not in [layer.name for layer in viewer.layers]
    assert {thread.name for thread in set(threading.enumerate()) - threads if "import torch" not in thread.name and "Dummy" not in thread.name} == set()
    assert list(Path(tmp_path).glob("napari-zeroshot-*")) == []
