"""What each part of FM2S brings: Tables 6, 7 and 8 of its paper, with our default schedule, on pairs of raw and reference images."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks import document
from benchmarks.pairs import pairs
from benchmarks.record import Entries, Entry, load, origin
from benchmarks.suite import Suite
from napari_zeroshot import denoise
from napari_zeroshot.engine.metrics import affine_psnr, psnr, ssim

KEY = ("row", "set", "scene")
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
    "network of 13.9 thousand weights": {},
    "network of 7.6 thousand weights": {},
    "network of 1.2 thousand weights": {},
    "network of 0.3 thousand weights": {},
}
WIDTHS = {
    "network of 13.9 thousand weights": (51, 26),
    "network of 7.6 thousand weights": (36, 19),
    "network of 1.2 thousand weights": (13, 6),
    "network of 0.3 thousand weights": (6, 2),
}
"""Channels after the first and the second convolution: 24 and 12, or 3.5 thousand weights, as it is. The paper does not give its own."""
PAPER = {
    "fmd": {
        WHOLE: "34.15 / 0.886",
        "(a) without region-wise noise": "32.41 / 0.795",
        "(b) without overall noise": "33.89 / 0.876",
        "(c) without channel amplification": "34.02 / 0.882",
        "(d) stage one only": "23.75 / 0.681",
        "(e) stage two only": "34.08 / 0.884",
        "pre-denoised by a Gaussian": "32.21 / 0.845",
        "pre-denoised by non-local means": "32.85 / 0.869",
        "pre-denoised by BM3D": "33.23 / 0.789",
        "network of 13.9 thousand weights": "33.65 / 0.873",
        "network of 7.6 thousand weights": "34.09 / 0.884",
        "network of 1.2 thousand weights": "33.84 / 0.882",
        "network of 0.3 thousand weights": "33.28 / 0.867",
        "U-Net of 1.9 million weights": "32.13 / 0.818",
        "U-Net of 7.8 million weights": "31.80 / 0.804",
    },
    "srdtrans": {
        WHOLE: "28.93 / 0.919",
        "(a) without region-wise noise": "28.62 / 0.895",
        "(b) without overall noise": "28.65 / 0.910",
        "(c) without channel amplification": "28.68 / 0.900",
        "(d) stage one only": "25.59 / 0.780",
        "(e) stage two only": "28.82 / 0.916",
    },
}
"""PSNR in dB and SSIM on its 48 FMD images, of which ours are 12, and on its SRDTrans images; by the names of our folders."""


def measure(rows: Iterable[str], folder: Path, entries: Entries) -> None:
    """Run FM2S with its microscope's preset and one thing changed on every scene."""
    scenes = list(pairs(folder))
    for row in rows:
        for pair in scenes:
            with _sized(row):
                image = denoise(pair.raw, "fm2s", preset=pair.microscope, device="cpu", **ROWS[row]).image
            scores = {name: round(float(score(pair.truth, image, 255)), 4) for name, score in SCORES.items()}
            entries.put({"row": row, "set": folder.name, "scene": pair.name, **scores})
            print(f"{row:35s} {pair.name:20s} {scores['psnr']:.2f} dB  {scores['ssim']:.3f}", flush=True)


def _sized(row: str) -> AbstractContextManager[Any]:
    """While it lasts, FM2S trains a network of the row's widths, which are no parameters of the program."""
    if row not in WIDTHS:
        return nullcontext()
    from torch import device, nn

    from napari_zeroshot.engine import networks

    first, second = WIDTHS[row]

    def network(channels: int) -> nn.Sequential:
        with device("meta"):
            layers = (nn.Conv2d(channels, first, 5, padding=2), nn.Conv2d(first, second, 3, padding=1), nn.Conv2d(second, channels, 5, padding=2))
            return nn.Sequential(layers[0], nn.LeakyReLU(1e-3, inplace=True), layers[1], nn.LeakyReLU(1e-3, inplace=True), layers[2])

    return patch.object(networks, "fm2s_network", network)


SCORES = {"psnr": psnr, "ssim": ssim, "affine_psnr": affine_psnr}


def section(found: dict[str, Any]) -> str:
    """The table, in Markdown."""
    parts: dict[str, list[Entry]] = {}
    for entry in found["entries"]:
        parts.setdefault(entry.get("set", "fmd"), []).append(entry)
    header, cells = ["FM2S"], {row: [row] for row in (*ROWS, *(name for name in PAPER["fmd"] if name not in ROWS))}
    for name, entries in parts.items():
        header += [f"{name}, {len({entry['scene'] for entry in entries})} scenes, dB / SSIM", "after affine fit, dB", "paper, dB / SSIM"]
        for row, line in cells.items():
            line += [*_means(entries, row), PAPER.get(name, {}).get(row, "–")]
    return f"{origin(found)}\n\n{document.table(header, list(cells.values()))}"


def _means(entries: Sequence[Entry], row: str) -> tuple[str, str]:
    these = [entry for entry in entries if entry["row"] == row]
    if not these:
        return "–", "–"
    plain, likeness, fitted = (float(np.mean([entry[name] for entry in these])) for name in SCORES)
    return f"{plain:.2f} / {likeness:.3f}", f"{fitted:.2f}"


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, nargs="+", default=[Path("../shared/data/fmd")], help="folders with raw/NAME.png and gt/NAME.png")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=f"rows to measure, out of {', '.join(ROWS)}")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write the table from the figures that are kept")


def run(options: Namespace) -> None:
    """Measure, keep the figures and write their section."""
    for folder in [] if options.tables else options.data:
        measure(options.only, folder, Entries("fm2s_parts", KEY, "cpu"))
    found = load("fm2s_parts")
    if found:
        document.put("fm2s parts", section(found))


SUITE = Suite("what each part of FM2S brings, beside Tables 6, 7 and 8 of its paper", _options, run)
