"""A stack larger than memory through `batch` under a hard cap: how much memory the process held, second by second.

The stack is never stored: a reader for files ending in .made makes each plane when it is asked for. The result is written in full.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask.array
import numpy as np

from benchmarks import document, record
from benchmarks.plot import Panel, draw
from benchmarks.suite import Suite
from napari_zeroshot import batch
from napari_zeroshot.engine import files
from napari_zeroshot.engine.image import Image

GIGABYTE = 1e9
EVERY = 0.5
"""Seconds between two looks at the memory."""
POINTS = 400
"""At most so many of them are kept."""
KEY = ("method", "gigabytes", "cap")


def made(path: Path, axes: str | None, in_memory: int | None = None) -> Image:
    """A stack of the size that the file names, noise on slow waves, of which each plane is made when it is sliced."""
    size = json.loads(path.read_text())
    side, planes = size["side"], size["planes"]
    waves = np.sin(np.arange(side) / 40)
    clean = (400 + 200 * waves + 150 * waves[:, None]).astype(np.uint16)

    def plane(block_id: tuple[int, ...]) -> np.ndarray[Any, Any]:
        random = np.random.default_rng(block_id[0])
        return (clean + random.integers(0, 60, clean.shape, np.uint16) + random.integers(0, 60, clean.shape, np.uint16))[np.newaxis]

    chunks = ((1,) * planes, (side,), (side,))
    return Image(dask.array.map_blocks(plane, chunks=chunks, dtype=np.uint16, meta=np.empty((0, 0, 0), np.uint16), name=f"made-{path.name}"), "TYX")


def measure(method: str, gigabytes: float, side: int, cap: float, folder: str, options: dict[str, Any]) -> None:
    """Run one stack through a batch in this process, which cannot take more than the cap, and print as JSON what it held."""
    resource.setrlimit(resource.RLIMIT_DATA, (int(cap * GIGABYTE), int(cap * GIGABYTE)))
    files.READERS[".made"] = made
    planes = max(1, round(gigabytes * GIGABYTE / (2 * side**2)))
    source = Path(folder, "stack.made")
    source.write_text(json.dumps({"side": side, "planes": planes}))
    with traced() as trace:
        started = time.perf_counter()
        (outcome,) = batch([source], Path(folder, "clean"), method, device="cpu", **options).outcomes
        seconds = time.perf_counter() - started
    written = Path(folder, "clean", "stack.ome.tif").stat().st_size if outcome.state == "done" else 0
    told = {"state": outcome.state, "told": list(outcome.told), "planes": planes, "side": side, "seconds": round(seconds, 1), "written": written}
    print(json.dumps({**told, "peak": max(held for _, held in trace), "trace": trace[:: -(-len(trace) // POINTS)]}))


@contextmanager
def traced() -> Iterator[list[tuple[float, float]]]:
    """A list that fills with pairs of seconds and gigabytes of resident memory."""
    found, over, started = [(0.0, resident())], threading.Event(), time.perf_counter()

    def watch() -> None:
        while not over.wait(EVERY):
            found.append((round(time.perf_counter() - started, 1), resident()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


def resident() -> float:
    """Gigabytes that this process holds (Linux)."""
    status = Path("/proc/self/status").read_text()
    return round(int(status.split("VmRSS:")[1].split()[0]) * 1024 / GIGABYTE, 4)


def run(options: argparse.Namespace) -> None:
    """Measure in a fresh process, keep the trace, draw it and write the table."""
    entries = record.Entries("batch_cpu", KEY, "cpu")
    if not options.tables:
        params = {"memory": options.memory, **({"steps": options.steps} if options.steps else {})}
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            found = _apart(options.method, options.gigabytes, options.side, options.cap, folder, params)
        entries.put({"method": options.method, "gigabytes": options.gigabytes, "cap": options.cap, **params, **found})
    document.put("batch", section(entries.found()))


def _apart(*arguments: Any) -> dict[str, Any]:
    code = f"from benchmarks import batch; batch.measure(*{arguments!r})"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def section(found: dict[str, Any]) -> str:
    """Plot and table, in Markdown; draws the plot."""
    entries: Sequence[dict[str, Any]] = found["entries"]
    lines = {f"{entry['method']} {entry['gigabytes']:g} GB": [(max(at, EVERY), held) for at, held in entry["trace"]] for entry in entries}
    path = draw("batch_memory", [Panel("resident memory, GB", "seconds", "GB", lines), Panel("the same, of the longest", "seconds", "GB", _longest(lines))])
    header = ("method", "stack", "planes", "cap", "most held", "seconds", "megapixels a second")
    rows = [
        (
            entry["method"],
            f"{entry['gigabytes']:g} GB",
            f"{entry['planes']} of {entry['side']}²",
            f"{entry['cap']:g} GB",
            f"{entry['peak']:.2f} GB",
            document.figure(entry["seconds"]),
            document.figure(entry["planes"] * entry["side"] ** 2 / 1e6 / entry["seconds"]),
        )
        for entry in entries
    ]
    return "\n\n".join((record.origin(found), f"![Resident memory against time](images/{path.name})", document.table(header, rows)))


def _longest(lines: dict[str, list[tuple[float, float]]]) -> dict[str, list[tuple[float, float]]]:
    name = max(lines, key=lambda each: lines[each][-1][0])
    return {name: lines[name]}


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--method", default="zs-n2n")
    parser.add_argument("--gigabytes", type=float, default=20.0, help="of the stack, 16 bit")
    parser.add_argument("--side", type=int, default=2048, help="of a plane, in pixels")
    parser.add_argument("--cap", type=float, default=2.0, help="gigabytes of data that the process can have at most (Linux: RLIMIT_DATA)")
    parser.add_argument("--memory", type=float, default=1.2, help="the bound given to the run, in gigabytes")
    parser.add_argument("--steps", type=int, default=0, help="of training; the method's own if left out")
    parser.add_argument("--folder", help="where the result is written, and removed again")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write plot and table from the figures that are kept")


SUITE = Suite("resident memory while a stack larger than memory goes through a batch (Linux)", _options, run)
