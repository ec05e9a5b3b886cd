"""View denoised: a layer that denoises the plane that is looked at, once its networks are trained beside the window."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from napari.utils.notifications import show_error

from napari_zeroshot.engine.axes import parse
from napari_zeroshot.engine.errors import DenoiseError, ImageError
from napari_zeroshot.engine.lazy import lazy_steps
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.widgets import habits
from napari_zeroshot.widgets.layers import Source, axes_are_named, likely_axes, pixels
from napari_zeroshot.widgets.run_beside import RunBeside
from napari_zeroshot.widgets.task import Task

if TYPE_CHECKING:
    import napari

SENTENCE = "The layer “{}” denoises each plane as you look at it; save it to keep them all."
VIEWS: set[RunBeside] = set()
"""Those whose networks are being trained, so that they live until they are over."""


def view_task(viewer: napari.viewer.Viewer, task: Task) -> RunBeside:
    """Begin a lazy view of a task's image; its region and how the planes of a stack share networks are passed over: networks are shared."""
    whole = Task(task.source, {}, task.method, task.preset, task.params, {**task.options, "stack": "shared"})
    told = f"{task.method.title}: {task.source.name}"
    view = RunBeside(viewer, told, lambda cancelled: whole.steps(lazy_steps, cancelled), lambda: task.source, {}, SENTENCE)
    VIEWS.add(view)
    view.over.connect(lambda: VIEWS.discard(view))
    return view


def view_denoised(viewer: napari.viewer.Viewer) -> RunBeside | None:
    """Begin a lazy view of the active layer, with the method and the parameters that were used last; what is in the way is told."""
    try:
        return view_task(viewer, likely_task(viewer))
    except DenoiseError as error:
        show_error(str(error))
        return None


def likely_task(viewer: napari.viewer.Viewer) -> Task:
    """The active layer to be denoised as the user last did.

    Raises
    ------
    ImageError
        If no image layer is active, or nothing says what its dimensions are.
    """
    layer = viewer.layers.selection.active
    if not isinstance(layer, Image):
        raise ImageError("the selected layer is no image; select one image layer")
    letters = likely_axes(layer) if axes_are_named(layer) else habits.remembered_axes(pixels(layer).shape)
    if letters is None:
        raise ImageError("nothing says what the image's dimensions are; name its axes in the Denoise dock first")
    options = {"device": habits.preference("device"), "dtype": habits.preference("output_type"), "seed": 0, "nan": "refuse", "memory": None}
    return Task(Source.of(layer, parse(letters, pixels(layer).shape)), {}, *_recipe(), options)


def _recipe() -> tuple[Any, str, Any]:
    """Method, preset and parameters as they were last used; the method as it is by default if they make no sense any more."""
    with suppress(DenoiseError, TypeError, KeyError):
        method = get_method(habits.preference("method"))
        known = habits.Notebook("recipes").get(method.name) or {"preset": "default", "changes": {}}
        return method, known["preset"], method.settings(known["preset"], known["changes"])
    usual = get_method(str(habits.DEFAULTS["method"]))
    return usual, "default", usual.settings()
