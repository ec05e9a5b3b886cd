"""Room for the curves of a training, which are made when there is something to draw."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QVBoxLayout, QWidget

if TYPE_CHECKING:
    from napari_zeroshot.widgets.curves import LossPlot, Points

HIGH = 6
"""Lines of text that the curves are as high as."""


class CurvesRoom(QWidget):
    """Takes no room until the first run begins: then the curves are made, for to load what draws them takes as long as to open a dock."""

    def __init__(self) -> None:
        super().__init__()
        self._plot: LossPlot | None = None
        self._theme: Any = None
        self.setFixedHeight(HIGH * self.fontMetrics().lineSpacing())
        self.hide()
        QVBoxLayout(self).setContentsMargins(0, 0, 0, 0)

    def begin(self) -> None:
        """Show empty curves."""
        if self._plot is None:
            from napari_zeroshot.widgets.curves import LossPlot

            self._plot = LossPlot()
            self._plot.recolour(self._theme)
            self.layout().addWidget(self._plot)
            self.show()
        self._plot.empty()

    def add(self, losses: Points, trainings: Iterable[int], scores: Points) -> None:
        """Lengthen the curves."""
        if self._plot is not None:
            self._plot.add(losses, trainings, scores)

    def recolour(self, theme: Any) -> None:
        """Take over the colours of a napari theme."""
        self._theme = theme
        if self._plot is not None:
            self._plot.recolour(theme)
