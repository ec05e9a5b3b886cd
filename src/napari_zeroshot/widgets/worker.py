"""The only thread code: drains an engine generator beside the window, and brings its errors back as sentences."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from napari.qt.threading import create_worker, thread_worker
from numpy.typing import NDArray
from qtpy.QtCore import QThreadPool, QTimer

from napari_zeroshot.engine.errors import DenoiseError, DeviceMemoryError
from napari_zeroshot.engine.method import Progress
from napari_zeroshot.engine.result import Result

REPORT_EVERY = 0.2
"""Seconds between two reports to the window, at least."""
PREVIEW_EVERY = 0.2
"""Seconds between two previews, at least."""
PREVIEW_SHARE = 0.02
"""The share of a run that making previews may take."""
DRAWING_SHARE = 0.02
"""The share of a run that drawing reports may take: while the window is drawn, no step of the training begins."""
LONGEST_PAUSE = 2.0
"""Seconds after which the window is told again, however slow it is."""
LONGEST_UNSEEN = 10.0
"""Seconds after which there is another preview, however long the last one took."""
LONGEST_DRAWING = 0.5
"""Seconds for which a run waits at most until a report is drawn."""

At = Mapping[str, int]
"""Which plane: ``{"T": 3, "C": 1}``."""

Start = Callable[[Callable[[], bool]], Generator[Progress, None, Result]]
"""Given the cancel flag, begins a run."""


@dataclass(frozen=True, eq=False)
class Report:
    """What the window is told of a run: where it stands, losses and held-out scores since the last report, and maybe the plane `at` so far, if it has changed.

    `trainings` has for each loss the number of its training.
    """

    progress: Progress
    losses: tuple[tuple[int, float], ...] = ()
    scores: tuple[tuple[int, float], ...] = ()
    preview: NDArray[Any] | None = None
    at: At | None = None
    trainings: tuple[int, ...] = ()


class UnexpectedError(DenoiseError):
    """An error that no user can mend, told so that they can report it."""

    def __init__(self, error: Exception) -> None:
        said = (str(error).strip() or "no reason given").splitlines()[0]
        super().__init__(f"Something went wrong that should not have ({type(error).__name__}: {said}). Please report it with the details.")


class Running:
    """A run under way, in the hands of the main thread."""

    def __init__(self, stop: threading.Event, unwanted: threading.Event, view: _View, heard: dict[str, Callable[..., None]]) -> None:
        self._stop, self._unwanted, self._view, self._heard = stop, unwanted, view, heard

    @property
    def cancelling(self) -> bool:
        """Whether the run was asked to end."""
        return self._stop.is_set()

    def cancel(self) -> None:
        """Ask for the best result so far. It comes the usual way: napari's own quit() would throw it away."""
        self._stop.set()

    def abandon(self) -> None:
        """End the run and want nothing more of it: no report or result that is already on its way arrives, only `on_end`."""
        self._unwanted.set()
        self._stop.set()
        self._view.drawn.set()
        for name in ("yielded", "returned", "errored"):
            self._heard.pop(name, None)

    def show(self, at: At | None) -> None:
        """Which plane to preview from now on; None for no previews."""
        self._view.at = at


@dataclass
class _View:
    """The plane being looked at, and how long the last report took to draw: set by the main thread, read by the worker's."""

    at: At | None = None
    drawing: float | None = None
    drawn: threading.Event = field(default_factory=threading.Event)

    def draw(self, callback: Callable[[Report], None], report: Report) -> None:
        """Have a report shown, and note how long it takes the window: a timer of no time goes off once everything is drawn."""
        began = time.perf_counter()
        callback(report)
        QTimer.singleShot(0, lambda: self._note(began))

    def _note(self, began: float) -> None:
        first = self.drawing is None  # which adds a layer, and tells nothing of the next
        self.drawing = 0.0 if first else time.perf_counter() - began
        self.drawn.set()

    def pause(self) -> float:
        """Seconds to leave between two reports."""
        return max(REPORT_EVERY, min((self.drawing or 0.0) / DRAWING_SHARE, LONGEST_PAUSE))


