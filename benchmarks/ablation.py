"""What each part of ZS-UNet brings: the method with one thing changed, on pairs of raw and reference images."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import document
from benchmarks.pairs import Pair, pairs
from benchmarks.record import Entries, Entry, origin
from benchmarks.suite import Suite
from napari_zeroshot import denoise
from napari_zeroshot.engine.metrics import affine_psnr

VARIANTS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "no own noise": {"own_noise": 0.0},
    "all places count alike": {"balance": 0.0},
    "pairs of neighbours always": {"distance": "1"},
    "twice as wide": {"width": 48},
}


KEY = ("variant", "scene")


def run(options: Namespace) -> None:
    """Measure, keep the figures and write their section."""
    scenes = [] if options.tables else [pair for folder in options.data for pair in pairs(folder)]
    entries = Entries("ablation", KEY, "cpu")
    for name, settings in VARIANTS.items():
        for pair in scenes if options.only is None or name in options.only else []:
            entries.put({"variant": name, **_score(pair, settings)})
            print(f"{name:28s} {pair.name}", flush=True)
    document.put("ablation", section(entries.found()))


KINDS = {"others": "not wide-field", "wide-field": "wide-field, noise shared"}


def _score(pair: Pair, options: dict[str, Any]) -> Entry:
    image = denoise(pair.raw, "zs-unet", **options).image
    kind = "wide-field" if pair.microscope == "wide-field" else "others"
    return {"scene": pair.name, "kind": kind, "psnr": round(float(affine_psnr(pair.truth, image, data_range=255)), 4)}


def _mean(entries: Sequence[Entry], variant: str, kind: str) -> float:
    chosen = [entry["psnr"] for entry in entries if entry["variant"] == variant and entry["kind"] == kind]
    return float(np.mean(chosen)) if chosen else float("nan")


def section(found: dict[str, Any]) -> str:
    """The table, in Markdown."""
    entries, whole = found["entries"], next(iter(VARIANTS))
    rows = []
    for name in (name for name in VARIANTS if any(entry["variant"] == name for entry in entries)):
        gains = (_mean(entries, name, kind) - (0 if name == whole else _mean(entries, whole, kind)) for kind in KINDS)
        rows.append((name, *(f"{gain:{'.2f' if name == whole else '+.2f'}}" for gain in gains)))
    header = ("ZS-UNet", *(f"mean of {_scenes(entries, kind)} scenes, {told}, dB" for kind, told in KINDS.items()))
    return f"PSNR after an affine fit; below the first row, differences from it. {origin(found)}\n\n{document.table(header, rows)}"


def _scenes(entries: Sequence[Entry], kind: str) -> int:
    return len({entry["scene"] for entry in entries if entry["kind"] == kind})


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--only", nargs="*", default=None, metavar="VARIANT", choices=VARIANTS, help="variants to measure again; the others are kept as they were"
    )
    parser.add_argument("--data", type=Path, nargs="+", default=[Path("../shared/data/fmd")], help="folders with raw/NAME.png and gt/NAME.png")

    parser.add_argument("--tables", action="store_true", help="measure nothing, write the table from the figures that are kept")


SUITE = Suite("What each part of ZS-UNet brings", _options, run)
