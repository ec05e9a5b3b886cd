"""The curves of a training: loss and held-out score against the step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np
import pyqtgraph
from qtpy.QtWidgets import QSizePolicy

LEAST_LOSS = 1e-12
"""The loss axis is logarithmic: nothing is drawn below this."""
MOST_NUMBERS = 4
"""The loss axis has no room for more."""
HIGH = 6
"""Lines of text that the curves are as high as."""

Points = Iterable[tuple[int, float]]
"""Of a curve: step and value."""


class LossAxis(pyqtgraph.AxisItem):
    """A logarithmic axis with few round numbers, for little room."""

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:  # noqa: N802
        """Where numbers stand: at powers of ten, or at 1, 2 and 5 where there are few of those."""
        powers = range(math.floor(low), math.ceil(high) + 1)
        fine, coarse = ([power + math.log10(lead) for power in powers for lead in leads] for leads in ((1, 2, 5), (1,)))
        inside = [[place for place in places if low <= place <= high] for places in (fine, coarse)]
        return [(1.0, inside[0] if len(inside[0]) <= MOST_NUMBERS else inside[1])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:  # noqa: N802
        """The numbers as one writes them."""
        return [f"{10**value:.2g}" for value in values]


class LossPlot(pyqtgraph.PlotWidget):
    """The training loss, and the held-out score as dots, against the step; growing as they come, nothing before the first."""

    def __init__(self) -> None:
        super().__init__(enableMenu=False, axisItems={"left": LossAxis("left")})
        self.setObjectName("loss")
        self.setFixedHeight(HIGH * self.fontMetrics().lineSpacing())
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setLogMode(y=True)
        self.setMouseEnabled(x=False, y=False)
        self.hideButtons()
        self.getPlotItem().setContentsMargins(0, self.fontMetrics().lineSpacing() // 2, 6, 0)  # else half of the highest number is cut
        for side in ("left", "bottom"):
            self.getAxis(side).enableAutoSIPrefix(False)
        room = self.fontMetrics().horizontalAdvance("0.0005")
        self.getAxis("left").setStyle(autoExpandTextSpace=False, tickTextWidth=room)  # else all is drawn again when the numbers grow
        self.setToolTip(
            "<p>Line: the training loss at each step. Dots: the loss on parts of the image that are kept out of training. "
            "While the dots fall, more steps help; when they rise, the network learns the noise.</p>"
        )
        self._curve, self._held_out = self.plot(), self.plot(pen=None, symbol="o", symbolSize=6)
        self.empty()

    def add(self, losses: Points, trainings: Iterable[int], scores: Points) -> None:
        """Lengthen the curves; `trainings` has for each loss the number of its training, each of which has a line of its own."""
        for (step, loss), training in zip(losses, trainings, strict=True):
            self._losses.setdefault(training, []).append((step, max(loss, LEAST_LOSS)))
        self._scores += [(step, max(score, LEAST_LOSS)) for step, score in scores]
        if self._losses:
            lines = self._losses.values()
            joined = [place < len(line) for line in lines for place in range(1, len(line) + 1)]
            self._curve.setData(*zip(*chain.from_iterable(lines), strict=True), connect=np.array(joined))
        if self._scores:
            self._held_out.setData(*zip(*self._scores, strict=True))
        self.getPlotItem().setVisible(bool(self._losses))
        if scores:
            self.setLabel("left", "loss, held-out ●")
        self.getViewBox().prepareForPaint()  # else ranges are found out while drawing, and all is drawn again

    def empty(self) -> None:
        """Show nothing."""
        self._losses: dict[int, list[tuple[int, float]]] = {}
        self._scores: list[tuple[int, float]] = []
        for curve in (self._curve, self._held_out):
            curve.setData([], [])
        self.setLabel("left", "loss")
        self.getPlotItem().setVisible(False)

    def recolour(self, theme: Any) -> None:
        """Take over the colours of a napari theme."""
        text = theme.text.as_hex()
        self.setBackground(theme.background.as_hex())
        self._curve.setPen(pyqtgraph.mkPen(text, width=2))
        self._held_out.setSymbolBrush(theme.current.as_hex())
        self._held_out.setSymbolPen(text)
        for side in ("left", "bottom"):
            self.getAxis(side).setPen(theme.secondary.as_hex())
            self.getAxis(side).setTextPen(text)
