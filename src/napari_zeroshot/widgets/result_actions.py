"""A row of buttons for the active layer, when it is a result: run again, use its network again, save, copy, cite."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtWidgets import QHBoxLayout, QMenu, QPushButton, QWidget

from napari_zeroshot.widgets import network_commands as networks
from napari_zeroshot.widgets import result_commands as commands
from napari_zeroshot.widgets.kept import has_network
from napari_zeroshot.widgets.layers import PREVIEW
from napari_zeroshot.widgets.run_beside import RunBeside

if TYPE_CHECKING:
    import napari

SELECT = "<p>Select a layer that was denoised by this plugin.</p>"
TIPS = {
    "again": "<p>Denoise the same image with the settings of the selected result: on a CPU that gives the same pixels.</p>",
    "save": "<p>Write the selected result as OME-TIFF or OME-Zarr, with pixel size, axes and how it was made.</p>",
    "copy": "<p>Text that makes the selected result again, to paste into a script or a terminal.</p>",
    "network": "<p>Denoise another image, or the rest of a stack, with a network that is trained already: in a fraction of the time. "
    "It does well on images of the same kind; the result's message says where grey levels or noise are unlike.</p>",
    "cite": "<p>The paper of the method that made the selected result.</p>",
}


class ResultActions(QWidget):
    """What can be done with the active layer, when it is a result of ours; the buttons are called ``again``, ``network``, ``save``, ``copy`` and ``cite``."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._run: RunBeside | None = None
        self._again, self._network, self._save, self._copy, self._cite = (QPushButton(text) for text in ("Run again", "Network", "Save…", "Copy", "Cite"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for name, button in {**self._of_results(), "network": self._network}.items():
            button.setObjectName(name)
            row.addWidget(button)
        self._network.setToolTip(TIPS["network"])
        self._network.setMenu(QMenu(self))
        self._copy.setMenu(self._menu({"as Python": commands.copy_python, "as command line": commands.copy_command_line}))
        self._cite.setMenu(self._menu({"Copy BibTeX": commands.cite, "Open the paper": commands.open_paper}))
        self._refresh()

        self._again.clicked.connect(self._on_again)
        self._network.menu().aboutToShow.connect(self._fill_network_menu)
        self._save.clicked.connect(lambda: commands.save_result(viewer))
        viewer.layers.selection.events.active.connect(self._refresh)

    def abandon(self) -> None:
        """End a run that was begun here, and want nothing more of it: for when the dock is closed."""
        if self._run is not None:
            self._run.abandon()

    def _of_results(self) -> dict[str, QPushButton]:
        return {"again": self._again, "save": self._save, "copy": self._copy, "cite": self._cite}

    def _fill_network_menu(self) -> None:
        """What can be done depends on the layers that there are."""
        menu, known = self._network.menu(), has_network(self._viewer.layers.selection.active)
        menu.clear()
        self._add_layers(menu.addMenu("Apply to"), networks.apply_network).setEnabled(known and self._run is None)
        menu.addAction("Save network…", lambda: networks.save_active_network(self._viewer)).setEnabled(known)
        self._add_layers(menu.addMenu("Apply a saved network to"), networks.apply_saved_network).setEnabled(self._run is None)

    def _add_layers(self, menu: QMenu, command: Callable[..., RunBeside | None]) -> QMenu:
        for layer in self._viewer.layers:
            if isinstance(layer, Image) and not commands.is_result(layer) and PREVIEW not in layer.metadata:
                menu.addAction(layer.name, lambda layer=layer: self._begin(command(self._viewer, layer)))
        return menu

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
        self._begin(commands.run_again(self._viewer))

    def _begin(self, run: RunBeside | None) -> None:
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
        for name, button in self._of_results().items():
            button.setEnabled(result)
            button.setToolTip(TIPS[name] if result else SELECT)
        self._again.setText("Run again" if self._run is None else "Cancel")
        if self._run is not None:
            self._again.setEnabled(not self._run.cancelling)