def run_in_thread(
    start: Start,
    *,
    at: At | None = None,
    on_report: Callable[[Report], None],
    on_result: Callable[[Result], None],
    on_error: Callable[[Exception], None],
    on_end: Callable[[], None],
) -> Running:
    """Drain a run in another thread; the callbacks come in the main thread.

    Parameters
    ----------
    start
        Called in the other thread, since it may import torch.
    at
        The plane to preview at first.
    on_result, on_error
        One of them is called, unless the run was abandoned. The error's text is a sentence for the user.
    on_end
        Called last, whatever happened.
    """
    stop, unwanted, view = threading.Event(), threading.Event(), _View(at)
    worker = _drain(start, lambda: stop.is_set() or worker.abort_requested, unwanted.is_set, view)
    _keep_from_napari(worker)
    heard: dict[str, Callable[..., None]] = {"yielded": partial(view.draw, on_report), "returned": on_result, "errored": on_error, "finished": on_end}
    for name in heard:
        getattr(worker, name).connect(partial(_tell, heard, name))
    QThreadPool.globalInstance().setExpiryTimeout(0)  # while an idle thread keeps torch's helpers, those of any other wait in slow motion
    worker.start()
    return Running(stop, unwanted, view, heard)


def _tell(heard: dict[str, Callable[..., None]], name: str, *said: Any) -> None:
    """Call back, if that is still wanted; after the end let go of the callbacks, or the dock would live on with them."""
    callback = heard.get(name)
    if name == "finished":
        heard.clear()
    if callback is not None:
        callback(*said)


def warm_up() -> None:
    """Import torch in another thread, so that the first run need not wait for it."""
    threading.Thread(target=_import_torch, name="napari-zeroshot: import torch", daemon=True).start()


def _import_torch() -> None:
    import_module("napari_zeroshot.engine.fitting")


@thread_worker(ignore_errors=True)
def _drain(start: Start, cancelled: Callable[[], bool], unwanted: Callable[[], bool], view: _View) -> Generator[Report, None, Result | None]:
    try:
        with closing(start(cancelled)) as steps:  # in this thread: a run may have workers to send home, for which the window is not to wait
            return (yield from _reports(steps, unwanted, view))
    except DenoiseError:
        raise
    except Exception as error:
        raise UnexpectedError(error) from error  # as a RuntimeError it would be swallowed, and the dock wait for ever


def _reports(steps: Generator[Progress, None, Result], unwanted: Callable[[], bool], view: _View) -> Generator[Report, None, Result | None]:
    """Thin a run's progress out to what a window can show; of one that nobody wants any more, there is no result."""
    losses: list[tuple[int, float]] = []
    scores: list[tuple[int, float]] = []
    trainings: list[int] = []
    shown: tuple[At | None, NDArray[Any] | None] = None, None
    reported = next_preview = -math.inf
    while True:
        try:
            progress = next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        if unwanted():
            return None
        if progress.loss is not None:
            losses.append((progress.step, progress.loss))
            trainings.append(progress.training)
        if progress.score is not None:
            scores.append((progress.step, progress.score))
        now = time.perf_counter()
        if now < reported + view.pause():
            continue
        at, preview = view.at, None
        if at is not None and now >= next_preview:
            with suppress(DeviceMemoryError):  # a run that has room enough is not to fail for its preview
                preview = progress.snapshot(at=at)
            took = time.perf_counter() - now
            next_preview = now + took + max(PREVIEW_EVERY, min(took / PREVIEW_SHARE, LONGEST_UNSEEN))
            if at == shown[0] and np.array_equal(preview, shown[1]):  # type: ignore[arg-type]
                preview = None
            else:
                shown = at, preview
        view.drawn.clear()
        yield Report(progress, tuple(losses), tuple(scores), preview, at, tuple(trainings))
        view.drawn.wait(0.0 if unwanted() else LONGEST_DRAWING)  # side by side, drawing and training take longer than one after the other
        for heard in (losses, scores, trainings):
            heard.clear()  # type: ignore[attr-defined]
        reported = time.perf_counter()


def do_in_thread(work: Callable[[], Any], *, told: str, on_done: Callable[[Any], None], on_error: Callable[[Exception], None]) -> None:
    """Do one thing in another thread, with a moving bar in napari's activity dock; the callbacks come in the main thread."""
    worker = create_worker(_explained, work, _start_thread=False, _progress={"desc": told}, _ignore_errors=True)
    _keep_from_napari(worker)
    worker.returned.connect(on_done)
    worker.errored.connect(on_error)
    worker.start()


def _keep_from_napari(worker: Any) -> None:
    """Have napari show neither tracebacks nor every Python warning of torch and numpy."""
    for signal in (worker.errored, worker.warned):
        with suppress(TypeError, RuntimeError):  # nothing was connected, as PyQt and as PySide say it
            signal.disconnect()


def _explained(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except DenoiseError:
        raise
    except Exception as error:
        raise UnexpectedError(error) from error
