"""Three ways to see images beside one another: one after another, in a grid, and what they differ by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from napari.utils.colormaps import Colormap

from napari_zeroshot.engine.axes import Axes
from napari_zeroshot.engine.difference import Difference, symmetric_limits
from napari_zeroshot.widgets.layers import PLACED, PREVIEW, pixels, plane_in_view
from napari_zeroshot.widgets.viewer_state import grid, text

if TYPE_CHECKING:
    import napari

KEY = "F"
BELOW_AND_ABOVE = Colormap(["#4c9be8", "#16446f", "#000000", "#703f10", "#e8963c"], name="residual")
"""Blue below 0, orange above, black for nothing: told apart by colour-blind eyes, and nothing looks like nothing."""


class Flip:
    """Shows one image at a time; `turn`, or the key on the canvas, goes on to the next."""

    layers: tuple[Any, ...] = ()

    def __init__(self, viewer: napari.viewer.Viewer, images: Sequence[Image]) -> None:
        self._viewer, self._images, self._at = viewer, images, 0
        self._earlier = viewer.bind_key(KEY, lambda _: self.turn(), overwrite=True)
        self._show()

    def turn(self) -> None:
        """Show the next image."""
        self._at = (self._at + 1) % len(self._images)
        self._show()

    def remove(self) -> None:
        """Give the key back."""
        self._viewer.bind_key(KEY, self._earlier, overwrite=True)

    def redraw(self) -> None:
        """Nothing: it shows the user's own layers."""

    def _show(self) -> None:
        shown = self._images[self._at]
        shown.visible = True
        for image in self._images:
            image.visible = image is shown
        say(self._viewer, f"{'ABCDEF'[self._at]}  {shown.name}")


class Grid:
    """Shows all images in napari's grid, whose parts move together."""

    layers: tuple[Any, ...] = ()

    def __init__(self, viewer: napari.viewer.Viewer, images: Sequence[Image]) -> None:
        self._viewer = viewer
        for place, image in enumerate(images):
            viewer.layers.move(viewer.layers.index(image), place)
            image.visible = True
        name_in_place(images)
        show_grid(viewer)

    def remove(self) -> None:
        """Leave the grid."""
        grid(self._viewer).enabled = False

    def redraw(self) -> None:
        """Nothing: it shows the user's own layers."""


class Residual:
    """Shows the first image less each of the others, in symmetric colours; in a grid if there are several others."""

    def __init__(self, viewer: napari.viewer.Viewer, images: Sequence[Image], axes: Axes) -> None:
        self._viewer, self._images = viewer, images
        self.layers = tuple(_residual(viewer, images[0], image, axes, f"A − {letter}") for letter, image in zip("BCDEF", images[1:], strict=False))
        viewer.layers.selection = set(self.layers)  # for their contrast sliders
        if len(self.layers) > 1:
            for place, layer in enumerate(self.layers):
                viewer.layers.move(viewer.layers.index(layer), place)
            name_in_place(self.layers)
            show_grid(viewer)
        else:
            say(viewer, f"A − B   {images[0].name} − {images[1].name}")

    def redraw(self) -> None:
        """Show what the images differ by now."""
        for layer, image in zip(self.layers, self._images[1:], strict=False):
            layer.data = _difference(self._images[0], image)

    def remove(self) -> None:
        """Take its layers away."""
        grid(self._viewer).enabled = False
        for layer in self.layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)


def _residual(viewer: Any, one: Image, other: Image, axes: Axes, name: str) -> Any:
    index = axes.index_of(plane_in_view(one, axes, viewer))
    plane = axes.read(pixels(one), index).astype(np.float32) - axes.read(pixels(other), index)
    look = {attribute: getattr(one, attribute) for attribute in PLACED}
    told = {"name": name, "metadata": {PREVIEW: True}, "rgb": False, "multiscale": False}
    return viewer.add_image(_difference(one, other), colormap=BELOW_AND_ABOVE, contrast_limits=symmetric_limits(plane.mean(axis=0)), **look, **told)


def _difference(one: Image, other: Image) -> Difference:
    return Difference(pixels(one), pixels(other), samples=one.rgb)


def show_grid(viewer: napari.viewer.Viewer) -> None:
    """A box for each visible layer, in the order of the layers."""
    canvas = grid(viewer)
    canvas.stride, canvas.shape, canvas.enabled = 1, (-1, -1), True


def name_in_place(layers: Sequence[Any]) -> None:
    """Write each layer's name over its picture, where this napari can."""
    for layer in layers:
        if hasattr(layer, "name_overlay"):
            layer.name_overlay.visible = True


def say(viewer: napari.viewer.Viewer, what: str) -> None:
    """Write over the image what is shown."""
    overlay = text(viewer)
    overlay.text, overlay.position, overlay.visible = what, "top_center", True
