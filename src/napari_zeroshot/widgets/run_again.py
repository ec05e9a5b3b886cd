"""A result made again in napari: finds its image among the layers, runs beside the window, and adds a new result."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

from napari.layers import Image
from napari.utils import cancelable_progress
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QObject, Signal

from napari_zeroshot.engine.axes import parse
from napari_zeroshot.engine.errors import DenoiseError, ImageError
from napari_zeroshot.engine.method import Progress, Result
from napari_zeroshot.engine.recorded import Recorded
from napari_zeroshot.engine.rerun import rerun_steps
from napari_zeroshot.widgets.layers import Source, add_result, pixels
from napari_zeroshot.widgets.worker import Report, run_in_thread

if TYPE_CHECKING:
    import napari


class RunAgain(QObject):
    """A run under way with the settings of a result, shown and cancelled in napari's activity dock; `over` when it has ended, whatever happened.

    Raises
    ------
    ImageError
        If no open layer can be the image that the result was made from.
    """

    over = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, result: Image, order: Recorded) -> None:
        super().__init__()
        self._viewer, self._order = viewer, order
        self._found: list[Source] = []
        sources = likely_sources(viewer, result, order)
        self._bar = cancelable_progress(total=0, desc=f"{order.method.title}: {order.name or result.name}")
        self._running = run_in_thread(
            lambda cancelled: _on_the_right_one(order, sources, self._found, cancelled),
            on_report=self._on_report,
            on_result=self._on_result,
            on_error=self._on_error,
            on_end=self._on_end,
        )

    @property
    def cancelling(self) -> bool:
        """Whether it was asked to end."""
        return self._running.cancelling

    def cancel(self) -> None:
        """Ask for the best so far."""
        self._running.cancel()

    def abandon(self) -> None:
        """End the run and want nothing more of it."""
        self._running.abandon()

    def _on_report(self, report: Report) -> None:
        if self._bar.is_canceled:
            self._running.cancel()
        self._bar.total = report.progress.total
        self._bar.update(max(0, report.progress.step - self._bar.n))

    def _on_result(self, result: Result) -> None:
        if result.planes_done == 0:
            show_info("Cancelled before anything was denoised; there is no result.")
            return
        region = {"region": self._order.region} if self._order.region else {}
        added = add_result(self._viewer, self._found[0], result, **region)
        show_info(" ".join((f"The result is the layer “{added.name}”.", *result.notes)))

    def _on_error(self, error: Exception) -> None:
        show_error(str(error))

    def _on_end(self) -> None:
        self._bar.close()
        self.over.emit()


def likely_sources(viewer: napari.viewer.Viewer, result: Image, order: Recorded) -> list[Source]:
    """The layers that may be the image of a record, by shape and type; the one of that name first.

    Raises
    ------
    ImageError
        If there is none.
    """
    found = [layer for layer in viewer.layers if isinstance(layer, Image) and layer != result and _is_like(layer, order)]
    if not found:
        shape = " x ".join(map(str, order.axes.shape))
        raise ImageError(f"the image that this was made from is not open; open {order.name or 'it'} first, an image of {shape} and type {order.pixel_type}")
    found.sort(key=lambda layer: layer.name != order.name)
    return [Source.of(layer, parse(order.axes.letters, pixels(layer).shape)) for layer in found]


def _is_like(layer: Image, order: Recorded) -> bool:
    try:
        order.check_form(pixels(layer))
    except ImageError:
        return False
    return True


def _on_the_right_one(order: Recorded, sources: Sequence[Source], found: list[Source], cancelled: Callable[[], bool]) -> Generator[Progress, None, Result]:
    """Run on the first source whose pixels are those of the record, which goes into `found`."""
    refusal: DenoiseError | None = None
    for source in sources:
        steps = rerun_steps(order, source.data, cancelled=cancelled)
        try:
            first = next(steps)
        except ImageError as error:
            refusal = refusal or error
            continue
        found.append(source)
        yield first
        return (yield from steps)
    raise refusal or ImageError("there is no image to run on")
