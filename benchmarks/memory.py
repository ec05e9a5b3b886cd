"""How much memory a run takes beyond its image: the peak of a fresh process, the result included."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import document, machine
from benchmarks.suite import Suite
from napari_zeroshot import denoise

RESULTS = Path(__file__).parent / "results" / "memory.json"
METHODS: dict[str, dict[str, Any]] = {"zs-n2m": {"steps": 2}, "gaussian": {}, "median": {}}
"""Each with what makes it short: memory does not depend on the number of steps."""
SIDES = (2048, 4096, 8192, 16384)
TYPES = ("uint8", "uint16", "float32")


def run(methods: Sequence[str], sides: Sequence[int], types: Sequence[str], *, whole_training: bool) -> None:
    """Measure, keep the results as JSON beside those of earlier runs, and write the table into docs/benchmarks.md."""
    found = json.loads(RESULTS.read_text())["peaks"] if RESULTS.exists() else {}
    for method in methods:
        options = {} if whole_training else METHODS.get(method, {})
        row = ", ".join([method, *(f"{name}={value}" for name, value in options.items())])
        for kind in types:
            for side in sides:
                found[f"{row} | {kind} | {side}"] = peak = _in_fresh_process(method, kind, side, options)
                print(f"{row:20s} {kind:8s} {side:6d}  {peak['gigabytes']:6.2f} GB  {peak['seconds']:7.1f} s", flush=True)
    made_on = machine.describe()
    RESULTS.write_text(json.dumps({"machine": made_on, "peaks": found}, indent=1) + "\n")
    document.put("memory", _table(found, made_on))


def _in_fresh_process(method: str, kind: str, side: int, options: dict[str, Any]) -> dict[str, float]:
    code = f"from benchmarks import memory; memory.measure({method!r}, {kind!r}, {side}, {options!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def measure(method: str, kind: str, side: int, options: dict[str, Any]) -> None:
    """Denoise one noisy plane and print, as JSON, by how much the process outgrew the image, and the time."""
    image = _noisy(side, kind)
    started = time.perf_counter()
    denoise(image, method, device="cpu", **options)
    seconds = time.perf_counter() - started
    print(json.dumps({"gigabytes": round((_peak() - image.nbytes) / 1e9, 3), "seconds": round(seconds, 1)}))


def _noisy(side: int, kind: str) -> np.ndarray[Any, Any]:
    """Photon noise on slow waves; made row by row, so that making it takes no memory of its own."""
    random, image = np.random.default_rng(0), np.empty((side, side), kind)
    waves = np.sin(np.arange(side) / 40)
    for row in range(side):
        image[row] = random.poisson(120 + 50 * waves + 50 * waves[row])
    return image


def _peak() -> int:
    """The most resident memory that this process has had, in bytes (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def _table(found: dict[str, dict[str, float]], made_on: dict[str, Any]) -> str:
    cases = [key.split(" | ") for key in found]
    sides = sorted({int(side) for _, _, side in cases})
    rows = list(dict.fromkeys((row, kind) for row, kind, _ in cases))
    cell = {key: f"{peak['gigabytes']:.2f} GB, {peak['seconds']:.0f} s" for key, peak in found.items()}
    table = document.table(
        ("method", "type", *(f"{side}²" for side in sides)),
        [(row, kind, *(cell.get(f"{row} | {kind} | {side}", "") for side in sides)) for row, kind in rows],
    )
    origin = f"{made_on['date']}, {made_on['processor']}, {made_on['cores']} cores, torch {made_on['versions'].get('torch')}"
    return f"Peak resident memory beyond the image, and time. {origin}: `python -m benchmarks memory`\n\n{table}"


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--sides", nargs="+", type=int, default=SIDES)
    parser.add_argument("--types", nargs="+", default=TYPES)
    parser.add_argument("--whole-training", action="store_true", help="train as by default, not for two steps only")


SUITE = Suite(
    "peak memory beyond the image on planes of rising size",
    _options,
    lambda chosen: run(chosen.methods, chosen.sides, chosen.types, whole_training=chosen.whole_training),
)
