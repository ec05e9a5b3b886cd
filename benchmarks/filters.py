"""Plain filters beside ZS-N2N on clean microscope images with three noises, as in the report on ZS-N2N."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import document
from benchmarks.pairs import Pair, pairs
from benchmarks.record import Entries, Entry, load, origin
from benchmarks.suite import Suite
from napari_zeroshot import denoise
from napari_zeroshot.engine.intensity import Scale
from napari_zeroshot.engine.metrics import psnr
from napari_zeroshot.engine.noise import add_noise

KEY = ("row", "noise", "scene")
UNIFORM = 0.1 * 255
"""Half the width in grey levels: the report says "a noise parameter of 0.2", which is taken for the whole width."""
NOISES: dict[str, dict[str, Any]] = {
    "Gaussian": {"kind": "gaussian", "sigma": 25.0},
    "Poisson": {"kind": "poisson", "photons": 25.0},
    "Uniform": {"kind": "uniform", "width": UNIFORM},
}


def _method(name: str) -> Callable[[NDArray[Any]], Any]:
    return lambda noisy: denoise(noisy, name, device="cpu", levels=Scale(0.0, 1.0)).image


ROWS: dict[str, Callable[[NDArray[Any]], Any]] = {
    "noisy": lambda noisy: noisy,
    "median": _method("median"),
    "wiener": _method("wiener"),
    "bm3d": _method("bm3d"),
    "ZS-N2N": _method("zs-n2n"),
    "Auto": _method("auto"),
}
PAPER = {
    "noisy": ("22.24", "24.63", "26.68"),
    "median": ("27.09", "27.92", "28.95"),
    "wiener": ("25.51", "26.02", "29.63"),
    "bm3d": ("29.64", "34.15", "33.39"),
    "ZS-N2N": ("28.75", "33.88", "33.03"),
}
"""PSNR in dB of the report's Table 1, on one image that it does not give."""
USUAL = [row for row in ROWS if row != "bm3d" or find_spec("bm3d")]


def measure(rows: Iterable[str], scenes: Sequence[Pair], entries: Entries) -> None:
    """Run each row on every reference image with every noise; grey levels of 0 to 1, cut there as the report's are."""
    for row in rows:
        for name, noise in NOISES.items():
            for seed, pair in enumerate(scenes):
                clean = pair.truth / 255
                image = np.clip(ROWS[row](add_noise(clean, rng=np.random.default_rng(seed), clip=True, **noise)), 0, 1)
                entries.put({"row": row, "noise": name, "scene": pair.name, "psnr": round(psnr(clean, image, 1.0), 4)})
                print(f"{row:8s} {name:9s} {pair.name:20s} {psnr(clean, image, 1.0):.2f} dB", flush=True)


def section(found: dict[str, Any]) -> str:
    """The table, in Markdown."""
    scenes = len({entry["scene"] for entry in found["entries"]})
    header = ("method", *(title for name in NOISES for title in (f"{name}, dB", "report, one image")))
    table = document.table(header, [(row, *_cells(found["entries"], row)) for row in ROWS])
    return f"Mean over {scenes} reference images with noise put on them. {origin(found)}\n\n{table}"


def _cells(entries: Sequence[Entry], row: str) -> Iterator[str]:
    for place, name in enumerate(NOISES):
        these = [entry["psnr"] for entry in entries if (entry["row"], entry["noise"]) == (row, name)]
        yield f"{np.mean(these):.2f}" if these else "–"
        yield PAPER[row][place] if row in PAPER else "–"


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=Path("../shared/data/fmd"), help="folder with raw/NAME.png and gt/NAME.png; the references serve as clean")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=USUAL, metavar="ROW", help=f"rows to measure, out of {', '.join(ROWS)}")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write the table from the figures that are kept")


def run(options: Namespace) -> None:
    """Measure, keep the figures and write their section."""
    if not options.tables:
        measure(options.only, list(pairs(options.data)), Entries("filters", KEY, "cpu"))
    found = load("filters")
    if found:
        document.put("filters", section(found))


SUITE = Suite("plain filters beside ZS-N2N on clean microscope images with three noises, as in the report on ZS-N2N", _options, run)
