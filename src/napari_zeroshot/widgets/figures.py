"""The figures of compared images: a table with a column for each, what they mean, and a plot over planes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from napari_zeroshot.engine.axes import LETTERS
from napari_zeroshot.engine.comparison_findings import Standing, refusals, sentences, standing
from napari_zeroshot.engine.comparison_table import Column, columns
from napari_zeroshot.widgets.layout import Sentence
from napari_zeroshot.widgets.room import Room

if TYPE_CHECKING:
    from napari_zeroshot.engine.comparison import Comparison, Measured

SIGNS = {True: "✓ better", False: "✗ worse", None: "≈"}
FITTING = 3
"""So many columns fit side by side."""
BESIDE = "verdict"
BESIDE_TOLD = "Whether the image beats the noisy image's tuned Gaussian: by PSNR where there is a truth, else by noise left and detail removed."


class FiguresTable(QTableWidget):
    """A row for each figure, a column for each image; the row that is chosen is drawn over planes."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("figures")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setWordWrap(False)
        self.setSizeAdjustPolicy(QAbstractItemView.SizeAdjustPolicy.AdjustToContents)  # as high as its rows: the dock scrolls
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)

    def show_comparison(self, found: Comparison) -> None:
        """Fill the table with the means over planes."""
        shown, standings = shown_columns(found), _standings(found)
        self.clear()
        self.setColumnCount(len(found.rows))
        self.setRowCount(len(shown) + bool(standings))
        for place, row in enumerate(found.rows):
            self.setHorizontalHeaderItem(place, _item(letter_of(row, found), f"{row.name} {row.note}".strip()))
        for line, column in enumerate(shown):
            self.setVerticalHeaderItem(line, _item(column.title.replace(" (dB)", ""), column.told))
            for place, row in enumerate(found.rows):
                self.setItem(line, place, _item(column.write(getattr(row.mean, column.name)), found.untold.get(column.name, column.told)))
        if standings:
            self._add_standings(len(shown), found, standings)
        self._fit()

    def _add_standings(self, line: int, found: Comparison, standings: dict[str, Standing]) -> None:
        self.setVerticalHeaderItem(line, _item(BESIDE, BESIDE_TOLD))
        for place, row in enumerate(found.rows):
            told = standings.get(row.name)
            self.setItem(line, place, _item(SIGNS[told.beats] if told else "", told.sentence if told else ""))

    def _fit(self) -> None:
        """Fill the width with few columns, scroll through many."""
        few = self.columnCount() <= FITTING
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch if few else QHeaderView.ResizeMode.ResizeToContents)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff if few else Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.updateGeometry()


class FiguresPanel(QWidget):
    """The table, the sentences, and the plot of the chosen row."""

    def __init__(self) -> None:
        super().__init__()
        self._found: Comparison | None = None
        self._table = FiguresTable()
        self._told = Sentence("told", lines=3)
        self._plot = Room(_planes_plot)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self._table, self._told, self._plot):
            column.addWidget(widget)
        self._table.currentCellChanged.connect(self._on_row)
        self.show_comparison(None)

    @property
    def comparison(self) -> Comparison | None:
        """What is shown."""
        return self._found

    def recolour(self, theme: Any) -> None:
        """Take over the colours of a napari theme."""
        self._plot.recolour(theme)

    def show_comparison(self, found: Comparison | None) -> None:
        """Show what was measured, or nothing."""
        self._found = found
        self.setVisible(found is not None)
        if found is not None:
            self._table.show_comparison(found)
            self._told.setText("\n".join(_paragraphs(found)))
            self._table.setCurrentCell(0, 0)
            self._on_row(0)

    def _on_row(self, line: int, *_: Any) -> None:
        found = self._found
        if found is not None and 0 <= line < len(shown_columns(found)):
            several = len(found.images[0].planes) > 1
            self._plot.setVisible(several)
            if several:
                self._draw(found, shown_columns(found)[line])

    def _draw(self, found: Comparison, column: Column) -> None:
        curves = {letter_of(row, found): [getattr(plane, column.name) for plane in row.planes] for row in found.rows}
        self._plot.content().show_figure(column.title, _axis(found), curves)


def shown_columns(found: Comparison) -> tuple[Column, ...]:
    """Those that the dock has room for: the drift in grey levels only where there is none as a share. The file has all."""
    known = columns(found)
    shared = any(column.name == "drift_share" for column in known)
    return tuple(column for column in known if not (shared and column.name == "drift"))


def letter_of(row: Measured, found: Comparison) -> str:
    """``A`` of ``A noisy``; the Gaussian's own name."""
    return row.name if row is found.gaussian else row.name[0]


def _standings(found: Comparison) -> dict[str, Standing]:
    """Of every image but the noisy one, if there is a Gaussian."""
    return {row.name: standing(row, found.gaussian) for row in found.images[1:]} if found.gaussian else {}


def _paragraphs(found: Comparison) -> list[str]:
    standings = _standings(found)
    told = [(letter_of(row, found), [*([standings[row.name].sentence] if standings else []), *sentences(row)]) for row in found.images[1:]]
    return [*(f"{letter}: {' '.join(parts)}" for letter, parts in told if parts), *refusals(found)]


def _axis(found: Comparison) -> str:
    """What the planes are counted by: the one axis along which they lie, or all together."""
    planes = [dict(plane.at) for plane in found.images[0].planes]
    varied = [letter for letter in planes[0] if len({plane[letter] for plane in planes}) > 1]
    return LETTERS[varied[0]] if len(varied) == 1 else "plane"


def _item(text: str, told: str) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    item.setToolTip(told)
    item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
    return item


def _planes_plot() -> Any:
    from napari_zeroshot.widgets.compare_plots import PlanesPlot

    return PlanesPlot()
