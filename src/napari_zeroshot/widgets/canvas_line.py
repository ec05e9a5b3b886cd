"""Lines on the canvas, as wide on the screen whatever the zoom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Shapes
from numpy.typing import ArrayLike, NDArray

from napari_zeroshot.widgets.layers import camera

if TYPE_CHECKING:
    import napari


class CanvasLine:
    """A layer with one line in the plane of the last two axes, in world units.

    Parameters
    ----------
    like
        The layer whose units and axis labels it takes over.
    ends
        Shape (2, 2): Y and X of both ends.
    width
        In pixels of the screen.
    """

    def __init__(self, viewer: napari.viewer.Viewer, like: Image, ends: ArrayLike, *, name: str, colour: str, width: float) -> None:
        self._viewer, self._width, self._colour = viewer, width, colour
        selected = set(viewer.layers.selection)
        self.layer: Shapes = viewer.add_shapes(  # type: ignore[assignment]
            [np.asarray(ends, float)],
            shape_type="line",
            edge_color=colour,
            edge_width=self._thickness(),
            name=name,
            units=like.units[-2:],
            axis_labels=like.axis_labels[-2:],
        )
        viewer.layers.selection = selected
        camera(viewer).events.zoom.connect(self._on_zoom)

    @property
    def ends(self) -> NDArray[np.float64]:
        """Y and X of both ends of the line that was drawn last, in world units; empty if it was deleted."""
        return np.asarray(self.layer.data[-1][[0, -1]]) if len(self.layer.data) else np.empty((0, 2))

    def move(self, ends: ArrayLike) -> None:
        """Put the line elsewhere."""
        self.layer.data = [np.asarray(ends, float)]

    def remove(self) -> None:
        """Take the layer away, if it is still there."""
        camera(self._viewer).events.zoom.disconnect(self._on_zoom)
        if self.layer in self._viewer.layers:
            self._viewer.layers.remove(self.layer)

    def _thickness(self) -> float:
        return self._width / camera(self._viewer).zoom

    def _on_zoom(self, _event: Any = None) -> None:
        self.layer.edge_width = [self._thickness()] * len(self.layer.data)
        self.layer.current_edge_width = self._thickness()
