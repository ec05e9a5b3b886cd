"""One image of a batch: denoised if its result is not there yet, and what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_zeroshot.engine import files, memory, ome_zarr
from napari_zeroshot.engine import threads as cpu_threads
from napari_zeroshot.engine.errors import DenoiseError, FileError, ImageError
from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.method import Progress
from napari_zeroshot.engine.plan import checked_axes
from napari_zeroshot.engine.result import Result
from napari_zeroshot.engine.run import denoise_steps
from napari_zeroshot.engine.standing_order import StandingOrder
from napari_zeroshot.engine.unfinished import Unfinished, tidy, unfinished
from napari_zeroshot.engine.worklist import Item

State = Literal["done", "done before", "failed", "interrupted", "not reached"]
IN_MEMORY = 1 << 26
"""Images of more bytes are read plane by plane: here nobody waits for the first one."""


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
    warnings
        Of these, what of the file or of the run is not as one would think, and so is told at once; of cautions what all files may have in common.
    """

    source: Path
    target: Path
    state: State = "not reached"
    planes: int | None = None
    of: int | None = None
    kept: int = 0
    seconds: float = 0.0
    told: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def outcome_of(order: StandingOrder, item: Item, where: str, overwrite: bool, cancelled: Callable[[], bool]) -> Generator[Progress, None, Outcome]:
    """Denoise an image of a batch step by step; what a user can mend becomes its outcome. `where` names it in reports."""
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


def _denoised(order: StandingOrder, item: Item, where: str, overwrite: bool, cancelled: Callable[[], bool]) -> Generator[Progress, None, Outcome]:
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
        if result is None:
            return Outcome(item.source, item.target, "interrupted", len(room.finished()), room.planes, room.found)
        room.appear(item.target, result.provenance())
    warnings = (*image.notes, *(result.notes[:1] if result.instead_of else ()), *dict.fromkeys(caution.brief for caution in result.cautions))
    return Outcome(item.source, item.target, "done", room.planes, room.planes, room.found, told=(*image.notes, *result.notes), warnings=warnings)


def _followed(
    order: StandingOrder, item: Item, image: Image, room: Unfinished, stamp: Mapping[str, Any], where: str, cancelled: Callable[[], bool]
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


def _result_like(image: Image, order: StandingOrder) -> Image:
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


def _made_before(order: StandingOrder, target: Path, stamp: Mapping[str, Any]) -> bool:
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
