"""The Denoise dock, and settings that other docks found handed to it."""

from __future__ import annotations

from typing import Any

import napari

from napari_zeroshot.widgets.denoise import DenoiseWidget
from napari_zeroshot.widgets.recipe import RecipePicker
from napari_zeroshot.widgets.task import Recipe


def denoise_dock(viewer: napari.viewer.Viewer) -> Any:
    """The viewer's Denoise dock, which is opened if it is not."""
    found = [widget for widget in viewer.window.dock_widgets.values() if isinstance(widget, DenoiseWidget)]
    return found[0] if found else viewer.window.add_plugin_dock_widget("napari-zeroshot", "Denoise", tabify=True)[1]


def adopt(viewer: napari.viewer.Viewer, recipe: Recipe) -> None:
    """Show a method with its parameters in the Denoise dock, ready to run."""
    denoise_dock(viewer).findChild(RecipePicker).set_value(recipe)
