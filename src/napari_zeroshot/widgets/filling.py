"""An array that a result is written into plane by plane."""

from __future__ import annotations

import math
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from napari_zeroshot.engine.axes import IN_PLANE
from napari_zeroshot.engine.errors import DenoiseError, FileError
from napari_zeroshot.widgets.task import At, Task

LARGE = 2**30
"""Bytes from which the result of a lazy image is kept on disk instead of in memory."""


class Filling:
    """Takes a result's planes, for `denoise_steps(out=...)`, and counts them.

    The array of a large result is a temporary zarr, one chunk for each plane; its folder goes when the array is no longer used, or napari ends.

    Raises
    ------
    FileError
        Here, or when a plane is put into it, if there is no room for it.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], letters: str, *, on_disk: bool) -> None:
        self.shape, self.dtype, self.on_disk = shape, dtype, on_disk
        with self._room():
            self.array = _on_disk(shape, dtype, letters) if on_disk else np.zeros(shape, dtype)
        self._letters, self._done = letters, set[tuple[Any, ...]]()
        self._closed = False

    @classmethod
    def for_task(cls, task: Task) -> Filling:
        """An array for a task's result."""
        dtype = np.dtype(task.source.data.dtype if task.options["dtype"] == "same" else np.float32)
        size = math.prod(task.shape) * dtype.itemsize
        lazy = not isinstance(task.source.data, np.ndarray) or isinstance(task.source.data, np.memmap)
        return cls(task.shape, dtype, task.source.axes.letters, on_disk=lazy and size >= LARGE)

    def close(self) -> None:
        """Take no more: who still writes is at an end."""
        self._closed = True

    def __setitem__(self, index: Any, plane: Any) -> None:
        if self._closed:
            raise DenoiseError("the run was ended")
        with self._room():
            self.array[index] = plane
        self._done.add(tuple(i for i in (index if isinstance(index, tuple) else (index,)) if not isinstance(i, slice)))

    @contextmanager
    def _room(self) -> Iterator[None]:
        """Tell what comes of a full disk or memory as an error that the user can mend."""
        try:
            yield
        except (OSError, MemoryError) as error:
            size = f"{math.prod(self.shape) * self.dtype.itemsize / 1e9:.1f} GB"
            short, remedy = (f"in {tempfile.gettempdir()}", "make room there") if self.on_disk else ("in memory", "close other programs")
            raise FileError(f"there is no room {short} for the result of {size}; {remedy}, or denoise a part of the image ({error})") from error

    @property
    def planes(self) -> int:
        """How many planes have been written, however many parts each came in."""
        return len(self._done)

    def has(self, at: At) -> bool:
        """Whether a plane has been written."""
        return tuple(at[letter] for letter in self._letters if letter not in IN_PLANE) in self._done

    def __getitem__(self, index: Any) -> Any:
        return self.array[index]


def _on_disk(shape: tuple[int, ...], dtype: np.dtype[Any], letters: str) -> Any:
    import zarr

    folder = Path(tempfile.mkdtemp(prefix="napari-zeroshot-"))
    chunks = tuple(size if letter in IN_PLANE else 1 for letter, size in zip(letters, shape, strict=True))
    array = zarr.create_array(str(folder / "result.zarr"), shape=shape, chunks=chunks, dtype=dtype)
    weakref.finalize(array, shutil.rmtree, folder, ignore_errors=True)
    return array
