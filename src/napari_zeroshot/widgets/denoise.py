"""The Denoise dock: choose an image and a method, look at a preview, run, watch, keep the result."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from napari.layers import Image
from napari.utils.notifications import show_error
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QVBoxLayout

from napari_zeroshot.engine.device import give_memory_back, has_gpu, torch_is_loaded
from napari_zeroshot.engine.errors import DenoiseError, DeviceMemoryError
from napari_zeroshot.engine.result import Result
from napari_zeroshot.engine.run import denoise_steps
from napari_zeroshot.widgets.buttons import Buttons
from napari_zeroshot.widgets.dock import Dock, sentence
from napari_zeroshot.widgets.estimate import told_estimate, told_time
from napari_zeroshot.widgets.guide import connect_shortcuts
from napari_zeroshot.widgets.idle import Idle
from napari_zeroshot.widgets.layers import camera
from napari_zeroshot.widgets.layout import RoomyScroll, Sentence, beside, button
from napari_zeroshot.widgets.preview import Previewer
from napari_zeroshot.widgets.result_actions import ResultActions
from napari_zeroshot.widgets.run_here import RunHere
from napari_zeroshot.widgets.task import Task
from napari_zeroshot.widgets.task_form import TaskForm
from napari_zeroshot.widgets.watch import Watch

if TYPE_CHECKING:
    import napari

VIEW_RESTS = 200
"""Milliseconds for which the view must rest before the estimate follows it."""

RUNNING = "The layer “preview” shows the plane in view so far. Closing this dock ends the run."
AWAY = "The cluster does the work; the layer “preview” shows the plane in view once it is finished. Closing this dock ends the run."
CANCELLING = "Training stops; the best so far will be kept."
PREVIEWING = "The layer “preview” shows what is learnt so far."
CHECK_AXES = "Nothing says what the dimensions of this image are: check the axes above, then press View denoised."
PREVIEWED = "Previewed in {}, quickly and only what is in view; the layer “preview” now follows every change of settings."


class DenoiseWidget(Dock):
    """The dock. Without an image it offers a sample; with one, Preview and Run; while running, Cancel."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__(viewer)
        self._outcome = ""
        self._follows = self._short_of_memory = False

        self._form = TaskForm(viewer)
        self._of = self._form.layer
        self._estimate = Sentence("estimate", lines=2)
        self._buttons = Buttons(self._sample)
        self._watch = Watch(viewer)
        self._run = RunHere(viewer, self._watch)
        self._message = Sentence("message", lines=3)
        self._on_cpu = button("on_cpu", "Run on the CPU", "Slower, but with all of the computer's memory.")
        self._free = button("free", "Free GPU", "Lets go of what this dock holds in the memory of the graphics card.")
        self._previews = Previewer(self)
        self._actions = ResultActions(viewer)
        self._idle = Idle(self, self._form.runnable, self._is_free, lambda *told, **more: denoise_steps(*told, **more))
        self._view_rests = QTimer(self, singleShot=True, interval=VIEW_RESTS)
        self._lay_out()
        self._colour(self._watch.curves)
        self._refresh()

        self._form.image_changed.connect(self._on_image)
        self._form.scope_changed.connect(self._refresh)
        self._form.settings_changed.connect(self._on_settings)
        self._buttons.run.clicked.connect(self._on_run)
        self._buttons.preview.clicked.connect(self._on_preview)
        self._buttons.cancel.clicked.connect(self._on_cancel)
        self._buttons.end.clicked.connect(self._run.end_now)
        self._watch.history.shown.connect(self._watch.show_moment)
        self._watch.history.kept.connect(self._run.keep)
        self._on_cpu.clicked.connect(self._on_run_on_cpu)
        self._free.clicked.connect(self._on_free)
        self._run.told.connect(self._on_told)
        self._run.failed.connect(self._on_error)
        self._run.ended.connect(self._refresh)
        self._previews.begun.connect(self._on_preview_begun)
        self._previews.reported.connect(self._watch.report)
        self._previews.done.connect(self._on_preview_done)
        self._previews.failed.connect(self._on_error)
        self._previews.ended.connect(self._on_preview_ended)
        self._previews.due.connect(self._start_preview)
        self._idle.learnt.connect(self._refresh)
        self._view_rests.timeout.connect(self._refresh)
        connect_shortcuts(self, {"run": self._buttons.run.click, "preview": self._buttons.preview.click, "stop": self.cancel, "keep": self._run.keep})
        view = camera(viewer).events
        self._hear((viewer.dims.events.current_step, self._on_view), (view.center, self._on_view), (view.zoom, self._on_view))

    def _lay_out(self) -> None:
        self._on_cpu.hide()
        column = QVBoxLayout(self)
        column.addWidget(RoomyScroll(self._form))
        for widget in (self._estimate, self._buttons, self._watch.progress, self._message, self._watch.curves, self._watch.history, self._actions):
            column.addWidget(widget)
        column.addWidget(below := beside(self._on_cpu, self._free, self._copy))
        below.layout().insertStretch(0)
        column.addStretch()

    def _abandon(self) -> None:
        """End whatever goes on in other threads, without touching a widget: they may be gone."""
        self._previews.abandon()
        self._actions.abandon()
        self._idle.give_way()
        self._run.abandon()

    def _leave(self) -> None:
        self._idle.stop()
        self._view_rests.stop()
        self._form.leave()
        self._previews.stop()
        self._run.clear_away()
        self._watch.take_away()

    def _is_free(self) -> bool:
        return self._form.layer is not None and not self._run.busy and not self._previews.running

    # A run

    def _on_run(self) -> None:
        if self._run.busy:
            return
        self._previews.stop()
        self._idle.give_way()
        self._outcome, self._details = "", ""
        self._follows = self._short_of_memory = False
        self._form.settle()
        try:
            self._start(self._form.value())
        except DenoiseError as error:
            self._on_error(error)
        self._form.remember()
        self._refresh()

    def _start(self, task: Task) -> None:
        if task.viewed:
            from napari_zeroshot.engine.lazy import lazy_steps  # which loads dask's arrays

            self._run.start(task, lazy_steps)
        elif task.cluster:
            from napari_zeroshot.engine.cluster import remote_steps  # which loads dask

            self._run.start(task, partial(remote_steps, task.cluster))
        else:
            self._run.start(task, denoise_steps)

    def _on_cancel(self) -> None:
        self._run.cancel()
        self._refresh()

    def _on_told(self, sentence: str, details: str) -> None:
        self._outcome, self._details = sentence, details
        self._refresh()

    def _on_error(self, error: Exception) -> None:
        self._outcome = sentence(str(error))
        self._note_error(error)
        self._short_of_memory = isinstance(error, DeviceMemoryError)
        self._follows = False
        show_error(str(error))

    def cancel(self) -> None:
        """End the preview, or the run with the best so far; asked again, end it without waiting."""
        if self._previews.running:
            self._previews.stop()
        elif self._run.cancelling:
            self._run.end_now()
        else:
            self._on_cancel()

    def view(self, layer: Image) -> None:
        """Look at a layer's planes denoised, with the settings of this dock; during a run nothing happens."""
        if self._run.busy:
            return
        self._form.view(layer)
        if self._form.guessed:
            self._outcome = CHECK_AXES
            self._refresh()
        else:
            self._buttons.run.click()

    # Previews

    def _on_preview(self) -> None:
        if self._previews.running:
            self._previews.stop()
            return
        self._outcome, self._details = "", ""
        self._form.settle()
        self._preview_again()

    def _preview_again(self) -> None:
        self._idle.give_way()
        self._previews.start(self._form.preview(), denoise_steps)

    def _start_preview(self) -> None:
        """After a change of settings."""
        if not self._run.busy and not self._form.problem():
            self._outcome = ""
            self._preview_again()

    def _on_settings(self) -> None:
        self._follow()
        self._idle.later()
        self._refresh()

    def _follow(self) -> None:
        """Preview again, if there is a preview that the user wants."""
        if self._follows and not self._run.busy and self._watch.wanted and not self._form.problem():
            self._previews.later()

    def _on_preview_begun(self, task: Task) -> None:
        self._watch.begin(task)
        self._follows = True
        self._refresh()

    def _on_preview_done(self, result: Result) -> None:
        self._watch.previewed(result)
        self._details = json.dumps(result.provenance(), indent=1)
        self._outcome = PREVIEWED.format(told_time(result.seconds))

    def _on_preview_ended(self) -> None:
        self._watch.progress.stop()
        self._idle.later()
        self._refresh()

    # The rest

    def _on_image(self) -> None:
        """Another image, other axes, or layers that came and went."""
        self._idle.later()
        if self._of is not self._form.layer:  # what was said of the last one is not true of this
            self._of, self._outcome, self._details, self._short_of_memory = self._form.layer, "", "", False
        shown = self._watch.task
        if shown is not None and not self._run.busy and not self._form.shows(shown):
            self._previews.stop()
            if shown.source.layer not in self._viewer.layers:
                self._previews.forget()
                self._watch.forget()
            elif shown.source.layer is self._form.layer:
                self._follow()
        self._refresh()

    def _on_view(self) -> None:
        if self._form.follows_view:
            self._view_rests.start()
        self._run.follow_view()

    def _on_run_on_cpu(self) -> None:
        self._form.set_device("cpu")
        self._on_run()

    def _on_free(self) -> None:
        self._previews.forget()
        give_memory_back()
        self._outcome = "What was held of the graphics card's memory is free."
        self._refresh()

    def _refresh(self) -> None:
        """Show the state that the dock is in: no image, ready, previewing, running, cancelling, done or failed."""
        running = self._run.running
        self._form.setEnabled(not running)
        self._copy.setEnabled(bool(self._details))
        self._free.setEnabled(not running and torch_is_loaded() and has_gpu())
        self._on_cpu.setVisible(self._short_of_memory and not running)
        if running:
            self._buttons.show_running(cancelling=self._run.cancelling)
            self._message.setText(CANCELLING if self._run.cancelling else AWAY if self._run.away else RUNNING)
        else:
            self._show_ready(self._form.problem())

    def _show_ready(self, problem: str) -> None:
        task = None if problem else self._form.value()
        if self._form.layer is None:
            self._buttons.show_without_image()
        else:
            self._buttons.show_ready("Denoise" if task is None else self._form.does(task), ready=task is not None, previewing=self._previews.running)
        self._estimate.setText("" if task is None else told_estimate(task))
        self._message.setText(problem or (PREVIEWING if self._previews.running else self._outcome))
