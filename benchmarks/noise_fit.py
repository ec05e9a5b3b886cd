"""FM2S with noise factors fitted to each image, beside the presets of its paper, on real pairs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import document
from benchmarks.pairs import Pair, pairs
from benchmarks.record import Entries, Entry, load, origin
from benchmarks.suite import Suite
from napari_zeroshot import denoise
from napari_zeroshot.engine.fm2s_noise import fm2s_factors
from napari_zeroshot.engine.metrics import affine_psnr, psnr
from napari_zeroshot.engine.noise_diagnosis import diagnose


def _fitted(strength: float) -> Callable[[Pair], dict[str, Any]]:
    return lambda pair: fm2s_factors(diagnose(pair.raw), strength=strength)


ROWS: dict[str, Callable[[Pair], dict[str, Any]]] = {
    "microscope's preset": lambda pair: {"preset": pair.microscope},
    "fitted, strength 1": _fitted(1.0),
    "fitted, strength 2": _fitted(2.0),
}


KEY = ("row", "scene")


def run(options: Namespace) -> None:
    """Denoise every scene with each row's settings, keep the figures and write their table."""
    name = f"noise_fit_{options.data.name}"
    for pair in [] if options.tables else list(pairs(options.data)):
        entries = Entries(name, KEY, "cpu")
        for row, settings in ROWS.items():
            entries.put({"row": row, "scene": pair.name, **_scores(pair, settings(pair))})
        print(pair.name, flush=True)
    found = load(name)
    if found:
        document.put(f"noise fit {options.data.name}", section(found))


def _scores(pair: Pair, settings: dict[str, Any]) -> dict[str, float]:
    image = denoise(pair.raw, "fm2s", **settings).image
    return {"psnr": round(psnr(pair.truth, image), 4), "affine_psnr": round(affine_psnr(pair.truth, image), 4)}


def section(found: dict[str, Any]) -> str:
    """The table, in Markdown."""
    entries = found["entries"]
    scenes = dict.fromkeys(entry["scene"] for entry in entries)
    lines = [("mean", *(_told([entry for entry in entries if entry["row"] == row]) for row in ROWS))]
    lines += [(scene, *(_told([entry for entry in entries if (entry["row"], entry["scene"]) == (row, scene)]) for row in ROWS)) for scene in scenes]
    return f"{origin(found)}\n\n{document.table(('scene', *ROWS), lines)}"


def _told(entries: Sequence[Entry]) -> str:
    return " / ".join(f"{np.mean([entry[column] for entry in entries]):.2f}" for column in ("psnr", "affine_psnr")) if entries else "–"


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=Path("../shared/data/fmd"), help="folder with raw/NAME.png and gt/NAME.png")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write the table from the figures that are kept")


SUITE = Suite("FM2S with factors fitted to each image beside the paper's presets", _options, run)
