"""How far a run is: bar and remaining time."""

from __future__ import annotations

from qtpy.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from napari_zeroshot.engine.method import Progress


class ProgressPanel(QWidget):
    """Shows the `Progress` of one run after another: a bar with stage and remaining time."""

    def __init__(self) -> None:
        super().__init__()
        self._bar = QProgressBar()
        self._bar.setObjectName("progress")
        self._bar.setRange(0, 1)
        self._bar.setFormat("")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._bar)

    def start(self) -> None:
        """Begin anew: the bar says that something goes on."""
        self._bar.setRange(0, 0)

    def show_progress(self, progress: Progress) -> None:
        """Move the bar."""
        self._bar.setUpdatesEnabled(False)  # a bar paints itself at each change, and the whole window with it where there is an OpenGL canvas
        self._bar.setRange(0, progress.total)
        self._bar.setValue(progress.step)
        self._bar.setFormat(f"{progress.stage} · {remaining(progress)}" if progress.step else progress.stage)
        self._bar.setUpdatesEnabled(True)

    def finish(self) -> None:
        """Show a run that gave a result: a full bar."""
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
