"""What each dimension of an image is: a row of small menus."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QWidget

from napari_zeroshot.engine.axes import LETTERS
from napari_zeroshot.widgets.layout import CalmWheel

AXES_HELP = "<p>What each dimension is, in order: " + ", ".join(f"{letter} {meaning}" for letter, meaning in LETTERS.items())
AXES_HELP += ". Taken from the layer's axis labels; channels (C) never learn from one another.</p>"
NAMES = {"T": "T time", "Z": "Z depth", "C": "C chan.", "P": "P other", "Y": "Y", "X": "X", "S": "S colour", "?": "?"}
UNKNOWN = "?"
IN_A_ROW = 3
"""More menus would be too narrow to read."""


class AxesRow(QWidget):
    """A menu for each dimension; `edited` when the user chooses."""

    edited = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("axes")
        self._menus: list[QComboBox] = []
        self._wheel = CalmWheel(self)
        self._row = QGridLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(3)

    def text(self) -> str:
        """The letters, in the order of the dimensions."""
        return "".join(menu.currentData() for menu in self._menus)

    def set_value(self, letters: str, count: int) -> None:
        """Show these letters, or question marks, for an image of `count` dimensions."""
        if count != len(self._menus):
            self._make(count)
        for menu, letter in zip(self._menus, letters.ljust(count), strict=True):
            with QSignalBlocker(menu):
                menu.setCurrentIndex(menu.findData(letter if letter in LETTERS else UNKNOWN))

    def _make(self, count: int) -> None:
        for menu in self._menus:
            self._row.removeWidget(menu)
            menu.setParent(None)
            menu.deleteLater()
        self._menus = [self._menu(place) for place in range(count)]

    def _menu(self, place: int) -> QComboBox:
        menu = QComboBox()
        menu.setObjectName(f"axis_{place}")
        menu.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        menu.setMinimumContentsLength(3)
        for letter, name in NAMES.items():
            menu.addItem(name, letter)
        menu.setToolTip(AXES_HELP)
        self._wheel.guard(menu)
        self._row.addWidget(menu, place // IN_A_ROW, place % IN_A_ROW)
        menu.currentIndexChanged.connect(self.edited)
        return menu
