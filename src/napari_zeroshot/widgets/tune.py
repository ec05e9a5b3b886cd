"""The Tune dock: sliders whose effect is seen at once, and a sheet of many settings side by side."""

from __future__ import annotations

from collections.abc import Generator, Hashable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSignalBlocker, QTimer
from qtpy.QtWidgets import QCheckBox, QDockWidget, QLabel, QVBoxLayout

from napari_zeroshot.engine.device import torch_is_loaded
from napari_zeroshot.engine.errors import DenoiseError
from napari_zeroshot.engine.method import Progress
from napari_zeroshot.engine.result import Result
from napari_zeroshot.widgets import habits
from napari_zeroshot.widgets.dock import Dock, sentence
from napari_zeroshot.widgets.estimate import told_time
from napari_zeroshot.widgets.layers import Preview, camera
from napari_zeroshot.widgets.layout import Fold, RoomyScroll, Sentence, align_labels, below, beside, button
from napari_zeroshot.widgets.naming import told_changes
from napari_zeroshot.widgets.preview import Previewer
from napari_zeroshot.widgets.recent import Picture, Recent
from napari_zeroshot.widgets.recipe import RecipePicker
from napari_zeroshot.widgets.reproducibility import nan_in_denoise_dock
from napari_zeroshot.widgets.source import SourcePicker
from napari_zeroshot.widgets.sweep_panel import SweepPanel
from napari_zeroshot.widgets.task import Recipe, Task
from napari_zeroshot.widgets.tuning import TuningSliders
from napari_zeroshot.widgets.worker import Report, warm_up

if TYPE_CHECKING:
    import napari

NO_IMAGE = "Open an image to tune a method on, or try the plugin on a sample."
FIRST = "Move a slider, or press Preview: the layer “preview” shows what the settings make of the region."
TUNED_FIRST = "zs-n2m"
"""Where Auto is preferred, which decides for itself: of the others this has the most telling knob, how smooth the result is."""
PREVIEWING = "The layer “preview” shows what is learnt so far."
OPTIONS = {"seed": 0, "stack": "shared", "dtype": "same"}
"""How previews and sweeps run, besides the device that Preferences name and what the Denoise dock says of NaN."""
PAUSE = 100
"""Milliseconds for which sliders must rest before a preview begins."""
VIEW_RESTS = 300
"""Milliseconds for which the view must rest before the region follows it."""
IDLE = 800
"""Milliseconds after which torch is loaded, so that the first preview need not wait for it."""
UNDO_MOST = 100
"""Changes that can be undone."""


