"""Whether this machine is good at bfloat16: tried once for each device, and kept, so that the same seed gives the same pixels tomorrow."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

import platformdirs

WORTH = 0.8
"""bfloat16 is taken where it needs less than this share of float32's time."""
REPEATS = 7
BATCH = {"cpu": (4, 48), "cuda": (16, 96)}
"""Planes and their side, on which it is tried: enough for a graphics card to compute longer than it takes to tell it what."""


def best(device: str) -> Literal["float32", "bfloat16"]:
    """The faster precision for the convolutions of the papers' networks on a device, as torch spells it.

    Found by a trial of about a tenth of a second, the first time; afterwards read from the user's cache folder.
    A folder that cannot be read or written costs only the trial. One that came to nothing, as on a card that is full, is made again the next time.
    """
    known = _kept()
    key = _machine(device)
    if known.get(key) not in ("float32", "bfloat16"):
        whole = _takes(device, half=False)
        known[key] = "bfloat16" if _takes(device, half=True) < WORTH * whole else "float32"
        if whole < math.inf:
            _keep(known)
    return "bfloat16" if known[key] == "bfloat16" else "float32"


def half_precision(device: str, wanted: bool) -> AbstractContextManager[None]:
    """Within it, convolutions are computed in bfloat16, if wanted.

    Without torch's memory of weights in bfloat16: all threads share that, so the end of one run's step would change how another's sums are rounded.
    """
    import torch

    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=wanted, cache_enabled=False)


def cache_file() -> Path:
    """Where the answers are kept."""
    return Path(platformdirs.user_cache_dir("napari-zeroshot", appauthor=False)) / "precision.json"


def _kept() -> dict[str, str]:
    try:
        kept = json.loads(cache_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _keep(answers: dict[str, str]) -> None:
    path = cache_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps(answers, indent=1), encoding="utf-8")
        beside.replace(path)  # whole: another program may be reading
    except OSError:
        return


def _machine(device: str) -> str:
    import torch

    what = torch.cuda.get_device_name(device) if device.startswith("cuda") else torch.backends.cpu.get_cpu_capability()
    return f"{device.partition(':')[0]} {what}, torch {torch.__version__}, {torch.get_num_threads()} threads"


def _takes(device: str, *, half: bool) -> float:
    """Seconds of the fastest of a few passes, forward and back, through the papers' heaviest convolution; endless if the device cannot."""
    try:
        work = _pass(device, half)
        return min(_seconds(work, device) for _ in range(REPEATS))
    except RuntimeError:  # no bfloat16 on this device
        return math.inf


def _pass(device: str, half: bool) -> Callable[[], None]:
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        layers = nn.Sequential(nn.Conv2d(48, 48, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(48, 48, 3, padding=1))
    network = layers.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    planes, side = BATCH["cuda" if device.startswith("cuda") else "cpu"]
    batch = torch.zeros(planes, 48, side, side, device=device).contiguous(memory_format=torch.channels_last)

    def there_and_back() -> None:
        with half_precision(device, half):
            network(batch).square().mean().backward()

    there_and_back()
    return there_and_back


def _seconds(work: Callable[[], None], device: str) -> float:
    _wait_for(device)
    started = time.perf_counter()
    work()
    _wait_for(device)
    return time.perf_counter() - started


def _wait_for(device: str) -> None:
    """Until a graphics card has done all it was told."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
