"""What a run will do, where, and how much comes out: sentences for before and after it."""

from __future__ import annotations

import math
from importlib.metadata import version

from napari_zeroshot.engine import memory
from napari_zeroshot.engine.device import Device, choose, torch_is_loaded
from napari_zeroshot.engine.errors import DenoiseError
from napari_zeroshot.engine.plan import TRAINING_PIXELS
from napari_zeroshot.widgets.layers import result_size
from napari_zeroshot.widgets.pace import expected_seconds
from napari_zeroshot.widgets.task import Task

LARGE = 10**9
"""Bytes from which the size of a result is worth a word."""


def told_estimate(task: Task) -> str:
    """How long a task will take, how much memory, how large its result is if it is large, and where it is computed."""
    seconds = None if task.cluster else expected_seconds(task)
    size = result_size(task.source, task.shape, as_float32=task.options["dtype"] == "float32")
    parts = (
        "" if seconds is None else f"about {told_time(seconds)}",
        f"memory up to {told_size(round(_memory(task)))}" + (" in each worker" if task.cluster else ""),
        "each plane when you go to it" if task.viewed else f"result {told_size(size)}" if size >= LARGE else "",
        told_cluster(task.cluster) if task.cluster else told_device(str(task.options["device"]), trains=task.method.trains),
    )
    told = " · ".join(part for part in parts if part)
    return told[0].upper() + told[1:]


def _memory(task: Task) -> float:
    """Bytes that a task takes beside the image and its result, with the largest tiles that are of use."""
    needed = memory.need(task.method, task.params, task.axes, TRAINING_PIXELS)
    most = needed.fixed + needed.per_pixel * min(memory.LARGEST_TILE**2, task.axes.height * task.axes.width)
    bound = task.options["memory"]
    return min(most, bound * memory.GIGABYTE) if bound else most


def told_cluster(scheduler: str) -> str:
    """Where a run goes that is not done in this process; what is known of this one's pace says nothing of that."""
    return f"on the cluster {scheduler}, as fast as its workers are" if "://" in scheduler else f"in processes of this computer ({scheduler})"


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
    if not device.name.startswith("cuda"):
        return device.reason
    try:
        free, whole = memory.free_and_all(device.name)
    except RuntimeError:  # of a card so full that it cannot be asked; a run will tell
        return device.reason
    return f"{device.reason}, {told_size(free)} of {told_size(whole)} free"


def told_size(size: int) -> str:
    """Bytes in the largest fitting unit."""
    power = min(int(math.log10(max(size, 1))) // 3, 4)
    return f"{size / 1000**power:.{1 if power > 2 else 0}f} {('bytes', 'kB', 'MB', 'GB', 'TB')[power]}"


def told_time(seconds: float) -> str:
    """A duration in words."""
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
