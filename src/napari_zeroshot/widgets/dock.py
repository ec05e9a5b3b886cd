"""What the docks have in common: a sample to begin with, details to copy, napari's colours, and an end."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

from napari.utils.theme import get_theme
from qtpy.QtCore import QEvent
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QApplication, QWidget

from napari_zeroshot.widgets.layout import button

if TYPE_CHECKING:
    import napari


class Dock(QWidget):
    """A dock, which ends whatever goes on when it is closed; `_leave` and `_abandon` are what a dock adds to that."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._details = ""
        self._left = False
        self._plots: tuple[Any, ...] = ()
        self._heard: list[tuple[Any, Callable[..., None]]] = []
        self._sample = button("sample", "Load a sample", "Opens a noisy picture to try the plugin on.")
        self._copy = button("details", "Copy details", "Copies how it was made, or what was found; after an error, what a report of it needs.")

        self._sample.clicked.connect(self._on_sample)
        self._copy.clicked.connect(self._on_copy)
        abandon = WeakMethod(self._abandon)
        self.destroyed.connect(lambda: (alive := abandon()) and alive())  # a slot of its own would not be called any more
        self._hear((viewer.layers.events.removing, self._on_removing))

    def event(self, event: QEvent) -> bool:
        """As any widget; when the dock is closed, which takes its parent away, end whatever goes on."""
        if event.type() == QEvent.Type.ParentChange and self.parentWidget() is None and not self._left:
            self._left = True
            self._abandon()
            self._leave()
            for heard, slot in self._heard:
                heard.disconnect(slot)
        return super().event(event)

    def _hear(self, *heard: tuple[Any, Callable[..., None]]) -> None:
        """Connect slots to the viewer's events, until the dock is closed: they would come to a closed one too."""
        for event, slot in heard:
            event.connect(slot)
            self._heard.append((event, slot))

    def _colour(self, *plots: Any) -> None:
        """Give plots the colours of napari's theme, and of the next one."""
        self._plots = plots
        self._on_theme()
        self._hear((self._viewer.events.theme, self._on_theme))

    def _abandon(self) -> None:
        """End whatever goes on in other threads, without touching a widget: they may be gone."""

    def _leave(self) -> None:
        """Put away what the dock has put into the viewer."""

    def _note_error(self, error: Exception) -> None:
        self._details = "".join(traceback.format_exception(error))

    def _on_removing(self, _event: Any = None) -> None:
        """Have the canvas's own OpenGL context current: napari 0.7 to 0.9.2 frees a layer's textures in whichever is, and may crash when it draws next."""
        for canvas in _outermost(self).findChildren(QOpenGLWidget):
            if canvas.isValid():
                canvas.makeCurrent()

    def _on_sample(self) -> None:
        self._viewer.open_sample("napari-zeroshot", "noisy_plane")

    def _on_copy(self) -> None:
        QApplication.clipboard().setText(self._details)

    def _on_theme(self) -> None:
        theme = get_theme(self._viewer.theme)
        for plot in self._plots:
            plot.recolour(theme)


def _outermost(widget: QWidget) -> QWidget:
    """napari's window; unlike `window()`, also of a dock that floats, which is one by itself."""
    around = widget.parentWidget()
    return widget if around is None else _outermost(around)


def sentence(text: str) -> str:
    """An error's words as a sentence; a name such as alpha_ie or cuda:1 stays as it is."""
    begun = text[:1].upper() + text[1:] if text.split(" ")[0].isalpha() else text
    return begun + ("" if text.endswith(".") else ".")
