"""What each part of ZS-UNet brings: the method with one thing changed, on pairs of raw and reference images."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import document, machine, record
from benchmarks.pairs import Pair, pairs
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


def run(folders: list[Path], only: list[str] | None) -> None:
    """Measure, keep the figures as JSON, and write the table into docs/benchmarks.md."""
    scenes = [pair for folder in folders for pair in pairs(folder)]
    if not scenes:
        raise SystemExit(f"no raw/*.png in {', '.join(map(str, folders))}; give folders of pairs with --data")
    found: dict[str, Any] = record.load("ablation") or {"scores": []}
    for name, options in VARIANTS.items():
        if only is None or name in only:
            kept = [score for score in found["scores"] if score["variant"] != name]
            scores = kept + [{"variant": name, **_score(pair, options)} for pair in scenes]
            found = {"machine": machine.describe(), "scenes": len(scenes), "scores": scores}
            record.save("ablation", found)
            print(f"{name:28s} {_mean(scores, name, 'wide-field'):6.2f} {_mean(scores, name, 'others'):6.2f} dB", flush=True)
    document.put("ablation", _table(found, f"python -m benchmarks ablation --data {' '.join(map(str, folders))}"))


def _score(pair: Pair, options: dict[str, Any]) -> dict[str, Any]:
    image = denoise(pair.raw, "zs-unet", **options).image
    kind = "wide-field" if pair.microscope == "wide-field" else "others"
    return {"scene": pair.name, "kind": kind, "psnr": round(float(affine_psnr(pair.truth, image, data_range=255)), 4)}


def _mean(scores: list[dict[str, Any]], variant: str, kind: str) -> float:
    chosen = [score["psnr"] for score in scores if score["variant"] == variant and score["kind"] == kind]
    return float(np.mean(chosen)) if chosen else float("nan")


def _table(found: dict[str, Any], command: str) -> str:
    scores, whole = found["scores"], next(iter(VARIANTS))
    rows = []
    for name in (name for name in VARIANTS if any(score["variant"] == name for score in scores)):
        gains = (_mean(scores, name, kind) - (0 if name == whole else _mean(scores, whole, kind)) for kind in ("others", "wide-field"))
        rows.append((name, *(f"{gain:{'.2f' if name == whole else '+.2f'}}" for gain in gains)))
    header = ("ZS-UNet", "PSNR after affine fit, dB", "wide-field, noise shared, dB")
    said = record.origin({**found, "command": command})
    return f"Mean over {found['scenes']} scenes; below the first row, differences from it. {said}\n\n{document.table(header, rows)}"


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--only", nargs="*", default=None, metavar="VARIANT", choices=VARIANTS, help="variants to measure again; the others are kept as they were"
    )
    parser.add_argument("--data", type=Path, nargs="+", default=[Path("../shared/data/fmd")], help="folders with raw/NAME.png and gt/NAME.png")


SUITE = Suite("What each part of ZS-UNet brings", _options, lambda chosen: run(chosen.data, chosen.only))
