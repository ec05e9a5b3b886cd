"""What napari's command palette offers: the dock's buttons, pressed from anywhere."""

from __future__ import annotations

import napari
from napari.layers import Image
from napari.utils.notifications import show_error
from qtpy.QtWidgets import QPushButton

from napari_zeroshot.widgets.adopt import denoise_dock
from napari_zeroshot.widgets.layers import PREVIEW


def run(viewer: napari.Viewer) -> None:
    """Denoise what is chosen in the dock."""
    press(viewer, "run")


def preview(viewer: napari.Viewer) -> None:
    """Preview what is in view, or end the preview under way."""
    press(viewer, "preview")


def cancel(viewer: napari.Viewer) -> None:
    """Cancel the run; called again, end it without waiting."""
    denoise_dock(viewer).cancel()


def keep(viewer: napari.Viewer) -> None:
    """Make a layer of what the preview shows."""
    press(viewer, "keep")


def free_gpu(viewer: napari.Viewer) -> None:
    """Let go of what the dock holds in the memory of the graphics card."""
    press(viewer, "free")


def view_denoised(viewer: napari.Viewer) -> None:
    """Look at the selected image denoised, plane by plane, with what is chosen in the dock, which is opened if it is not."""
    layer = viewer.layers.selection.active
    if isinstance(layer, Image) and PREVIEW not in layer.metadata:
        denoise_dock(viewer).view(layer)
    else:
        show_error("the selected layer is no image; select one image layer")


def press(viewer: napari.Viewer, name: str) -> None:
    """Press a button of the dock, which is opened if it is not; a button that is greyed out does nothing."""
    denoise_dock(viewer).findChild(QPushButton, name).click()
