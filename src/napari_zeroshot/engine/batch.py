"""Many images denoised into a folder, one after another, each as `denoise_steps` does: interrupted or not, the pixels are the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

import numpy as np

from napari_zeroshot.engine import files, memory, ome_zarr, provenance
from napari_zeroshot.engine import threads as cpu_threads
from napari_zeroshot.engine.cluster import Cluster, check_scheduler, connected
from napari_zeroshot.engine.device import LOST
from napari_zeroshot.engine.errors import DenoiseError, FileError, ImageError, ParamError
from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.method import Method, Progress, Result, finished, never
from napari_zeroshot.engine.plan import Plan, checked_axes, planned
from napari_zeroshot.engine.post import SPARE
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.engine.run import denoise_steps
from napari_zeroshot.engine.unfinished import Unfinished, tidy, unfinished
from napari_zeroshot.engine.worklist import ENDINGS, Item, left_out, worklist

State = Literal["done", "done before", "failed", "interrupted", "not reached"]
IN_MEMORY = 1 << 26
"""Images of more bytes are read plane by plane: here nobody waits for the first one."""

PER_FILE = 1000
"""Of the reports' steps, where several files are worked on at once."""

SMALL = 64
"""Side of a plane that every method takes, in pixels."""


@dataclass(frozen=True)
class Outcome:
    """What became of one image.

    Parameters
    ----------
    state
        ``done before`` if the result was there already, made from this image by the same settings.
    planes, of, kept
        How many planes are finished, of how many, and how many of them an earlier run had finished; None where it did not come to that.
    seconds
        That it took now.
    told
        Why it failed, or what the user should know, in sentences.
    """

    source: Path
    target: Path
    state: State = "not reached"
    planes: int | None = None
    of: int | None = None
    kept: int = 0
    seconds: float = 0.0
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What became of each image of a batch, in the order of the work, and how many files of other endings its folders hold."""

    outcomes: tuple[Outcome, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)

    def count(self, *states: State) -> int:
        """How many images came to one of these ends."""
        return sum(outcome.state in states for outcome in self.outcomes)

    @property
    def complete(self) -> bool:
        """Whether every image has its result."""
        return self.count("done", "done before") == len(self.outcomes)


def batch(inputs: Sequence[str | Path], folder: str | Path, method: str = "auto", **options: Any) -> Report:
    """Denoise files into a folder; what became of each.

    Parameters
    ----------
    inputs, folder, method, options
        As for `batch_steps`, which takes single parameters of the method too.

    Examples
    --------
    >>> batch(["raw"], "clean", "fm2s", preset="confocal").complete  # doctest: +SKIP
    True
    """
    steps = batch_steps(inputs, folder, method, **options)
    return finished(steps)


def batch_steps(
    inputs: Sequence[str | Path],
    folder: str | Path,
    method: str = "auto",
    *,
    ending: str = ".ome.tif",
    ome_zarr_version: str = ome_zarr.VERSION,
    overwrite: bool = False,
    fail_fast: bool = False,
    scheduler: str | None = None,
    cancelled: Callable[[], bool] = never,
    **options: Any,
) -> Generator[Progress, None, Report]:
    """Denoise files into a folder step by step: a generator of `Progress`, whose `stage` names the file, that returns a `Report`.

    The same call goes on where an earlier one was interrupted: results that are complete stay, and of an unfinished one only the missing planes
    are denoised. For that, a network is trained again from its seed where it is needed, which on a CPU gives the same network bit for bit.

    Parameters
    ----------
    inputs
        Files, OME-Zarr folders, folders with images (in folders below too), patterns such as ``raw/**/*.tif``.
    folder
        Where results go; made if missing. Those of a folder go into the same folders below it.
    ending
        ``.ome.tif`` or ``.ome.zarr``.
    ome_zarr_version
        Of the latter: ``0.4``, which most programs read, or ``0.5``.
    overwrite
        Replace results that are there and were made from another image or by other settings. Those that are the same are left as they are.
    fail_fast
        Stop at the first image that cannot be denoised, instead of going on with the next. A graphics card that stops working ends the batch in any case.
    scheduler
        Does the work on several processes or machines, with the same pixels for the same `threads`: ``local`` for a process for each CPU core,
        ``local:4`` for four, or the address of a running dask.distributed cluster, such as ``tcp://host:8786``. See `cluster`.
    cancelled
        Asked at every report. Once true, the batch ends; the finished planes are kept for the next run.
    **options
        As for `denoise_steps`: axes, preset, device, seed, threads, stack, dtype, nan, memory, and single parameters of the method.

    Raises
    ------
    FileError, ParamError, DeviceError
        If the inputs, the names of the results or the settings are wrong, before any work is done. What is wrong with one image is in the report.
    """
    form = {"version": ome_zarr.check_version(ome_zarr_version)} if ending == ".ome.zarr" else {}
    order = replace(_order(method, {**DEFAULTS, **options}, elsewhere=scheduler is not None), form=form)
    if scheduler is not None:
        check_scheduler(scheduler)
    if ending not in ENDINGS:
        raise ParamError(f"ending = {ending!r} is not allowed; it takes {' or '.join(ENDINGS)}")
    given = [inputs] if isinstance(inputs, str | Path) else inputs
    items, others = worklist(given, Path(folder), ending), left_out(given, Path(folder))
    if scheduler is None:
        return _told_of(others, _one_by_one(order, items, overwrite, fail_fast, cancelled))
    return _told_of(others, _on_cluster(scheduler, order, items, overwrite, fail_fast, cancelled))


def _told_of(others: Mapping[str, int], steps: Generator[Progress, None, Report]) -> Generator[Progress, None, Report]:
    return replace((yield from steps), left_out=others)


DEFAULTS = {"axes": None, "preset": None, "device": "auto", "seed": 0, "threads": None, "stack": "shared", "dtype": "same", "nan": "refuse", "memory": None}
"""Of `denoise_steps`, which a batch takes."""
IN_RECORD = ("stack", "seed", "dtype", "nan")
"""Of these, what a result's record holds by the same name and its pixels depend on."""


