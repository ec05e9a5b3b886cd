"""A form for any Params class: magicgui controls made from the declaration, nothing written by hand."""

from __future__ import annotations

from collections.abc import Callable

from magicgui.widgets import CheckBox, ComboBox, Container
from magicgui.widgets.bases import ValueWidget
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget

from napari_zeroshot.engine.params import Param, Params, Value, describe
from napari_zeroshot.widgets.layout import CalmWheel, Fold, add_row, align_labels, narrow, rows
from napari_zeroshot.widgets.number import NumberBox


def _flag(knob: Param) -> CheckBox:
    box = CheckBox(name=knob.name)
    box.text = ""  # the label stands beside it, as with the others
    return box


def _choice(knob: Param) -> ComboBox:
    box = ComboBox(name=knob.name, choices=knob.choices)
    narrow(box.native)
    return box


CONTROLS: dict[type, Callable[[Param], ValueWidget]] = {bool: _flag, str: _choice, int: NumberBox, float: NumberBox}


class ParamsForm(QWidget):
    """A form for the parameters of one class: the basic ones in sight, the advanced ones folded away.

    The magicgui widgets are in `container`, by name; their Qt widgets are called ``param_<name>``.
    `changed` tells of the user's edits, not of `set_value`.
    """

    changed = Signal()

    def __init__(self, params: type[Params]) -> None:
        super().__init__()
        self._params = params
        knobs = describe(params)
        self.container = Container(widgets=[CONTROLS[knob.kind](knob) for knob in knobs], labels=False)
        self.container.margins = (0, 0, 0, 0)
        self._wheel = CalmWheel(self)

        basic, advanced = rows(), rows()  # our own, for magicgui's labels would not stand in one column with the dock's
        self._labels = {knob.name: self._add(advanced if knob.advanced else basic, knob) for knob in knobs}
        align_labels(basic, advanced)
        shown = self.container.native
        shown.layout().addLayout(basic)
        if advanced.rowCount():
            inside = QWidget()
            inside.setLayout(advanced)
            shown.layout().addWidget(Fold("Advanced", inside))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(shown)

        self.set_value(params())

        self.container.changed.connect(self._on_edit)

    def _add(self, form: QFormLayout, knob: Param) -> QLabel:
        widget = self.container[knob.name].native
        widget.setObjectName(f"param_{knob.name}")
        self._wheel.guard(widget)
        return add_row(form, title(knob), widget, tooltip(knob))

    def value(self) -> Params:
        """The parameters as they stand in the form."""
        return self._params(**self.container.asdict())

    def set_value(self, params: Params) -> None:
        """Show these parameters."""
        with self.container.changed.blocked():
            self.container.update(params.to_dict())

    def _on_edit(self) -> None:
        self.changed.emit()

    def mark_changed(self, names: set[str]) -> None:
        """Set the labels of these parameters in bold, the others plain."""
        for name, label in self._labels.items():
            font = label.font()
            font.setBold(name in names)
            label.setFont(font)


def title(knob: Param) -> str:
    """The label of a knob: plain words, then the paper's symbol, in one pair of brackets."""
    return f"{knob.label} ({knob.symbol})".replace(") (", ", ") if knob.symbol else knob.label


def tooltip(knob: Param) -> str:
    """What a knob does, what it is called in the paper, and what it takes."""
    allowed = f"Takes {knob.bounds}{f', in {knob.unit}' if knob.unit else ''}; normally {_said(knob.default)}."
    lines = [knob.help, f"The paper calls it {knob.symbol}." if knob.symbol else "", allowed]
    return "<p>" + "<br>".join(line for line in lines if line) + "</p>"


def _said(value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
