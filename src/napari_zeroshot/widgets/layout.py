"""How docks are laid out: sections that fold, an area that scrolls when there is no room, labels in one column."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QComboBox, QFormLayout, QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

BORDER = 4
"""What napari's style draws around a scroll area, in pixels."""
GAP = 4
"""Between a scroll bar and what it scrolls, in pixels."""
INDENT = 5
"""Of what a section holds, in pixels."""
LOWEST = 120
"""A scroll area is not made lower than this, in pixels."""


class Fold(QWidget):
    """A section that folds away; its arrow is text and so follows the theme.

    Unlike superqt's QCollapsible it gives sentences that wrap the height they need, and its heading does not shine as a pressed button does.
    """

    def __init__(self, title: str, content: QWidget, *, unfolded: bool = False) -> None:
        super().__init__()
        self._title, self._content = title, content
        self._heading = QPushButton()
        self._heading.setStyleSheet("text-align: left;")
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(INDENT, 0, 0, 0)
        column.addWidget(content)
        self._inside = inside
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._heading)
        whole.addWidget(inside)
        self.unfold(unfolded)
        self._heading.clicked.connect(self._on_click)

    def content(self) -> QWidget:
        """What it holds."""
        return self._content

    def unfold(self, unfolded: bool = True) -> None:
        """Show the content, or fold it away: out of reach of the Tab key too."""
        self._heading.setText(f"{'▾' if unfolded else '▸'} {self._title}")
        self._inside.setVisible(unfolded)

    def _on_click(self) -> None:
        self.unfold(self._inside.isHidden())


class RoomyScroll(QScrollArea):
    """As tall as its content where there is room, else scrolling; never sideways."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setWidgetResizable(True)
        self.setWidget(content)
        content.installEventFilter(self)
        self.verticalScrollBar().installEventFilter(self)

    def sizeHint(self) -> QSize:  # noqa: N802
        """The content's, whose sentences wrap to the width there is."""
        hint, width = self.widget().sizeHint(), self.viewport().width()
        height = self.widget().heightForWidth(width) if self.isVisible() else hint.height()
        return QSize(hint.width() + self._bar(), height + BORDER)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Ask for another height when sentences wrap otherwise."""
        super().resizeEvent(event)
        self.updateGeometry()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """The content's width, and a few rows."""
        return QSize(self.widget().minimumSizeHint().width() + self._bar(), min(LOWEST, self.sizeHint().height()))

    def _bar(self) -> int:
        return self.verticalScrollBar().sizeHint().width() + GAP + 2 * self.frameWidth()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Ask for another height when the content has one, and keep away from the bar while there is one."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        elif watched is self.verticalScrollBar() and event.type() in (QEvent.Type.Show, QEvent.Type.Hide):
            self.setViewportMargins(0, 0, GAP if event.type() == QEvent.Type.Show else 0, 0)
        return super().eventFilter(watched, event)


class CalmWheel(QObject):
    """Keeps the mouse wheel, meant to scroll, from changing the number it passes over."""

    def guard(self, control: QWidget) -> None:
        """Let `control` answer to the wheel only once it was clicked."""
        control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        control.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Swallow the wheel over what has no focus."""
        if event.type() == QEvent.Type.Wheel and not watched.hasFocus():  # type: ignore[attr-defined]
            event.ignore()
            return True
        return False


def rows() -> QFormLayout:
    """An empty layout of label and control, as wide as its dock."""
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return form


def add_row(form: QFormLayout, text: str, control: QWidget, tooltip: str) -> QLabel:
    """Add a control with its label; both show the tooltip."""
    label = QLabel(text)
    for widget in (label, control):
        widget.setToolTip(tooltip)
    form.addRow(label, control)
    return label


def align_labels(*forms: QFormLayout) -> None:
    """Give the labels of several forms one width, so that their controls stand in one column."""
    places = [(form, row) for form in forms for row in range(form.rowCount())]
    labels = [item.widget() for form, row in places if (item := form.itemAt(row, QFormLayout.ItemRole.LabelRole))]
    for label in labels:
        label.setMinimumWidth(max(_room_for(other) for other in labels))


def _room_for(label: QWidget) -> int:
    return label.sizeHint().width() + 3 * label.fontMetrics().averageCharWidth()  # napari's style, which comes later, pads labels


def narrow(box: QComboBox) -> QComboBox:
    """A combo box that never widens its dock, however long its items are."""
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(6)
    return box


def button(name: str, text: str, told: str = "") -> QPushButton:
    """A button, found by its name, with a tooltip that wraps."""
    made = QPushButton(text)
    made.setObjectName(name)
    made.setToolTip(f"<p>{told}</p>" if told else "")
    return made


class Sentence(QLabel):
    """A label for whole sentences: wraps, can be copied, and has room for some lines so that nothing jumps."""

    def __init__(self, name: str, *, lines: int) -> None:
        super().__init__()
        self._lines = lines
        self.setObjectName(name)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        """As high as the text, or as the lines kept free for it."""
        return max(super().heightForWidth(width), self._reserved())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """No lower than the lines kept free."""
        hint = super().minimumSizeHint()
        return QSize(hint.width(), max(hint.height(), self._reserved()))

    def _reserved(self) -> int:
        return self._lines * self.fontMetrics().lineSpacing() + self.fontMetrics().lineSpacing() * 3 // 4  # what napari's style pads


def below(*widgets: QWidget) -> QWidget:
    """Widgets one below the other."""
    whole = QWidget()
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        column.addWidget(widget)
    return whole


def beside(*widgets: QWidget | tuple[QWidget, int]) -> QWidget:
    """Widgets beside one another, each perhaps with its share of the room."""
    whole = QWidget()
    row = QHBoxLayout(whole)
    row.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        row.addWidget(*widget) if isinstance(widget, tuple) else row.addWidget(widget)
    return whole
