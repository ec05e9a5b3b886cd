"""How far a run is: bar, remaining time and curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from napari_zeroshot.engine.method import Progress

if TYPE_CHECKING:
    from napari_zeroshot.widgets.curves import LossPlot, Points

HIGH = 6
"""Lines of text that the curves are as high as."""


class ProgressPanel(QWidget):
    """Shows the `Progress` of one run after another: a bar with stage and remaining time, and the curves, to be placed where there is room, in `plot`."""

    def __init__(self) -> None:
        super().__init__()
        self._bar = QProgressBar()
        self._bar.setObjectName("progress")
        self._bar.setRange(0, 1)
        self._bar.setFormat("")
        self.plot = CurvesRoom()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._bar)

    def start(self) -> None:
        """Begin anew: the bar says that something goes on, the curve is empty."""
        self._bar.setRange(0, 0)
        self.plot.make()
        self.plot.empty()

    def show_progress(self, progress: Progress, losses: Points, scores: Points = ()) -> None:
        """Move the bar and lengthen the curves."""
        self._bar.setUpdatesEnabled(False)  # a bar paints itself at each change, and the whole window with it where there is an OpenGL canvas
        self._bar.setRange(0, progress.total)
        self._bar.setValue(progress.step)
        self._bar.setFormat(f"{progress.stage} · {remaining(progress)}")
        self._bar.setUpdatesEnabled(True)
        self.plot.add(losses, scores)

    def finish(self, losses: Points, scores: Points = ()) -> None:
        """Show a run that gave a result: full bar, whole curves."""
        self.plot.empty()
        self.plot.add(losses, scores)
        self._bar.setValue(self._bar.maximum())

    def stop(self) -> None:
        """The run is over: no remaining time."""
        self._bar.setRange(0, 1)
        self._bar.setValue(0)
        self._bar.setFormat("")


def remaining(progress: Progress) -> str:
    """How long a run will still take, in words, from how long it took so far."""
    seconds = progress.seconds / max(progress.step, 1) * (progress.total - progress.step)
    if seconds < 1.5:
        return "about a second left"
    if seconds < 90:
        return f"about {seconds:.0f} s left"
    return f"about {seconds / 60:.0f} min left" if seconds < 5400 else f"about {seconds / 3600:.1f} h left"


class CurvesRoom(QWidget):
    """Room for the curves, which are made when the first run begins: to load what draws them takes as long as to open the dock."""

    def __init__(self) -> None:
        super().__init__()
        self._plot: LossPlot | None = None
        self._theme: Any = None
        self.setFixedHeight(HIGH * self.fontMetrics().lineSpacing())
        QVBoxLayout(self).setContentsMargins(0, 0, 0, 0)

    def make(self) -> None:
        """Make the curves, if there are none yet."""
        if self._plot is None:
            from napari_zeroshot.widgets.curves import LossPlot

            self._plot = LossPlot()
            self._plot.recolour(self._theme)
            self.layout().addWidget(self._plot)

    def add(self, losses: Points, scores: Points = ()) -> None:
        """Lengthen the curves."""
        if self._plot is not None:
            self._plot.add(losses, scores)

    def empty(self) -> None:
        """Show nothing."""
        if self._plot is not None:
            self._plot.empty()

    def recolour(self, theme: Any) -> None:
        """Take over the colours of a napari theme."""
        self._theme = theme
        if self._plot is not None:
            self._plot.recolour(theme)
