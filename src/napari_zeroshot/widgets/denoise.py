"""The Denoise dock: choose an image and a method, run, watch, keep the result."""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error
from napari.utils.theme import get_theme
from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QApplication, QPushButton, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from napari_zeroshot.engine.errors import DenoiseError, ImageError
from napari_zeroshot.engine.method import Result
from napari_zeroshot.engine.run import denoise_steps
from napari_zeroshot.widgets.estimate import told_device, told_size, told_time, what_run_does
from napari_zeroshot.widgets.layers import Preview, Source, add_result, result_size
from napari_zeroshot.widgets.layout import Fold, RoomyScroll, Sentence, align_labels
from napari_zeroshot.widgets.progress import ProgressPanel
from napari_zeroshot.widgets.recipe import RecipePicker
from napari_zeroshot.widgets.reproducibility import Reproducibility
from napari_zeroshot.widgets.source import SourcePicker
from napari_zeroshot.widgets.worker import Report, Running, run_in_thread

if TYPE_CHECKING:
    import napari

NO_IMAGE = "Open an image to denoise it, or try the plugin on a sample."


class DenoiseWidget(QWidget):
    """The dock. Without an image it offers a sample; with one, Run; while running, Cancel."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._running: Running | None = None
        self._source: Source | None = None
        self._preview: Preview | None = None
        self._outcome = self._details = ""

        self._picker = SourcePicker(viewer)
        self._recipe = RecipePicker()
        self._options = Reproducibility()
        align_labels(self._picker.rows, self._recipe.rows)
        self._order = QWidget()
        order = QVBoxLayout(self._order)
        order.setContentsMargins(0, 0, 0, 0)
        for widget in (self._picker, self._recipe, Fold("Reproducibility", self._options)):
            order.addWidget(widget)

        self._estimate = Sentence("estimate", lines=2)
        self._run, self._cancel, self._sample = (QPushButton() for _ in range(3))
        self._button = QStackedWidget()
        for name, button in (("run", self._run), ("cancel", self._cancel), ("sample", self._sample)):
            button.setObjectName(name)
            self._button.addWidget(button)
        self._button.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._sample.setText("Load a sample")
        self._progress = ProgressPanel()
        self._message = Sentence("message", lines=3)
        self._copy = QPushButton("Copy details")
        self._copy.setObjectName("details")

        column = QVBoxLayout(self)
        column.addWidget(RoomyScroll(self._order))
        for widget in (self._estimate, self._button, self._progress, self._message, self._progress.plot):
            column.addWidget(widget)
        column.addWidget(self._copy, alignment=Qt.AlignmentFlag.AlignRight)
        column.addStretch()
        self._on_theme()
        self._refresh()

        self._picker.changed.connect(self._refresh)
        self._recipe.changed.connect(self._refresh)
        self._options.changed.connect(self._refresh)
        self._run.clicked.connect(self._on_run)
        self._cancel.clicked.connect(self._on_cancel)
        self._sample.clicked.connect(self._on_sample)
        self._copy.clicked.connect(self._on_copy)
        viewer.dims.events.current_step.connect(self._on_slider)
        viewer.events.theme.connect(self._on_theme)

    def event(self, event: QEvent) -> bool:
        """As any widget; when the dock is closed, which takes its parent away, end the run."""
        if event.type() == QEvent.Type.ParentChange and self.parentWidget() is None and self._running is not None:
            self._running.abandon()
            self._clear_away()
        return super().event(event)

    def _on_run(self) -> None:
        if self._source is not None:  # napari's progress bar lets a double click come in twice
            return
        self._outcome, self._details = "", ""
        self._picker.settle()
        try:
            self._start(self._picker.value())
        except DenoiseError as error:
            self._on_error(error)
        self._refresh()

    def _start(self, source: Source) -> None:
        recipe, options = self._recipe.value(), self._options.value() | self._recipe.value().changes()
        at = source.plane_in_view(self._viewer)
        self._source, self._preview = source, Preview(self._viewer, source)
        self._progress.start(f"{recipe.method.title}: {source.name}")
        self._running = run_in_thread(
            lambda cancelled: denoise_steps(
                source.data, recipe.method.name, axes=source.axes.letters, preset=recipe.preset, cancelled=cancelled, source={"name": source.name}, **options
            ),
            at=at,
            on_report=self._on_report,
            on_result=self._on_result,
            on_error=self._on_error,
            on_end=self._on_end,
        )

    def _on_report(self, report: Report) -> None:
        if self._running is None or self._preview is None:
            return
        if report.preview is not None:
            self._preview.show(report.preview, report.at or {})
        self._on_slider()
        self._progress.show_progress(report.progress, report.losses)  # last: napari's bar lets the next report, or the end, come in meanwhile

    def _on_slider(self) -> None:
        if self._running is not None and self._source is not None and self._preview is not None:
            self._running.show(self._source.plane_in_view(self._viewer) if self._preview.wanted else None)

    def _on_result(self, result: Result) -> None:
        if self._source is None:
            return
        source = self._source
        self._clear_away()
        self._details = json.dumps(result.provenance(), indent=1)
        if result.planes_done == 0:
            self._outcome = "Cancelled before anything was denoised; there is no result."
            return
        self._progress.finish(result.losses)
        layer = add_result(self._viewer, source, result)
        self._outcome = " ".join((f"Done in {told_time(result.seconds)}. The result is the layer “{layer.name}”; the source is hidden.", *result.notes))

    def _on_error(self, error: Exception) -> None:
        self._outcome = str(error)
        self._details = "".join(traceback.format_exception(error))
        show_error(str(error))

    def _on_end(self) -> None:
        self._clear_away()
        self._running = None
        self._outcome = self._outcome or "The run was ended without a result."
        self._refresh()

    def _clear_away(self) -> None:
        """Once for each run: no preview and no moving bar outlive it."""
        if self._preview is None:
            return
        self._preview.remove()
        self._source = self._preview = None
        self._progress.stop()

    def _on_cancel(self) -> None:
        if self._running is not None:
            self._running.cancel()
            self._refresh()

    def _on_sample(self) -> None:
        self._viewer.open_sample("napari-zeroshot", "noisy_plane")

    def _on_copy(self) -> None:
        QApplication.clipboard().setText(self._details)

    def _on_theme(self) -> None:
        self._progress.plot.recolour(get_theme(self._viewer.theme))

    def _refresh(self) -> None:
        """Show the state that the dock is in: no image, ready, running, cancelling, done or failed."""
        running, problem = self._running, self._problem()
        self._order.setEnabled(running is None)
        self._button.setCurrentWidget(self._cancel if running else self._run if self._picker.layer is not None else self._sample)
        self._run.setEnabled(not problem)
        self._cancel.setEnabled(running is None or not running.cancelling)
        self._cancel.setText("Cancelling…" if running and running.cancelling else "Cancel")
        self._copy.setEnabled(bool(self._details))
        if running is None:
            self._run.setText("Denoise" if problem else what_run_does(self._picker.axes()))
            self._estimate.setText("" if problem else self._told_estimate())
            self._message.setText(problem or self._outcome)
        elif running.cancelling:
            self._message.setText("Training stops; the best so far will be kept.")
        else:
            self._message.setText("The layer “preview” shows the plane in view so far. Closing this dock ends the run.")

    def _problem(self) -> str:
        """What keeps Run from being pressed."""
        if self._picker.layer is None:
            return NO_IMAGE
        try:
            self._picker.axes()
        except ImageError as error:
            return str(error)
        return ""

    def _told_estimate(self) -> str:
        size = result_size(self._picker.value(), as_float32=self._options.value()["dtype"] == "float32")
        return f"Result {told_size(size)} · {told_device(self._options.device, trains=self._recipe.method.trains)}"
