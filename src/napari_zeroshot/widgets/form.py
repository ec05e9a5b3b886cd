"""A form for any Params class: made from the declaration, nothing written by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLabel, QSpinBox, QVBoxLayout, QWidget

from napari_zeroshot.engine.params import Param, Params, Value, describe
from napari_zeroshot.widgets.layout import CalmWheel, Fold, add_row, align_labels, narrow, rows

WHOLE = 2**31 - 1
"""A whole number without bounds goes this far: Qt's limit."""


class NumberBox(QDoubleSpinBox):
    """A spin box that shows and takes any number as it is written: ``0.002``, ``1e-09``.

    Steps by the declared amount, or by a tenth of the value's own size where the knob acts by ratios.
    """

    def __init__(self, knob: Param) -> None:
        super().__init__()
        self._declared, self._by_ratio = knob.step or 0.1, knob.log
        self.setDecimals(30)
        self.setRange(-math.inf if knob.low is None else knob.low, math.inf if knob.high is None else knob.high)

    def textFromValue(self, value: float) -> str:  # noqa: N802
        """The shortest text that gives back exactly this number."""
        return repr(float(value)).removesuffix(".0")

    def valueFromText(self, text: str) -> float:  # noqa: N802
        """The number written, whatever decimal sign is used."""
        return _number_in(self._bare(text)) or 0.0

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Anything may be on its way to a number."""
        number = _number_in(self._bare(text))
        fits = number is not None and self.minimum() <= number <= self.maximum()
        return (QValidator.State.Acceptable if fits else QValidator.State.Intermediate), text, position

    def fixup(self, text: str) -> str:
        """What cannot be taken as it is: the nearest number allowed, or the one before."""
        number = _number_in(self._bare(text))
        return self.textFromValue(self.value() if number is None else min(max(number, self.minimum()), self.maximum())) + self.suffix()

    def stepBy(self, steps: int) -> None:  # noqa: N802
        """Change by whole steps, without the dust of binary fractions."""
        size = 10.0 ** (math.floor(math.log10(abs(self.value()))) - 1) if self._by_ratio and self.value() else self._declared
        self.setValue(round(self.value() + steps * size, 15))

    def _bare(self, text: str) -> str:
        return text.removesuffix(self.suffix()).strip()


def _number_in(text: str) -> float | None:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


@dataclass(frozen=True)
class Control:
    """What a form needs of one knob's widget, whichever it is."""

    widget: QWidget
    get: Callable[[], Value]
    set: Callable[[Any], None]
    changed: Any


def _flag(knob: Param) -> Control:
    box = QCheckBox()
    return Control(box, box.isChecked, box.setChecked, box.toggled)


def _choice(knob: Param) -> Control:
    box = narrow(QComboBox())
    box.addItems(knob.choices)
    return Control(box, box.currentText, box.setCurrentText, box.currentTextChanged)


def _whole(knob: Param) -> Control:
    box = QSpinBox()
    box.setRange(-WHOLE if knob.low is None else int(knob.low), WHOLE if knob.high is None else int(knob.high))
    box.setSingleStep(max(1, int(knob.step or 1)))
    return Control(_with_unit(box, knob), box.value, box.setValue, box.valueChanged)


def _number(knob: Param) -> Control:
    box = NumberBox(knob)
    return Control(_with_unit(box, knob), box.value, box.setValue, box.valueChanged)


def _with_unit(box: Any, knob: Param) -> QWidget:
    box.setSuffix(f" {knob.unit}" if knob.unit else "")
    return box


CONTROLS: dict[type, Callable[[Param], Control]] = {bool: _flag, str: _choice, int: _whole, float: _number}


class ParamsForm(QWidget):
    """A form for the parameters of one class: the basic ones in sight, the advanced ones folded away.

    Each control is called ``param_<name>``. `changed` tells of the user's edits, not of `set_value`.
    """

    changed = Signal()

    def __init__(self, params: type[Params]) -> None:
        super().__init__()
        self._params = params
        self._knobs = describe(params)
        self._controls = {knob.name: CONTROLS[knob.kind](knob) for knob in self._knobs}
        self._wheel = CalmWheel(self)

        basic, advanced = rows(), rows()
        self._labels = {knob.name: self._add(advanced if knob.advanced else basic, knob) for knob in self._knobs}
        align_labels(basic, advanced)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(basic)
        if advanced.rowCount():
            inside = QWidget()
            inside.setLayout(advanced)
            self.advanced = Fold("Advanced", inside)
            column.addWidget(self.advanced)

        self.set_value(params())

        for control in self._controls.values():
            control.changed.connect(self.changed)

    def _add(self, form: Any, knob: Param) -> QLabel:
        widget = self._controls[knob.name].widget
        widget.setObjectName(f"param_{knob.name}")
        self._wheel.guard(widget)
        return add_row(form, title(knob), widget, tooltip(knob))

    def value(self) -> Params:
        """The parameters as they stand in the form."""
        return self._params(**{name: control.get() for name, control in self._controls.items()})

    def set_value(self, params: Params) -> None:
        """Show these parameters."""
        blocked = self.blockSignals(True)
        for name, value in params.to_dict().items():
            self._controls[name].set(value)
        self.blockSignals(blocked)

    def mark_changed(self, names: set[str]) -> None:
        """Set the labels of these parameters in bold, the others plain."""
        for name, label in self._labels.items():
            font = label.font()
            font.setBold(name in names)
            label.setFont(font)


def title(knob: Param) -> str:
    """The label of a knob: plain words, then the paper's symbol."""
    return f"{knob.label} ({knob.symbol})" if knob.symbol else knob.label


def tooltip(knob: Param) -> str:
    """What a knob does, what it is called in the paper, and what it takes."""
    allowed = f"Takes {knob.bounds}{f', in {knob.unit}' if knob.unit else ''}; normally {_said(knob.default)}."
    lines = [knob.help, f"The paper calls it {knob.symbol}." if knob.symbol else "", allowed]
    return "<p>" + "<br>".join(line for line in lines if line) + "</p>"


def _said(value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
