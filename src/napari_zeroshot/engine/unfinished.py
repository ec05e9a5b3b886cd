"""A result on its way to the disk: planes are kept as they are finished, so that a run that was interrupted goes on where it was.

Beside the place of ``cells.ome.tif`` lies, while it is being made, a folder ``.cells.ome.tif.unfinished`` with the growing image, a journal of the
finished planes and a lock. It goes when the image is complete and has its name.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from napari_zeroshot.engine import fingerprint, growing_zarr, ome_tiff
from napari_zeroshot.engine.axes import IN_PLANE, Axes, Index, parse
from napari_zeroshot.engine.durable import replace
from napari_zeroshot.engine.errors import DivergedError, FileError, GapsError, ImageError, ParamError
from napari_zeroshot.engine.files import BROKEN
from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.journal import Entry, Journal


class Growing(Protocol):
    """A file, or folder, whose planes of shape (S, Y, X) are put in one by one, in any order."""

    begun: Mapping[str, Any]

    def put(self, index: Index, plane: NDArray[Any]) -> None: ...
    def get(self, index: Index) -> NDArray[Any]: ...
    def finish(self, provenance: Mapping[str, Any]) -> None: ...
    def close(self) -> None: ...


GROWING: Mapping[str, Callable[..., Growing]] = {".tif": ome_tiff.Growing, ".zarr": growing_zarr.Growing}
"""For each ending that results may have here: made of a path, the image's form and, if it was begun before, its `begun`; OME-Zarr is told its version."""
JOURNAL, LOCK = "journal", "lock"
LONGEST = 255
"""Bytes of a name, on nearly all disks."""
HOPELESS = (ImageError, ParamError, DivergedError)
"""After these the same command would fail again: nothing is kept. But for gaps, which can be filled from there on."""
WIDER = {("nan", "refuse", "fill")}
"""Terms on which a result that was begun on narrower ones may go on: its finished planes are what they would be on these."""


class Unfinished:
    """A result of which some planes are finished: takes planes as an array does, and is the ledger of its run.

    Attributes
    ----------
    planes
        How many it has when it is complete.
    found
        How many planes an earlier run had finished.
    chosen
        What that run had chosen, or what this one has if there was none.
    less
        With how much at once the planes are made, where the graphics card had too little memory for what was planned; empty where it had not.
    """

    def __init__(self, path: Path, image: Image, journal: Journal, growing: Growing) -> None:
        self._path, self._journal, self._growing = path, journal, growing
        self._axes = parse(image.axes, image.array.shape)
        self.shape, self.dtype = self._axes.shape, np.dtype(image.array.dtype)
        self._numbers = {index: number for number, index in enumerate(self._axes.planes())}
        self._written: tuple[Index, str] | None = None
        self._finished = {index: bytes.fromhex(entry["noisy"]) for index, entry in self._noted().items() if self._holds(index, entry)}
        self.planes, self.found = len(self._numbers), len(self._finished)
        self.chosen: Entry = journal.head["chosen"]
        self.less: Mapping[str, int] = next((entry["less"] for entry in reversed(journal.entries) if "less" in entry), {})
        self.complete = False

    def _noted(self) -> dict[Index, Entry]:
        planes = self._axes.planes()
        return {planes[entry["plane"]]: entry for entry in self._journal.entries if "plane" in entry}

    def _holds(self, index: Index, entry: Entry) -> bool:
        """Whether the image has the plane that the journal says: after a power failure it may not."""
        try:
            return fingerprint.of_plane(self._growing.get(index)).hex() == str(entry["clean"])
        except BROKEN:
            return False

    def __setitem__(self, place: tuple[int | slice, ...], pixels: NDArray[Any]) -> None:
        index = _index(place)
        plane = _upright(self._axes, np.asarray(pixels, self.dtype))
        self._growing.put(index, plane)
        self._written = index, fingerprint.of_plane(plane).hex()

    def __getitem__(self, place: tuple[int | slice, ...]) -> NDArray[Any]:
        return self._axes.as_laid(self._growing.get(_index(place)))

    def finished(self) -> Mapping[Index, bytes]:
        """The planes that are finished, each with the sum of the noisy one."""
        return self._finished

    def finish(self, index: Index, noisy: bytes) -> None:
        """Note that the plane which was written last is finished; that outlives a crash when this returns."""
        if self._written is None or self._written[0] != index:
            raise ValueError(f"plane {index} is not the one that was written last")
        self._journal.add({"plane": self._numbers[index], "noisy": noisy.hex(), "clean": self._written[1]})
        self._finished[index] = noisy

    def lessen(self, less: Mapping[str, int]) -> None:
        """Note with how much at once all planes are made from now on, by later runs too."""
        self._journal.add({"less": dict(less)})
        self.less = less

    def appear(self, target: Path, provenance: Mapping[str, Any]) -> None:
        """Add how the image was made, and give it its name in place of what may have had it."""
        self._growing.finish(provenance)
        self.close()
        if target.is_dir():
            replace(target, self._path.with_name("before"))
        replace(self._path, target)
        self.complete = True

    def close(self) -> None:
        """Let go of the files; what is finished stays."""
        self._growing.close()
        self._journal.close()


