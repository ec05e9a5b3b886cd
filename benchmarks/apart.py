"""Work in a process of its own: its peak memory is its own, and when it dies for lack of memory the others go on."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from napari_zeroshot import DenoiseError

PRELOADED = ["napari_zeroshot.engine.fitting", "napari_zeroshot.engine.metrics", "benchmarks.timing"]
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
MIB = 2**20


def apart(work: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """What `work` gives, computed in a fresh process; ``{"error": why}`` if it could not.

    Where there is a fork server, it has torch loaded, so a process starts in an instant.
    """
    with ProcessPoolExecutor(1, mp_context=_context()) as pool:
        try:
            return pool.submit(work, *arguments).result()
        except DenoiseError as error:
            return {"error": str(error)}
        except BrokenProcessPool:
            return {"error": "the process was killed, most likely for lack of memory"}


def _context() -> Any:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


class Peak:
    """The most memory held inside a ``with``, beyond what was held before it.

    Attributes
    ----------
    resident
        Of this process, in MiB; None where the system does not tell.
    on_device
        Of a CUDA card, as reserved by torch, in MiB; None on other devices.
    """

    def __init__(self, device: str) -> None:
        self._device = device if device.startswith("cuda") else None
        self.resident: float | None = None
        self.on_device: float | None = None

    def __enter__(self) -> Peak:
        if CLEAR.exists():
            CLEAR.write_text("5")  # the mark of the highest memory falls to what is held now
        if self._device:
            import torch

            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self._device)
        self._before = _highest()
        return self

    def __exit__(self, *_: object) -> None:
        highest = _highest()
        self.resident = None if highest is None or self._before is None else (highest - self._before) / MIB
        if self._device:
            import torch

            self.on_device = torch.cuda.max_memory_reserved(self._device) / MIB


def _highest() -> int | None:
    """The most resident memory of this process so far, in bytes."""
    if STATUS.exists():
        return next(int(line.split()[1]) * 1024 for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None
