"""What each part of FM2S brings: Tables 6 and 7 of its paper, with our default schedule, on pairs of raw and reference images."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import document
from benchmarks.pairs import Pair, pairs
from benchmarks.record import Entries, Entry, load, origin
from benchmarks.suite import Suite
from napari_zeroshot import denoise
from napari_zeroshot.engine.metrics import affine_psnr, psnr, ssim

KEY = ("row", "scene")
WHOLE = "as it is: median, both stages"
ROWS: dict[str, dict[str, Any]] = {
    WHOLE: {},
    "(a) without region-wise noise": {"region_noise": False},
    "(b) without overall noise": {"overall_noise": False},
    "(c) without channel amplification": {"amplification": 1},
    "(d) stage one only": {"stages": "coarse"},
    "(e) stage two only": {"stages": "fine"},
    "pre-denoised by a Gaussian": {"pre_denoise": "gaussian"},
    "pre-denoised by non-local means": {"pre_denoise": "nlm"},
}
PAPER = {
    WHOLE: "34.15 / 0.886",
    "(a) without region-wise noise": "32.41 / 0.795",
    "(b) without overall noise": "33.89 / 0.876",
    "(c) without channel amplification": "34.02 / 0.882",
    "(d) stage one only": "23.75 / 0.681",
    "(e) stage two only": "34.08 / 0.884",
    "pre-denoised by a Gaussian": "32.21 / 0.845",
    "pre-denoised by non-local means": "32.85 / 0.869",
    "pre-denoised by BM3D": "33.23 / 0.789",
}
"""PSNR in dB and SSIM on its 48 FMD images, of which ours are 12."""


def measure(rows: Iterable[str], scenes: Sequence[Pair], entries: Entries) -> None:
    """Run FM2S with its microscope's preset and one thing changed on every scene."""
    for row in rows:
        for pair in scenes:
            image = denoise(pair.raw, "fm2s", preset=pair.microscope, device="cpu", **ROWS[row]).image
            scores = {name: round(float(score(pair.truth, image, 255)), 4) for name, score in SCORES.items()}
            entries.put({"row": row, "scene": pair.name, **scores})
            print(f"{row:35s} {pair.name:20s} {scores['psnr']:.2f} dB  {scores['ssim']:.3f}", flush=True)


SCORES = {"psnr": psnr, "ssim": ssim, "affine_psnr": affine_psnr}


def section(found: dict[str, Any]) -> str:
    """The table, in Markdown."""
    entries = found["entries"]
    scenes = len({entry["scene"] for entry in entries})
    rows = [(row, *_means(entries, row), PAPER.get(row, "–")) for row in (*ROWS, *(name for name in PAPER if name not in ROWS))]
    table = document.table(("FM2S", "PSNR, dB / SSIM", "after affine fit, dB", "paper, 48 images, dB / SSIM"), rows)
    return f"Mean over {scenes} scenes. {origin(found)}\n\n{table}"


def _means(entries: Sequence[Entry], row: str) -> tuple[str, str]:
    these = [entry for entry in entries if entry["row"] == row]
    if not these:
        return "–", "–"
    plain, likeness, fitted = (float(np.mean([entry[name] for entry in these])) for name in SCORES)
    return f"{plain:.2f} / {likeness:.3f}", f"{fitted:.2f}"


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=Path("../shared/data/fmd"), help="folder with raw/NAME.png and gt/NAME.png")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=f"rows to measure, out of {', '.join(ROWS)}")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write the table from the figures that are kept")


def run(options: Namespace) -> None:
    """Measure, keep the figures and write their section."""
    if not options.tables:
        measure(options.only, list(pairs(options.data)), Entries("fm2s_parts", KEY, "cpu", f"python -m benchmarks fm2s-parts --data {options.data}"))
    found = load("fm2s_parts")
    if found:
        document.put("fm2s parts", section(found))


SUITE = Suite("what each part of FM2S brings, beside Tables 6 and 7 of its paper", _options, run)