class TuneWidget(Dock):
    """The dock. Without an image it offers a sample; with one, sliders and a live preview; below them, sweeps."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__(viewer)
        self._of: Any = None
        self._preview: Preview | None = None
        self._shown: Task | None = None
        self._pinned: dict[str, tuple[int, int]] | None = None
        self._outcome = ""
        self._warming = False
        self._recent = Recent()

        self._picker = SourcePicker(viewer)
        self._recipe = RecipePicker(TuningSliders, first=TUNED_FIRST)
        preferred = habits.preference("method")
        self._recipe.recall(TUNED_FIRST if preferred == "auto" else preferred)
        self._now = self._recipe.value()
        self._past: list[Recipe] = []
        self._region, self._pin = QLabel(), QCheckBox("Pin")
        self._show = button("preview", "Preview", "Shows what these settings make of the region.")
        self._undo = button("undo", "Undo", "Back to the settings before the last change.")
        self._use = button("use", "Use in Denoise", "Chooses this method with these settings in the Denoise dock, and opens that if it is closed.")
        self._message = Sentence("message", lines=3)
        self._sweeps = SweepPanel(viewer)
        self._previews = Previewer(self, PAUSE)
        self._idle, self._view_rests = (QTimer(self, singleShot=True, interval=pause) for pause in (IDLE, VIEW_RESTS))
        self._lay_out()
        self._colour(self._sweeps.sheet)
        self._offer()
        self._on_image()

        self._picker.changed.connect(self._on_image)
        self._recipe.changed.connect(self._on_recipe)
        self._pin.toggled.connect(self._on_pin)
        self._show.clicked.connect(self._on_show)
        self._undo.clicked.connect(self._on_undo)
        self._use.clicked.connect(self._on_use)
        self._sweeps.wanted.connect(self._on_sweep)
        self._sweeps.chosen.connect(self._on_tile)
        self._sweeps.looked_at.connect(self._look_at)
        self._sweeps.told.connect(self._on_told)
        self._sweeps.failed.connect(self._on_sweep_failed)
        self._sweeps.changed.connect(self._refresh)
        self._previews.begun.connect(self._watch)
        self._previews.reported.connect(self._on_preview_report)
        self._previews.done.connect(self._on_preview_done)
        self._previews.failed.connect(self._on_error)
        self._previews.ended.connect(self._refresh)
        self._previews.due.connect(self._start_preview)
        self._idle.timeout.connect(self._on_idle)
        self._view_rests.timeout.connect(self._on_view_rests)
        view = camera(viewer).events
        self._hear(*((event, self._on_view) for event in (viewer.dims.events.current_step, view.center, view.zoom)))

    def _lay_out(self) -> None:
        self._region.setObjectName("region")
        self._pin.setObjectName("pin")
        self._pin.setToolTip("<p>Keep this region; else it is what can be seen, and follows the view.</p>")
        align_labels(self._picker.rows, self._recipe.rows)
        self._inside = below(self._picker, self._recipe, beside((self._region, 1), self._pin), beside((self._show, 1), self._undo, (self._use, 1)))
        self._fold = Fold("Sweep", self._sweeps)
        outer = QVBoxLayout(self)
        outer.addWidget(RoomyScroll(below(self._inside, self._message, self._sample, self._fold, self._copy)))
        outer.addStretch()

    def _abandon(self) -> None:
        """End whatever goes on in other threads, without touching a widget: they may be gone."""
        self._previews.abandon()
        self._sweeps.abandon()

    def _leave(self) -> None:
        for timer in (self._idle, self._view_rests):
            timer.stop()
        self._picker.leave()
        self._sweeps.leave()
        self._previews.stop()
        if self._preview is not None:
            self._preview.remove()

    # What is to be done

    def _task(self) -> Task:
        """The settings on the region, to be run in full."""
        source, recipe = self._picker.value(), self._now
        region = self._pinned or source.visible(self._viewer, int(habits.preference("preview_size")))
        options = {**OPTIONS, "device": habits.preference("device"), "nan": nan_in_denoise_dock(self._viewer)}
        return Task(source, region, recipe.method, recipe.preset, recipe.params, options)

    def _preview_task(self) -> Task:
        """The same, quickly; but where the user has moved the steps, with all of them, or nothing would be seen of that."""
        task = self._task()
        params = task.method.quick(task.params)
        if "steps" in self._now.changes():
            params = params.replace(steps=task.params.steps)
        return replace(task, preset="preview", params=params)

    def _problem(self) -> str:
        """What keeps anything from being shown."""
        if self._picker.layer is None:
            return NO_IMAGE
        try:
            self._task().check()
        except DenoiseError as error:
            return sentence(str(error))
        return ""

    # Sliders

    def _on_recipe(self) -> None:
        recipe = self._recipe.value()
        if recipe == self._now:
            return
        self._note(recipe)
        self._outcome = ""
        self._show_or_make()
        self._refresh()

    def _note(self, recipe: Recipe) -> None:
        """Take over new settings, and keep the last ones to go back to."""
        self._past = [*self._past, self._now][-UNDO_MOST:]
        self._now = recipe
        self._offer()

    def _offer(self) -> None:
        """Offer what belongs to the method and preset."""
        self._recipe.form.set_usual(self._now.method.settings(self._now.preset))
        self._sweeps.form.set_method(self._now.method)

    def _set_recipe(self, recipe: Recipe) -> None:
        """Show settings without making a picture of them."""
        with QSignalBlocker(self._recipe):
            self._recipe.set_value(recipe)

    def _on_undo(self) -> None:
        if self._past:
            self._now = self._past.pop()
            self._set_recipe(self._now)
            self._offer()
            self._outcome = ""
            self._show_or_make()
            self._refresh()

    def _on_use(self) -> None:
        self._hand_over(self._now)
        self._refresh()

    def _hand_over(self, recipe: Recipe) -> None:
        from napari_zeroshot.widgets.adopt import adopt  # which loads the Denoise dock

        adopt(self._viewer, recipe)
        changes = told_changes(recipe.method, recipe.changes()) or f"the values of preset “{recipe.preset}”"
        self._outcome = f"The Denoise dock now has {recipe.method.title} with {changes}."

    def _come_forward(self) -> None:
        """Stay in sight: the Denoise dock, which may just have been opened, shares a place with this one."""
        around: Any = self
        while around is not None and not isinstance(around, QDockWidget):
            around = around.parentWidget()
        if around is not None:
            around.raise_()

    # Previews

    def _show_or_make(self) -> None:
        """Show the picture of the settings, unless the user has deleted the preview: at once if it is known, else as soon as they rest."""
        self._previews.stop()
        if self._sweeps.running or self._problem() or (self._preview is not None and not self._preview.wanted):
            return
        if not self._show_known():
            self._previews.later()

    def _show_known(self) -> bool:
        task = self._preview_task()
        known = self._recent.get(task.source.whole, _key(task))
        if known is not None:
            self._watch(task)
            self._show_picture(known.image)
            self._outcome = f"As before; it took {told_time(known.seconds)}."
        return known is not None

    def _on_show(self) -> None:
        if self._previews.running:
            self._previews.stop()
            return
        self._picker.settle()
        self._outcome = ""
        if not self._show_known():
            self._start_preview()
        self._refresh()

    def _start_preview(self) -> None:
        if not self._sweeps.running and not self._problem():
            self._previews.start(self._preview_task(), _piece_steps)

    def _watch(self, task: Task) -> None:
        """Show what comes of a task from now on."""
        self._shown, self._preview = task, Preview(self._viewer, task.source, task.region, self._preview)
        self._refresh()

    def _show_picture(self, image: Any) -> None:
        if self._preview is not None:
            self._preview.show(image, {})

    def _on_preview_report(self, report: Report) -> None:
        if report.preview is not None:
            self._show_picture(report.preview)

    def _on_preview_done(self, result: Result) -> None:
        if self._shown is not None:
            image = self._shown.plane_of(result.image)
            self._recent.put(self._shown.source.whole, _key(self._shown), Picture(image, result.seconds))
            self._show_picture(image)
            self._outcome = " ".join((f"Denoised in {told_time(result.seconds)}, quickly, to see what the settings do.", *result.notes))

    def _on_error(self, error: Exception) -> None:
        self._outcome = sentence(str(error))
        self._note_error(error)

    # A sweep

    def _on_sweep(self) -> None:
        self._previews.stop()
        self._picker.settle()
        self._outcome = self._details = ""
        try:
            self._sweeps.start(self._task())
        except DenoiseError as error:
            self._on_error(error)
        self._refresh()

    def _on_told(self, sentence: str) -> None:
        self._outcome = sentence
        self._refresh()

    def _on_sweep_failed(self, error: Exception) -> None:
        self._on_error(error)
        self._refresh()

    def _on_tile(self, task: Task, image: Any) -> None:
        """Use a tile's settings here and in the Denoise dock, and look at it."""
        recipe = task.recipe
        self._set_recipe(recipe)
        if recipe != self._now:
            self._note(recipe)
        self._look_at(task, image)
        self._hand_over(recipe)
        self._come_forward()
        self._refresh()

    def _look_at(self, task: Task, image: Any) -> None:
        self._previews.stop()
        self._watch(task)
        self._show_picture(image)

    # The rest

    def _on_image(self) -> None:
        """Another image, other axes, or layers that came and went."""
        self._idle.start()
        if self._of != (of := (self._picker.layer, self._picker.known_axes())):
            self._of, self._outcome, self._details = of, "", ""
            self._recent.forget()
            self._pin.setChecked(False)
        if self._shown is not None and self._shown.source.layer not in self._viewer.layers:
            self._previews.stop()
            self._previews.forget()
            if self._preview is not None:
                self._preview.remove()
            self._shown = self._preview = None
        self._refresh()

    def _on_idle(self) -> None:
        if self._picker.layer is not None and not self._warming and not torch_is_loaded():
            self._warming = True
            warm_up()

    def _on_pin(self, pinned: bool) -> None:
        self._pinned = dict(self._task().region) if pinned and not self._problem() else None
        self._on_view_rests()

    def _on_view(self) -> None:
        if self._pinned is None:
            self._view_rests.start()

    def _on_view_rests(self) -> None:
        """Follow the view with the preview, if there is one."""
        following = self._preview is not None and self._preview.shown and self._shown is not None
        if following and not self._problem() and self._task().region != self._shown.region:
            self._show_or_make()
        self._refresh()

    def _refresh(self) -> None:
        """Show the state that the dock is in: no image, ready, previewing, sweeping, cancelling or failed."""
        problem, there = self._problem(), self._picker.layer is not None
        self._sample.setVisible(not there)
        self._inside.setEnabled(there and not self._sweeps.running)
        self._fold.setEnabled(there)
        for pressed in (self._show, self._use):
            pressed.setEnabled(not problem)
        self._show.setText("Stop preview" if self._previews.running else "Preview")
        self._undo.setEnabled(bool(self._past))
        self._copy.setVisible(bool(self._details))
        self._region.setText("" if problem else self._told_region())
        self._sweeps.show_state(None if problem else self._task())
        self._message.setText(problem or self._sweeps.state or (PREVIEWING if self._previews.running else self._outcome or FIRST))

    def _told_region(self) -> str:
        task = self._task()
        return f"Region: {'pinned' if self._pinned else 'in view'}, {task.axes.width} × {task.axes.height} px"


def _key(task: Task) -> Hashable:
    """What part of an image a picture shows, and how it was made."""
    return task.source.axes, frozenset(task.region.items()), task.method.name, task.params, task.options["device"], task.options["nan"]


def _piece_steps(*told: Any, **more: Any) -> Generator[Progress, None, Result]:
    """`piece_steps`, imported in the thread that takes them: it loads scipy."""
    from napari_zeroshot.engine.sweep import piece_steps

    return piece_steps(*told, **more)
