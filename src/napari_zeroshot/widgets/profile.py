"""The line profile: a line on the canvas, and the grey levels of all images along it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_zeroshot.engine.axes import Axes, Index
from napari_zeroshot.engine.errors import DenoiseError, ImageError
from napari_zeroshot.widgets.canvas_line import CanvasLine
from napari_zeroshot.widgets.choice import LETTERS, Choice
from napari_zeroshot.widgets.layers import pixels, plane_in_view
from napari_zeroshot.widgets.layout import Sentence
from napari_zeroshot.widgets.room import Room

if TYPE_CHECKING:
    import napari

NO_LINE = "Press the button, then drag the line's ends on the canvas, or draw another line."
LINE = "profile line"


class ProfilePanel(QWidget):
    """A button for the line, and the plot, which follows the line and the viewer's sliders.

    Parameters
    ----------
    on_line
        Told before a line is added.
    """

    def __init__(self, viewer: napari.viewer.Viewer, on_line: Callable[[], None]) -> None:
        super().__init__()
        self._viewer, self._on_line = viewer, on_line
        self._planes: dict[Image, tuple[Any, Index, NDArray[Any]]] = {}
        self._choice: Choice | None = None
        self._line: CanvasLine | None = None
        self._button = QPushButton("Draw a line")
        self._button.setObjectName("line")
        self._button.setEnabled(False)
        self._plot = Room(_profile_plot)
        self._message = Sentence("profile_message", lines=2)
        self._message.setText(NO_LINE)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self._button, self._message, self._plot):
            column.addWidget(widget)

        self._button.clicked.connect(self._on_button)
        viewer.dims.events.current_step.connect(self._on_change)
        viewer.dims.events.order.connect(self._on_change)
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def layers(self) -> tuple[Any, ...]:
        """The line's layer, if there is one."""
        return () if self._line is None else (self._line.layer,)

    def recolour(self, theme: Any) -> None:
        """Take over the colours of a napari theme."""
        self._plot.recolour(theme)

    def set_choice(self, choice: Choice | None) -> None:
        """Read these images from now on; without any, the line goes."""
        self._choice, self._planes = choice, {}
        self._button.setEnabled(choice is not None)
        if choice is None:
            self.remove()
        self._on_change()

    def remove(self) -> None:
        """Take the line away."""
        if self._line is not None:
            line, self._line = self._line, None
            line.remove()
        self._on_change()

    def leave(self) -> None:
        """Take the line away and hear no more of the viewer."""
        self.remove()
        for event in (self._viewer.dims.events.current_step, self._viewer.dims.events.order):
            event.disconnect(self._on_change)
        self._viewer.layers.events.removed.disconnect(self._on_removed)

    def _on_button(self) -> None:
        if self._line is not None:
            self.remove()
        elif self._choice is not None:
            self._on_line()
            first = self._choice.images[0]
            self._line = CanvasLine(self._viewer, first, _across(first), name=LINE, colour="#ffd23f", width=2.5)
            self._viewer.layers.selection = {self._line.layer}
            self._line.layer.mode = "direct"
            self._line.layer.events.data.connect(self._on_change)
            self._line.layer.events.set_data.connect(self._on_change)
            self._on_change()

    def _on_removed(self, event: Any) -> None:
        if self._line is not None and event.value is self._line.layer:
            self.remove()

    def _on_change(self, _event: Any = None) -> None:
        self._button.setText("Draw a line" if self._line is None else "Remove the line")
        try:
            self._draw()
        except DenoiseError as error:
            self._plot.hide()
            said = str(error)
            self._message.setText(f"{said[:1].upper()}{said[1:]}.")

    def _draw(self) -> None:
        if self._line is None or self._choice is None:
            self._plot.hide()
            self._message.setText(NO_LINE)
            return
        ends = self._line.ends
        if not len(ends):
            raise ImageError("there is no line; draw one with the tools of the layer 'profile line'")
        read = {letter: self._read(image, ends) for letter, image in zip(LETTERS, self._choice.images, strict=False)}
        length = float(np.linalg.norm(ends[1] - ends[0]))
        along = next(iter(read.values()))[0]
        self._plot.content().show_profiles(along * length, {letter: levels for letter, (_, levels) in read.items()}, _unit(self._choice.images[0]))
        self._plot.show()
        self._message.setText(f"{length:.4g} {_unit(self._choice.images[0])} long. Drag its ends, or draw another line.")

    def _read(self, image: Image, ends: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        from napari_zeroshot.engine.line_profile import line_profile  # which loads scipy

        axes = self._choice.axes  # type: ignore[union-attr]
        last = tuple(range(self._viewer.dims.ndim))[-2:]
        if tuple(self._viewer.dims.displayed) != last or {"Y", "X"} != {axes.letters[: image.ndim][place] for place in (-2, -1)}:
            raise ImageError("a profile is read in planes of Y and X; turn the viewer's axes back to them")
        point = np.asarray(self._viewer.dims.point, float)
        places = []
        for end in ends:
            point[-2:] = end
            place = np.asarray(image.world_to_data(point[-image.ndim :]))
            places.append([place[axes.letters.index(letter)] for letter in "YX"])
        return line_profile(self._plane(image, axes), *places)

    def _plane(self, image: Image, axes: Axes) -> NDArray[Any]:
        """The plane in view, read once while the line moves."""
        data, index = pixels(image), axes.index_of(plane_in_view(image, axes, self._viewer))
        known = self._planes.get(image)
        if known is None or known[0] is not data or known[1] != index:
            known = self._planes[image] = (data, index, axes.read(data, index))
        return known[2]


def _across(image: Image) -> NDArray[Any]:
    """A line through the middle half of an image, in the world's last two axes."""
    shape = np.array(pixels(image).shape[: image.ndim]) - 1.0
    ends = np.array([shape / 2, shape / 2])
    ends[:, -1] = shape[-1] * np.array([0.25, 0.75])
    return np.array([image.data_to_world(end)[-2:] for end in ends])


def _unit(image: Image) -> str:
    return f"{image.units[-1]:~P}".replace("pixel", "px")


def _profile_plot() -> Any:
    from napari_zeroshot.widgets.compare_plots import ProfilePlot

    return ProfilePlot()
