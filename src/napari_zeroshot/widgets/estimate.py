"""What a run will do, where, and how much comes out: sentences for before and after it."""

from __future__ import annotations

import math
import sys
from importlib.metadata import version

from napari_zeroshot.engine.axes import IN_PLANE, Axes
from napari_zeroshot.engine.device import choose
from napari_zeroshot.engine.errors import DenoiseError


def what_run_does(axes: Axes) -> str:
    """The text of the Run button."""
    planes = math.prod(size for letter, size in zip(axes.letters, axes.shape, strict=True) if letter not in IN_PLANE)
    return f"Denoise {planes} planes" if planes > 1 else "Denoise the image"


def told_device(wish: str, *, trains: bool) -> str:
    """Where it will be computed, as far as can be said without importing torch, which takes seconds."""
    if not trains:
        return "CPU (this method uses no GPU)"
    if "torch" in sys.modules:
        try:
            return choose(wish).reason
        except DenoiseError as error:
            return str(error)
    if wish != "auto":
        return f"device {wish}"
    built = version("torch")
    return f"CPU (PyTorch {built} has no CUDA)" if built.endswith("+cpu") else "GPU if PyTorch finds one at the start, else CPU"


def told_size(size: int) -> str:
    """Bytes in the largest fitting unit."""
    power = min(int(math.log10(max(size, 1))) // 3, 4)
    return f"{size / 1000**power:.0f} {('bytes', 'kB', 'MB', 'GB', 'TB')[power]}"


def told_time(seconds: float) -> str:
    """A duration in words."""
    return f"{seconds:.1f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
