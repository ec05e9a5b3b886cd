"""Whether the pixels of layers have changed: napari tells only that a layer has others, or that it was drawn anew."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import QObject, Signal

if TYPE_CHECKING:
    import napari


class Changes(QObject):
    """Follows layers; `happened` when one of them has other pixels, or is refreshed as after a change in place."""

    happened = Signal()

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._drawn: dict[Image, Any] = {}

    def follow(self, layers: Collection[Image]) -> None:
        """Hear of these from now on, and of no others."""
        for layer in self._drawn:
            layer.events.data.disconnect(self._on_data)
            layer.events.set_data.disconnect(self._on_drawn)
        self._drawn = {layer: self._how(layer) for layer in layers}
        for layer in self._drawn:
            layer.events.data.connect(self._on_data)
            layer.events.set_data.connect(self._on_drawn)

    def _how(self, layer: Image) -> tuple[Any, ...]:
        """All for which napari draws a layer anew, but its pixels."""
        dims, part = self._viewer.dims, (layer.data_level, layer.corner_pixels.tolist()) if layer.multiscale else ()
        return dims.point, dims.displayed, layer.visible, layer.scale.tolist(), layer.units, part

    def _on_data(self, _event: Any = None) -> None:
        self.happened.emit()

    def _on_drawn(self, event: Any) -> None:
        layer = event.source
        before, self._drawn[layer] = self._drawn[layer], self._how(layer)
        if self._drawn[layer] == before:
            self.happened.emit()
