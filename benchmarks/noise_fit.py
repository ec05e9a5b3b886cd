"""FM2S with noise factors fitted to each image, beside the presets of its paper, on real pairs."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import document
from benchmarks.pairs import Pair, pairs
from benchmarks.suite import Suite
from napari_zeroshot import denoise
from napari_zeroshot.engine.fm2s_noise import fm2s_factors
from napari_zeroshot.engine.metrics import affine_psnr, psnr
from napari_zeroshot.engine.noise_diagnosis import diagnose


def _fitted(strength: float) -> Callable[[Pair], dict[str, Any]]:
    return lambda pair: fm2s_factors(diagnose(pair.raw), strength=strength)


COLUMNS: dict[str, Callable[[Pair], dict[str, Any]]] = {
    "microscope's preset": lambda pair: {"preset": pair.microscope},
    "fitted, strength 1": _fitted(1.0),
    "fitted, strength 2": _fitted(2.0),
}


def run(folder: Path) -> None:
    """Denoise every scene with each column's settings, and write the table into docs/benchmarks.md."""
    rows = []
    for pair in pairs(folder):
        rows.append((pair.name, [_scores(pair, options(pair)) for options in COLUMNS.values()]))
        print(rows[-1], flush=True)
    mean = ("mean", np.mean([scores for _, scores in rows], axis=0))
    lines = [(name, *(f"{plain:.2f} / {affine:.2f}" for plain, affine in scores)) for name, scores in [mean, *rows]]
    document.put(f"noise fit {folder.name}", f"`python -m benchmarks noise-fit --data {folder}`\n\n" + document.table(("scene", *COLUMNS), lines))


def _scores(pair: Pair, options: dict[str, Any]) -> tuple[float, float]:
    image = denoise(pair.raw, "fm2s", **options).image
    return psnr(pair.truth, image), affine_psnr(pair.truth, image)


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=Path("../shared/data/fmd"), help="folder with raw/NAME.png and gt/NAME.png")


SUITE = Suite("FM2S with factors fitted to each image beside the paper's presets", _options, lambda chosen: run(chosen.data))
