"""How good and how fast every method is on real pairs of raw and reference images."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage, stats

from benchmarks import document, machine, plot, record
from benchmarks.noise2void import GIVEN, noise2void
from benchmarks.pairs import Pair, kind_of, pairs
from benchmarks.suite import Suite
from napari_zeroshot import denoise
from napari_zeroshot.engine.fm2s_noise import fm2s_factors
from napari_zeroshot.engine.metrics import affine_psnr, psnr, ssim
from napari_zeroshot.engine.noise_diagnosis import diagnose

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


def _fm2s_fitted(pair: Pair) -> Image:
    return denoise(pair.raw, "fm2s", **fm2s_factors(diagnose(pair.raw))).image


def _fm2s_paper(pair: Pair) -> Image:
    return denoise(pair.raw, "fm2s", preset=f"{pair.microscope}+paper").image


def _oracle(pair: Pair) -> Image:
    """The Gaussian that is best after an affine fit, found with the truth in hand: no tool could give it."""
    tried = (ndimage.gaussian_filter(pair.raw.astype(np.float32), sigma) for sigma in SIGMAS)
    return max(tried, key=lambda image: affine_psnr(pair.truth, image, data_range=255))


SIGMAS = np.arange(0.3, 5, 0.1)
ORACLE = "gaussian (best sigma, truth in hand)"

ROWS: dict[str, Callable[[Pair], Image]] = {
    "noisy": lambda pair: pair.raw,
    "median": _method("median"),
    "wiener": _method("wiener"),
    "nlm": _method("nlm"),
    "bm3d": _method("bm3d"),
    "gaussian (sigma from the image)": _method("gaussian"),
    ORACLE: _oracle,
    "ZS-N2N": _method("zs-n2n"),
    "ZS-N2M*": _method("zs-n2m"),
    "ZS-N2M": _method("zs-n2m", preset="full"),
    "FM2S, microscope's preset": _fm2s,
    "FM2S, fitted": _fm2s_fitted,
    "CAREamics N2V": noise2void,
    "Auto, fast": _method("auto", preset="fast"),
    "Auto": _method("auto"),
    "Auto, best": _method("auto", preset="best"),
}

NEEDS = {"bm3d": "bm3d", "CAREamics N2V": "careamics"}
"""Rows that are left out where a package is not installed."""

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


def run(options: Namespace) -> None:
    """Measure, keep the scores as JSON, and write tables and plot into docs."""
    folder, name = options.data, options.data.name
    if options.tables:
        whole = record.load(f"quality_{name}")
        if whole is None:
            raise SystemExit(f"no figures are kept of {name}; leave out --tables to measure them")
        _tell(name, whole, folder)
        return
    scenes = list(pairs(folder))
    _tell(name, _measured(ROWS, scenes, f"quality_{name}", options.only), folder)
    if options.crop:
        samples = [pair.centre(options.crop) for pair in _one_per_microscope(scenes)]
        cropped = _measured(CROPPED, samples, f"paper_{name}", options.only)
        document.put(f"paper {name}", _by_scene(cropped, f"python -m benchmarks quality --data {folder} --crop {options.crop}"))


def _tell(name: str, found: dict[str, Any], folder: Path) -> None:
    scores, fitted = found["scores"], "affine_psnr"
    rows = dict.fromkeys(score["row"] for score in scores)
    points = {row: (max(_mean(scores, row, "seconds"), 0.01), _mean(scores, row, fitted)) for row in rows if row not in ("noisy", ORACLE)}
    level = (ORACLE, _mean(scores, ORACLE, fitted)) if ORACLE in rows else None  # no tool: its seconds mean nothing
    path = plot.scatter(f"quality_{name}", f"{name}: mean over the scenes", "seconds a plane", "PSNR after affine fit, dB", points, level)
    tables = _by_scene(found, f"python -m benchmarks quality --data {folder}")
    document.put(f"quality {name}", f"{tables}\n\n![PSNR against seconds](images/{path.name})")


def _one_per_microscope(scenes: Iterable[Pair]) -> list[Pair]:
    first: dict[str, Pair] = {}
    for pair in scenes:
        first.setdefault(pair.microscope, pair)
    return list(first.values())


def _measured(rows: dict[str, Callable[[Pair], Image]], scenes: Sequence[Pair], name: str, only: Sequence[str] | None) -> dict[str, Any]:
    rows = {row: make for row, make in rows.items() if row not in NEEDS or find_spec(NEEDS[row])}
    kept = (record.load(name) or {"scores": []})["scores"] if only is not None else []
    scores = [score for score in kept if score["row"] not in (only or ())]
    for row, make in rows.items():
        if only is None or row in only:
            scores += [asdict(_score(row, make, pair)) for pair in scenes]
            print(f"{row:35s} {_mean(scores, row, 'psnr'):6.2f} dB  {_mean(scores, row, 'ssim'):.3f}  {_mean(scores, row, 'seconds'):6.1f} s", flush=True)
    scores.sort(key=lambda score: [*ROWS, *CROPPED].index(score["row"]))
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
    compared = ORACLE in rows
    header = ("method", "PSNR, dB", "SSIM", "PSNR after affine fit, dB", *(["less the best Gaussian's, dB"] if compared else []), "seconds a plane")
    mean = document.table(header, [_means(scores, row, compared) for row in rows])
    cell = {(score["row"], score["scene"]): f"{score['psnr']:.2f} / {score['ssim']:.3f}" for score in scores}
    each = document.table(("scene", *rows), [(scene, *(cell.get((row, scene), "–") for row in rows)) for scene in scenes])
    about = f"Mean over {len(scenes)} scenes." + (f" {BETWEEN}" if compared else "")
    parts = [f"{about} {record.origin({**found, 'command': command})}", mean, _by_kind(scores, rows) if compared else "", _beside_given(scores)]
    return "\n\n".join([*(part for part in parts if part), "Each scene, PSNR in dB / SSIM:", each])


BETWEEN = "In the last but one column the mean of the differences scene by scene after the fit, and its 95 % interval (Student's t)."


def _means(scores: Sequence[dict[str, Any]], row: str, compared: bool) -> tuple[str, ...]:
    first, second, third, seconds = (f"{_mean(scores, row, column):{form}}" for column, form in COLUMNS.items())
    return (row, first, second, third, *([_less_oracle(scores, row)] if compared else []), seconds)


def _less_oracle(scores: Sequence[dict[str, Any]], row: str) -> str:
    ours, best = ({score["scene"]: score["affine_psnr"] for score in scores if score["row"] == name} for name in (row, ORACLE))
    differences = np.array([ours[scene] - best[scene] for scene in ours.keys() & best.keys()])
    if row == ORACLE or differences.size < 2:
        return "–"
    reach = stats.t.ppf(0.975, differences.size - 1) * differences.std(ddof=1) / np.sqrt(differences.size)
    return f"{differences.mean():+.2f} ± {reach:.2f}"


def _by_kind(scores: Sequence[dict[str, Any]], rows: Sequence[str]) -> str:
    """The same after the fit for each kind of image; empty where there is but one kind."""
    kinds = list(dict.fromkeys(kind_of(score["scene"]) for score in scores))
    if len(kinds) < 2:
        return ""
    parts = {kind: [score for score in scores if kind_of(score["scene"]) == kind] for kind in kinds}
    lines = [(row, *(f"{_mean(part, row, 'affine_psnr'):.2f} ({_less_oracle(part, row)})" for part in parts.values())) for row in rows]
    counts = (f"{kind}, {len({score['scene'] for score in part})}" for kind, part in parts.items())
    return f"PSNR after an affine fit in dB by kind, and less the best Gaussian's:\n\n{document.table(('method', *counts), lines)}"


def _beside_given(scores: Sequence[dict[str, Any]]) -> str:
    """Auto beside the figures of CAREamics that were given, where these are its scenes and it was not measured."""
    ours = {score["scene"]: score["psnr"] for score in scores if score["row"] == "Auto"}
    scenes = [scene for scene in GIVEN if scene in ours]
    if not scenes or any(score["row"] == "CAREamics N2V" for score in scores):
        return ""
    table = document.table(("scene", "CAREamics N2V, given, dB", "Auto, dB"), [(scene, f"{GIVEN[scene]:.2f}", f"{ours[scene]:.2f}") for scene in scenes])
    told = "Noise2Void of CAREamics, its defaults for 30 epochs, was not measured here; these are the figures that the task of this project gave:"
    return f"{told}\n\n{table}"


COLUMNS = {"psnr": ".2f", "ssim": ".3f", "affine_psnr": ".2f", "seconds": ".1f"}


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=Path("../shared/data/fmd"), help="folder with raw/NAME.png and gt/NAME.png")
    parser.add_argument("--only", nargs="*", default=None, metavar="ROW", help="rows to measure again; the others are kept as they were")
    parser.add_argument("--crop", type=int, default=128, help="side of the central crop on which preset 'paper' is run, in pixels; 0 leaves that out")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write tables and plot from the figures that are kept")


SUITE = Suite("PSNR, SSIM and seconds of every method on pairs of raw and reference images", _options, run)
