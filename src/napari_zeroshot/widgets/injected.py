"""FM2S, seen: the noise of the image beside the noise that FM2S would add, live."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_zeroshot.engine.fm2s_noise import STRENGTH, added_noise, fm2s_factors
from napari_zeroshot.engine.methods.fm2s import FM2SParams
from napari_zeroshot.engine.noise_diagnosis import NoiseReport
from napari_zeroshot.widgets.factors import FactorSliders
from napari_zeroshot.widgets.noise_plots import ADDED, REAL, HistogramPlot, PiecePlot, TransferPlot

FIT_HELP = "<p>Sets the factors so that twice the image's own variance is added at every brightness, which measured best.</p>"
MATCH_HELP = "<p>Sets the factors so that added and real noise are alike.</p>"
USE_HELP = "<p>Chooses FM2S with these factors in the Denoise dock, and opens that if it is closed.</p>"


class InjectedNoise(QWidget):
    """Real and synthetic noise side by side, sliders for the factors, and what to do with them."""

    wanted = Signal()
    """The user wants to denoise with `value()`."""

    def __init__(self) -> None:
        super().__init__()
        self._piece: NDArray[Any] | None = None
        self._report: NoiseReport | None = None
        self._shared: dict[str, Any] = {}
        self._real, self._synthetic = PiecePlot("real", "real", REAL), PiecePlot("synthetic", "synthetic", ADDED)
        self._histogram, self._curve = HistogramPlot(), TransferPlot("added")
        self._sliders = FactorSliders()
        self._match, self._fit, self._use = QPushButton("Match"), QPushButton("Fit"), QPushButton("Use in Denoise")
        for name, button, told in (("match", self._match, MATCH_HELP), ("fit", self._fit, FIT_HELP), ("use", self._use, USE_HELP)):
            button.setObjectName(name)
            button.setToolTip(told)

        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widgets in ((self._real, self._synthetic), (self._sliders,), (self._match, self._fit, self._use), (self._histogram,), (self._curve,)):
            row = QHBoxLayout()
            for widget in widgets:
                row.addWidget(widget)
            column.addLayout(row)

        self._sliders.changed.connect(self._show)
        self._match.clicked.connect(lambda: self._set_fitted(1.0))
        self._fit.clicked.connect(lambda: self._set_fitted(STRENGTH))
        self._use.clicked.connect(self.wanted)

    def value(self) -> dict[str, Any]:
        """FM2S's parameters: the factors, and a wide pre-filter where neighbouring pixels share noise."""
        return {**self._shared, **self._sliders.value()}

    def show_report(self, report: NoiseReport, piece: NDArray[Any]) -> None:
        """Take a new image: its report and a piece of it, shape (Y, X)."""
        self._report, self._piece = report, piece
        self._curve.show_report(report)
        self._set_fitted(STRENGTH)

    def _set_fitted(self, strength: float) -> None:
        if self._report is None:
            return
        found = fm2s_factors(self._report, strength=strength)
        self._sliders.set_value({name: found.pop(name) for name in self._sliders.value()})
        self._shared = found
        self._show()

    def _show(self) -> None:
        if self._report is None or self._piece is None:
            return
        added = added_noise(self._piece, self._report, FM2SParams(**self.value()))
        limits = float(added.edges[0]), float(added.edges[-1])
        self._real.show_piece(added.real, limits)
        self._synthetic.show_piece(added.synthetic, limits)
        self._histogram.show_added(added)
        self._curve.show_added(added)

    def recolour(self, theme: Any) -> None:
        """Take over the colours of a napari theme."""
        for plot in (self._real, self._synthetic, self._histogram, self._curve):
            plot.recolour(theme)
