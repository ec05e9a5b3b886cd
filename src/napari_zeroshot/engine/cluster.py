"""A run on many processes or machines: dask.distributed takes shares of it to its workers, and brings planes and networks back.

Needs the package distributed, which is optional.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dask.system import CPU_COUNT

from napari_zeroshot.engine import provenance
from napari_zeroshot.engine.axes import Axes
from napari_zeroshot.engine.device import Device
from napari_zeroshot.engine.errors import DeviceError, MissingPackageError, ParamError
from napari_zeroshot.engine.method import Progress, never
from napari_zeroshot.engine.order import Order
from napari_zeroshot.engine.plan import Plan, planned
from napari_zeroshot.engine.post import LOOK, fetched, workers
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.engine.result import Result
from napari_zeroshot.engine.run import check_elsewhere, denoise_steps
from napari_zeroshot.engine.running import Ledger
from napari_zeroshot.engine.spread import SpreadRun

if TYPE_CHECKING:
    from distributed import Client

LOCAL = "local"
DEAF = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)"
"""Run by each process of ours: Ctrl-C reaches all that belong to a terminal, and is for the first of them to act on."""
UNHEARD = {"dashboard_address": "127.0.0.1:0"}
"""For our own scheduler: even without a dashboard it would listen at port 8787 of all networks, and warn where that is taken."""
THREADS = 1
"""Of a worker's training, if nothing is said: with the same number everywhere, pixels do not depend on where they are made."""


def check_scheduler(scheduler: str) -> str:
    """The scheduler as it is.

    Raises
    ------
    ParamError
        If it is neither ``local``, with or without a number of processes, nor an address.
    """
    if "://" not in scheduler and re.fullmatch(f"{LOCAL}(:[1-9][0-9]*)?", scheduler) is None:
        raise ParamError(f"scheduler = {scheduler!r} is not allowed; it takes local, local:4 for 4 processes, or an address such as tcp://host:8786")
    return scheduler


@contextmanager
def connected(scheduler: str, threads: int | None = None) -> Iterator[Cluster]:
    """Workers for the block.

    Parameters
    ----------
    scheduler
        ``local`` for as many processes as there are CPU cores for `threads` each, ``local:4`` for four, which end with the block;
        or the address of a running dask.distributed cluster, such as ``tcp://host:8786``.
    threads
        With how many CPU threads each trains; one if left out.

    Raises
    ------
    ParamError
        If `scheduler` is neither.
    DeviceError
        If no scheduler answers there.
    MissingPackageError
        If the package distributed is not installed.
    """
    distributed = _distributed()
    if "://" in check_scheduler(scheduler):
        with _client(distributed, scheduler) as client:
            yield Cluster(client)
        return
    count = int(scheduler.partition(":")[2] or max(1, CPU_COUNT // (threads or THREADS)))
    with (
        distributed.LocalCluster(
            n_workers=count, threads_per_worker=1, processes=True, dashboard_address=None, scheduler_kwargs=UNHEARD, preload=DEAF
        ) as local,
        distributed.Client(local, set_as_default=False) as client,
    ):
        yield Cluster(client)


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise MissingPackageError("working on a cluster needs another package: pip install 'napari-zeroshot[cluster]'") from error
    return distributed


def _client(distributed: Any, address: str) -> Client:
    try:
        return distributed.Client(address, set_as_default=False)  # type: ignore[no-any-return]
    except (OSError, ValueError) as error:
        raise DeviceError(f"no dask scheduler answers at {address}; see that it runs, and that this machine can reach it") from error


def remote_steps(
    scheduler: str, image: Any, method: str = "auto", *, cancelled: Callable[[], bool] = never, **options: Any
) -> Generator[Progress, None, Result]:
    """Denoise on a cluster step by step: a generator of `Progress` that returns a `Result`, as `denoise_steps` does.

    Parameters
    ----------
    scheduler
        As for `connected`.
    image
        An array of `files.Readable` is read by the workers; of any other, such as numpy's, the pixels are sent to them.
    method, cancelled, options
        As for `denoise_steps`. While it trains, a snapshot shows the planes that are finished and the others as they were.

    Raises
    ------
    ParamError, ImageError
        If the arguments are wrong.
    """
    check_scheduler(scheduler)
    check_elsewhere(**options)
    denoise_steps(image, method, **{**options, "device": "cpu"})  # computes nothing; tells what is wrong before a cluster is asked
    return _remote_steps(scheduler, image, method, cancelled, options)


def _remote_steps(scheduler: str, image: Any, method: str, cancelled: Callable[[], bool], options: Mapping[str, Any]) -> Generator[Progress, None, Result]:
    yield Progress("starting the workers" if "://" not in scheduler else f"connecting to {scheduler}", 0, 1, None, 0.0, _nothing_yet)
    with connected(scheduler, options.get("threads")) as cluster:
        yield from cluster.awaited(cancelled)
        if cancelled():
            raise DeviceError(f"cancelled before the cluster had a worker; start some there (dask worker {scheduler}), or denoise without it")
        return (yield from denoise_steps(image, method, where=cluster, cancelled=cancelled, **options))


@dataclass(frozen=True)
class Cluster:
    """A running cluster, as `denoise_steps` wants one for its `where`; made by `connected`."""

    client: Client

    def workers(self) -> int:
        """How many shares can be done at once now."""
        return workers(self.client)

    def awaited(self, cancelled: Callable[[], bool]) -> Generator[Progress, None, None]:
        """Wait until there is a worker, or until it is cancelled: those of a busy cluster come in hours."""
        started = time.perf_counter()
        while not cancelled() and not self.workers():
            yield Progress("waiting for a worker of the cluster", 0, 1, None, time.perf_counter() - started, _nothing_yet)
            time.sleep(LOOK)

    def planned(self, method: str, axes: Axes, **how: Any) -> Plan:
        """As `plan.planned`, decided by a worker, whose device may be another than that of this machine."""
        future = self.client.submit(_planned_here, method, axes, {**how, "threads": how["threads"] or THREADS}, pure=False)
        told = fetched(future)
        _check_alike(told["versions"])
        chosen = get_method(method)
        return Plan(chosen, chosen.params(**told["params"]), Device(*told["device"]), told["threads"], told["together"], told["tile"])

    def steps(self, image: Any, order: Order, out: Any, ledger: Ledger | None) -> Generator[Progress, None, Result]:
        """The run of an order on the cluster."""
        return SpreadRun(order, out, ledger, client=self.client, image=image).steps()


def _nothing_yet(at: Mapping[str, int] | None = None) -> Any:
    raise ParamError("there is nothing to be seen yet: the cluster has no worker")


def _planned_here(method: str, axes: Axes, how: Mapping[str, Any]) -> dict[str, Any]:
    """In a worker: a plan as plain values."""
    plan = planned(method, axes, **how)
    device = (plan.device.name, plan.device.reason)
    told = {"params": plan.params.to_dict(), "device": device, "threads": plan.threads, "together": plan.together, "tile": plan.tile}
    return {**told, "versions": provenance.versions()}


def _check_alike(there: Mapping[str, str]) -> None:
    here = provenance.versions()
    for package in ("napari-zeroshot", "torch"):
        if here.get(package) != there.get(package):
            raise DeviceError(f"the cluster's workers have {package} {there.get(package)}, this machine {here.get(package)}; install the same on both")
