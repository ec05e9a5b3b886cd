"""How docks are laid out: sections that fold, an area that scrolls when there is no room, labels in one column."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtGui import QIcon, QResizeEvent
from qtpy.QtWidgets import QComboBox, QFormLayout, QFrame, QLabel, QScrollArea, QSizePolicy, QWidget
from superqt import QCollapsible


class Fold(QCollapsible):
    """A section that folds away; its arrow is text and so follows the theme."""

    def __init__(self, title: str, content: QWidget) -> None:
        super().__init__(title, expandedIcon=QIcon(), collapsedIcon=QIcon())
        self._title = title
        self.layout().setContentsMargins(0, 0, 0, 0)
        self.setDuration(0)
        self.addWidget(content)
        self._show_arrow(False)
        self.toggled.connect(self._show_arrow)

    def _show_arrow(self, unfolded: bool) -> None:
        self.setText(f"{'▾' if unfolded else '▸'} {self._title}")


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

    def sizeHint(self) -> QSize:  # noqa: N802
        """The content's, whose sentences wrap to the width there is."""
        hint, width = self.widget().sizeHint(), self.viewport().width()
        return QSize(hint.width(), max(hint.height() if width < 100 else 0, self.widget().heightForWidth(width)))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Ask for another height when sentences wrap otherwise."""
        super().resizeEvent(event)
        self.updateGeometry()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """The content's width, and a few rows."""
        return QSize(self.widget().minimumSizeHint().width(), min(120, self.sizeHint().height()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Ask for another height when the content has one."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
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
    return label.sizeHint().width() + 2 * label.fontMetrics().averageCharWidth()  # napari's style, which comes later, pads labels


def narrow(box: QComboBox) -> QComboBox:
    """A combo box that never widens its dock, however long its items are."""
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(6)
    return box


def sentence(name: str, *, lines: int) -> QLabel:
    """An empty label for whole sentences: wraps, can be copied, and has room for some lines so that nothing jumps."""
    label = QLabel()
    label.setMinimumHeight(lines * label.fontMetrics().lineSpacing())
    label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
