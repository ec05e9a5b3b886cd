"""A run beside the window without a dock of its own: shown and cancelled in napari's activity dock, its result a new layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from napari.utils import cancelable_progress
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QObject, Signal

from napari_zeroshot.engine.errors import DenoiseError
from napari_zeroshot.engine.region import Region
from napari_zeroshot.engine.result import Result
from napari_zeroshot.widgets.kept import keep_network
from napari_zeroshot.widgets.layers import Source, add_result
from napari_zeroshot.widgets.worker import Report, Start, run_in_thread

if TYPE_CHECKING:
    import napari


class RunBeside(QObject):
    """A run under way; `over` when it has ended, whatever happened.

    Parameters
    ----------
    told
        What is being done.
    start
        Begins the run.
    source
        Of which image it turned out to be, asked once there is a result.
    region
        The part of that image that was denoised; empty for all of it.
    sentence
        What to say of the new layer; its name stands for ``{}``.
    """

    over = Signal()

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        told: str,
        start: Start,
        source: Callable[[], Source],
        region: Region,
        sentence: str = "The result is the layer “{}”.",
    ) -> None:
        super().__init__()
        self._viewer, self._source, self._region, self._sentence = viewer, source, region, sentence
        self._bar = cancelable_progress(total=0, desc=told)
        self._running = run_in_thread(start, on_report=self._on_report, on_result=self._on_result, on_error=self._on_error, on_end=self._on_end)

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
        show_info(" ".join((self._add(result), *result.notes)))

    def _add(self, result: Result) -> str:
        """Show a result in a new layer; what there is to say of that."""
        made = replace(result, image=getattr(result.image, "array", result.image))
        added = add_result(self._viewer, self._source(), made, self._region)
        return f"{self._sentence.format(added.name)} {keep_network(added, made)}".strip()

    def _on_error(self, error: Exception) -> None:
        so_far = error.so_far if isinstance(error, DenoiseError) else None
        show_error(str(error) if so_far is None else f"{so_far.notes[-1]} {self._add(so_far)}")

    def _on_end(self) -> None:
        self._bar.close()
        self.over.emit()
