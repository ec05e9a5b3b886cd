"""Which image: the layer, and what its dimensions are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QVBoxLayout, QWidget

from napari_zeroshot.engine.axes import Axes, parse, told_otherwise
from napari_zeroshot.engine.errors import ImageError
from napari_zeroshot.widgets.axes_row import AXES_HELP, UNKNOWN, AxesRow
from napari_zeroshot.widgets.habits import remember_axes, remembered_axes
from napari_zeroshot.widgets.layers import PREVIEW, Source, axes_are_named, likely_axes, named_axes, pixels
from napari_zeroshot.widgets.layout import Sentence, add_row, narrow, rows

if TYPE_CHECKING:
    import napari

GUESSED = " (a guess: please check)"
TOLD_OTHERWISE = " (the layer says {})"


def proposed_axes(layer: Image) -> str:
    """A layer's own axes, else those that the user gave an image of this shape before, else likely ones."""
    return likely_axes(layer) if axes_are_named(layer) else remembered_axes(pixels(layer).shape) or likely_axes(layer)


class SourcePicker(QWidget):
    """Chooses an image layer of the viewer and names its axes; `changed` when either does, by the user or because layers came and went."""

    changed = Signal()

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._layers: list[Image] = []
        self._heard: Image | None = None
        self._settled = False
        self._layer = narrow(QComboBox())
        self._layer.setObjectName("layer")
        self._axes = AxesRow()
        self._sizes = Sentence("sizes", lines=1)

        self.rows = rows()
        add_row(self.rows, "Image", self._layer, "The image layer to denoise; it is left as it is.")
        add_row(self.rows, "Axes", self._axes, AXES_HELP)
        self.rows.addRow(self._sizes)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self.rows)

        self._on_layers()
        events = viewer.layers.events
        self._events = (events.inserted, events.removed, events.reordered, events.renamed)
        for event in self._events:
            event.connect(self._on_layers)
        self._layer.currentIndexChanged.connect(self._on_layer)
        self._layer.activated.connect(self.settle)
        self._axes.edited.connect(self._on_edit)

    def settle(self) -> None:
        """Keep the choice from now on, while it is there; until then the newest image is chosen."""
        self._settled = True

    def leave(self) -> None:
        """Hear no more of the viewer, which may outlive this."""
        for event in self._events:
            event.disconnect(self._on_layers)
        self._events = ()
        self._hear(None)

    @property
    def layer(self) -> Image | None:
        """The chosen layer; None if there is none to choose."""
        return self._layers[self._layer.currentIndex()] if self._layers else None

    def set_layer(self, layer: Image) -> None:
        """Choose a layer."""
        self._layer.setCurrentIndex(self._layers.index(layer))

    @property
    def guessed(self) -> bool:
        """Whether neither the layer nor the user has said what the axes are."""
        layer, axes = self.layer, self.known_axes()
        if layer is None or axes is None or axes_are_named(layer):
            return False
        return remembered_axes(axes.shape) != axes.letters and axes.letters == likely_axes(layer)

    def axes(self) -> Axes:
        """The chosen layer's axes, as named in the field.

        Raises
        ------
        ImageError
            If they do not fit the image.
        """
        chosen, letters = self._chosen(), self._axes.text()
        if UNKNOWN in letters:
            raise ImageError(f"dimension {letters.index(UNKNOWN) + 1} of {len(letters)} has no name; choose in its menu what it is")
        return parse(letters, pixels(chosen).shape)

    def known_axes(self) -> Axes | None:
        """The axes if they fit the image; None if not, which the dock says, or if there is no image."""
        try:
            return self.axes()
        except ImageError:
            return None

    def value(self) -> Source:
        """The chosen image with its axes. Raises `ImageError` as `axes` does."""
        return Source.of(self._chosen(), self.axes())

    def _chosen(self) -> Image:
        if self.layer is None:
            raise ImageError("there is no image layer; open an image first")
        return self.layer

    def _on_layers(self, event: Any = None) -> None:
        before, new = self.layer, getattr(event, "value", None)
        self._layers = [layer for layer in self._viewer.layers if isinstance(layer, Image) and PREVIEW not in layer.metadata]
        kept = before in self._layers and (self._settled or new not in self._layers)
        with QSignalBlocker(self._layer):
            self._layer.clear()
            self._layer.addItems([layer.name for layer in self._layers])
            self._layer.setCurrentIndex(self._layers.index(before if kept else new) if kept or new in self._layers else self._first())
        if kept:
            self.changed.emit()
        else:
            self._on_layer()

    def _first(self) -> int:
        active = self._viewer.layers.selection.active
        return self._layers.index(active) if active in self._layers else len(self._layers) - 1

    def _hear(self, layer: Image | None) -> None:
        """Follow what is done to a layer's pixels and labels from now on, and to no other's."""
        if self._heard is not None:
            self._heard.events.data.disconnect(self._on_data)
            self._heard.events.axis_labels.disconnect(self._on_layer)
        self._heard = layer
        if layer is not None:
            layer.events.data.connect(self._on_data)
            layer.events.axis_labels.connect(self._on_layer)

    def _on_data(self) -> None:
        """The layer has other pixels: what their dimensions are is asked anew only if there are more or fewer."""
        if self.layer is not None and pixels(self.layer).ndim == len(self._axes.text()):
            self._on_axes()
        else:
            self._on_layer()

    def _on_layer(self) -> None:
        layer = self.layer
        self._hear(layer)
        shape = pixels(layer).shape if layer is not None else ()
        self._axes.set_value(proposed_axes(layer) if layer is not None else "", len(shape))
        self._on_axes()

    def _on_edit(self) -> None:
        self.settle()
        self._on_axes()
        axes = self.known_axes()
        if axes is not None:
            remember_axes(axes.shape, axes.letters)

    def _on_axes(self) -> None:
        self._sizes.setText(self._told_sizes())
        self.changed.emit()

    def _told_sizes(self) -> str:
        if self.layer is None:
            return ""
        axes = self.known_axes()
        if axes is None:
            return " × ".join(map(str, pixels(self.layer).shape))
        sizes = " · ".join(f"{letter} {size}" for letter, size in zip(axes.letters, axes.shape, strict=True))
        return sizes + (GUESSED if self.guessed else _doubt(self.layer, axes))


def _doubt(layer: Image, axes: Axes) -> str:
    """That the layer calls its axes otherwise than the user does, who may be right."""
    said = named_axes(layer)
    return TOLD_OTHERWISE.format(said) if " " not in said and told_otherwise(Axes(said, axes.shape), axes) else ""
