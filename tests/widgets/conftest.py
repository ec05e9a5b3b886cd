"""A napari window with the Denoise dock, driven by the names of its controls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QThreadPool
from qtpy.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from napari_zeroshot.widgets import habits, idle, worker

PATIENCE = 60_000


@dataclass
class Dock:
    """The dock as a user has it: finds controls by name and presses buttons."""

    viewer: Any
    widget: QWidget
    qtbot: Any

    def __getitem__(self, name: str) -> Any:
        return self.widget.findChild(QWidget, name)

    def press(self, name: str) -> None:
        button = self.widget.findChild(QPushButton, name)
        assert button.isEnabled()
        button.click()

    def shows(self, name: str) -> bool:
        return self[name].isVisibleTo(self.widget)

    @property
    def message(self) -> str:
        return self.widget.findChild(QLabel, "message").text()

    def names(self) -> list[str]:
        return [layer.name for layer in self.viewer.layers]

    def until(self, true: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(true, timeout=PATIENCE)

    def until_over(self) -> None:
        self.until(lambda: not self.shows("cancel"))

    def until_quiet(self) -> None:
        """Wait until no thread is at work, and all that they had to say has arrived."""
        self.until(lambda: QThreadPool.globalInstance().activeThreadCount() == 0)
        QApplication.processEvents()

    def name_axes(self, letters: str) -> None:
        """Choose in the menus what each dimension is."""
        for place, letter in enumerate(letters):
            menu = self[f"axis_{place}"]
            menu.setCurrentIndex(menu.findData(letter))

    def quick(self, method: str = "zs-n2n", steps: int = 20) -> None:
        """Choose a method and few steps."""
        self["method"].setCurrentIndex(self["method"].findData(method))
        self["param_steps"].setValue(steps)


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch, tmp_path):
    """Every test begins as the first session of a new user, and leaves the real user's settings alone."""
    monkeypatch.setattr(habits, "folder", lambda: tmp_path / "config")
    monkeypatch.setattr(habits, "_page", lambda: None)


@pytest.fixture(autouse=True)
def nobody_rests(monkeypatch):
    """No dock takes a user for resting, and tries a method meanwhile, because the machine is slow."""
    monkeypatch.setattr(idle, "PAUSE", 3_600_000)


@pytest.fixture
def talkative(monkeypatch):
    """Reports and previews come one after the other, however long a slow machine takes to make and to draw them."""
    monkeypatch.setattr(worker, "DRAWING_SHARE", 1)
    monkeypatch.setattr(worker, "PREVIEW_SHARE", 1)


@pytest.fixture
def rest(monkeypatch, nobody_rests):
    """A dock that is opened after this one takes a moment without a change for rest."""
    monkeypatch.setattr(idle, "PAUSE", 200)


@pytest.fixture
def open_dock(qtbot) -> Callable[..., Dock]:
    """Opens the Denoise dock, or the one of another name, in a viewer, as the menu does."""
    return lambda viewer, name="Denoise": Dock(viewer, viewer.window.add_plugin_dock_widget("napari-zeroshot", name)[1], qtbot)


@pytest.fixture
def dock(make_napari_viewer_proxy, open_dock) -> Dock:
    """The dock in a viewer without images."""
    return open_dock(make_napari_viewer_proxy())


@pytest.fixture
def noisy() -> np.ndarray:
    """A bright square on dark ground, 24 x 20, 16 bit, with photon noise."""
    clean = np.full((24, 20), 40)
    clean[6:18, 5:15] = 400
    return np.random.default_rng(1).poisson(clean).astype(np.uint16)
