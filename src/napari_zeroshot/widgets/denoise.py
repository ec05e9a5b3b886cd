"""The Denoise dock: choose an image and a method, look at a preview, run, watch, keep the result."""

from __future__ import annotations

import json
import traceback
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

from napari.utils.notifications import show_error
from napari.utils.theme import get_theme
from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QApplication, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_zeroshot.engine.device import give_memory_back, has_gpu, torch_is_loaded
from napari_zeroshot.engine.errors import DenoiseError, DeviceMemoryError, ImageError
from napari_zeroshot.engine.fallback import with_less_memory
from napari_zeroshot.engine.method import Method, Result
from napari_zeroshot.engine.params import Params
from napari_zeroshot.engine.plan import big_enough, checked_axes
from napari_zeroshot.engine.run import denoise_steps
from napari_zeroshot.widgets import habits
from napari_zeroshot.widgets.buttons import Buttons
from napari_zeroshot.widgets.estimate import told_device, told_size, told_time
from napari_zeroshot.widgets.filling import Filling
from napari_zeroshot.widgets.guide import connect_shortcuts, guide
from napari_zeroshot.widgets.history import Moment
from napari_zeroshot.widgets.idle import Idle
from napari_zeroshot.widgets.kept import keep_network
from napari_zeroshot.widgets.layers import METADATA, add_layer, add_result, camera, result_name, result_size, unique_name
from napari_zeroshot.widgets.layout import Fold, RoomyScroll, Sentence, align_labels
from napari_zeroshot.widgets.pace import Pace, expected_seconds
from napari_zeroshot.widgets.preview import Previewer
from napari_zeroshot.widgets.recipe import Recipe, RecipePicker
from napari_zeroshot.widgets.reproducibility import Reproducibility
from napari_zeroshot.widgets.result_actions import ResultActions
from napari_zeroshot.widgets.scope import ScopePicker
from napari_zeroshot.widgets.source import SourcePicker
from napari_zeroshot.widgets.task import Task
from napari_zeroshot.widgets.watch import Watch
from napari_zeroshot.widgets.worker import Report, Running, run_in_thread

if TYPE_CHECKING:
    import napari

NO_IMAGE = "Open an image to denoise it, or try the plugin on a sample."
VIEW_RESTS = 200
"""Milliseconds for which the view must rest before the estimate follows it."""

RUNNING = "The layer “preview” shows the plane in view so far. Closing this dock ends the run."
CANCELLING = "Training stops; the best so far will be kept."
PREVIEWING = "The layer “preview” shows what is learnt so far."


