"""What a figure was measured on, and when."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from napari_zeroshot.engine.device import ASKED, choose
from napari_zeroshot.engine.provenance import versions


def describe(device: str = "cpu") -> dict[str, object]:
    """Processor, cores, computing device, versions and date."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "device": choose(device).reason.removesuffix(ASKED),
        "versions": versions(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def best(wish: str) -> str:
    """The device that a wish such as ``auto`` comes to."""
    return choose(wish).name


def devices() -> list[str]:
    """The CPU, and the GPU that ``auto`` would take if there is one."""
    return list(dict.fromkeys(("cpu", best("auto"))))


def kind(device: str) -> str:
    """``cpu``, ``cuda`` or ``mps``: figures of several cards of a kind are not told apart."""
    return device.partition(":")[0]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return names[0] if names else platform.processor()
