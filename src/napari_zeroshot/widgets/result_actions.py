"""A row of buttons for the active layer, when it is a result: run again, save, copy, cite."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QHBoxLayout, QMenu, QPushButton, QWidget

from napari_zeroshot.widgets import result_commands as commands
from napari_zeroshot.widgets.run_again import RunAgain

if TYPE_CHECKING:
    import napari

SELECT = "<p>Select a layer that was denoised by this plugin.</p>"
TIPS = {
    "again": "<p>Denoise the same image with the settings of the selected result: on a CPU that gives the same pixels.</p>",
    "save": "<p>Write the selected result as OME-TIFF or OME-Zarr, with pixel size, axes and how it was made.</p>",
    "copy": "<p>Text that makes the selected result again, to paste into a script or a terminal.</p>",
    "cite": "<p>The paper of the method that made the selected result.</p>",
}


class ResultActions(QWidget):
    """What can be done with the active layer, when it is a result of ours; the buttons are called ``again``, ``save``, ``copy`` and ``cite``."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._run: RunAgain | None = None
        self._again, self._save, self._copy, self._cite = (QPushButton(text) for text in ("Run again", "Save…", "Copy", "Cite"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for name, button in (("again", self._again), ("save", self._save), ("copy", self._copy), ("cite", self._cite)):
            button.setObjectName(name)
            row.addWidget(button)
        self._copy.setMenu(self._menu({"as Python": commands.copy_python, "as command line": commands.copy_command_line}))
        self._cite.setMenu(self._menu({"Copy BibTeX": commands.cite, "Open the paper": commands.open_paper}))
        self._refresh()

        self._again.clicked.connect(self._on_again)
        self._save.clicked.connect(lambda: commands.save_result(viewer))
        viewer.layers.selection.events.active.connect(self._refresh)

    def abandon(self) -> None:
        """End a run that was begun here, and want nothing more of it: for when the dock is closed."""
        if self._run is not None:
            self._run.abandon()

    def _menu(self, entries: dict[str, Callable[[Any], Any]]) -> QMenu:
        menu = QMenu(self)
        for text, command in entries.items():
            menu.addAction(text, lambda command=command: command(self._viewer))
        return menu

    def _on_again(self) -> None:
        if self._run is not None:
            self._run.cancel()
            self._again.setEnabled(False)
            return
        run = commands.run_again(self._viewer)
        if run is not None:
            self._run = run
            run.over.connect(self._on_end)
        self._refresh()

    def _on_end(self) -> None:
        self._run = None
        self._refresh()

    def _refresh(self) -> None:
        """Enabled while the active layer is a result; during a run, the first button cancels it."""
        result = commands.is_result(self._viewer.layers.selection.active)
        for name, button in (("again", self._again), ("save", self._save), ("copy", self._copy), ("cite", self._cite)):
            button.setEnabled(result)
            button.setToolTip(TIPS[name] if result else SELECT)
        self._again.setText("Run again" if self._run is None else "Cancel")
        if self._run is not None:
            self._again.setEnabled(not self._run.cancelling)
