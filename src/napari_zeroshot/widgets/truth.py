"""Which layer is the truth, if any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QComboBox, QVBoxLayout, QWidget

from napari_zeroshot.widgets.layers import PREVIEW, pixels
from napari_zeroshot.widgets.layout import add_row, narrow, rows

if TYPE_CHECKING:
    import napari

HELP = "<p>The same image without noise, as a layer of the same shape, if there is one: tiles then tell PSNR and SSIM.</p>"


class TruthPicker(QWidget):
    """Chooses an image layer, or none."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._layers: list[Image] = []
        self._box = narrow(QComboBox())
        self._box.setObjectName("truth")
        self.rows = rows()
        add_row(self.rows, "Truth", self._box, HELP)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self.rows)
        self._on_layers()
        events = viewer.layers.events
        self._events = (events.inserted, events.removed, events.reordered, events.renamed)
        for event in self._events:
            event.connect(self._on_layers)

    def value(self) -> Any:
        """The chosen layer's pixels; None if there is no truth."""
        return pixels(self._layers[self._box.currentIndex() - 1]) if self._box.currentIndex() > 0 else None

    def leave(self) -> None:
        """Hear no more of the viewer, which may outlive this."""
        for event in self._events:
            event.disconnect(self._on_layers)
        self._events = ()

    def _on_layers(self) -> None:
        before = self._layers[self._box.currentIndex() - 1] if self._box.currentIndex() > 0 else None
        self._layers = [layer for layer in self._viewer.layers if isinstance(layer, Image) and PREVIEW not in layer.metadata]
        with QSignalBlocker(self._box):
            self._box.clear()
            self._box.addItems(["none", *(layer.name for layer in self._layers)])
            self._box.setCurrentIndex(self._layers.index(before) + 1 if before in self._layers else 0)
