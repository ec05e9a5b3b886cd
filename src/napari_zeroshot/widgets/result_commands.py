"""What can be done with a result, as commands: napari's menus and command palette call these, and the buttons of `ResultActions`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_zeroshot import __version__
from napari_zeroshot.engine import citation
from napari_zeroshot.engine.errors import DenoiseError, ImageError
from napari_zeroshot.engine.recorded import Recorded, recorded
from napari_zeroshot.engine.snippets import as_command_line, as_python
from napari_zeroshot.widgets import run_again as again
from napari_zeroshot.widgets.run_beside import RunBeside
from napari_zeroshot.widgets.save_dialog import place_to_save
from napari_zeroshot.widgets.saving import image_of, layers_of, record_of
from napari_zeroshot.widgets.worker import do_in_thread

if TYPE_CHECKING:
    import napari

KINDS = {"OME-TIFF (*.ome.tif)": ".ome.tif", "OME-Zarr (*.ome.zarr)": ".ome.zarr"}
"""What the dialog offers, and the ending that goes with it."""
ENDED = (".tif", ".tiff", ".zarr", ".png")
"""Others that can be written."""
RUNS: set[RunBeside] = set()
"""Those under way, so that they live until they are over."""


def notified(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command; what the user can mend is shown as a notification, not as an error of the program."""

    @wraps(command)
    def told(viewer: napari.viewer.Viewer, *more: Any) -> Any:
        try:
            return command(viewer, *more)
        except DenoiseError as error:
            show_error(str(error))
            return None

    return told


def is_result(layer: Any) -> bool:
    """Whether a layer holds, or was read from a file that holds, how it was denoised."""
    return isinstance(layer, Image) and "method" in (record_of(layer) or {})


def active_result(viewer: napari.viewer.Viewer, *, again: bool = False) -> tuple[Image, Recorded]:
    """The active layer and how it was made; with `again`, one that can be made again.

    Raises
    ------
    ImageError
        If it is no result.
    ParamError
        If its record makes no sense.
    """
    layer = viewer.layers.selection.active
    if not is_result(layer):
        raise ImageError("the selected layer was not denoised by this plugin; select one layer that was")
    return layer, recorded(record_of(layer), again=again)


@notified
def run_again(viewer: napari.viewer.Viewer) -> RunBeside:
    """Denoise the image of the active result again, with the same settings."""
    layer, record = active_result(viewer, again=True)
    run = again.run_again(viewer, layer, record)
    RUNS.add(run)
    run.over.connect(lambda: RUNS.discard(run))
    return run


@notified
def save_result(viewer: napari.viewer.Viewer) -> None:
    """Ask for a file name and write the active result there."""
    layer, _ = active_result(viewer)
    path = place_to_save("Save result", f"{safe_name(layer.name)}.ome.tif", KINDS, endings=ENDED)
    if path is not None:
        save_to(layer, path)


def save_to(layer: Image, path: Path) -> None:
    """Write a layer in another thread, in the place of what is there, and say so when it is done."""
    from napari_zeroshot.engine.files import write  # here and below, for docks load this module, and it takes long

    image = image_of(layer)
    do_in_thread(
        lambda: write(path, image, overwrite=True),
        told=f"Saving {path.name}",
        on_done=lambda written: show_info(f"Saved {written}"),
        on_error=lambda error: show_error(str(error)),
    )


def safe_name(name: str) -> str:
    """A layer's name without what no file name may hold."""
    return "".join("_" if letter in '<>:"/\\|?*' or not letter.isprintable() else letter for letter in name).strip(". ")


@notified
def copy_python(viewer: napari.viewer.Viewer) -> None:
    """Copy Python text that makes the active result again."""
    _, record = active_result(viewer, again=True)
    _copy(as_python(record, *files_of(viewer, record)), "Python")


@notified
def copy_command_line(viewer: napari.viewer.Viewer) -> None:
    """Copy a command line that makes the active result again."""
    _, record = active_result(viewer, again=True)
    _copy(as_command_line(record, *files_of(viewer, record)), "a command line")


@notified
def cite(viewer: napari.viewer.Viewer) -> None:
    """Copy BibTeX of the active result's method, and of this program."""
    _, record = active_result(viewer)
    _copy(f"{record.method.bibtex}\n\n{citation.bibtex(citation.software(__version__))}\n", f"the citation of {record.method.title}, as BibTeX")


@notified
def open_paper(viewer: napari.viewer.Viewer) -> None:
    """Open the paper of the active result's method in the browser."""
    _, record = active_result(viewer)
    if record.method.link is None:
        raise ImageError(f"no address is known of the paper: {record.method.reference}")
    QDesktopServices.openUrl(QUrl(record.method.link))


@notified
def open_result(viewer: napari.viewer.Viewer) -> None:
    """Ask for an OME-TIFF and open it with its pixel size and provenance, which napari's own reader drops."""
    path, _ = QFileDialog.getOpenFileName(None, "Open a denoised OME-TIFF", "", "OME-TIFF (*.tif *.tiff)")
    _open(viewer, path)


@notified
def open_result_folder(viewer: napari.viewer.Viewer) -> None:
    """As `open_result`, for an OME-Zarr."""
    _open(viewer, QFileDialog.getExistingDirectory(None, "Open a denoised OME-Zarr"))


def _open(viewer: napari.viewer.Viewer, path: str) -> None:
    for data, told, _ in layers_of(path) if path else ():
        viewer.add_image(data, **told)


def files_of(viewer: napari.viewer.Viewer, record: Recorded) -> tuple[str, str]:
    """The file of the image that a result was made from, as far as it is known, and a name for a new result."""
    from napari_zeroshot.engine.files import READERS

    open_now = (layer.source.path for layer in viewer.layers if layer.name == record.name)
    known = next((path for path in open_now if path and Path(path).suffix.lower() in READERS), None)
    name = known or record.name or "image"
    source = name if Path(name).suffix.lower() in READERS else f"{safe_name(name)}.ome.tif"
    return source, f"{Path(source).name.partition('.')[0]}-denoised.ome.tif"


def _copy(text: str, what: str) -> None:
    QApplication.clipboard().setText(text)
    show_info(f"Copied {what}.")
