"""Room for what a dock does not need when it opens: made when it is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtWidgets import QVBoxLayout, QWidget


class Room(QWidget):
    """Holds a plot, or what has plots, and takes no room before there is one: to load what draws plots takes as long as to open a dock.

    Parameters
    ----------
    make
        Imports it, and makes it.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        super().__init__()
        self._make = make
        self._content: Any = None
        self._theme: Any = None
        self.hide()
        QVBoxLayout(self).setContentsMargins(0, 0, 0, 0)

    def content(self) -> Any:
        """What it holds, made now if it is not yet."""
        if self._content is None:
            self._content = self._make()
            self._content.recolour(self._theme)
            self.layout().addWidget(self._content)
        return self._content

    def recolour(self, theme: Any) -> None:
        """Take over the colours of a napari theme, also for what is still to be made."""
        self._theme = theme
        if self._content is not None:
            self._content.recolour(theme)
