"""What was found of an image's noise: plots, what it means, and FM2S, seen."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_zeroshot.engine.noise_findings import Finding, findings
from napari_zeroshot.widgets.injected import InjectedNoise
from napari_zeroshot.widgets.layout import Fold
from napari_zeroshot.widgets.noise_plots import SharedPlot, TransferPlot

if TYPE_CHECKING:
    from napari_zeroshot.engine.noise_diagnosis import NoiseReport


class NoiseFound(QWidget):
    """A report in plots and sentences; `wanted` when the user wants to denoise with FM2S and the factors of `value()`."""

    wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._transfer, self._shared = TransferPlot("transfer"), SharedPlot()
        self._told = QLabel()
        self._told.setObjectName("findings")
        self._told.setWordWrap(True)
        self._told.setTextFormat(Qt.TextFormat.RichText)
        self._told.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._injected = InjectedNoise()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        plots = [Fold("Noise against brightness", self._transfer, unfolded=True), Fold("Pixels that share noise", self._shared, unfolded=True)]
        for part in (*plots, self._told, Fold("FM2S, seen", self._injected)):
            column.addWidget(part)

        self._injected.wanted.connect(self.wanted)

    def value(self) -> dict[str, Any]:
        """FM2S's parameters, as its sliders stand."""
        return self._injected.value()

    def show_report(self, report: NoiseReport, piece: NDArray[Any]) -> None:
        """Show what was found of an image; `piece`, shape (Y, X), is of it."""
        self._told.setText("".join(_told(finding) for finding in findings(report)))
        self._transfer.show_report(report)
        self._shared.show_report(report)
        self._injected.show_report(report, piece)

    def recolour(self, theme: Any) -> None:
        """Take over the colours of a napari theme."""
        for plot in (self._transfer, self._shared, self._injected):
            plot.recolour(theme)


def _told(finding: Finding) -> str:
    """A finding as a paragraph: topic and value in bold, what it is, and what to do."""
    head = f"<b>{escape(finding.topic)}: {escape(finding.value)}</b>"
    advice = f"<br><i>{escape(finding.advice)}</i>" if finding.advice else ""
    return f"<p>{'⚠ ' if finding.notable else ''}{head}<br>{escape(finding.sentence)}{advice}</p>"
