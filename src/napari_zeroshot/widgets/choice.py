"""Which images are compared: two to six of one shape, and maybe the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_zeroshot.engine.axes import Axes, parse
from napari_zeroshot.engine.errors import ImageError
from napari_zeroshot.widgets.layers import METADATA, PREVIEW, pixels
from napari_zeroshot.widgets.layout import add_row, narrow, rows
from napari_zeroshot.widgets.source import proposed_axes

if TYPE_CHECKING:
    import napari

LETTERS = "ABCDEF"
TOLD = {
    "A": "The noisy image, which the others were made from.",
    "B": "What a method made of it.",
}
NONE = "none"


@dataclass(frozen=True, eq=False)
class Choice:
    """The images, the noisy one first; the truth, if there is one; and what their dimensions are."""

    images: tuple[Image, ...]
    truth: Image | None
    axes: Axes

    @property
    def names(self) -> tuple[str, ...]:
        """Each image's letter and name."""
        return tuple(f"{letter} {image.name}" for letter, image in zip(LETTERS, self.images, strict=False))


class ChoicePicker(QWidget):
    """A menu of image layers for each letter, and one for the truth; `changed` when another layer stands in one of them."""

    changed = Signal()

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._layers: list[Image] = []
        self._touched = False
        self._form = rows()
        self._menus: dict[str, QComboBox] = {}
        self._labels: dict[str, QLabel] = {}
        for letter in LETTERS:
            self._add(letter, letter, TOLD.get(letter, "Another image to compare."))
        self._add("truth", "Truth", "The image without noise, if you have it: gives PSNR and SSIM.")
        self._more = QPushButton("Compare one more")
        self._more.setObjectName("more")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._form)
        column.addWidget(self._more)

        events = viewer.layers.events
        self._events = (events.inserted, events.removed, events.reordered, events.renamed)
        self._on_layers()
        for event in self._events:
            event.connect(self._on_layers)
        for menu in self._menus.values():
            menu.activated.connect(self._on_touched)
            menu.currentIndexChanged.connect(self._on_choice)
        self._more.clicked.connect(self._on_more)

    def leave(self) -> None:
        """Hear no more of the viewer, which may outlive this."""
        for event in self._events:
            event.disconnect(self._on_layers)
        self._events = ()

    @property
    def count(self) -> int:
        """How many image layers there are to choose from."""
        return len(self._layers)

    @property
    def layers(self) -> tuple[Image, ...]:
        """What stands in the menus, whether it can be compared or not."""
        return tuple(dict.fromkeys(layer for name in self._menus if (layer := self._layer(name)) is not None))

    def set_layers(self, images: list[Image], truth: Image | None = None) -> None:
        """Choose these."""
        self._touched = True
        self._put(dict(zip(LETTERS, images, strict=False)) | {"truth": truth})
        self.changed.emit()

    def value(self) -> Choice:
        """What is chosen.

        Raises
        ------
        ImageError
            If there are not two images, one is chosen twice, or they differ in shape.
        """
        chosen = {name: layer for name in self._menus if (layer := self._layer(name)) is not None}
        truth = chosen.pop("truth", None)
        if len(self._layers) < 2 or not {"A", "B"} <= set(chosen):
            raise ImageError("two images are needed to compare: the noisy one, and what a method made of it")
        for letter, layer in chosen.items():
            _check(letter, layer, chosen)
        if truth is not None and pixels(truth).shape != pixels(chosen["A"]).shape:
            raise ImageError(f"the truth has shape {pixels(truth).shape}, A {pixels(chosen['A']).shape}; choose images of one shape")
        shape = pixels(chosen["A"]).shape
        return Choice(tuple(chosen.values()), truth, parse(proposed_axes(chosen["A"]), shape))

    def _add(self, name: str, text: str, told: str) -> None:
        menu = self._menus[name] = narrow(QComboBox())
        menu.setObjectName(f"image_{name}")
        self._labels[name] = add_row(self._form, text, menu, told)

    def _layer(self, name: str) -> Image | None:
        place = self._menus[name].currentIndex() - (name not in "AB")
        return self._layers[place] if 0 <= place < len(self._layers) else None

    def _on_layers(self, _event: Any = None) -> None:
        before, earlier = {name: layer for name in self._menus if (layer := self._layer(name)) is not None}, self._layers
        self._layers = [layer for layer in self._viewer.layers if isinstance(layer, Image) and PREVIEW not in layer.metadata]
        kept = {name: layer for name, layer in before.items() if layer in self._layers}
        chosen = self._touched and {"A", "B"} <= set(kept)
        if chosen or set(self._layers) == set(earlier):  # a view hides layers and moves them, which is no reason to propose others
            wanted = kept
        else:
            wanted = (self._proposed() or kept) | {name: layer for name, layer in kept.items() if self._touched}
        self._put(wanted)
        if wanted != before:
            self.changed.emit()

    def _put(self, wanted: dict[str, Image | None]) -> None:
        names = [layer.name for layer in self._layers]
        for name, menu in self._menus.items():
            layer = wanted.get(name)
            with QSignalBlocker(menu):
                menu.clear()
                menu.addItems(names if name in "AB" else [NONE, *names])
                menu.setCurrentIndex(self._layers.index(layer) + (name not in "AB") if layer in self._layers else 0 if name not in "AB" else -1)
            self._show(name, name in "AB" or name == "truth" or layer is not None)
        self._show_more()

    def _proposed(self) -> dict[str, Image]:
        """The newest result of this plugin with the first image of its shape, and its truth if a layer is called so; else the newest image and another."""
        made = [layer for layer in self._layers if METADATA in layer.metadata]
        if not self._layers:
            return {}
        newest = (made or [layer for layer in self._layers if layer.visible] or self._layers)[-1]
        alike = [layer for layer in self._layers if layer is not newest and pixels(layer).shape == pixels(newest).shape]
        truths = [layer for layer in alike if layer.name.endswith("truth")]
        others = [layer for layer in alike if layer not in made and layer not in truths] or alike
        if not others:
            return {}
        if not made:
            return {"A": newest, "B": others[0]}
        proposed = {"A": others[0], "B": newest}
        return proposed | {"truth": truths[0]} if truths and truths[0] is not others[0] else proposed

    def _show(self, name: str, shown: bool) -> None:
        for widget in (self._labels[name], self._menus[name]):
            widget.setVisible(shown)

    def _show_more(self) -> None:
        self._more.setVisible(len(self._layers) > 2 and self._next() is not None)

    def _next(self) -> str | None:
        """The first letter that is not shown."""
        return next((letter for letter in LETTERS if self._menus[letter].isHidden()), None)

    def _on_more(self) -> None:
        letter = self._next()
        if letter is not None:
            self._show(letter, True)
            self._show_more()

    def _on_touched(self) -> None:
        self._touched = True

    def _on_choice(self) -> None:
        self.changed.emit()


def _check(letter: str, layer: Image, chosen: dict[str, Image]) -> None:
    first = chosen["A"]
    twice = next((other for other, image in chosen.items() if image is layer and other != letter), None)
    if twice is not None:
        raise ImageError(f"{min(letter, twice)} and {max(letter, twice)} are the same image; choose another")
    if layer.rgb != first.rgb:
        raise ImageError(f"of {letter} and A one is a colour image and one is not; choose images of one kind")
    if pixels(layer).shape != pixels(first).shape:
        raise ImageError(f"{letter} has shape {pixels(layer).shape}, A {pixels(first).shape}; choose images of one shape")
