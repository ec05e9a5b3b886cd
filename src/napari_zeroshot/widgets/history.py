"""What a training made of the plane in view, step by step: to go back to, and to keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray
from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSlider, QWidget

from napari_zeroshot.engine.method import Setup

MOST_BYTES = 64 * 2**20
"""What the moments of one run may take together; beyond that, every other one is let go."""
MOST_MOMENTS = 60
FEWEST = 2
"""The first and the latest are kept however large they are."""


@dataclass(frozen=True, eq=False)
class Moment:
    """What one plane looked like after some steps of its training, and with what that was computed; `at` counts within the region that was denoised."""

    step: int
    seconds: float
    image: NDArray[Any]
    at: Mapping[str, int]
    losses: tuple[tuple[int, float], ...] = ()
    scores: tuple[tuple[int, float], ...] = ()
    setup: Setup | None = None


class History(QWidget):
    """A slider over the moments of a run, and a button that keeps the one shown.

    It follows the run as long as its slider stands at the latest. `shown` is emitted when the user goes to another moment, `kept` when they keep one.
    """

    shown = Signal()
    kept = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._moments: list[Moment] = []
        self._losses: list[tuple[int, float]] = []
        self._scores: list[tuple[int, float]] = []
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setObjectName("history")
        self._step = QLabel()
        self._step.setObjectName("step")
        self._keep = QPushButton("Keep this")
        self._keep.setObjectName("keep")
        self._keep.setToolTip("<p>A layer of what is shown now, with how it was made.</p>")
        room = self._step.fontMetrics().horizontalAdvance("step 100000")
        self._step.setFixedSize(room, self._keep.sizeHint().height())  # else each new number has the whole dock laid out anew
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        label = QLabel("History")
        for widget in (label, self._slider):
            widget.setToolTip("<p>Go back to what the preview showed after fewer steps: too few leave it blurred, too many learn the noise.</p>")
        row.addWidget(label)
        row.addWidget(self._slider, stretch=1)
        row.addWidget(self._step)
        row.addWidget(self._keep)
        self._refresh()

        self._slider.valueChanged.connect(self._on_slider)
        self._keep.clicked.connect(self.kept)

    @property
    def at_latest(self) -> bool:
        """Whether the latest moment is shown, or there is none."""
        return self._slider.value() == self._slider.maximum()

    @property
    def moment(self) -> Moment | None:
        """The moment shown."""
        return self._moments[self._slider.value()] if self._moments else None

    def empty(self) -> None:
        """Forget all moments."""
        self._moments, self._losses, self._scores = [], [], []
        self._refresh()

    def add(self, moment: Moment) -> None:
        """Note a moment, whose losses and scores are those since the last one; planes of another place begin anew."""
        self.note(moment.losses, moment.scores)
        latest = self.at_latest
        if self._moments and dict(self._moments[-1].at) != dict(moment.at):
            self._moments = []
        kept = self._slider.value()
        self._moments.append(replace(moment, losses=tuple(self._losses), scores=tuple(self._scores)))
        if self._too_many():
            self._moments, kept = [*self._moments[:-1][::2], self._moments[-1]], kept // 2
        self._refresh(None if latest else kept)

    def note(self, losses: tuple[tuple[int, float], ...], scores: tuple[tuple[int, float], ...]) -> None:
        """Note losses and scores of a time without a moment."""
        self._losses += losses
        self._scores += scores

    def _too_many(self) -> bool:
        size = sum(moment.image.nbytes for moment in self._moments)
        return len(self._moments) > FEWEST and (size > MOST_BYTES or len(self._moments) > MOST_MOMENTS)

    def _refresh(self, at: int | None = None) -> None:
        last = max(0, len(self._moments) - 1)
        with QSignalBlocker(self._slider):
            self._slider.setRange(0, last)
            self._slider.setValue(last if at is None else at)
        self._slider.setEnabled(last > 0)
        self._keep.setEnabled(bool(self._moments))
        self._tell()

    def _tell(self) -> None:
        self._step.setText(f"step {self.moment.step}" if self.moment else "")

    def _on_slider(self) -> None:
        self._tell()
        self.shown.emit()