@dataclass(frozen=True)
class _Order:
    """What is to be done with every image."""

    method: Method
    asked: Mapping[str, Any]
    options: Mapping[str, Any]
    params: Mapping[str, Any]
    form: Mapping[str, Any] = field(default_factory=dict)
    where: Cluster | None = None

    def plan(self, image: Image) -> Plan:
        run = {name: self.options[name] for name in ("preset", "device", "threads", "stack", "memory")}
        decide = planned if self.where is None else self.where.planned
        return decide(self.method.name, checked_axes(image.array, image.axes), tile=None, params=self.params, **run)

    def terms(self, image: Image, plan: Plan, stamp: Mapping[str, Any]) -> dict[str, Any]:
        """All that the pixels of a result depend on."""
        versions = {name: version for name, version in provenance.versions().items() if name != "python"}
        run = {name: self.options[name] for name in (*IN_RECORD, "threads", "memory")}
        form = {"axes": image.axes, "shape": list(image.array.shape), "type": np.dtype(image.array.dtype).name}
        return {
            **form,
            **{f"ome-zarr {name}": value for name, value in self.form.items()},
            **stamp,
            "method": self.method.name,
            **plan.params.to_dict(),
            **run,
            "processor": plan.device.name,
            **versions,
        }

    def made(self, record: Mapping[str, Any], stamp: Mapping[str, Any]) -> bool:
        """Whether a record is of a complete run of this order on the file with this stamp."""
        source, params = record.get("source"), record.get("params")
        if not isinstance(source, Mapping) or not isinstance(params, Mapping) or record.get("complete") is not True:
            return False
        wanted = {name: self.options[name] for name in IN_RECORD} | {"method": self.method.name}
        if source.get("dtype") == "float32":
            wanted["dtype"] = "same"  # as a run says of float32 from float32
        asked = {name: value for name, value in self.asked.items() if value != "auto"}  # what was decided then may be decided otherwise now
        return _holds(record, wanted) and _holds(params, asked) and _holds(source, stamp) and self.options["axes"] in (None, record.get("axes"))


