"""Shares handed out to the workers of a dask.distributed cluster, and what is heard of them."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from warnings import catch_warnings, simplefilter

from napari_zeroshot.engine.errors import DeviceError, FileError, ImageError
from napari_zeroshot.engine.share import Done, Share, share_steps

if TYPE_CHECKING:
    from distributed import Client, Future

EVERY = 0.5
"""Seconds between two reports of a share."""
LOOK = 0.5
"""Seconds after which it is told that nothing was heard."""
SPARE = 2
"""So many shares more than workers are handed out, for the next to be there when one is done."""
LOST = "the connection to the cluster was lost; start it again, or work without it: a batch goes on from what is finished"
ONE_AT_A_TIME = threading.Lock()
"""In a worker: how many threads torch uses is set for the whole process."""


class Post:
    """Hands shares out to workers, few more than there are workers, and brings back what is heard of them."""

    def __init__(self, client: Client, image: Any, options: Mapping[str, Any]) -> None:
        self._client, self._image, self._options = client, image, options
        self._name = f"napari-zeroshot-{uuid4().hex}"
        self._heard: SimpleQueue[tuple[str, Mapping[str, Any] | None]] = SimpleQueue()
        self._out: dict[str, tuple[Share, Future[Any]]] = {}
        self._wanted: dict[Share, Future[Any]] = {}

    def __enter__(self) -> Post:
        self._client.subscribe_topic(self._name, lambda event: self._heard.put(event[1]))
        with catch_warnings():  # dask's, that an array in memory is large: it is sent once
            simplefilter("ignore")
            self._held = self._sent()
        return self

    def _sent(self) -> Future[Any]:
        try:
            return self._client.submit(_held, _Held(self._image), pure=False)
        except TypeError as error:  # what pickle says of open files and locks
            raise ImageError("this image is in a form that cannot be sent to other processes; save it as OME-Zarr and open that, or denoise here") from error

    def __exit__(self, *error: object) -> None:
        with suppress(OSError, RuntimeError):  # a cluster that is gone has nothing left to be taken back
            self._client.unsubscribe_topic(self._name)
            self._client.cancel([future for _, future in self._out.values()])

    def news(self, work: Sequence[Share]) -> Iterator[tuple[Share, Done | Mapping[str, Any] | None]]:
        """Shares that are done with what came of them, shares at work with how far they are, and now and then that nothing was heard."""
        waiting, users = deque(work), Counter(share.after for share in work)
        share = work[0]
        while waiting or self._out:
            while waiting and len(self._out) < workers(self._client) + SPARE:
                self._submit(waiting.popleft(), users)
            try:
                key, said = self._heard.get(timeout=LOOK)
            except Empty:
                yield share, None
                continue
            if key in self._out:
                share = self._out[key][0]
                yield share, self._ended(key) if said is None else said

    def _submit(self, share: Share, users: Counter[Share | None]) -> None:
        before = self._wanted.get(share.after) if share.after is not None else None
        future = self._client.submit(_done_here, share.alone(), self._options, self._held, before, self._name, pure=False)
        if users[share]:
            self._wanted[share] = future
        users[share.after] -= 1
        if share.after is not None and not users[share.after]:
            del self._wanted[share.after]  # the cluster keeps it as long as the work that was handed out needs it
        self._out[str(future.key)] = share, future
        future.add_done_callback(lambda future: self._heard.put((str(future.key), None)))

    def _ended(self, key: str) -> Done:
        _, future = self._out.pop(key)
        came: Done = fetched(future)
        return came


def workers(client: Client) -> int:
    """How many shares can be done at once now: the threads of all workers, though a process with several does one share at a time."""
    try:
        return sum(client.nthreads().values())
    except OSError as error:
        raise DeviceError(LOST) from error


def fetched(future: Future[Any]) -> Any:
    """What a task came to, or its error; what can go wrong with the cluster in words."""
    from distributed import CancelledError, KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        raise DeviceError(
            "the same work has ended several workers of the cluster, each in turn: most likely they have too little memory; "
            "start fewer of them on a machine, or give --memory (memory) in gigabytes for each"
        ) from error
    except CancelledError as error:
        raise DeviceError(LOST) from error
    except ImportError as error:
        raise DeviceError(f"a worker of the cluster lacks a package: {error}; install there what is installed here") from error


@dataclass(frozen=True, eq=False)
class _Held:
    """An image that dask is to take as it is: an array of its own kind would be computed."""

    image: Any


def _held(image: _Held) -> _Held:
    """In a worker: the image, for all shares that are done there. A cluster that loses it makes it again."""
    return image


def _done_here(share: Share, options: Mapping[str, Any], held: _Held, before: Done | None, topic: str) -> Done:
    """In a worker: what comes of a share, of which it is told how far it is."""
    from distributed import get_worker

    worker = get_worker()
    key, told = str(worker.get_current_task()), time.perf_counter()
    with ONE_AT_A_TIME, _place_told(worker.address):
        steps = share_steps(share, held.image, options, before.brought if before else None, lambda: _unwanted(worker, key))
        while True:
            try:
                report = next(steps)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            if time.perf_counter() - told > EVERY or report.score is not None:
                told = time.perf_counter()
                said = {"step": report.step, "total": report.total, "loss": report.loss, "score": report.score}
                worker.log_event(topic, (key, said))


@contextmanager
def _place_told(worker: str) -> Iterator[None]:
    try:
        yield
    except FileError as error:
        raise FileError(f"{error} (told by the worker {worker}, which has to see images under the same names as this program)") from error


def _unwanted(worker: Any, key: str) -> bool:
    """Whether the cluster has been told meanwhile that a task is not wanted any more, or the worker is to end."""
    task = worker.state.tasks.get(key)
    return task is None or task.state == "cancelled" or worker.status.name in ("closing", "closed")
