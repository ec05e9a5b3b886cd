"""What the docks' plots have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyqtgraph
from qtpy.QtWidgets import QSizePolicy


class Plot(pyqtgraph.PlotWidget):
    """A plot that cannot be moved, in the theme's colours."""

    def __init__(self, name: str, lines: int) -> None:
        super().__init__(enableMenu=False)
        self._named: Mapping[str, str] = {}
        self._letters = "#000000"
        self.setObjectName(name)
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing())
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setMouseEnabled(x=False, y=False)
        self.hideButtons()
        self.getPlotItem().setContentsMargins(0, 0, 6, 6)  # else the last letters are cut
        for side in ("left", "bottom"):
            self.getAxis(side).enableAutoSIPrefix(False)

    def wheelEvent(self, event: Any) -> None:  # noqa: N802
        """Leave the wheel to the dock, which scrolls."""
        event.ignore()

    def name_curves(self, named: Mapping[str, str]) -> None:
        """Say above the plot what its colours stand for: a spot of each beside the name, for letters in colours are hard to read in some theme."""
        self._named = named
        told = "&nbsp;&nbsp; ".join(f"<span style='color: {colour}'>■</span> {name}" for name, colour in named.items())
        self.setTitle(told or None, color=self._letters, size="9pt")

    def recolour(self, theme: Any) -> None:
        """Take over the colours of a napari theme."""
        self._letters = theme.text.as_hex()
        self.name_curves(self._named)
        self.setBackground(theme.background.as_hex())
        for side in ("left", "bottom"):
            self.getAxis(side).setPen(theme.secondary.as_hex())
            self.getAxis(side).setTextPen(theme.text.as_hex())
