"""What a sweep is to try: one or two parameters, or the methods, with their values as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.method import Method
from napari_zeroshot.engine.params import Param, describe, short
from napari_zeroshot.engine.registry import all_methods, get_method
from napari_zeroshot.engine.variation import METHOD, Axis, Setting, axes_of, settings_of, usual_values
from napari_zeroshot.widgets.form import title
from napari_zeroshot.widgets.layout import CalmWheel, add_row, narrow, rows
from napari_zeroshot.widgets.task import Recipe

VALUES_HELP = (
    "<p>Values parted by commas, or the least, the greatest and how many: 0.1:100:7 is seven values from 0.1 to 100, at equal ratios "
    "where the parameter acts by ratios; 0.1:100:lin7 at equal steps.</p>"
)
START_HELP = (
    "<p>Fresh: every network is trained from the start with all its steps, as a run on this piece would be. "
    "Going on: each goes on from the tile before, where that is possible; quicker, and not what a run gives.</p>"
)
NOTHING = ""


@dataclass(frozen=True)
class SweepOrder:
    """What to try: methods, varied parameters as text, and how networks begin; as `sweep_steps` takes it."""

    methods: tuple[str, ...]
    vary: Mapping[str, str]
    start: str

    def axes(self) -> tuple[Axis, ...]:
        """The directions of the sweep. Raises `ParamError` if there are none, or a value makes no sense."""
        return axes_of([get_method(name) for name in self.methods], self.vary)

    def settings(self, recipe: Recipe) -> list[Setting]:
        """Every tile's setting, on top of a recipe. Raises `ParamError` as `axes` does, or if a method has no such parameter."""
        return settings_of(self.methods, self.axes(), self.preset(recipe), self.fixed(recipe))

    def preset(self, recipe: Recipe) -> str | None:
        """The recipe's preset, or none where methods are compared, which have presets of their own."""
        return recipe.preset if len(self.methods) == 1 else None

    def fixed(self, recipe: Recipe) -> dict[str, bool | int | float | str]:
        """What is the same in all tiles: the recipe's changes to its preset; none where methods are compared."""
        return recipe.changes() if len(self.methods) == 1 else {}


class SweepForm(QWidget):
    """Chooses what varies, and its values; `changed` when the user does."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._method: Method | None = None
        self._boxes = [narrow(QComboBox()) for _ in range(2)]
        self._values = [QLineEdit() for _ in range(2)]
        self._start = narrow(QComboBox())
        self._start.addItem("fresh", "fresh")
        self._start.addItem("going on (a quick look)", "warm")
        self._start.setObjectName("start")
        self._wheel = CalmWheel(self)
        self.rows = rows()
        for number, (box, values) in enumerate(zip(self._boxes, self._values, strict=True), start=1):
            box.setObjectName(f"vary_{number}")
            values.setObjectName(f"values_{number}")
            self._wheel.guard(box)
            add_row(self.rows, "Vary" if number == 1 else "and", box, "What differs from tile to tile.")
            add_row(self.rows, "Values", values, VALUES_HELP)
        add_row(self.rows, "Networks", self._start, START_HELP)
        self._wheel.guard(self._start)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self.rows)

        for box, values in zip(self._boxes, self._values, strict=True):
            box.currentIndexChanged.connect(lambda _, box=box, values=values: self._on_box(box, values))
            values.editingFinished.connect(self.changed)
        self._start.currentIndexChanged.connect(self.changed)

    def set_method(self, method: Method) -> None:
        """Offer the parameters of a method, what can be tuned first."""
        if method is self._method:
            return
        self._method = method
        knobs = sorted(describe(method.params), key=lambda knob: not knob.tunable)
        for number, box in enumerate(self._boxes):
            with QSignalBlocker(box):
                box.clear()
                if number:
                    box.addItem("nothing else", NOTHING)
                for knob in knobs:
                    box.addItem(title(knob), knob.name)
                if not number:
                    box.addItem("Method", METHOD)
                box.setCurrentIndex(0 if number else max(0, box.findData(_first(knobs))))
            self._on_box(box, self._values[number])

    def value(self) -> SweepOrder:
        """What is chosen.

        Raises
        ------
        ParamError
            If a method to compare with is unknown.
        """
        names = [box.currentData() for box in self._boxes]
        texts = {name: values.text() for name, values in zip(names, self._values, strict=True) if name not in (NOTHING, METHOD)}
        methods = (self._method.name,) if self._method else ()
        if METHOD in names:
            methods = tuple(dict.fromkeys(_method_named(word).name for word in self._values[names.index(METHOD)].text().split(",")))
        return SweepOrder(methods, texts, self._start.currentData())

    def _on_box(self, box: QComboBox, values: QLineEdit) -> None:
        name = box.currentData()
        knob = next((knob for knob in describe(self._method.params) if knob.name == name), None) if self._method else None
        values.setText(", ".join(_usual(knob, name)))
        values.setCursorPosition(0)  # else a narrow dock shows the end of a long list
        values.setEnabled(name != NOTHING)
        self.changed.emit()


def _first(knobs: Sequence[Param]) -> str:
    """What is proposed: the first tunable parameter that the paper has a symbol for, or else the first."""
    return next((knob.name for knob in knobs if knob.tunable and knob.symbol), knobs[0].name if knobs else METHOD)


def _usual(knob: Param | None, name: str) -> list[str]:
    if name == METHOD:
        return [method.title for method in all_methods().values() if method.name != "bm3d"]
    if knob is None:
        return []
    return [("on" if value else "off") if isinstance(value, bool) else short(value) for value in usual_values(knob)]


def _method_named(word: str) -> Method:
    """The method of this title or name."""
    known = {method.title.lower(): method for method in all_methods().values()}
    wanted = word.strip().lower()
    if not wanted:
        raise ParamError(f"name the methods, parted by commas: {', '.join(method.title for method in all_methods().values())}")
    return known[wanted] if wanted in known else get_method(wanted)
