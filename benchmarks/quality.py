"""How good and how fast every method is on real pairs of raw and reference images."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from benchmarks import document, machine, record
from benchmarks.pairs import Pair, pairs
from benchmarks.suite import Suite
from napari_zeroshot import denoise
from napari_zeroshot.engine.metrics import affine_psnr, psnr, ssim

Image = Any


@dataclass(frozen=True)
class Score:
    """One row on one scene."""

    row: str
    scene: str
    psnr: float
    ssim: float
    affine_psnr: float
    seconds: float


def _method(name: str, **options: Any) -> Callable[[Pair], Image]:
    return lambda pair: denoise(pair.raw, name, **options).image


def _fm2s(pair: Pair) -> Image:
    return denoise(pair.raw, "fm2s", preset=pair.microscope).image


def _fm2s_paper(pair: Pair) -> Image:
    return denoise(pair.raw, "fm2s", preset=f"{pair.microscope}+paper").image


def _oracle(pair: Pair) -> Image:
    """The Gaussian that is best after an affine fit, found with the truth in hand: no tool could give it."""
    tried = (ndimage.gaussian_filter(pair.raw.astype(np.float32), sigma) for sigma in SIGMAS)
    return max(tried, key=lambda image: affine_psnr(pair.truth, image, data_range=255))


SIGMAS = np.arange(0.3, 5, 0.1)

ROWS: dict[str, Callable[[Pair], Image]] = {
    "noisy": lambda pair: pair.raw,
    "median": _method("median"),
    "wiener": _method("wiener"),
    "nlm": _method("nlm"),
    "gaussian (sigma from the image)": _method("gaussian"),
    "gaussian (best sigma, truth in hand)": _oracle,
    "ZS-N2N": _method("zs-n2n"),
    "ZS-N2M*": _method("zs-n2m"),
    "ZS-N2M": _method("zs-n2m", preset="full"),
    "FM2S, microscope's preset": _fm2s,
    "Auto, fast": _method("auto", preset="fast"),
    "Auto": _method("auto"),
    "Auto, best": _method("auto", preset="best"),
}

CROPPED: dict[str, Callable[[Pair], Image]] = {
    "noisy": ROWS["noisy"],
    "ZS-N2N": ROWS["ZS-N2N"],
    "ZS-N2N, paper": _method("zs-n2n", preset="paper"),
    "ZS-N2M*": ROWS["ZS-N2M*"],
    "ZS-N2M*, paper": _method("zs-n2m", preset="paper", refine=False),
    "ZS-N2M": ROWS["ZS-N2M"],
    "ZS-N2M, paper": _method("zs-n2m", preset="paper"),
    "FM2S": ROWS["FM2S, microscope's preset"],
    "FM2S, paper": _fm2s_paper,
}


def run(folder: Path, *, only: Sequence[str] | None, crop: int) -> None:
    """Measure, keep the scores as JSON, and write the tables into docs/benchmarks.md."""
    scenes = list(pairs(folder))
    if not scenes:
        raise SystemExit(f"no raw/*.png in {folder}; give a folder of pairs with --data")
    whole = _measured(ROWS, scenes, f"quality_{folder.name}", only)
    document.put(f"quality {folder.name}", _by_scene(whole, f"python -m benchmarks quality --data {folder}"))
    if not crop:
        return
    samples = [pair.centre(crop) for pair in _one_per_microscope(scenes)]
    cropped = _measured(CROPPED, samples, f"paper_{folder.name}", only)
    document.put(f"paper {folder.name}", _by_scene(cropped, f"python -m benchmarks quality --data {folder} --crop {crop}"))


def _one_per_microscope(scenes: Iterable[Pair]) -> list[Pair]:
    first: dict[str, Pair] = {}
    for pair in scenes:
        first.setdefault(pair.microscope, pair)
    return list(first.values())


def _measured(rows: dict[str, Callable[[Pair], Image]], scenes: Sequence[Pair], name: str, only: Sequence[str] | None) -> dict[str, Any]:
    kept = (record.load(name) or {"scores": []})["scores"] if only is not None else []
    scores = [score for score in kept if score["row"] in rows and score["row"] not in (only or ())]
    for row, make in rows.items():
        if only is None or row in only:
            scores += [asdict(_score(row, make, pair)) for pair in scenes]
            print(f"{row:35s} {_mean(scores, row, 'psnr'):6.2f} dB  {_mean(scores, row, 'ssim'):.3f}  {_mean(scores, row, 'seconds'):6.1f} s", flush=True)
    scores.sort(key=lambda score: list(rows).index(score["row"]))
    found = {"machine": machine.describe(), "scores": scores}
    record.save(name, found)
    return found


def _score(row: str, make: Callable[[Pair], Image], pair: Pair) -> Score:
    started = time.perf_counter()
    image = make(pair)
    seconds = time.perf_counter() - started
    values = (function(pair.truth, image, data_range=255) for function in (psnr, ssim, affine_psnr))
    return Score(row, pair.name, *(round(float(value), 4) for value in values), round(seconds, 2))


def _mean(scores: Iterable[dict[str, Any]], row: str, column: str) -> float:
    return float(np.mean([score[column] for score in scores if score["row"] == row]))


def _by_scene(found: dict[str, Any], command: str) -> str:
    scores = found["scores"]
    rows = list(dict.fromkeys(score["row"] for score in scores))
    scenes = list(dict.fromkeys(score["scene"] for score in scores))
    mean = document.table(
        ("method", "PSNR, dB", "SSIM", "PSNR after affine fit, dB", "seconds a plane"),
        [(row, *(f"{_mean(scores, row, column):{form}}" for column, form in COLUMNS.items())) for row in rows],
    )
    cell = {(score["row"], score["scene"]): f"{score['psnr']:.2f} / {score['ssim']:.3f}" for score in scores}
    each = document.table(("scene", *rows), [(scene, *(cell[row, scene] for row in rows)) for scene in scenes])
    return f"Mean over {len(scenes)} scenes. {record.origin({**found, 'command': command})}\n\n{mean}\n\nEach scene, PSNR in dB / SSIM:\n\n{each}"


COLUMNS = {"psnr": ".2f", "ssim": ".3f", "affine_psnr": ".2f", "seconds": ".1f"}


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=Path("../shared/data/fmd"), help="folder with raw/NAME.png and gt/NAME.png")
    parser.add_argument("--only", nargs="*", default=None, metavar="ROW", help="rows to measure again; the others are kept as they were")
    parser.add_argument("--crop", type=int, default=128, help="side of the central crop on which preset 'paper' is run, in pixels; 0 leaves that out")


SUITE = Suite(
    "PSNR, SSIM and seconds of every method on pairs of raw and reference images",
    _options,
    lambda chosen: run(chosen.data, only=chosen.only, crop=chosen.crop),
)
