"""Sliders for FM2S's noise factors."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from napari_zeroshot.engine.fm2s_noise import FACTORS
from napari_zeroshot.engine.methods.fm2s import FM2SParams
from napari_zeroshot.engine.params import describe
from napari_zeroshot.widgets.form import title, tooltip
from napari_zeroshot.widgets.layout import add_row, rows
from napari_zeroshot.widgets.slider import ParamSlider


class FactorSliders(QWidget):
    """FM2S's k_g, k_p and lambda_p."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        knobs = {knob.name: knob for knob in describe(FM2SParams)}
        self._sliders = {name: ParamSlider(knobs[name], (1.0, float(knobs[name].high or 1)), f"factor_{name}") for name in FACTORS}
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
