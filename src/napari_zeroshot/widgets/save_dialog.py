"""Where something is saved: asked for, with the ending of its kind, and nothing is replaced without a question."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget


def place_to_save(title: str, proposed: str, kinds: Mapping[str, str], *, endings: Collection[str] = (), parent: QWidget | None = None) -> Path | None:
    """The place that the user chose; None if they chose none, or want to keep what is there.

    Parameters
    ----------
    kinds
        What the dialog offers, and the ending that goes with each; the first is taken where nothing was chosen.
    endings
        Others that may be typed; a name with any other gets the ending of its kind.
    """
    typed, kind = QFileDialog.getSaveFileName(parent, title, proposed, ";;".join(kinds))
    if not typed:
        return None
    known = typed.lower().endswith((*kinds.values(), *endings))
    place = Path(typed if known else typed + kinds.get(kind, next(iter(kinds.values()))))
    asked_already = known  # by the dialog, which knows the name as it was typed
    return place if asked_already or not place.exists() or _may_be_replaced(place, parent) else None


def _may_be_replaced(place: Path, parent: QWidget | None) -> bool:
    buttons = QMessageBox.StandardButton
    told = f"{place.name} exists already. Replace it?"
    return bool(QMessageBox.question(parent, "Replace it?", told, buttons.Yes | buttons.No, buttons.No) == buttons.Yes)
