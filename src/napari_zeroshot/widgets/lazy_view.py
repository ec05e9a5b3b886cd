"""View denoised: a layer that denoises the plane that is looked at, once its networks are trained beside the window."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from napari.utils import cancelable_progress
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QObject, Signal

from napari_zeroshot.engine.axes import parse
from napari_zeroshot.engine.errors import DenoiseError, ImageError
from napari_zeroshot.engine.lazy import lazy_steps
from napari_zeroshot.engine.method import Result
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.widgets import habits
from napari_zeroshot.widgets.layers import Source, add_result, axes_are_named, likely_axes, pixels
from napari_zeroshot.widgets.task import Task
from napari_zeroshot.widgets.worker import Report, Running, run_in_thread

if TYPE_CHECKING:
    import napari

VIEWS: set[LazyView] = set()
"""Those whose networks are being trained, so that they live until they are over."""


class LazyView(QObject):
    """The training for a layer that denoises what is looked at, shown and cancelled in napari's activity dock; `over` when it has ended, whatever happened.

    Parameters
    ----------
    task
        Which image, and how; its region and how the planes of a stack share networks are passed over: networks are shared.
    """

    over = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, task: Task) -> None:
        super().__init__()
        self._viewer, self._source = viewer, task.source
        whole = Task(task.source, {}, task.method, task.preset, task.params, {**task.options, "stack": "shared"})
        self._bar = cancelable_progress(total=0, desc=f"{task.method.title}: {task.source.name}")
        self._running: Running = run_in_thread(
            lambda cancelled: whole.steps(lazy_steps, cancelled),
            on_report=self._on_report,
            on_result=self._on_result,
            on_error=self._on_error,
            on_end=self._on_end,
        )

    def cancel(self) -> None:
        """Ask for the best so far."""
        self._running.cancel()

    def abandon(self) -> None:
        """End the training and want nothing more of it."""
        self._running.abandon()

    def _on_report(self, report: Report) -> None:
        if self._bar.is_canceled:
            self._running.cancel()
        self._bar.total = report.progress.total
        self._bar.update(max(0, report.progress.step - self._bar.n))

    def _on_result(self, result: Result) -> None:
        added = add_result(self._viewer, self._source, result)
        show_info(" ".join((f"The layer “{added.name}” denoises each plane as you look at it; save it to keep them all.", *result.notes)))

    def _on_error(self, error: Exception) -> None:
        show_error(str(error))

    def _on_end(self) -> None:
        self._bar.close()
        VIEWS.discard(self)
        self.over.emit()


def view_task(viewer: napari.viewer.Viewer, task: Task) -> LazyView:
    """Begin a lazy view of a task's image."""
    view = LazyView(viewer, task)
    VIEWS.add(view)
    return view


def view_denoised(viewer: napari.viewer.Viewer) -> LazyView | None:
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
