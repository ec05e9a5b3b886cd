"""Where results go: looked at before the work, put together beside it, and there only when they are whole."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from napari_zeroshot.engine.errors import FileError

TRIES, PAUSE = 20, 0.05
"""How often it is tried to remove a folder that is still written into, and seconds between."""


def check_place(path: Path, *, replaceable: bool) -> None:
    """Raise `FileError` if there is something already that may not be replaced, or if nothing can be written there."""
    if path.exists() and not replaceable:
        raise FileError(f"{path} exists already; choose another name or allow overwriting (overwrite=True, --overwrite)")
    if not path.parent.is_dir():
        raise FileError(f"cannot write {path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise FileError(f"cannot write {path}: the folder is read-only")


def check_folder(folder: Path, names: Iterable[str], *, replaceable: bool) -> None:
    """Make the folder. Raises `FileError` if files of these names could not be written there, before the work is done."""
    there = [folder / name for name in names if (folder / name).exists()]
    if there and not replaceable:
        raise FileError(f"{there[0]} exists already; choose another folder or allow overwriting (overwrite=True, --overwrite)")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot write into {folder}: {error.strerror or error}; choose another folder") from error
    if not os.access(folder, os.W_OK):
        raise FileError(f"cannot write into {folder}: the folder is read-only; choose another")


@contextmanager
def appearing(path: Path) -> Iterator[BinaryIO]:
    """A file that becomes `path` when the block ends well, and vanishes when not."""
    with _room_beside(path) as folder:
        with (folder / "new").open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(folder / "new", path)


@contextmanager
def appearing_folder(path: Path) -> Iterator[Path]:
    """As `appearing`, for a folder; one that is there already goes only when the new one is complete."""
    with _room_beside(path) as folder:
        (folder / "new").mkdir()
        yield folder / "new"
        if path.exists():
            os.replace(path, folder / "old")
        try:
            os.replace(folder / "new", path)
        except OSError:
            if (folder / "old").exists():
                os.replace(folder / "old", path)
            raise


@contextmanager
def _room_beside(path: Path) -> Iterator[Path]:
    """A folder beside `path` into which nobody else can look, and which goes with all that is in it; what fails there is told."""
    try:
        with TemporaryDirectory(prefix=".napari-zeroshot-", dir=path.parent, ignore_cleanup_errors=True) as folder:
            try:
                yield Path(folder)
            except BaseException:
                _remove(Path(folder))
                raise
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from error
    except MemoryError as error:
        raise FileError(f"cannot write {path}: there is too little free memory; close other programs, and try again") from error


def _remove(folder: Path) -> None:
    """Remove a folder into which another thread may still be writing: that of zarr ends what it has begun when one part fails."""
    for _ in range(TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(PAUSE)