def _index(place: tuple[int | slice, ...]) -> Index:
    return tuple(None if isinstance(at, slice) else int(at) for at in place)


def _upright(axes: Axes, laid: NDArray[Any]) -> NDArray[Any]:
    """A plane as it lies in an image of these axes, turned to the shape (S, Y, X)."""
    letters = "".join(letter for letter in axes.letters if letter in IN_PLANE)
    return Axes(letters, laid.shape).read(laid, (None,) * laid.ndim)


@contextmanager
def unfinished(
    target: Path, image: Image, terms: Mapping[str, Any], chosen: Entry, *, anew: bool = False, form: Mapping[str, Any] | None = None
) -> Iterator[Unfinished]:
    """A result to be finished and given its name in the block; what is finished of it is kept if that fails.

    Parameters
    ----------
    target
        Its name; ends in .tif or .zarr.
    image
        Axes, names and pixel sizes of the result; of its array only shape and type are used.
    terms
        All that its pixels depend on, as plain values by name: they must be what they were when it was begun, or `WIDER`.
    chosen
        What was chosen for this run and has to stay for the next.
    anew
        Begin anew if the terms are others.
    form
        What else the growing file is told, by name; see `GROWING`.

    Raises
    ------
    FileError
        If another run is at work on it, if it was begun on other terms, or if nothing can be written there.
    GapsError
        If the block raises it; it then says what is kept, and how that goes on.
    """
    folder = _folder(target)
    with _locked(folder, target):
        result = _opened(folder, target, image, {"terms": dict(terms), "chosen": dict(chosen)}, partial(GROWING[target.suffix], **(form or {})), anew)
        try:
            yield result
        except GapsError as error:
            raise GapsError(f"{error}{_kept(result, folder)}") from error
        except HOPELESS:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            if not result.complete:
                result.close()
            if result.complete or not result.finished():
                shutil.rmtree(folder, ignore_errors=True)


def _kept(result: Unfinished, folder: Path) -> str:
    """What is left of a run that gaps have ended, in a sentence more; nothing if nothing is."""
    finished = len(result.finished())
    if not finished:
        return ""
    return (
        f". {finished} of {result.planes} planes are finished and kept in {folder}: the same command goes on from there if it asks for filling; "
        "if the image is mended, it begins anew with --overwrite (overwrite=True)"
    )


def tidy(target: Path) -> None:
    """Take away what a run has left beside a complete result, which was cut off in its very last moment."""
    folder = _folder(target)
    if folder.is_dir():
        with _locked(folder, target):
            shutil.rmtree(folder, ignore_errors=True)


def _folder(target: Path) -> Path:
    name = f".{target.name}.unfinished"
    short = f".{blake2b(os.fsencode(name), digest_size=16).hexdigest()}.unfinished"
    return target.with_name(name if len(os.fsencode(name)) <= LONGEST else short)


@contextmanager
def _locked(folder: Path, target: Path) -> Iterator[None]:
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise FileError(f"another run is writing {target} now; wait until it has ended, or end it") from error
    try:
        if not (folder / LOCK).exists():
            raise FileError(f"another run has just finished {target}; start this one again")
        yield
    finally:
        lock.release()
        if os.name == "nt":  # which keeps a locked file
            with suppress(OSError):
                (folder / LOCK).unlink()
                folder.rmdir()


def _opened(folder: Path, target: Path, image: Image, head: Entry, grown: Callable[..., Growing], anew: bool) -> Unfinished:
    path = folder / f"image{target.suffix}"
    if (folder / JOURNAL).exists() and path.exists():
        journal = Journal.opened(folder / JOURNAL)
        terms = _terms(journal)
        differing = _differing(terms, head["terms"])
        if not differing:
            if terms != head["terms"]:
                journal.add({"terms": head["terms"]})
            return Unfinished(path, image, journal, grown(path, image, journal.head["file"]))
        journal.close()
        if not anew:
            raise FileError(
                f"{target} was begun by another run ({differing}); give the same command to go on, --overwrite (overwrite=True) to begin anew, "
                "or another folder"
            )
    _clear(folder)
    growing = grown(path, image)
    return Unfinished(path, image, Journal.begun(folder / JOURNAL, {**head, "file": dict(growing.begun)}), growing)


def _terms(journal: Journal) -> Mapping[str, Any]:
    """Those on which a result was worked on last."""
    terms: Mapping[str, Any] = next((entry["terms"] for entry in reversed(journal.entries) if "terms" in entry), journal.head["terms"])
    return terms


def _differing(begun: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs, in words: nothing if nothing does that matters."""
    names = [name for name in {**begun, **now} if begun.get(name) != now.get(name) and (name, begun.get(name), now.get(name)) not in WIDER]
    return ", ".join(f"{name} {begun.get(name)} then, {now.get(name)} now" for name in names)


def _clear(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != LOCK:
            entry.unlink()
