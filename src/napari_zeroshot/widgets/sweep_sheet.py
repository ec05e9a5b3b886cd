"""The contact sheet of a sweep: titled tiles that fill as they finish, under one contrast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QButtonGroup, QGridLayout, QLabel, QSizePolicy, QSlider, QToolButton, QVBoxLayout, QWidget

from napari_zeroshot.engine.contact_sheet import as_shown
from napari_zeroshot.engine.sweep_files import told_scores, upright
from napari_zeroshot.engine.sweep_tiles import Sweep, Tile
from napari_zeroshot.engine.variation import Axis, Setting
from napari_zeroshot.widgets.slider import TICKS

WIDTH = 288
"""Pixels that the tiles of a row share."""
ACROSS = 3
"""Tiles in a row, where only one thing varies."""
SMALLEST = 44
HEADING = 50
"""Pixels for the values of the first of two axes."""


class SweepSheet(QWidget):
    """A button for each tile; `chosen` when the user clicks one that is done, `looked_at` when they move the slider below to one."""

    chosen = Signal(object)
    looked_at = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._tiles: dict[tuple[int, ...], Tile] = {}
        self._buttons: dict[tuple[int, ...], QToolButton] = {}
        self._limits = (0.0, 1.0)
        self._group = QButtonGroup(self)
        self._axes: tuple[Axis, ...] = ()
        self._letters = "YX"
        self._headings: list[QLabel] = []
        self._grid = QGridLayout()
        self._grid.setSpacing(2)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setObjectName("trained")
        self._slider.setRange(0, TICKS)
        self._slider.setToolTip("<p>Goes through what was trained: the preview shows the tile whose value is nearest.</p>")
        self._nearest = QLabel()
        self._nearest.setObjectName("nearest")
        self._nearest.setWordWrap(True)  # else a long name would widen the dock
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self._slider, self._nearest):
            part.hide()
        column.addLayout(self._grid)
        column.addWidget(self._nearest)
        column.addWidget(self._slider)
        self._slider.valueChanged.connect(self._on_slider)

    def begin(self, axes: tuple[Axis, ...], settings: Sequence[Setting], limits: tuple[float, float], letters: str) -> None:
        """Show an empty tile for each setting; `letters` are the axes of the images to come, in their order."""
        self._axes, self._tiles, self._limits, self._letters = axes, {}, limits, letters
        self._clear()
        across = len(axes[-1].values) if len(axes) == 2 else ACROSS
        side = max(SMALLEST, (WIDTH - HEADING * (len(axes) - 1)) // across)
        self._buttons = {setting.place: self._button(setting, side) for setting in settings}
        for number, button in enumerate(self._buttons.values()):
            self._grid.addWidget(button, number // across + 1, number % across + 1)
        if len(axes) == 2:
            self._add_headings(*axes)
        for part in (self._slider, self._nearest):
            part.hide()

    def _clear(self) -> None:
        for button in self._buttons.values():
            self._group.removeButton(button)
        for part in (*self._buttons.values(), *self._headings):
            self._grid.removeWidget(part)
            part.setParent(None)
            part.deleteLater()
        self._headings = []

    def _add_headings(self, down: Axis, across: Axis) -> None:
        """The values of two axes, to the left of the tiles and above them."""
        for number, title in enumerate(down.titles, start=1):
            self._add_heading(title, number, 0)
        for number, title in enumerate(across.titles, start=1):
            self._add_heading(title, 0, number)

    def _add_heading(self, title: str, row: int, column: int) -> None:
        heading = QLabel(title.replace(" ", "\n", 1))
        heading.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._grid.addWidget(heading, row, column)
        self._headings.append(heading)

    def show_tiles(self, tiles: Sequence[Tile]) -> None:
        """Fill in the tiles that are done."""
        for tile in tiles:
            if tile.setting.place not in self._tiles:
                self._tiles[tile.setting.place] = tile
                self._fill(tile)

    def show_sweep(self, sweep: Sweep) -> None:
        """Show what came of it: mark the best tile, say which are missing, and offer the slider."""
        self.show_tiles(sweep.tiles)
        for place, button in self._buttons.items():
            if place not in self._tiles:
                button.setToolTip("<p>Not done: the sweep was cancelled.</p>")
        if sweep.best is not None:
            button = self._buttons[sweep.best.setting.place]
            button.setText("★ " + button.text())
            button.setToolTip(button.toolTip().replace("</p>", "<br>★ the best of these.</p>"))
        offered = len(sweep.images) > 1 and len(self._axes) == 1 and self._axes[0].numbers
        for part in (self._slider, self._nearest):
            part.setVisible(offered)
        if offered:
            self._nearest.setText(f"{self._axes[0].label}: move through what was trained")

    def set_limits(self, limits: tuple[float, float]) -> None:
        """Show black and white at other grey levels."""
        self._limits = limits
        for place, tile in self._tiles.items():
            self._buttons[place].setIcon(self._icon(tile))

    def recolour(self, theme: Any) -> None:
        """Frame the tile in use in the colour that a napari theme has for that."""
        self.setStyleSheet(f"QToolButton {{ border: 2px solid transparent; }} QToolButton:checked {{ border-color: {theme.text.as_hex()}; }}")

    def mark(self, tile: Tile) -> None:
        """Frame a tile as the one in use."""
        self._buttons[tile.setting.place].setChecked(True)

    def _button(self, setting: Setting, side: int) -> QToolButton:
        button = QToolButton()
        button.setObjectName("tile_" + "_".join(map(str, setting.place)))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setCheckable(True)
        button.setEnabled(False)
        button.setIconSize(QSize(side - 8, side - 8))
        button.setFixedWidth(side)
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        button.setText(self._caption(setting, "…"))
        button.setIcon(_blank(side - 8))
        button.setToolTip(f"<p>{setting.title}: waiting.</p>")
        button.clicked.connect(lambda: self._on_click(setting.place))
        self._group.addButton(button)
        return button

    def _fill(self, tile: Tile) -> None:
        button = self._buttons[tile.setting.place]
        button.setText(self._caption(tile.setting, _short_score(tile)))
        if tile.image is None:
            button.setToolTip(f"<p>{tile.problem}</p>")
            return
        button.setIcon(self._icon(tile))
        button.setEnabled(True)
        button.setToolTip(
            f"<p><b>{tile.setting.title}</b><br>{told_scores(tile)}<br>{tile.seconds:.1f} s<br>Click to use these settings in the Denoise dock.</p>"
        )

    def _caption(self, setting: Setting, score: str) -> str:
        """What stands below a tile: with two axes, titles stand above and beside them."""
        return score if len(self._axes) == 2 else f"{setting.title}\n{score}"

    def _icon(self, tile: Tile) -> QIcon:
        return QIcon(_pixmap(as_shown(upright(tile.image, self._letters), self._limits))) if tile.image is not None else QIcon()

    def _on_click(self, place: tuple[int, ...]) -> None:
        self.chosen.emit(self._tiles[place])

    def _on_slider(self, tick: int) -> None:
        axis = self._axes[0]
        value = axis.along(tick / TICKS)
        near = axis.nearest(value, [place for (place,), tile in self._tiles.items() if tile.image is not None])
        tile = self._tiles[(near,)]
        self._nearest.setText(f"{axis.label} {value:.3g}: nearest trained, {tile.setting.title}")
        self.mark(tile)
        self.looked_at.emit(tile)


def _short_score(tile: Tile) -> str:
    if tile.image is None:
        return "failed"
    if tile.psnr is not None:
        return f"{tile.psnr:.2f} dB"
    return f"error {tile.expected_error:.3g}" if tile.expected_error is not None else f"{tile.seconds:.1f} s"


def _pixmap(shown: NDArray[Any]) -> QPixmap:
    """A picture of 8 bits, grey or in colours, for Qt."""
    height, width = shown.shape[:2]
    kind = QImage.Format.Format_RGB888 if shown.ndim == 3 else QImage.Format.Format_Grayscale8
    return QPixmap.fromImage(QImage(shown.tobytes(), width, height, shown.strides[0], kind).copy())


def _blank(side: int) -> QIcon:
    """An empty place of a tile's size."""
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    return QIcon(pixmap)
