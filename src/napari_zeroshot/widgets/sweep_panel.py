"""A sweep in the Tune dock: what to vary, a button to begin, the sheet of tiles, and what can be done with them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_zeroshot.engine import sweep_files
from napari_zeroshot.engine.axes import IN_PLANE
from napari_zeroshot.engine.errors import DenoiseError
from napari_zeroshot.engine.sweep_tiles import Sweep, Tile
from napari_zeroshot.engine.variation import Setting
from napari_zeroshot.widgets.estimate import told_time
from napari_zeroshot.widgets.layers import add_sweep, limits_of
from napari_zeroshot.widgets.layout import align_labels, beside
from napari_zeroshot.widgets.pace import expected_seconds
from napari_zeroshot.widgets.progress import ProgressPanel
from napari_zeroshot.widgets.save_dialog import place_to_save
from napari_zeroshot.widgets.sweep_form import SweepForm, SweepOrder
from napari_zeroshot.widgets.sweep_sheet import SweepSheet
from napari_zeroshot.widgets.task import Task
from napari_zeroshot.widgets.truth import TruthPicker
from napari_zeroshot.widgets.worker import Report, Running, run_in_thread

if TYPE_CHECKING:
    import napari

SWEEPING = "The sheet fills as tiles finish; cancel keeps those that are done."
CANCELLING = "The sweep ends; the finished tiles are kept."
BUTTONS = {
    "sweep": ("Run sweep", "Denoises the region with every setting of the sheet, one after the other."),
    "cancel": ("Cancel", "Ends the sweep and keeps the finished tiles."),
    "add": ("Add as layer", "The tiles as a stack, with a slider for what was varied."),
    "png": ("PNG…", "Saves the sheet as a picture, as large as the tiles are."),
    "csv": ("CSV…", "Saves settings, scores and seconds as a table."),
}


class SweepPanel(QWidget):
    """Runs one sweep at a time.

    `wanted` when the user wants one: `start` begins it. `chosen` and `looked_at` come with the task that a tile is of, and its picture. `told` comes with
    a sentence for the user, `failed` with an error, and `changed` when the panel is in another state or its form was edited.
    """

    wanted = Signal()
    chosen = Signal(object, object)
    looked_at = Signal(object, object)
    told = Signal(str)
    failed = Signal(Exception)
    changed = Signal()

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._running: Running | None = None
        self._task: Task | None = None
        self._sweep: Sweep | None = None
        self._limits_of: Any = None
        self.form = SweepForm()
        self._truth = TruthPicker(viewer)
        self._progress = ProgressPanel()
        self.sheet = SweepSheet()
        self._run, self._cancel, self._add, self._png, self._csv = (_button(name) for name in BUTTONS)
        align_labels(self.form.rows, self._truth.rows)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.form, self._truth, beside((self._run, 2), (self._cancel, 1)), self._progress, self.sheet, beside(self._add, self._png, self._csv)):
            column.addWidget(widget)

        self.form.changed.connect(self.changed)
        self._run.clicked.connect(self.wanted)
        self._cancel.clicked.connect(self._on_cancel)
        self.sheet.chosen.connect(lambda tile: self._tell_tile(tile, self.chosen))
        self.sheet.looked_at.connect(lambda tile: self._tell_tile(tile, self.looked_at))
        self._add.clicked.connect(self._on_add)
        self._png.clicked.connect(lambda: self._save("sweep.png", "PNG (*.png)", sweep_files.write_sheet))
        self._csv.clicked.connect(lambda: self._save("sweep.csv", "CSV (*.csv)", sweep_files.write_table))

    @property
    def running(self) -> bool:
        """Whether a sweep is under way."""
        return self._running is not None

    @property
    def state(self) -> str:
        """What goes on, in a sentence; nothing while nothing does."""
        if self._running is None:
            return ""
        return CANCELLING if self._running.cancelling else SWEEPING

    def start(self, task: Task) -> None:
        """Begin: what is chosen in the form, on top of a task's settings and on its region.

        Raises
        ------
        DenoiseError
            If what is chosen makes no sense.
        """
        order, truth = self.form.value(), self._truth.value()
        settings = order.settings(task.recipe)
        letters = "".join(letter for letter in task.source.axes.letters if letter in IN_PLANE)
        self._sweep, self._task = None, task
        self.sheet.begin(order.axes(), settings, limits_of(task.source.layer), letters)
        self._follow_limits(task.source.layer)
        self._progress.start()
        self._running = run_in_thread(
            lambda cancelled: _steps(task, order, truth, cancelled),
            on_report=self._on_report,
            on_result=self._on_result,
            on_error=self.failed.emit,
            on_end=self._on_end,
        )

    def show_state(self, task: Task | None) -> None:
        """Show what can be done: with a task, begin a sweep; with None, nothing."""
        free = self._running is None
        for part in (self.form, self._truth):
            part.setEnabled(free)
        self._run.setEnabled(free and task is not None)
        self._run.setText(("Run sweep" if task is None else self._told_sweep(task)) if free else "Sweeping…")
        self._cancel.setEnabled(self._running is not None and not self._running.cancelling)
        for button in (self._add, self._png, self._csv):
            button.setEnabled(free and self._sweep is not None and bool(self._sweep.images))

    def abandon(self) -> None:
        """End what is under way, without touching a widget."""
        if self._running is not None:
            self._running.abandon()
        self._running = None

    def leave(self) -> None:
        """End what is under way, and hear no more of the viewer."""
        self.abandon()
        self._progress.stop()
        self._follow_limits(None)
        self._truth.leave()

    def _told_sweep(self, task: Task) -> str:
        """What the button will do, and how long that takes where it is known."""
        try:
            settings = self.form.value().settings(task.recipe)
        except DenoiseError:
            return "Run sweep"
        seconds = [expected_seconds(_tile_task(task, one)) for one in settings]
        known = [second for second in seconds if second is not None]
        time = f", about {told_time(sum(known))}" if len(known) == len(settings) else ""
        return f"Run sweep: {len(settings)} tiles{time}"

    def _on_report(self, report: Report) -> None:
        if self._running is not None:
            self.sheet.show_tiles(report.progress.tiles)
            self._progress.show_progress(report.progress)

    def _on_result(self, sweep: Sweep) -> None:
        if self._running is None:
            return
        self._sweep = sweep
        self.sheet.show_sweep(sweep)
        self.told.emit(_told(sweep))

    def _on_end(self) -> None:
        if self._running is not None:
            self._running = None
            self._progress.stop()
            self.changed.emit()

    def _on_cancel(self) -> None:
        if self._running is not None:
            self._running.cancel()
            self.changed.emit()

    def _tell_tile(self, tile: Tile, signal: Any) -> None:
        if self._task is not None and self._task.source.layer in self._viewer.layers:
            signal.emit(_tile_task(self._task, tile.setting), tile.image)

    def _on_add(self) -> None:
        if self._sweep is not None and self._task is not None:
            added = add_sweep(self._viewer, self._task.source, self._sweep)
            self.told.emit(f"The tiles are the layer “{added.name}”.")

    def _save(self, proposed: str, kind: str, write: Callable[[Path, Sweep], None]) -> None:
        path = place_to_save("Save sweep", proposed, {kind: Path(proposed).suffix}, parent=self)
        if path is None or self._sweep is None:
            return
        try:
            write(path, self._sweep)
        except DenoiseError as error:
            self.failed.emit(error)
        else:
            self.told.emit(f"Saved {path}.")

    def _follow_limits(self, layer: Any) -> None:
        """Show the tiles under a layer's contrast from now on."""
        if self._limits_of is not None:
            self._limits_of.events.contrast_limits.disconnect(self._on_limits)
        self._limits_of = layer
        if layer is not None:
            layer.events.contrast_limits.connect(self._on_limits)

    def _on_limits(self) -> None:
        self.sheet.set_limits(limits_of(self._limits_of))


