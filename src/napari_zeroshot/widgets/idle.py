"""The time when nothing else goes on: torch is loaded and the method's pace is tried, so that neither is waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_zeroshot.engine.device import torch_is_loaded
from napari_zeroshot.widgets.pace import Pace, calibration, expected_seconds
from napari_zeroshot.widgets.task import RunSteps, Task
from napari_zeroshot.widgets.worker import Running, run_in_thread, warm_up

PAUSE = 1500
"""Milliseconds without a change after which the time is used."""


def ignored(_: Any) -> None:
    """What a calibration reports."""


class Idle(QObject):
    """Loads torch and tries methods once nobody has touched the dock for a moment; `learnt` when something is known that was not.

    Parameters
    ----------
    task
        What the user may want next; None if that cannot be run.
    free
        Whether nothing else goes on, and there is an image.
    run
        `denoise_steps`.
    """

    learnt = Signal()

    def __init__(self, parent: QObject, task: Callable[[], Task | None], free: Callable[[], bool], run: RunSteps) -> None:
        super().__init__(parent)
        self._task, self._free, self._run = task, free, run
        self._calibrating: Running | None = None
        self._tried: Task | None = None
        self._warming = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE)
        self._timer.timeout.connect(self._on_idle)

    def later(self) -> None:
        """Use the time once nothing has changed for a moment."""
        self._timer.start()

    def give_way(self) -> None:
        """End a calibration: the user wants the processor."""
        if self._calibrating is not None:
            self._calibrating.abandon()
            self._calibrating = None

    def stop(self) -> None:
        """Do nothing from now on."""
        self._timer.stop()
        self.give_way()

    def _on_idle(self) -> None:
        if not self._free():
            return
        if torch_is_loaded():
            self._calibrate()
            self.learnt.emit()
            return
        if not self._warming:
            self._warming = True
            warm_up()
        self._timer.start()

    def _calibrate(self) -> None:
        """Find out how long this method takes here, if it was never run before."""
        task = self._task()
        if self._calibrating is not None or task is None or task.cluster or expected_seconds(task) is not None:
            return
        short, pace = calibration(task), Pace()
        self._tried = short
        self._calibrating = run_in_thread(
            lambda cancelled: pace.timed(short.steps(self._run, cancelled, cautions=False)),
            on_report=ignored,
            on_result=lambda result: pace.remember(short, result),
            on_error=ignored,
            on_end=lambda: self._on_end(short),
        )

    def _on_end(self, tried: Task) -> None:
        if self._calibrating is None or self._tried is not tried:  # it has given way, and maybe to another
            return
        self._calibrating = None
        self.learnt.emit()