class DenoiseWidget(QWidget):
    """The dock. Without an image it offers a sample; with one, Preview and Run; while running, Cancel."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._running: Running | None = None
        self._task: Task | None = None
        self._begun: Task | None = None
        self._filling: Filling | None = None
        self._filled: Any = None
        self._outcome = self._details = ""
        self._follows = self._short_of_memory = False

        self._picker = SourcePicker(viewer)
        self._scope = ScopePicker()
        self._recipe = RecipePicker()
        self._options = Reproducibility()
        align_labels(self._picker.rows, self._scope.rows, self._recipe.rows)
        self._order = QWidget()
        order = QVBoxLayout(self._order)
        order.setContentsMargins(0, 0, 0, 0)
        for widget in (self._picker, self._scope, self._recipe, Fold("Reproducibility", self._options), guide()):
            order.addWidget(widget)
        self._estimate = Sentence("estimate", lines=2)
        self._buttons = Buttons()
        self._watch = Watch(viewer)
        self._message = Sentence("message", lines=3)
        self._on_cpu, self._free, self._copy = (QPushButton(text) for text in ("Run on the CPU", "Free GPU", "Copy details"))
        self._previews = Previewer(self)
        self._actions = ResultActions(self._viewer)
        self._idle = Idle(self, self._runnable, self._is_free, lambda *told, **more: denoise_steps(*told, **more))
        self._view_rests = QTimer(self)
        self._view_rests.setSingleShot(True)
        self._view_rests.setInterval(VIEW_RESTS)
        self._lay_out()
        self._recall()
        self._on_theme()
        self._refresh()

        self._picker.changed.connect(self._on_image)
        self._scope.changed.connect(self._refresh)
        self._recipe.changed.connect(self._on_settings)
        self._options.changed.connect(self._on_settings)
        self._buttons.run.clicked.connect(self._on_run)
        self._buttons.preview.clicked.connect(self._on_preview)
        self._buttons.cancel.clicked.connect(self._on_cancel)
        self._buttons.end.clicked.connect(self._on_end_now)
        self._buttons.sample.clicked.connect(self._on_sample)
        self._watch.history.shown.connect(self._watch.show_moment)
        self._watch.history.kept.connect(self._on_keep)
        self._on_cpu.clicked.connect(self._on_run_on_cpu)
        self._free.clicked.connect(self._on_free)
        self._copy.clicked.connect(self._on_copy)
        self._previews.begun.connect(self._on_preview_begun)
        self._previews.reported.connect(self._watch.report)
        self._previews.done.connect(self._on_preview_done)
        self._previews.failed.connect(self._on_error)
        self._previews.ended.connect(self._on_preview_ended)
        self._previews.due.connect(self._start_preview)
        self._idle.learnt.connect(self._refresh)
        self._view_rests.timeout.connect(self._refresh)
        connect_shortcuts(self, {"run": self._buttons.run.click, "preview": self._buttons.preview.click, "stop": self.cancel, "keep": self._on_keep})
        for event, slot in self._events():
            event.connect(slot)
        abandon = WeakMethod(self._abandon)
        self.destroyed.connect(lambda: (alive := abandon()) and alive())  # a slot of its own would not be called any more

    def _events(self) -> tuple[tuple[Any, Any], ...]:
        """What the viewer tells this dock; it would tell it a closed one too."""
        dims, view = self._viewer.dims.events, camera(self._viewer).events
        return (dims.current_step, self._on_view), (view.center, self._on_view), (view.zoom, self._on_view), (self._viewer.events.theme, self._on_theme)

    def _lay_out(self) -> None:
        below = QHBoxLayout()
        below.addStretch()
        for name, button in (("on_cpu", self._on_cpu), ("free", self._free), ("details", self._copy)):
            button.setObjectName(name)
            below.addWidget(button)
        self._free.setToolTip("<p>Lets go of what this dock holds in the memory of the graphics card.</p>")
        self._copy.setToolTip("<p>Copies how the result was made or, after an error, what a report of it needs.</p>")
        self._on_cpu.setToolTip("<p>Slower, but with all of the computer's memory.</p>")
        self._on_cpu.hide()
        column = QVBoxLayout(self)
        column.addWidget(RoomyScroll(self._order))
        for widget in (self._estimate, self._buttons, self._watch.progress, self._message, self._watch.progress.plot, self._watch.history):
            column.addWidget(widget)
        column.addWidget(self._actions)
        column.addLayout(below)
        column.addStretch()

    def event(self, event: QEvent) -> bool:
        """As any widget; when the dock is closed, which takes its parent away, end whatever goes on."""
        if event.type() == QEvent.Type.ParentChange and self.parentWidget() is None:
            self._leave()
        return super().event(event)

    def _abandon(self) -> None:
        """End whatever goes on in other threads, without touching a widget: they may be gone."""
        self._previews.abandon()
        self._actions.abandon()
        self._idle.give_way()
        if self._running is not None:
            self._running.abandon()
        if self._filling is not None:
            self._filling.close()
        self._running = None

    def _leave(self) -> None:
        self._abandon()
        self._idle.stop()
        self._view_rests.stop()
        for event, slot in self._events():
            event.disconnect(slot)
        self._picker.leave()
        self._previews.stop()
        self._clear_away()
        self._watch.take_away()

    # What is to be done

    def _ordered(self) -> Task:
        source, recipe = self._picker.value(), self._recipe.value()
        return Task(source, self._scope.region(source, self._viewer), recipe.method, recipe.preset, recipe.params, self._options.value())

    def _ordered_preview(self) -> Task:
        whole = self._ordered()
        region = whole.source.visible(self._viewer, int(habits.preference("preview_size")))
        return replace(whole, region=region, preset="preview", params=whole.method.quick(whole.params))

    def _problem(self) -> str:
        """What keeps Run from being pressed."""
        if self._picker.layer is None:
            return NO_IMAGE
        try:
            axes, task = self._picker.axes(), self._ordered()
            big_enough(checked_axes(task.source.data, axes.letters), task.method)
            big_enough(task.axes, task.method)
        except DenoiseError as error:
            return str(error)
        return ""

    def _runnable(self) -> Task | None:
        return None if self._problem() else self._ordered()

    def _is_free(self) -> bool:
        return self._picker.layer is not None and self._task is None and not self._previews.running

    # A run

    def _on_run(self) -> None:
        if self._task is not None:
            return
        self._previews.stop()
        self._idle.give_way()
        self._outcome, self._details = "", ""
        self._follows = self._short_of_memory = False
        self._picker.settle()
        try:
            self._start(self._ordered())
        except DenoiseError as error:
            self._on_error(error)
        self._remember()
        self._refresh()

    def _start(self, task: Task) -> None:
        self._watch.begin(task)
        self._task = self._begun = task
        self._filling, pace = Filling.for_task(task), Pace()
        if self._filling.on_disk:
            name = unique_name(result_name(task.source.name, task.unfinished(None, task.region)), [layer.name for layer in self._viewer.layers])
            self._filled = add_layer(self._viewer, task.source, self._filling.array, task.region, name=name)
        run = partial(task.steps, denoise_steps, out=self._filling)
        self._running = run_in_thread(
            lambda cancelled: pace.timed(with_less_memory(partial(run, cancelled), task.params)),
            at=task.within(task.source.plane_in_view(self._viewer)),
            on_report=self._on_report,
            on_result=lambda result: self._on_result(result, pace),
            on_error=self._on_error,
            on_end=lambda: self._on_end(task),
        )

    def _on_report(self, report: Report) -> None:
        if self._running is None:
            return
        if self._filled is not None and report.progress.loss is None and self._filled in self._viewer.layers:
            self._filled.refresh()
        self._follow_view()
        self._watch.report(report)

    def _on_view(self) -> None:
        if self._scope.follows_view:
            self._view_rests.start()
        self._follow_view()

    def _follow_view(self) -> None:
        """Ask for previews of the plane in view, unless the user has deleted them."""
        if self._running is not None:
            self._running.show(self._watch.plane(self._viewer))

    def _on_result(self, result: Result, pace: Pace) -> None:
        task, filled = self._task, self._filled
        if task is None:
            return
        self._details = json.dumps(result.provenance(), indent=1)
        if result.planes_done == 0:
            self._clear_away()
            self._outcome = "Cancelled before anything was denoised; there is no result."
            return
        pace.remember(task, result)
        self._add(task, replace(result, image=getattr(result.image, "array", result.image)), filled)
        self._clear_away()
        self._watch.progress.finish(result.losses, result.scores)
        self._outcome = " ".join((f"Done in {told_time(result.seconds)}. {self._outcome}", *result.notes))

    def _add(self, task: Task, result: Result, filled: Any = None) -> None:
        """Show a result, in the layer that it filled if there is one, and say so."""
        if filled is None:
            filled = add_result(self._viewer, task.source, result, task.region, self._watch.layer)
        else:
            filled.metadata = {**task.source.layer.metadata, METADATA: result.provenance()}
            filled.refresh()
        keep_network(filled, result)
        self._outcome = f"The result is the layer “{filled.name}”" + ("; the source is hidden." if not task.source.layer.visible else ".")

    def _on_error(self, error: Exception) -> None:
        task, so_far = self._task, error.so_far if isinstance(error, DenoiseError) else None
        if task is not None and so_far is not None:
            self._add(task, replace(so_far, image=getattr(so_far.image, "array", so_far.image)), self._filled)
            self._outcome = f"{so_far.notes[-1]} {self._outcome}"
        else:
            self._outcome = str(error)
        self._details = "".join(traceback.format_exception(error))
        self._short_of_memory = isinstance(error, DeviceMemoryError)
        self._follows = False
        show_error(str(error))

    def _on_end(self, task: Task) -> None:
        if self._running is None or self._begun is not task:  # ended without waiting, or the dock is gone
            return
        self._running = None
        self._clear_away()
        self._outcome = self._outcome or "The run was ended without a result."
        self._refresh()

    def _clear_away(self) -> None:
        """Once for each run: no preview and no moving bar outlive it."""
        if self._task is None:
            return
        self._watch.take_away()
        self._task = self._filling = self._filled = None
        self._watch.progress.stop()

    def _on_cancel(self) -> None:
        if self._running is not None:
            self._running.cancel()
            self._refresh()

    def _on_end_now(self) -> None:
        """Wait no longer: keep the finished planes, or else what the preview showed last."""
        running, task, filling, filled, moment = self._running, self._task, self._filling, self._filled, self._watch.history.moment
        if running is None or task is None or filling is None:
            return
        running.abandon()
        filling.close()
        self._running = None
        self._clear_away()
        if filling.planes or filled is not None:
            note = f"Ended at once: {filling.planes} of {task.planes} planes are denoised, the others are empty."
            result = task.unfinished(filling.array, task.region, moment, planes=task.planes, planes_done=filling.planes, notes=(note,))
            self._add(task, result, filled)
            self._outcome = f"{self._outcome} {note}"
        elif moment is not None:
            self._keep(task, moment)
        else:
            self._outcome = "Ended before anything was denoised; there is no result."
        self._refresh()

    def _on_keep(self) -> None:
        task, moment = self._watch.task, self._watch.history.moment
        if task is not None and moment is not None:
            self._keep(task, moment)
            self._refresh()

    def _keep(self, task: Task, moment: Moment) -> None:
        result = task.kept(moment)
        added = add_result(self._viewer, task.source, result, task.where(moment.at))
        added.name = unique_name(f"{added.name} step={moment.step}", [layer.name for layer in self._viewer.layers if layer is not added])
        self._details = json.dumps(result.provenance(), indent=1)
        self._outcome = f"Kept as the layer “{added.name}”."

    # Previews

    def _on_preview(self) -> None:
        if self._previews.running:
            self._previews.stop()
            return
        self._outcome, self._details = "", ""
        self._picker.settle()
        self._preview_again()

    def _preview_again(self) -> None:
        self._idle.give_way()
        self._previews.start(self._ordered_preview(), denoise_steps)

    def _start_preview(self) -> None:
        """After a change of settings."""
        if self._task is None and not self._problem():
            self._outcome = ""
            self._preview_again()

    def _on_settings(self) -> None:
        if self._follows and self._task is None and self._watch.wanted and not self._problem():
            self._previews.later()
        self._refresh()

    def _on_preview_begun(self, task: Task) -> None:
        self._watch.begin(task)
        self._follows = True
        self._refresh()

    def _on_preview_done(self, result: Result) -> None:
        self._watch.previewed(result)
        self._details = json.dumps(result.provenance(), indent=1)
        self._outcome = f"Previewed in {told_time(result.seconds)}, quickly and only what is in view; the layer “preview” now follows every change of settings."

    def _on_preview_ended(self) -> None:
        self._watch.progress.stop()
        self._refresh()

    # The rest

    def _recall(self) -> None:
        """Begin as the user left off."""
        self._recipe.recall(habits.preference("method"))
        self._options.set_device_and_type(habits.preference("device"), habits.preference("output_type"))

    def _remember(self) -> None:
        recipe, options = self._recipe.value(), self._options.value()
        for name, value in (("method", recipe.method.name), ("device", options["device"]), ("output_type", options["dtype"])):
            habits.prefer(name, value)
        habits.Notebook("recipes").put(recipe.method.name, {"preset": recipe.preset, "changes": recipe.changes()})

    def _on_image(self) -> None:
        """Another image, other axes, or layers that came and went."""
        self._idle.later()
        shown = self._watch.task
        if shown is not None and self._task is None and shown.source.layer not in self._viewer.layers:
            self._previews.stop()
            self._previews.forget()
            self._watch.forget()
        self._refresh()

    def adopt(self, method: Method, params: Params) -> None:
        """Show a method and its parameters, as chosen elsewhere: all that differs from the method's defaults is bold."""
        self._recipe.set_value(Recipe(method, "default", params))

    def cancel(self) -> None:
        """End the preview, or the run with the best so far; asked again, end it without waiting."""
        if self._previews.running:
            self._previews.stop()
        elif self._running is not None and self._running.cancelling:
            self._on_end_now()
        else:
            self._on_cancel()

    def _on_run_on_cpu(self) -> None:
        self._options.set_device_and_type("cpu", str(self._options.value()["dtype"]))
        self._on_run()

    def _on_free(self) -> None:
        self._previews.forget()
        give_memory_back()
        self._outcome = "What was held of the graphics card's memory is free."
        self._refresh()

    def _on_sample(self) -> None:
        self._viewer.open_sample("napari-zeroshot", "noisy_plane")

    def _on_copy(self) -> None:
        QApplication.clipboard().setText(self._details)

    def _on_theme(self) -> None:
        self._watch.progress.plot.recolour(get_theme(self._viewer.theme))

    def _refresh(self) -> None:
        """Show the state that the dock is in: no image, ready, previewing, running, cancelling, done or failed."""
        running, problem = self._running, self._problem()
        self._order.setEnabled(running is None)
        self._copy.setEnabled(bool(self._details))
        self._free.setEnabled(running is None and torch_is_loaded() and has_gpu())
        self._on_cpu.setVisible(self._short_of_memory and running is None)
        if running is not None:
            self._buttons.show_running(cancelling=running.cancelling)
            self._message.setText(CANCELLING if running.cancelling else RUNNING)
            return
        self._scope.set_axes(self._axes())
        if self._picker.layer is None:
            self._buttons.show_without_image()
        else:
            does = "Denoise" if problem else self._scope.told(self._picker.axes(), self._ordered().region)
            self._buttons.show_ready(does, ready=not problem, previewing=self._previews.running)
        self._estimate.setText("" if problem else self._told_estimate())
        self._message.setText(problem or (PREVIEWING if self._previews.running else self._outcome))

    def _axes(self) -> Any:
        try:
            return self._picker.axes()
        except ImageError:
            return None

    def _told_estimate(self) -> str:
        task = self._ordered()
        seconds = expected_seconds(task)
        size = result_size(task.source, task.shape, as_float32=task.options["dtype"] == "float32")
        parts = ["" if seconds is None else f"About {told_time(seconds)}", f"result {told_size(size)}"]
        where = told_device(self._options.device, trains=task.method.trains)
        told = " · ".join([*(part for part in parts if part), where])
        return told[0].upper() + told[1:]
