"""The plots of the Noise dock: variance against brightness, shared noise, pieces of image and their histograms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph
from qtpy.QtCore import Qt

from napari_zeroshot.widgets.plot import Plot

if TYPE_CHECKING:
    from napari_zeroshot.engine.fm2s_noise import AddedNoise
    from napari_zeroshot.engine.noise_diagnosis import NoiseReport

REAL, ADDED = "#4c9be8", "#e8963c"
"""Blue for the image's own noise, orange for what FM2S adds: told apart by colour-blind eyes, on dark and light."""
FAINT = 70
"""How solid the fill of a histogram is, of 255."""


class TransferPlot(Plot):
    """The noise's variance against the mean grey level, with the line, and the noise that FM2S would add."""

    def __init__(self, name: str) -> None:
        super().__init__(name, 13)
        self.setLabel("left", "variance")
        self.setLabel("bottom", "mean grey level")
        self._bars = pyqtgraph.ErrorBarItem(x=np.empty(0), y=np.empty(0), height=np.empty(0), pen=REAL)
        self.addItem(self._bars)
        self._line = self.plot(pen=pyqtgraph.mkPen(REAL, width=2))
        self._points = self.plot(pen=None, symbol="o", symbolSize=6, symbolPen=None, symbolBrush=REAL)
        self._cut = self.plot(pen=None, symbol="x", symbolSize=7, symbolPen=REAL, symbolBrush=None)
        self._added = self.plot(pen=pyqtgraph.mkPen(ADDED, width=2), symbol="s", symbolSize=6, symbolPen=None, symbolBrush=ADDED)

    def show_report(self, report: NoiseReport) -> None:
        """Draw the measured points and their line."""
        curve = report.transfer
        means, variances, errors, used = (np.array(column) for column in (curve.means, curve.variances, curve.errors, curve.used))
        self._points.setData(means[used], variances[used])
        self._cut.setData(means[~used], variances[~used])
        self._bars.setData(x=means, y=variances, height=4 * errors)
        ends = [curve.means[0], curve.means[-1]]
        self._line.setData(ends, [curve.variance(mean) for mean in ends])
        self._added.setData([], [])

    def show_added(self, added: AddedNoise) -> None:
        """Draw the noise that FM2S would add."""
        self._added.setData(added.means, added.variances)


class SharedPlot(Plot):
    """Which pixels share noise: 4 x 4 correlations as numbers on shades."""

    def __init__(self) -> None:
        super().__init__("shared", 14)
        self.setLabel("left", "rows apart")
        self.setLabel("bottom", "columns apart")
        self.invertY(True)
        self._map = pyqtgraph.ImageItem(axisOrder="row-major", levels=(-1, 1), colorMap=pyqtgraph.colormap.get("CET-D1"))
        self.addItem(self._map)
        self._numbers: list[pyqtgraph.TextItem] = []
        for side in ("left", "bottom"):
            self.getAxis(side).setStyle(tickLength=0)
            self.getAxis(side).setTicks([[(lag + 0.5, str(lag)) for lag in range(4)]])
        self.setRange(xRange=(0, 4), yRange=(0, 4), padding=0)

    def show_report(self, report: NoiseReport) -> None:
        """Draw the correlations."""
        self._map.setImage(np.array(report.correlation), levels=(-1, 1))
        for number in self._numbers:
            self.removeItem(number)
        self._numbers = [self._number(row, column, value) for row, line in enumerate(report.correlation) for column, value in enumerate(line)]

    def _number(self, row: int, column: int, value: float) -> pyqtgraph.TextItem:
        item = pyqtgraph.TextItem(f"{value:.2f}".replace("-0.00", "0.00"), color="w" if abs(value) > 0.6 else "k", anchor=(0.5, 0.5))
        item.setPos(column + 0.5, row + 0.5)
        self.addItem(item)
        return item


class PiecePlot(Plot):
    """A piece of an image, under a title."""

    def __init__(self, name: str, title: str, colour: str) -> None:
        super().__init__(name, 12)
        self.name_curves({title: colour})
        self._item = pyqtgraph.ImageItem(axisOrder="row-major")
        self.addItem(self._item)
        self.invertY(True)
        self.setAspectLocked(True)
        for side in ("left", "bottom"):
            self.hideAxis(side)
        self.getPlotItem().getViewBox().setDefaultPadding(0)

    def show_piece(self, piece: Any, limits: tuple[float, float]) -> None:
        """Draw a piece with black and white at `limits`."""
        self._item.setImage(piece, levels=limits)


class HistogramPlot(Plot):
    """How often each grey level is in the real and in the synthetic piece."""

    def __init__(self) -> None:
        super().__init__("histogram", 9)
        self.setLabel("bottom", "grey level")
        self.hideAxis("left")
        self._real, self._added = (self._bars(colour) for colour in (REAL, ADDED))

    def _bars(self, colour: str) -> Any:
        faint = pyqtgraph.mkColor(colour)
        faint.setAlpha(FAINT)
        return self.plot([0, 1], [0], stepMode="center", fillLevel=0, brush=faint, pen=pyqtgraph.mkPen(colour, width=2, style=Qt.PenStyle.SolidLine))

    def show_added(self, added: AddedNoise) -> None:
        """Draw both histograms over each other."""
        self._real.setData(added.edges, added.real_counts)
        self._added.setData(added.edges, added.synthetic_counts)
