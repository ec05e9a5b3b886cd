"""What to do: method, preset and parameters."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from magicgui.widgets import ComboBox
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_zeroshot.engine.errors import DenoiseError
from napari_zeroshot.engine.method import Method
from napari_zeroshot.engine.params import Params
from napari_zeroshot.engine.registry import all_methods
from napari_zeroshot.widgets.form import ParamsForm
from napari_zeroshot.widgets.habits import Notebook
from napari_zeroshot.widgets.layout import CalmWheel, Sentence, add_row, narrow, rows
from napari_zeroshot.widgets.task import Recipe

FIRST = "auto"
"""The method that is proposed."""


class RecipePicker(QWidget):
    """Chooses a method, a preset, and single parameters on top of it; those that differ from the preset are bold.

    Parameters
    ----------
    make_form
        Makes the form for a class of parameters, with `value`, `set_value`, `mark_changed` and `changed` as `ParamsForm` has them.
    first
        The method that is shown first.
    """

    changed = Signal()

    def __init__(self, make_form: Callable[[type[Params]], Any] = ParamsForm, first: str = FIRST) -> None:
        super().__init__()
        self._make_form = make_form
        self._method = ComboBox(name="method", value=first, choices=[(method.title, name) for name, method in all_methods().items()])
        self._preset = ComboBox(name="preset", choices=lambda _: list(self.method.presets))
        self._wheel = CalmWheel(self)
        for box in (self._method, self._preset):
            narrow(box.native).setObjectName(box.name)
            self._wheel.guard(box.native)
        self._about = Sentence("about", lines=3)
        self._reset = QPushButton("Reset")
        self._reset.setObjectName("reset")
        self._reset.setToolTip("Back to the preset's own values.")

        preset = QWidget()
        beside = QHBoxLayout(preset)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.addWidget(self._preset.native, stretch=1)
        beside.addWidget(self._reset)
        self.rows = rows()
        add_row(self.rows, "Method", self._method.native, "How to denoise; the sentence below says when to use it.")
        self.rows.addRow(self._about)
        add_row(self.rows, "Preset", preset, "Parameters that go together. Choosing one fills the form; change single ones after that.")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addLayout(self.rows)
        self.form = make_form(Params)
        self._on_method()

        self._method.changed.connect(self._on_method)
        self._preset.changed.connect(self._on_preset)
        self._reset.clicked.connect(self._on_preset)

    @property
    def method(self) -> Method:
        """The chosen method."""
        return all_methods()[self._method.value]

    def value(self) -> Recipe:
        """What is chosen."""
        return Recipe(self.method, self._preset.value, self.form.value())

    def set_value(self, recipe: Recipe) -> None:
        """Show a method, its preset and parameters."""
        self._method.value = recipe.method.name
        self._preset.value = recipe.preset
        self.form.set_value(recipe.params)
        self._on_params()

    def recall(self, method: str) -> None:
        """Show a method as it was last used; one that is no longer there, or whose parameters have changed, is passed over."""
        if method not in all_methods():
            return
        chosen, known = all_methods()[method], Notebook("recipes").get(method) or {}
        self.set_value(Recipe(chosen, "default", chosen.settings()))
        with suppress(DenoiseError, TypeError, AttributeError):
            self.set_value(Recipe(chosen, known["preset"], chosen.settings(known["preset"], known["changes"])) if known else self.value())

    def _on_method(self) -> None:
        method = self.method
        self._about.setText(method.summary)
        self._about.setToolTip(method.reference)
        with self._preset.changed.blocked():
            self._preset.choices = ()  # else the name of the last preset would stay
            self._preset.reset_choices()
        before, self.form = self.form, self._make_form(method.params)
        before.setParent(None)
        before.deleteLater()
        self._column.addWidget(self.form)
        self.form.changed.connect(self._on_params)
        self._on_preset()

    def _on_preset(self) -> None:
        self.form.set_value(self.method.settings(self._preset.value))
        self._on_params()

    def _on_params(self) -> None:
        changes = self.value().changes()
        self.form.mark_changed(set(changes))
        self._reset.setEnabled(bool(changes))
        self.changed.emit()
