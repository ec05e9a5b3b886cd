"""Sliders for numbers that act by ratios: FM2S's noise factors."""

from __future__ import annotations

import math

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from napari_zeroshot.engine.fm2s_noise import FACTORS
from napari_zeroshot.engine.methods.fm2s import FM2SParams
from napari_zeroshot.engine.params import Param, describe
from napari_zeroshot.widgets.form import title, tooltip
from napari_zeroshot.widgets.layout import CalmWheel, add_row, rows
from napari_zeroshot.widgets.number import NumberBox

TICKS = 400
"""Places of a slider."""


class RatioSlider(QWidget):
    """A slider on a logarithmic scale beside the exact number; a knob that starts at 0 has 0 at the left end, and 1 next to it."""

    changed = Signal()

    def __init__(self, knob: Param) -> None:
        super().__init__()
        self._knob = knob
        self._low, self._high = max(knob.low or 0, 1.0), float(knob.high or 1)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setObjectName(f"slider_{knob.name}")
        self._slider.setRange(0, TICKS)
        self._number = NumberBox(knob)
        self._number.native.setObjectName(f"factor_{knob.name}")
        self._wheel = CalmWheel(self)
        for control in (self._slider, self._number.native):
            self._wheel.guard(control)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._slider, stretch=3)
        row.addWidget(self._number.native, stretch=2)

        self._slider.valueChanged.connect(self._on_slider)
        self._number.changed.connect(self._on_number)

    def value(self) -> float:
        """The number."""
        return float(self._number.value)

    def set_value(self, value: float) -> None:
        """Show a number."""
        with self._number.changed.blocked():
            self._number.value = value
        self._place()

    def _on_slider(self, tick: int) -> None:
        value = self._low * (self._high / self._low) ** (tick / TICKS)
        with self._number.changed.blocked():
            self._number.value = float(f"{value:.3g}") if tick or self._knob.low else 0.0
        self.changed.emit()

    def _on_number(self) -> None:
        self._place()
        self.changed.emit()

    def _place(self) -> None:
        ratio = max(self.value(), self._low) / self._low
        with QSignalBlocker(self._slider):
            self._slider.setValue(round(TICKS * math.log(ratio) / math.log(self._high / self._low)))


class FactorSliders(QWidget):
    """FM2S's k_g, k_p and lambda_p."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        knobs = {knob.name: knob for knob in describe(FM2SParams)}
        self._sliders = {name: RatioSlider(knobs[name]) for name in FACTORS}
        form = rows()
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)  # the sliders need the width
        for name, slider in self._sliders.items():
            slider.set_value(float(knobs[name].default))
            add_row(form, title(knobs[name]), slider, tooltip(knobs[name]))
            slider.changed.connect(self.changed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)

    def value(self) -> dict[str, float]:
        """The factors by name."""
        return {name: slider.value() for name, slider in self._sliders.items()}

    def set_value(self, factors: dict[str, float]) -> None:
        """Show factors; others than these are passed over."""
        for name, slider in self._sliders.items():
            slider.set_value(factors[name])
