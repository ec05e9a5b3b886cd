"""The docks in a small window: whatever is unfolded scrolls, and nothing is cut."""

import numpy as np
import pytest
from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QLabel, QTableWidget, QWidget

from napari_zeroshot.widgets.layout import Fold, RoomyScroll

pytestmark = pytest.mark.gui


@pytest.fixture
def cramped(make_napari_viewer, open_dock, noisy):
    """Opens a dock, all of it unfolded and full of what it finds, in a window as small as they come."""

    def open_cramped(name):
        viewer = make_napari_viewer(show=True)
        viewer.window.resize(1280, 720)
        for layer in "abc":
            viewer.add_image(np.tile(noisy, (2, 2)), name=layer)
        dock = open_dock(viewer, name)
        if name == "Compare":
            dock.widget.set_layers(list(viewer.layers))
            dock.press("measure")
            dock.until(lambda: dock["measure"].text() == "Measure")
        for fold in dock.widget.findChildren(Fold):
            fold.unfold()
        dock.until(lambda: dock.widget.findChild(RoomyScroll).verticalScrollBar().isVisible() or name == "Noise")
        dock.qtbot.wait(300)
        return dock

    return open_cramped


@pytest.mark.parametrize("name", ["Denoise", "Noise", "Tune", "Compare"])
def test_nothing_is_cut_in_a_small_window(cramped, name):
    dock = cramped(name)
    scroll = dock.widget.findChild(RoomyScroll)
    ends = {part: part.mapTo(scroll, QPoint(part.width(), 0)).x() for part in scroll.widget().findChildren(QWidget) if part.isVisible()}
    tables = scroll.widget().findChildren(QTableWidget)  # which scroll sideways themselves
    assert [part for part, end in ends.items() if end > scroll.viewport().geometry().right() + 1 and not any(map(part.isAncestorOf, tables))] == []
    sentences = [label for label in scroll.widget().findChildren(QLabel) if label.isVisible() and label.wordWrap()]
    assert [label.text() for label in sentences if label.height() < label.heightForWidth(label.width())] == []
    for table in tables:
        assert table.verticalHeader().length() <= table.viewport().height()


def test_controls_keep_away_from_the_scroll_bar(cramped):
    scroll = cramped("Denoise").widget.findChild(RoomyScroll)
    assert scroll.viewport().geometry().right() < scroll.verticalScrollBar().mapTo(scroll, QPoint()).x() - 2