def _steps(task: Task, order: SweepOrder, truth: Any, cancelled: Callable[[], bool]) -> Any:
    """A sweep on a task's region, begun in the thread that imports what it takes."""
    from napari_zeroshot.engine.sweep import sweep_steps

    task.source.check_opaque(task.region, cancelled)
    letters, about = task.source.axes.letters, {name: task.options[name] for name in ("device", "seed", "nan")}
    source, preset, fixed = {"name": task.source.name}, order.preset(task.recipe), order.fixed(task.recipe)
    how = {"axes": letters, "region": task.region, "truth": truth, "preset": preset, "start": order.start, "source": source, "cancelled": cancelled}
    return sweep_steps(task.source.data, order.methods, vary=order.vary, **how, **about, **fixed)


def _tile_task(task: Task, setting: Setting) -> Task:
    """The task that makes one tile."""
    return replace(task, method=setting.method, preset=setting.preset, params=setting.params)


def _told(sweep: Sweep) -> str:
    """What came of a sweep, in sentences."""
    missing = "" if sweep.complete else f"Cancelled: {len(sweep.tiles)} of {math.prod(sweep.shape)} tiles are done."
    if not sweep.images:
        return missing or sweep.tiles[0].problem
    best = f"The best is {sweep.best.setting.title}." if sweep.best else ""
    return " ".join(part for part in ("Click a tile to use its settings.", best, missing, *sweep.notes) if part)


def _button(name: str) -> QPushButton:
    text, told = BUTTONS[name]
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(f"<p>{told}</p>")
    return button
