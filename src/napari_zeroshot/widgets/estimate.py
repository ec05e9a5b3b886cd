"""What a run will do, where, and how much comes out: sentences for before and after it."""

from __future__ import annotations

import math
from importlib.metadata import version

from napari_zeroshot.engine.device import Device, choose, free_memory, torch_is_loaded
from napari_zeroshot.engine.errors import DenoiseError


def told_device(wish: str, *, trains: bool) -> str:
    """Where it will be computed, as far as can be said without importing torch, which takes seconds."""
    if not trains:
        return "CPU (this method uses no GPU)"
    if torch_is_loaded():
        try:
            return _told_chosen(choose(wish))
        except DenoiseError as error:
            return str(error)
    if wish != "auto":
        return f"device {wish}"
    built = version("torch")
    return f"CPU (PyTorch {built} has no CUDA)" if built.endswith("+cpu") else "GPU if PyTorch finds one at the start, else CPU"


def _told_chosen(device: Device) -> str:
    memory = free_memory(device.name)
    return device.reason + (f", {told_size(memory[0])} of {told_size(memory[1])} free" if memory else "")


def told_size(size: int) -> str:
    """Bytes in the largest fitting unit."""
    power = min(int(math.log10(max(size, 1))) // 3, 4)
    return f"{size / 1000**power:.{1 if power > 2 else 0}f} {('bytes', 'kB', 'MB', 'GB', 'TB')[power]}"


def told_time(seconds: float) -> str:
    """A duration in words."""
    return f"{seconds:.1f} s" if seconds < 90 else f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
