"""What can be done with a trained network: apply it to a layer, save it, apply a saved one; as commands of napari's palette too."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from napari.utils.notifications import show_error, show_info
from qtpy.QtWidgets import QFileDialog

from napari_zeroshot.engine.axes import parse
from napari_zeroshot.engine.errors import ImageError
from napari_zeroshot.engine.run import denoise_steps
from napari_zeroshot.engine.trained import Trained
from napari_zeroshot.engine.weights import ENDING, load_network, save_network
from napari_zeroshot.widgets import habits
from napari_zeroshot.widgets.filling import Filling
from napari_zeroshot.widgets.kept import network_of
from napari_zeroshot.widgets.layers import Source, pixels
from napari_zeroshot.widgets.reproducibility import nan_in_denoise_dock
from napari_zeroshot.widgets.result_commands import RUNS, notified, safe_name
from napari_zeroshot.widgets.run_beside import RunBeside
from napari_zeroshot.widgets.save_dialog import place_to_save
from napari_zeroshot.widgets.source import proposed_axes
from napari_zeroshot.widgets.task import Task
from napari_zeroshot.widgets.worker import do_in_thread

if TYPE_CHECKING:
    import napari

FILES = f"Networks (*{ENDING})"


@notified
def apply_network(viewer: napari.viewer.Viewer, layer: Image | None = None) -> RunBeside:
    """Denoise all of a layer with the network of the active result, and train nothing."""
    return _run(viewer, network_of(viewer.layers.selection.active), layer)


@notified
def apply_saved_network(viewer: napari.viewer.Viewer, layer: Image | None = None) -> RunBeside | None:
    """Ask for the file of a network, and denoise all of a layer with it: the active one, if none is named."""
    path, _ = QFileDialog.getOpenFileName(None, "Apply a saved network", "", FILES)
    return _run(viewer, load_network(path), layer) if path else None


@notified
def save_active_network(viewer: napari.viewer.Viewer) -> None:
    """Ask for a file name and write the network of the active result there."""
    layer = viewer.layers.selection.active
    trained = network_of(layer)
    path = place_to_save("Save network", f"{safe_name(layer.name)}{ENDING}", {FILES: ENDING})
    if path is not None:
        do_in_thread(
            lambda: save_network(path, trained, overwrite=True),
            told=f"Saving {path.name}",
            on_done=lambda written: show_info(f"Saved {written}"),
            on_error=lambda error: show_error(str(error)),
        )


def _run(viewer: napari.viewer.Viewer, trained: Trained, layer: Any) -> RunBeside:
    image = layer if layer is not None else viewer.layers.selection.active
    if not isinstance(image, Image):
        raise ImageError("select the image layer that the network is to denoise")
    source = Source.of(image, parse(proposed_axes(image), pixels(image).shape))
    chosen = {"device": habits.preference("device"), "dtype": habits.preference("output_type"), "nan": nan_in_denoise_dock(viewer)}
    task = Task(source, {}, trained.method, trained.preset, trained.params, {"seed": 0, "stack": "shared", "memory": None, **chosen})
    told = f"{trained.method.title}, trained already: {source.name}"
    run = RunBeside(viewer, told, partial(task.steps, denoise_steps, trained=trained, out=Filling.for_task(task)), lambda: source, {})
    RUNS.add(run)
    run.over.connect(lambda: RUNS.discard(run))
    return run
