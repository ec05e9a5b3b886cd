"""The Compare dock: images of one sample beside one another, and what can be measured of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QCheckBox, QComboBox, QPushButton, QSlider, QVBoxLayout

from napari_zeroshot.engine.comparison_table import write_csv
from napari_zeroshot.engine.errors import DenoiseError
from napari_zeroshot.widgets.changes import Changes
from napari_zeroshot.widgets.choice import Choice, ChoicePicker
from napari_zeroshot.widgets.compare_views import KEY, Flip
from napari_zeroshot.widgets.curtain import Curtain
from napari_zeroshot.widgets.dock import Dock, sentence
from napari_zeroshot.widgets.figures import FiguresPanel
from napari_zeroshot.widgets.guide import add_shortcut
from napari_zeroshot.widgets.layers import pixels, plane_in_view
from napari_zeroshot.widgets.layout import Fold, RoomyScroll, Sentence, below, beside, button
from napari_zeroshot.widgets.profile import ProfilePanel
from napari_zeroshot.widgets.room import Room
from napari_zeroshot.widgets.save_dialog import place_to_save
from napari_zeroshot.widgets.stage import VIEWS, Stage
from napari_zeroshot.widgets.worker import do_in_thread

if TYPE_CHECKING:
    import napari

    from napari_zeroshot.engine.comparison import Comparison

NO_IMAGE = "Open a noisy image and what a method made of it to compare them, or try the plugin on a sample."
READY = "Choose a view. Other layers are hidden meanwhile; Leave puts everything back."
OUTDATED = "The images have changed since they were measured: press Measure for figures that are true of them now."
WIDTH = 60
"""Letters that fit beside one another, at least."""
TITLES = {"curtain": "Curtain", "flip": f"Flip ({KEY})", "grid": "Grid", "residual": "Residual"}
TOLD = {
    "curtain": "A left of a line, B right of it: drag the line on the canvas, or the slider below.",
    "flip": f"One image at a time; {KEY} shows the next, on the canvas and in the dock.",
    "grid": "All images side by side; they move and zoom together.",
    "residual": "A less each of the others: noise if all is well, structure where detail was removed.",
}
SAYS = {
    "curtain": "Drag the line on the canvas.",
    "flip": f"Press {KEY} for the next image.",
    "grid": "Zoom and move one, and all follow.",
    "residual": "Blue is where B is brighter than A, orange where it is darker. Lines or shapes of the sample here are detail that was removed.",
}
MIDDLE = 512
"""The autocorrelation is that of so many pixels in the middle of the plane in view."""


class CompareWidget(Dock):
    """The dock. Without two images it offers a sample; with them, to look at them in four ways and to measure them."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__(viewer)
        self._asked = 0  # counts what was asked, so that late answers are known
        self._busy = self._outdated = False
        self._problem = ""
        self._choice: Choice | None = None
        self._stage = Stage(viewer, on_moved=self._on_moved, on_left=self._refresh)

        self._picker, self._changes = ChoicePicker(viewer), Changes(viewer)
        self._message = Sentence("message", lines=2)
        self._views = {name: _view_button(name) for name in VIEWS}
        self._split = QSlider(Qt.Orientation.Horizontal)
        self._split.setObjectName("split")
        self._split.setToolTip(TOLD["curtain"])
        self._same = QCheckBox("Same contrast")
        self._same.setObjectName("same_contrast")
        self._same.setChecked(True)
        self._same.setToolTip("Show all images with A's contrast limits, which follow its sliders.")
        self._back = button("leave", "Leave", "Puts layers, contrast, camera and grid back as they were, and takes the line away.")
        self._autocorrelation = Room(_shared_residual_plot)
        self._shared = Sentence("shared_residual", lines=2)

        self._scope = QComboBox()
        self._scope.setObjectName("scope")
        self._scope.addItems(["Plane in view", "All planes"])
        self._gaussian = QCheckBox("Gaussian yardstick")
        self._gaussian.setObjectName("gaussian")
        self._gaussian.setChecked(True)
        self._gaussian.setToolTip("Also measure A blurred as widely as its own noise asks for: what a method has to beat.")
        self._measure, self._csv = button("measure", "Measure"), button("csv", "Export CSV…")
        self._figures = FiguresPanel()
        self._profile = ProfilePanel(viewer, on_line=self._on_line)

        self._place()
        self._colour(self._autocorrelation, self._figures, self._profile)
        self._on_picker()

        self._picker.changed.connect(self._on_picker)
        self._changes.happened.connect(self._on_pixels)
        for name, shown in self._views.items():
            shown.clicked.connect(partial(self._on_view, name))
        self._back.clicked.connect(self._on_leave)
        self._same.toggled.connect(self._on_same)
        self._split.valueChanged.connect(self._on_split)
        self._measure.clicked.connect(self._on_measure)
        self._gaussian.toggled.connect(self._on_gaussian)
        self._csv.clicked.connect(self._on_csv)
        add_shortcut(self, KEY, self._on_key)
        self._hear((viewer.dims.events.current_step, self._on_step))

    def _abandon(self) -> None:
        self._asked += 1  # an answer under way is not wanted any more

    def _leave(self) -> None:
        """Put the viewer back."""
        self._picker.leave()
        self._changes.follow(())
        self._profile.leave()
        self._stage.leave()

    def set_layers(self, images: list[Any], truth: Any = None) -> None:
        """Compare these layers, the noisy one first."""
        self._picker.set_layers(images, truth)

    def _place(self) -> None:
        """Put everything into one column."""
        self._shared_fold = Fold("What neighbours in the residual share", below(self._autocorrelation, self._shared), unfolded=True)
        measuring = below(beside(self._scope, self._measure), beside(self._gaussian, self._csv), self._figures)
        folds = [self._shared_fold, Fold("Figures", measuring, unfolded=True), Fold("Line profile", self._profile, unfolded=True)]
        views, same = beside(*self._views.values()), beside(self._same, self._back)
        inside = below(self._picker, self._sample, views, self._split, same, self._message, *folds)
        inside.layout().addWidget(self._copy, alignment=Qt.AlignmentFlag.AlignRight)
        self.setMinimumWidth(WIDTH * self.fontMetrics().averageCharWidth())
        outer = QVBoxLayout(self)
        outer.addWidget(RoomyScroll(inside))
        outer.addStretch()

    def _on_picker(self) -> None:
        self._asked += 1  # an answer about other images comes too late
        self._busy, self._details = False, ""
        self._changes.follow(self._picker.layers)
        showing, before = self._stage.name, self._choice
        self._choice = self._chosen()
        if not _same(before, self._choice):
            self._outdated = False
            self._figures.show_comparison(None)
            self._profile.set_choice(self._choice)
            self._stage.leave()
            if showing is not None and self._choice is not None:
                self._show(showing, self._choice)
        self._refresh()

    def _chosen(self) -> Choice | None:
        """What is chosen; None if it cannot be compared, which is the problem then."""
        self._problem = ""
        try:
            return self._picker.value()
        except DenoiseError as error:
            self._problem = sentence(str(error))
            return None

    def _on_pixels(self) -> None:
        """What is compared has other pixels: show those; what was measured of the earlier ones is out of date."""
        if not _same(self._choice, self._chosen()):
            self._on_picker()
            return
        self._outdated = self._busy or self._figures.comparison is not None
        self._stage.redraw()
        self._profile.set_choice(self._choice)
        self._draw_autocorrelation()
        self._refresh()

    def _on_view(self, name: str) -> None:
        """Show a view; the one that is shown is left."""
        if self._stage.name == name:
            self._on_leave()
        elif self._choice is not None:
            self._show(name, self._choice)
        self._refresh()

    def _show(self, name: str, choice: Choice) -> None:
        self._stage.show(name, choice, same_contrast=self._same.isChecked(), kept=self._profile.layers)
        if isinstance(self._stage.view, Curtain):
            with QSignalBlocker(self._split):
                self._split.setRange(1, self._stage.view.size)
        self._on_moved()
        self._draw_autocorrelation()

    def _on_leave(self) -> None:
        self._profile.remove()
        self._stage.leave()
        self._refresh()

    def _on_line(self) -> None:
        """A line is about to be drawn: remember how the viewer is without it."""
        self._stage.remember()
        self._refresh()

    def _on_key(self) -> None:
        """Turn to the next image; from another view, begin to."""
        if isinstance(self._stage.view, Flip):
            self._stage.view.turn()
        elif self._choice is not None:
            self._on_view("flip")

    def _on_same(self) -> None:
        if self._choice is not None:
            self._stage.set_same_contrast(self._choice, self._same.isChecked())

    def _on_split(self) -> None:
        if isinstance(self._stage.view, Curtain):
            self._stage.view.set_split(self._split.value())

    def _on_moved(self) -> None:
        if isinstance(self._stage.view, Curtain):
            with QSignalBlocker(self._split):
                self._split.setValue(self._stage.view.split)

    def _on_step(self, _event: Any = None) -> None:
        self._draw_autocorrelation()

    def _draw_autocorrelation(self) -> None:
        if self._stage.name != "residual" or self._choice is None:
            return
        from napari_zeroshot.engine.residual import autocorrelation, middle  # which load scipy

        first, second = (_plane(image, self._choice, self._viewer) for image in self._choice.images[:2])
        correlations = autocorrelation(middle(first - second, MIDDLE))
        self._autocorrelation.content().show_map(correlations)
        self._autocorrelation.show()
        reach = len(correlations) // 2
        beside, below = correlations[reach, reach + 1], correlations[reach + 1, reach]
        even = "A and B differ by the same everywhere, or hold NaN: there is nothing to correlate."
        self._shared.setText(
            even if np.isnan([beside, below]).all() else f"A − B: pixels beside one another correlate by {beside:z.2f}, above one another by {below:z.2f}."
        )

    def _on_measure(self) -> None:
        if self._busy:
            self._asked += 1  # which ends the measuring after the plane under way
            self._busy = False
            self._refresh()
        elif self._choice is not None:
            self._begin_measuring(self._choice)

    def _begin_measuring(self, choice: Choice) -> None:
        gaussian = self._gaussian.isChecked()
        at = plane_in_view(choice.images[0], choice.axes, self._viewer) if self._scope.currentIndex() == 0 else None
        self._asked += 1
        self._busy, self._outdated, self._problem, asked = True, False, "", self._asked
        self._refresh()  # first: napari's bar lets the answer come in meanwhile
        do_in_thread(
            lambda: self._measured(choice, at, gaussian, asked),
            told="Measuring images",
            on_done=lambda answer: self._on_answer(answer) if asked == self._asked else None,
            on_error=lambda error: self._on_error(error) if asked == self._asked else None,
        )

    def _measured(self, choice: Choice, at: dict[str, int] | None, gaussian: bool, asked: int) -> Comparison | None:
        """The figures, in another thread, which imports what they take; None if something else was asked for meanwhile."""
        from napari_zeroshot.engine.comparison import compare_steps

        images = dict(zip(choice.names, (pixels(image) for image in choice.images), strict=True))
        truth = None if choice.truth is None else pixels(choice.truth)
        steps = compare_steps(images, raw=pixels(choice.images[0]), truth=truth, axes=choice.axes.letters, gaussian=gaussian, at=at)
        while asked == self._asked:
            try:
                next(steps)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
        return None

    def _on_answer(self, found: Comparison) -> None:
        self._busy, self._details = False, ""
        self._figures.show_comparison(found)
        self._refresh()

    def _on_error(self, error: Exception) -> None:
        self._busy = False
        self._figures.show_comparison(None)
        self._problem = sentence(str(error))
        self._note_error(error)
        show_error(str(error))
        self._refresh()

    def _on_gaussian(self) -> None:
        """Measure again, if there are figures to put beside one another."""
        if self._figures.comparison is not None and self._choice is not None:
            self._begin_measuring(self._choice)

    def _on_csv(self) -> None:
        path = place_to_save("Export figures", "figures.csv", {"CSV (*.csv)": ".csv"}, parent=self)
        found = self._figures.comparison
        if path is None or found is None:
            return
        try:
            write_csv(path, found, overwrite=True)
        except DenoiseError as error:
            self._problem = sentence(str(error))
            self._refresh()
        else:
            show_info(f"Saved {path}")

    def _refresh(self) -> None:
        """Show the state that the dock is in: too few images, images that do not fit, ready, a view, or measuring."""
        there, fit = self._picker.count > 1, self._choice is not None
        self._sample.setVisible(not there)
        for name, shown in self._views.items():
            shown.setEnabled(fit)
            shown.setChecked(self._stage.name == name)
        self._split.setEnabled(self._stage.name == "curtain")
        self._back.setEnabled(self._stage.entered)
        self._shared_fold.setVisible(self._stage.name == "residual")
        self._measure.setEnabled(fit)
        self._measure.setText("Stop measuring" if self._busy else "Measure")
        self._figures.setEnabled(not self._outdated)
        self._csv.setEnabled(self._figures.comparison is not None and not self._busy and not self._outdated)
        self._copy.setVisible(bool(self._details))
        self._message.setText(NO_IMAGE if not there else self._problem or (OUTDATED if self._outdated else SAYS.get(self._stage.name or "", READY)))


def _same(one: Choice | None, other: Choice | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.images == other.images and one.truth is other.truth and one.axes == other.axes


def _plane(image: Any, choice: Choice, viewer: Any) -> np.ndarray[Any, Any]:
    """The plane in view, its samples averaged."""
    at = plane_in_view(image, choice.axes, viewer)
    return np.asarray(choice.axes.read(pixels(image), choice.axes.index_of(at)).astype(np.float64).mean(axis=0))


def _view_button(name: str) -> QPushButton:
    made = button(name, TITLES[name], TOLD[name])
    made.setCheckable(True)
    return made


def _shared_residual_plot() -> Any:
    from napari_zeroshot.widgets.compare_plots import SharedResidualPlot

    return SharedResidualPlot()
