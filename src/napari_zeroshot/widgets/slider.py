"""A slider beside the exact number, on the scale on which the parameter acts."""

from __future__ import annotations

import math

from qtpy.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QSlider, QWidget

from napari_zeroshot.engine.params import Param
from napari_zeroshot.widgets.layout import CalmWheel
from napari_zeroshot.widgets.number import NumberBox

TICKS = 400
"""Places of a slider."""


class ParamSlider(QWidget):
    """A parameter's slider, logarithmic where it acts by ratios, and its number, which goes as far as the parameter does.

    A logarithmic slider whose parameter may be 0 has 0 at its left end. A double click on the slider goes back to `usual`.

    Parameters
    ----------
    ends
        The numbers at the ends of the slider.
    name
        What the number's box is called; the slider is ``slider_`` and the parameter's name.
    """

    changed = Signal()

    def __init__(self, knob: Param, ends: tuple[float, float], name: str) -> None:
        super().__init__()
        self.usual = float(knob.default)
        self._knob = knob
        self._low, self._high = ends
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setObjectName(f"slider_{knob.name}")
        self._slider.setRange(0, TICKS)
        self._number = NumberBox(knob)
        self._number.native.setObjectName(name)
        self._wheel = CalmWheel(self)
        for control in (self._slider, self._number.native):
            self._wheel.guard(control)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._slider, stretch=3)
        row.addWidget(self._number.native, stretch=2)

        self._slider.installEventFilter(self)
        self._slider.valueChanged.connect(self._on_slider)
        self._number.changed.connect(self._on_number)

    def value(self) -> float:
        """The number."""
        return float(self._number.value)

    def set_value(self, value: float) -> None:
        """Show a number."""
        with self._number.changed.blocked():
            self._number.value = self._knob.kind(value)
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Go back to the usual number on a double click."""
        if event.type() == QEvent.Type.MouseButtonDblClick:
            self._number.value = self._knob.kind(self.usual)
            return True
        return super().eventFilter(watched, event)

    def _on_slider(self, tick: int) -> None:
        with self._number.changed.blocked():
            self._number.value = self._at(tick)
        self.changed.emit()

    def _at(self, tick: int) -> float:
        if self._knob.log and not tick and self._knob.low == 0:
            return self._knob.kind(0)
        part = tick / TICKS
        value = self._low * (self._high / self._low) ** part if self._knob.log else self._low + (self._high - self._low) * part
        return round(value) if self._knob.kind is int else float(f"{value:.3g}")

    def _on_number(self) -> None:
        self._place()
        self.changed.emit()

    def _place(self) -> None:
        value = min(max(self.value(), self._low), self._high)
        part = math.log(value / self._low) / math.log(self._high / self._low) if self._knob.log else (value - self._low) / (self._high - self._low)
        with QSignalBlocker(self._slider):
            self._slider.setValue(round(TICKS * part))
