"""The dock's own help: what to do first, and its shortcuts."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QShortcut, QSizePolicy, QWidget

from napari_zeroshot.widgets.layout import Fold, Sentence

SHORTCUTS = {
    "run": ("Ctrl+Return", "Denoise"),
    "preview": ("Ctrl+Shift+Return", "Preview"),
    "stop": ("Esc", "Cancel; again: end now"),
    "keep": ("Ctrl+K", "Keep this"),
}
LAST = "The shortcuts work while the dock has the keyboard: click into it."
FIRST = (
    "Preview shows quickly what a method does to what you see. Change its parameters and watch; then choose Where, and press Denoise. "
    "The image stays as it is, the result is a new layer."
)


def guide() -> Fold:
    """The help, folded away."""
    text = Sentence("help", lines=4)
    keys = "\n".join(f"{keys}   {what}" for keys, what in SHORTCUTS.values())
    text.setText(f"{FIRST}\n\n{keys}\n\n{LAST}")
    policy = text.sizePolicy()
    policy.setHorizontalPolicy(QSizePolicy.Policy.Ignored)  # long lines wrap rather than widen the dock
    text.setSizePolicy(policy)
    return Fold("Help and shortcuts", text)


def connect_shortcuts(dock: QWidget, slots: dict[str, Callable[[], None]]) -> None:
    """Let the keys do what the dock's buttons do, while the keyboard is in the dock."""
    for name, slot in slots.items():
        add_shortcut(dock, SHORTCUTS[name][0], slot)


def add_shortcut(dock: QWidget, keys: str, slot: Callable[[], None]) -> None:
    """Let keys do something while the keyboard is in the dock."""
    shortcut = QShortcut(QKeySequence(keys), dock)
    shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    shortcut.activated.connect(slot)
