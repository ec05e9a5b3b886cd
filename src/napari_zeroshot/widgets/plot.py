"""What the docks' plots have in common."""

from __future__ import annotations

from typing import Any

import pyqtgraph
from qtpy.QtWidgets import QSizePolicy


class Plot(pyqtgraph.PlotWidget):
    """A plot that cannot be moved, in the theme's colours."""

    def __init__(self, name: str, lines: int) -> None:
        super().__init__(enableMenu=False)
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

    def recolour(self, theme: Any) -> None:
        """Take over the colours of a napari theme."""
        self.setBackground(theme.background.as_hex())
        for side in ("left", "bottom"):
            self.getAxis(side).setPen(theme.secondary.as_hex())
            self.getAxis(side).setTextPen(theme.text.as_hex())
