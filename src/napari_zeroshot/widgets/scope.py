"""How much of the image to denoise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QLabel, QSpinBox, QVBoxLayout, QWidget

from napari_zeroshot.engine.axes import IN_PLANE, Axes
from napari_zeroshot.engine.region import Region
from napari_zeroshot.widgets.layers import Source
from napari_zeroshot.widgets.layout import CalmWheel, add_row, beside, narrow, rows

if TYPE_CHECKING:
    import napari

WHOLE, RANGE, PLANE, VISIBLE, VIEWED = "whole", "range", "plane", "visible", "viewed"
WORDS = {WHOLE: "whole stack", RANGE: "selected range", PLANE: "current plane", VISIBLE: "visible region", VIEWED: "planes when viewed"}
SAYS = {PLANE: "Denoise this plane", VIEWED: "View denoised"}
HELP = (
    "<p>How much of the image to denoise. The current plane is the one that the sliders show; the visible region is what of it "
    "can be seen in the window. The result lies in its place on the image.</p>"
    "<p>Planes when viewed: one network for each channel is trained, and then each plane is denoised when you go to it. "
    "So a series that is larger than memory can be looked at after the time of one training.</p>"
)


class ScopePicker(QWidget):
    """Chooses the whole, a range of planes, the current plane or the visible region."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._axes: Axes | None = None
        self._ranges: dict[str, tuple[QSpinBox, QSpinBox]] = {}
        self._wheel = CalmWheel(self)
        self._scope = narrow(QComboBox())
        self._scope.setObjectName("scope")
        self._wheel.guard(self._scope)
        self._range = QWidget()
        self._range_rows = rows()
        self._range.setLayout(self._range_rows)
        self.rows = rows()
        self._label = add_row(self.rows, "Where", self._scope, HELP)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self.rows)
        column.addWidget(self._range)
        self._on_scope()

        self._scope.currentIndexChanged.connect(self._on_scope)

    @property
    def scope(self) -> str:
        """One of the words above."""
        return self._scope.currentData() or WHOLE

    @property
    def follows_view(self) -> bool:
        """Whether what is denoised depends on what the window shows."""
        return self.scope in (PLANE, VISIBLE)

    def set_axes(self, axes: Axes | None) -> None:
        """Offer what there is for an image with these axes; None for no image."""
        if axes == self._axes:
            return
        self._axes = axes
        stack = axes is not None and _planes(axes, {}) > 1
        kept = self.scope
        with QSignalBlocker(self._scope):
            self._scope.clear()
            for scope in (WHOLE, RANGE, PLANE, VISIBLE, VIEWED) if stack else (WHOLE, VISIBLE):
                self._scope.addItem(WORDS[scope] if stack or scope != WHOLE else "whole image", scope)
            self._scope.setCurrentIndex(max(0, self._scope.findData(kept)))
        self._make_ranges(axes)
        self._on_scope()

    def set_scope(self, *wished: str) -> None:
        """Choose the first of these that is offered."""
        self._scope.setCurrentIndex(next((place for scope in wished if (place := self._scope.findData(scope)) >= 0), 0))

    def region(self, source: Source, viewer: napari.Viewer) -> Region:
        """The part of the image to denoise; empty for the whole."""
        if self.scope == RANGE:
            chosen = {letter: (first.value(), last.value() + 1) for letter, (first, last) in self._ranges.items()}
            return {letter: ends for letter, ends in chosen.items() if ends != (0, source.axes.size(letter))}
        if self.scope == PLANE:
            return {letter: (at, at + 1) for letter, at in source.plane_in_view(viewer).items()}
        return source.visible(viewer) if self.scope == VISIBLE else {}

    def told(self, axes: Axes, region: Region) -> str:
        """What Run does, on its button."""
        if self.scope == VISIBLE:
            return f"Denoise {_size(axes, region, 'X')} × {_size(axes, region, 'Y')} px"
        if self.scope in SAYS:
            return SAYS[self.scope]
        planes = _planes(axes, region)
        return f"Denoise {planes} planes" if planes > 1 else "Denoise the image"

    def _make_ranges(self, axes: Axes | None) -> None:
        while self._range_rows.rowCount():
            self._range_rows.removeRow(0)
        counted = [] if axes is None else [letter for letter in axes.letters if letter not in IN_PLANE and axes.size(letter) > 1]
        self._ranges = {letter: self._add_range(letter, axes.size(letter)) for letter in counted if axes is not None}

    def _add_range(self, letter: str, size: int) -> tuple[QSpinBox, QSpinBox]:
        first, last = QSpinBox(), QSpinBox()
        for box, end, value in ((first, "from", 0), (last, "to", size - 1)):
            box.setObjectName(f"{letter}_{end}")
            box.setRange(0, size - 1)
            box.setValue(value)
            self._wheel.guard(box)
            box.valueChanged.connect(self.changed)
        first.valueChanged.connect(last.setMinimum)
        label = add_row(self._range_rows, f"{letter} from", beside((first, 1), QLabel("to"), (last, 1)), HELP)
        label.setMinimumWidth(self._label.minimumWidth())  # in one column with the others
        return first, last

    def _on_scope(self) -> None:
        self._range.setVisible(self.scope == RANGE)
        self.changed.emit()


def _size(axes: Axes, region: Region, letter: str) -> int:
    first, end = region.get(letter, (0, axes.size(letter)))
    return end - first


def _planes(axes: Axes, region: Region) -> int:
    return math.prod(_size(axes, region, letter) for letter in axes.letters if letter not in IN_PLANE)
