"""A magicgui control for one number: exact, with its unit, and bounded only where the knob is."""

from __future__ import annotations

import math
from typing import Any

from magicgui.backends._qtpy.widgets import QBaseRangedWidget  # FloatSpinBox rounds, SpinBox has no suffix
from magicgui.widgets.bases import RangedWidget
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QSpinBox

from napari_zeroshot.engine.params import Param


class ExactSpinBox(QDoubleSpinBox):
    """A spin box that shows and takes any number as it is written: ``0.002``, ``1e-09``.

    An adaptive step is a tenth of the value's own size.
    """

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.setDecimals(30)

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
        adaptive = self.stepType() == QAbstractSpinBox.StepType.AdaptiveDecimalStepType and self.value()
        size = 10.0 ** (math.floor(math.log10(abs(self.value()))) - 1) if adaptive else self.singleStep()
        self.setValue(round(self.value() + steps * size, 15))

    def _bare(self, text: str) -> str:
        return text.removesuffix(self.suffix()).strip()


def _number_in(text: str) -> float | None:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


SPIN_BOXES = {int: QSpinBox, float: ExactSpinBox}
STEPS = {int: 1, float: 0.1}
FURTHEST = {int: 2**31 - 1, float: math.inf}
"""How far a number without bounds goes; a whole one to Qt's limit."""


class NumberBox(RangedWidget):
    """The magicgui widget of a knob that takes numbers: like SpinBox and FloatSpinBox, but with a unit, open ends, and no rounding.

    Steps by the declared amount; a fraction whose knob acts by ratios, by a tenth of its own size.
    """

    def __init__(self, knob: Param) -> None:
        kind = knob.kind
        super().__init__(
            name=knob.name,
            annotation=kind,
            min=-FURTHEST[kind] if knob.low is None else kind(knob.low),
            max=FURTHEST[kind] if knob.high is None else kind(knob.high),
            step=kind(knob.step or STEPS[kind]),
            widget_type=QBaseRangedWidget,
            backend_kwargs={"qwidg": SPIN_BOXES[kind]},
        )
        self.adaptive_step = knob.log and kind is float
        self.native.setSuffix(f" {knob.unit}" if knob.unit else "")