def _holds(record: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(name in record and record[name] == value for name, value in wanted.items())


def _order(method: str, given: Mapping[str, Any], *, elsewhere: bool) -> _Order:
    chosen = get_method(method)
    options = {name: given[name] for name in DEFAULTS}
    params = {name: value for name, value in given.items() if name not in DEFAULTS}
    tiny = np.zeros((SMALL, SMALL), np.uint8)
    here = {"axes": None} | ({"device": "cpu"} if elsewhere else {})  # which devices there are elsewhere is not known yet
    denoise_steps(tiny, method, **{**options, **here}, **params)  # computes nothing; tells what is wrong once, not for every image
    options["axes"] = options["axes"].upper() if options["axes"] else None
    return _Order(chosen, chosen.settings(options["preset"], params).to_dict(), options, params)


def _one_by_one(order: _Order, items: Sequence[Item], overwrite: bool, fail_fast: bool, cancelled: Callable[[], bool]) -> Generator[Progress, None, Report]:
    outcomes, lost_before = [Outcome(item.source, item.target) for item in items], len(LOST)
    for number, item in enumerate(items):
        if cancelled():
            break
        outcomes[number] = yield from _outcome(order, item, _which(items, number), overwrite, cancelled)
        if outcomes[number].state == "failed" and (fail_fast or len(LOST) > lost_before):
            break
    return Report(tuple(outcomes))


def _which(items: Sequence[Item], number: int) -> str:
    return f"{items[number].source.name}" + (f" ({number + 1}/{len(items)})" if len(items) > 1 else "")


def _on_cluster(
    scheduler: str, order: _Order, items: Sequence[Item], overwrite: bool, fail_fast: bool, cancelled: Callable[[], bool]
) -> Generator[Progress, None, Report]:
    with connected(scheduler, order.options["threads"]) as cluster:
        yield from cluster.awaited(cancelled)
        at_once = min(len(items), cluster.workers() + SPARE)
        return (yield from _at_once(at_once, replace(order, where=cluster), items, overwrite, fail_fast, cancelled))


def _at_once(
    most: int, order: _Order, items: Sequence[Item], overwrite: bool, fail_fast: bool, cancelled: Callable[[], bool]
) -> Generator[Progress, None, Report]:
    """Several files at a time, each in a thread that mostly waits for the cluster: a file of one plane keeps but one worker busy."""
    outcomes = [Outcome(item.source, item.target) for item in items]
    heard: SimpleQueue[tuple[int, Progress | None]] = SimpleQueue()
    over = threading.Event()

    def follow(number: int) -> None:
        try:
            if not over.is_set() and not cancelled():
                steps = _outcome(order, items[number], _which(items, number), overwrite, lambda: over.is_set() or cancelled())
                outcomes[number] = finished(steps, lambda report: heard.put((number, report)))
                if fail_fast and outcomes[number].state == "failed":
                    over.set()
        finally:
            heard.put((number, None))

    with ThreadPoolExecutor(most) as pool:
        ends = [pool.submit(follow, number) for number in range(len(items))]
        try:
            yield from _heard_of_all(heard, ends)
        finally:
            over.set()
    return Report(tuple(outcomes))


def _heard_of_all(heard: SimpleQueue[tuple[int, Progress | None]], ends: Sequence[Future[None]]) -> Generator[Progress, None, None]:
    """The reports of all files, with how far they are together, until each has ended; raises what one of them did not expect."""
    parts = dict.fromkeys(range(len(ends)), 0.0)
    left = len(ends)
    while left:
        number, report = heard.get()
        parts[number] = report.step / max(1, report.total) if report else 1.0
        if report:
            yield replace(report, step=round(PER_FILE * sum(parts.values())), total=PER_FILE * len(ends))
        else:
            ends[number].result()
            left -= 1


def _outcome(order: _Order, item: Item, where: str, overwrite: bool, cancelled: Callable[[], bool]) -> Generator[Progress, None, Outcome]:
    started = time.perf_counter()
    try:
        with _place_explained(item.target):
            outcome = yield from _denoised(order, item, where, overwrite, cancelled)
    except DenoiseError as error:
        outcome = Outcome(item.source, item.target, "failed", told=(str(error),))
    return replace(outcome, seconds=time.perf_counter() - started)


@contextmanager
def _place_explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(f"cannot write {target}: {error.strerror or error}") from error
    except MemoryError as error:
        raise FileError(f"there is too little free memory to write {target} ({error or 'no more is said'}); close other programs, then try again") from error


def _denoised(order: _Order, item: Item, where: str, overwrite: bool, cancelled: Callable[[], bool]) -> Generator[Progress, None, Outcome]:
    stamp = _stamp(item.source)
    if item.target.exists() and _made_before(order, item.target, stamp):
        tidy(item.target)
        return Outcome(item.source, item.target, "done before")
    if item.target.exists() and not overwrite:
        raise FileError(
            f"{item.target} exists already, made from another image or by other settings; name another folder, or replace it (overwrite=True, --overwrite)"
        )
    item.target.parent.mkdir(parents=True, exist_ok=True)
    files.check_target(item.target, overwrite=overwrite)
    image = files.read(item.source, axes=order.options["axes"], in_memory=IN_MEMORY if order.where is None else 0)
    image = replace(image, axes=checked_axes(image.array, image.axes).letters)
    files.check_target(item.target, overwrite=overwrite, like=image)
    _check_planes_fit(image)
    plan = order.plan(image)
    chosen = {"tile": plan.tile, "threads": plan.threads or (cpu_threads.used() if plan.method.trains else None)}
    with unfinished(item.target, _result_like(image, order), order.terms(image, plan, stamp), chosen, anew=overwrite, form=order.form) as room:
        result = yield from _followed(order, item, image, room, stamp, where, cancelled)
        of = len(checked_axes(image.array, image.axes).planes())
        if result is None:
            return Outcome(item.source, item.target, "interrupted", len(room.finished()), of, room.found)
        room.appear(item.target, result.provenance())
    return Outcome(item.source, item.target, "done", of, of, room.found, told=(*image.notes, *result.notes))


def _followed(
    order: _Order, item: Item, image: Image, room: Unfinished, stamp: Mapping[str, Any], where: str, cancelled: Callable[[], bool]
) -> Generator[Progress, None, Result | None]:
    """The result of a run whose reports are passed on; None if it was cancelled."""
    run = {name: value for name, value in order.options.items() if name not in ("axes", "memory")} | dict(room.chosen)
    steps = denoise_steps(
        files.Readable(item.source, order.options["axes"], IN_MEMORY, array=image.array), order.method.name, axes=image.axes, out=room, ledger=room,
        source={"name": item.source.name, **stamp}, where=order.where, **run, **order.params,
    )  # fmt: skip
    while not cancelled():
        try:
            report = next(steps)
        except StopIteration as end:
            result: Result = end.value
            gone_on = f"It went on from an interrupted run, which had finished {room.found} of {result.planes} planes."
            return replace(result, notes=(*result.notes, gone_on)) if room.found else result
        yield replace(report, stage=f"{where}: {report.stage}")
    steps.close()
    return None


def _result_like(image: Image, order: _Order) -> Image:
    """The form of a result: axes, names, sizes, shape and type."""
    dtype = np.dtype(np.float32) if order.options["dtype"] == "float32" else np.dtype(image.array.dtype)
    return replace(image, array=_Form(tuple(image.array.shape), dtype), provenance=None)


def _check_planes_fit(image: Image) -> None:
    """A small file may claim a huge plane, whether it is damaged or made so: that is told before memory runs out."""
    axes, free = checked_axes(image.array, image.axes), memory.free("cpu")
    plane = axes.height * axes.width * axes.size("S") * np.dtype(image.array.dtype).itemsize / memory.GIGABYTE
    if plane > memory.SHARE_OF_FREE * free:
        raise ImageError(
            f"a plane of {axes.height} x {axes.width} pixels takes {plane:.2g} GB, and the machine has {free:.2g} GB free; "
            "check the file, or cut its planes into parts"
        )


@dataclass(frozen=True)
class _Form:
    """An array without its values."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def _made_before(order: _Order, target: Path, stamp: Mapping[str, Any]) -> bool:
    try:
        record = files.read_provenance(target)
    except FileError:
        return False
    return record is not None and order.made(record, stamp) and (not order.form or ome_zarr.version_of(target) == order.form["version"])


def _stamp(source: Path) -> dict[str, Any]:
    """By which a file is known to be unchanged without reading it: its size and the time of its last change."""
    try:
        inside = [source, *source.rglob("*")] if source.is_dir() else [source]
        known = [entry.stat() for entry in inside]
    except OSError as error:
        raise FileError(f"cannot read {source}: {error.strerror or error}") from error
    return {"bytes": sum(entry.st_size for entry in known), "modified": max(entry.st_mtime_ns for entry in known)}
