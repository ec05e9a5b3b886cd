"""A run in the dock: watched while it learns, cancelled or ended at once, its result a new layer."""

from __future__ import annotations

import json
import traceback
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_zeroshot.engine.errors import DenoiseError
from napari_zeroshot.engine.method import Setup
from napari_zeroshot.engine.result import Result
from napari_zeroshot.widgets.estimate import told_time
from napari_zeroshot.widgets.filling import Filling
from napari_zeroshot.widgets.history import Moment
from napari_zeroshot.widgets.kept import keep_network
from napari_zeroshot.widgets.layers import METADATA, add_layer, add_result, result_name, unique_name
from napari_zeroshot.widgets.pace import Pace
from napari_zeroshot.widgets.task import At, RunSteps, Task
from napari_zeroshot.widgets.watch import Watch
from napari_zeroshot.widgets.worker import Report, Running, run_in_thread

if TYPE_CHECKING:
    import napari

NOTHING = "Cancelled before anything was denoised; there is no result."
VIEWED = "The layer “{}” denoises each plane when you go to it; save it to keep them all."


class RunHere(QObject):
    """One run at a time; `told` is a sentence on what came of it with the details, `failed` its error, `ended` comes last, whatever happened."""

    told = Signal(str, str)
    failed = Signal(object)
    ended = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, watch: Watch) -> None:
        super().__init__()
        self._viewer, self._watch = viewer, watch
        self._running: Running | None = None
        self._task: Task | None = None
        self._begun: Task | None = None
        self._filling: Filling | None = None
        self._filled: Any = None
        self._setup: Setup | None = None
        self._answered = False

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._running is not None

    @property
    def cancelling(self) -> bool:
        """Whether the run was asked to end."""
        return self._running is not None and self._running.cancelling

    @property
    def busy(self) -> bool:
        """Whether there is a run whose result is not yet a layer."""
        return self._task is not None

    @property
    def away(self) -> bool:
        """Whether there is a run, and a cluster does it."""
        return self._task is not None and bool(self._task.cluster)

    def start(self, task: Task, run: RunSteps) -> None:
        """Begin a run.

        Raises
        ------
        DenoiseError
            If there is no room for the result; then nothing is begun.
        """
        filling = None if task.viewed else Filling.for_task(task)
        name = self._name_while_filled(task) if filling is not None and filling.on_disk else ""
        self._watch.begin(task)
        self._task = self._begun = task
        self._filling, self._setup, self._answered = filling, None, False
        if filling is not None and name:
            self._filled = add_layer(self._viewer, task.source, filling.array, task.region, name=name)
        pace, steps = Pace(), partial(task.steps, run, **({"out": self._filling} if self._filling is not None else {}))
        self._running = run_in_thread(
            lambda cancelled: pace.timed(steps(cancelled)),
            at=self._plane_to_show(),
            on_report=self._on_report,
            on_result=lambda result: self._on_result(result, pace),
            on_error=self._on_error,
            on_end=lambda: self._on_end(task),
        )

    def _name_while_filled(self, task: Task) -> str:
        """The name of the layer that shows the planes on the disk as they come."""
        return unique_name(result_name(task.source.name, task.unfinished(None, task.region)), [layer.name for layer in self._viewer.layers])

    def cancel(self) -> None:
        """Ask for the best so far."""
        if self._running is not None:
            self._running.cancel()

    def end_now(self) -> None:
        """Wait no longer: keep the finished planes, or else what the preview showed last."""
        running, task, filling, filled, moment = self._running, self._task, self._filling, self._filled, self._watch.history.moment
        if running is None or task is None:
            return
        self.abandon()
        self.clear_away()
        if filling is not None and (filling.planes or filled is not None):
            self._keep_planes(task, filling, filled, moment, "Ended at once:")
        elif moment is not None:
            self._keep(task, moment)
        else:
            self.told.emit("Ended before anything was denoised; there is no result.", "")
        self.ended.emit()

    def keep(self) -> None:
        """Make a layer of the moment that the history shows."""
        task, moment = self._watch.task, self._watch.history.moment
        if task is not None and moment is not None:
            self._keep(task, moment)

    def follow_view(self) -> None:
        """Ask for previews of the plane in view, unless the user has deleted them."""
        if self._running is not None:
            self._running.show(self._plane_to_show())

    def _plane_to_show(self) -> At | None:
        """The plane in view, if it is wanted; of a run elsewhere, whose networks are there, only once it is finished."""
        at = self._watch.plane(self._viewer)
        unfinished = self.away and (self._filling is None or at is None or not self._filling.has(at))
        return None if unfinished else at

    def abandon(self) -> None:
        """End the run and want nothing more of it, without touching a widget: they may be gone."""
        if self._running is not None:
            self._running.abandon()
        if self._filling is not None:
            self._filling.close()
        self._running = None

    def clear_away(self) -> None:
        """Once for each run: no preview and no moving bar outlive it."""
        if self._task is None:
            return
        self._watch.take_away()
        self._task = self._filling = self._filled = None
        self._watch.progress.stop()

    def _on_report(self, report: Report) -> None:
        if self._running is None:
            return
        if self._filled is not None and report.progress.loss is None and self._filled in self._viewer.layers:
            self._filled.refresh()
        self.follow_view()
        self._setup = report.progress.setup or self._setup
        self._watch.report(report)

    def _on_result(self, result: Result, pace: Pace) -> None:
        task, filled = self._task, self._filled
        if task is None:
            return
        details = json.dumps(result.provenance(), indent=1)
        if result.planes_done == 0:
            self._take_away_empty()
            self.clear_away()
            self._tell(NOTHING, details)
            return
        pace.remember(task, result)
        where = self._add(task, result, filled)
        self.clear_away()
        self._watch.finish(result)
        self._tell(" ".join((f"Done in {told_time(result.seconds)}. {where}", *result.notes)), details)

    def _add(self, task: Task, result: Result, filled: Any = None) -> str:
        """Show a result, in the layer that it filled if there is one; what there is to say of it."""
        result = replace(result, image=getattr(result.image, "array", result.image))
        if filled is None:
            filled = add_result(self._viewer, task.source, result, task.region, self._watch.layer)
        else:
            filled.metadata = {**task.source.layer.metadata, METADATA: result.provenance()}
            filled.refresh()
        shown = f"The result is the layer “{filled.name}”" + ("; the source is hidden." if not task.source.layer.visible else ".")
        return f"{VIEWED.format(filled.name) if task.viewed else shown} {keep_network(filled, result)}".strip()

    def _keep_planes(self, task: Task, filling: Filling, filled: Any, moment: Moment | None, why: str, details: str = "") -> None:
        note = f"{why} {filling.planes} of {task.planes} planes are denoised, the others are empty."
        result = task.unfinished(filling.array, task.region, moment, self._setup, planes=task.planes, planes_done=filling.planes, notes=(note,))
        self._tell(f"{self._add(task, result, filled)} {note}", details or json.dumps(result.provenance(), indent=1))

    def _take_away_empty(self) -> None:
        """Of a result that did not come to be, no layer is left either."""
        if self._filled is not None and self._filled in self._viewer.layers:
            self._viewer.layers.remove(self._filled)

    def _keep(self, task: Task, moment: Moment) -> None:
        result = task.kept(moment)
        added = add_result(self._viewer, task.source, result, task.where(moment.at))
        added.name = unique_name(f"{added.name} · step {moment.step}", [layer.name for layer in self._viewer.layers if layer is not added])
        self.told.emit(f"Kept as the layer “{added.name}”.", json.dumps(result.provenance(), indent=1))

    def _tell(self, sentence: str, details: str = "") -> None:
        self._answered = True
        self.told.emit(sentence, details)

    def _on_error(self, error: Exception) -> None:
        self._answered = True
        self.failed.emit(error)
        task, filling, details = self._task, self._filling, "".join(traceback.format_exception(error))
        so_far = error.so_far if isinstance(error, DenoiseError) else None
        if task is None:
            return
        if so_far is not None:
            self._tell(f"{so_far.notes[-1]} {self._add(task, so_far, self._filled)}", details)
        elif filling is not None and filling.planes:
            self._keep_planes(task, filling, self._filled, self._watch.history.moment, f"The run failed: {str(error).removesuffix('.')}.", details)
        else:
            self._take_away_empty()

    def _on_end(self, task: Task) -> None:
        if self._running is None or self._begun is not task:  # ended without waiting, or the dock is gone
            return
        self._running = None
        self.clear_away()
        if not self._answered:
            self._tell("The run was ended without a result.")
        self.ended.emit()
