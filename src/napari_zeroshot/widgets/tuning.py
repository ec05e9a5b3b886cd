"""Sliders for whatever can be tuned of a method."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtGui import QFont
from qtpy.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget

from napari_zeroshot.engine.params import Params, describe
from napari_zeroshot.engine.variation import usual_ends
from napari_zeroshot.widgets.form import title, tooltip
from napari_zeroshot.widgets.layout import add_row, rows
from napari_zeroshot.widgets.slider import ParamSlider

DECADES = 2
"""A logarithmic slider goes so many factors of ten below and above the default."""
RESET = "Double-click the slider to go back to the preset's value."


class TuningSliders(QWidget):
    """A slider for each tunable parameter of one class; the other parameters stay as they were set.

    `changed` tells of the user's edits, not of `set_value`.
    """

    changed = Signal()

    def __init__(self, params: type[Params]) -> None:
        super().__init__()
        self._params = params()
        knobs = [knob for knob in describe(params) if knob.tunable]
        self._sliders = {knob.name: ParamSlider(knob, usual_ends(knob, DECADES), f"tune_{knob.name}") for knob in knobs}
        form = rows()
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)  # the sliders need the width
        self._labels: dict[str, QLabel] = {}
        for knob in knobs:
            slider = self._sliders[knob.name]
            self._labels[knob.name] = add_row(form, title(knob), slider, tooltip(knob).replace("</p>", f"<br>{RESET}</p>"))
            slider.changed.connect(self.changed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)
        self.set_value(self._params)

    def value(self) -> Params:
        """All parameters, as the sliders stand."""
        return self._params.replace(**{name: slider.value() for name, slider in self._sliders.items()})

    def set_value(self, params: Params) -> None:
        """Show these parameters."""
        self._params = params
        for name, slider in self._sliders.items():
            slider.set_value(getattr(params, name))

    def set_usual(self, params: Params) -> None:
        """Take these for what a double click goes back to."""
        for name, slider in self._sliders.items():
            slider.usual = float(getattr(params, name))

    def mark_changed(self, names: set[str]) -> None:
        """Set the labels of these parameters in bold, the others plain."""
        for name, label in self._labels.items():
            font = QFont(label.font())
            font.setBold(name in names)
            label.setFont(font)
