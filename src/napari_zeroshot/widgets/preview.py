"""Previews: the visible part of the plane in view, denoised quickly, again after every change of settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_zeroshot.engine.result import Result
from napari_zeroshot.widgets.pace import Pace
from napari_zeroshot.widgets.task import RunSteps, Task
from napari_zeroshot.widgets.worker import Running, run_in_thread

DEBOUNCE = 300
"""Milliseconds for which settings must rest before a preview begins by itself."""


class Previewer(QObject):
    """Runs one preview at a time: a newer one cancels the older, of which nothing more is heard.

    Where only tunable parameters have changed, a preview goes on from the network of the last one.
    """

    begun = Signal(object)
    reported = Signal(object)
    done = Signal(object)
    failed = Signal(object)
    ended = Signal()
    due = Signal()

    def __init__(self, parent: QObject, pause: int = DEBOUNCE) -> None:
        super().__init__(parent)
        self._running: Running | None = None
        self._latest: object | None = None
        self._last: tuple[Task, Result] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(pause)
        self._timer.timeout.connect(self.due)

    @property
    def running(self) -> bool:
        """Whether a preview is under way."""
        return self._running is not None

    def later(self) -> None:
        """Emit `due` once nothing has changed for a moment; what is under way is out of date and ends."""
        self.stop()
        self._timer.start()

    def start(self, task: Task, run: RunSteps) -> None:
        """Begin a preview in the place of any other."""
        self.stop()
        pace, known = Pace(), self._known(task)
        task = replace(task, continued="start" in known)
        latest = self._latest = object()  # what an earlier preview still had to say is not heard

        def heard(callback: Callable[..., None]) -> Callable[..., None]:
            return lambda *told: callback(*told) if self._latest is latest else None

        self._running = run_in_thread(
            lambda cancelled: pace.timed(task.steps(run, cancelled, cautions=False, **known)),
            at={},
            on_report=heard(self.reported.emit),
            on_result=heard(lambda result: self._on_result(task, pace, result)),
            on_error=heard(self._on_error),
            on_end=heard(self._on_end),
        )
        self.begun.emit(task)  # now, that whoever hears it finds it running

    def stop(self) -> None:
        """End what is under way, and what is due."""
        self._timer.stop()
        if self.running:
            self.abandon()
            self.ended.emit()

    def abandon(self) -> None:
        """End what is under way, without a word."""
        self._latest = None
        if self._running is not None:
            self._running.abandon()
            self._running = None

    def forget(self) -> None:
        """Let go of the last network, and of the memory it holds."""
        self._last = None

    def _known(self, task: Task) -> dict[str, Any]:
        """What the last preview learned, as far as it is of use."""
        if self._last is None:
            return {}
        last, result = self._last
        if task.differs_only_in_what_can_be_tuned(last):
            return {"start": result.denoiser, "levels": result.levels}
        return {"levels": result.levels} if task.is_of_the_same_pixels(last) else {}

    def _on_result(self, task: Task, pace: Pace, result: Result) -> None:
        self._last = (task, result)
        pace.remember(task, result)
        self.done.emit(result)

    def _on_error(self, error: Exception) -> None:
        self.forget()  # what went wrong may be the network: one on a card that was lost fails ever again
        self.failed.emit(error)

    def _on_end(self) -> None:
        self._running = None
        self.ended.emit()
