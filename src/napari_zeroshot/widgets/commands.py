"""What napari's command palette offers: the dock's buttons, pressed from anywhere."""

from __future__ import annotations

from typing import Any

import napari
from qtpy.QtWidgets import QPushButton

from napari_zeroshot.widgets.denoise import DenoiseWidget


def run(viewer: napari.Viewer) -> None:
    """Denoise what is chosen in the dock."""
    press(viewer, "run")


def preview(viewer: napari.Viewer) -> None:
    """Preview what is in view, or end the preview under way."""
    press(viewer, "preview")


def cancel(viewer: napari.Viewer) -> None:
    """Cancel the run; called again, end it without waiting."""
    dock(viewer).cancel()


def keep(viewer: napari.Viewer) -> None:
    """Make a layer of what the preview shows."""
    press(viewer, "keep")


def free_gpu(viewer: napari.Viewer) -> None:
    """Let go of what the dock holds in the memory of the graphics card."""
    press(viewer, "free")


def press(viewer: napari.Viewer, name: str) -> None:
    """Press a button of the dock, which is opened if it is not; a button that is greyed out does nothing."""
    dock(viewer).findChild(QPushButton, name).click()


def dock(viewer: napari.Viewer) -> Any:
    """The viewer's Denoise dock."""
    found = [widget for widget in viewer.window.dock_widgets.values() if isinstance(widget, DenoiseWidget)]
    return found[0] if found else viewer.window.add_plugin_dock_widget("napari-zeroshot", "Denoise")[1]
