"""The dock without a mouse: Tab goes through it as the eye does, and the palette has a command for all that it does."""

from itertools import pairwise

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QAbstractScrollArea, QAbstractSpinBox, QWidget

from napari_zeroshot.widgets.layout import RoomyScroll

pytestmark = pytest.mark.gui

COMMANDS = ("denoise", "tune", "noise", "compare", "run", "cancel", "preview", "keep", "run_again", "view_denoised", "free_gpu")


def tabbed(dock):
    """The controls of the dock that Tab reaches, in that order."""
    reached, control = [], dock.widget.nextInFocusChain()
    while control is not dock.widget:
        reached.append(control)
        control = control.nextInFocusChain()
    inside = [found for found in reached if dock.widget.isAncestorOf(found) and found.isVisibleTo(dock.widget) and found.isEnabled()]
    inside = [found for found in inside if not isinstance(found, QAbstractScrollArea) and not isinstance(found.parent(), QAbstractSpinBox)]
    return [found for found in inside if (found.focusPolicy() & Qt.FocusPolicy.TabFocus) == Qt.FocusPolicy.TabFocus]


def before(one: QWidget, other: QWidget, dock) -> bool:
    """Whether one stands above the other, or left of it in the same row; what scrolls stands above what does not."""
    scroll = dock.widget.findChild(RoomyScroll)
    if scroll.isAncestorOf(one) != scroll.isAncestorOf(other):
        return scroll.isAncestorOf(one)
    first, second = (found.mapTo(dock.widget, QPoint(0, found.height() // 2)) for found in (one, other))
    beside = abs(first.y() - second.y()) < 8
    return first.x() < second.x() if beside else first.y() < second.y()


@pytest.mark.parametrize("name", ["Denoise", "Tune", "Noise", "Compare"])
def test_tab_goes_through_a_dock_as_one_reads_it(make_napari_viewer_proxy, open_dock, noisy, name):
    viewer = make_napari_viewer_proxy()
    for layer in "ab":
        viewer.add_image(np.stack([noisy, noisy]), name=layer, axis_labels=("t", "y", "x"))
    dock = open_dock(viewer, name)
    dock.widget.grab()
    reached = tabbed(dock)
    assert len(reached) > 4
    wrong = [(one.objectName(), other.objectName()) for one, other in pairwise(reached) if not before(one, other, dock)]
    assert wrong == []


def test_palette_has_a_command_for_each_button_and_dock(dock):
    from napari._app_model import get_app_model

    offered = {item.command.id for item in get_app_model().menus.get_menu("_command_pallet_")}
    assert {f"napari-zeroshot.{name}" for name in COMMANDS} <= offered
