"""How good and how fast every method is on real pairs of raw and reference images."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage, stats

from benchmarks import crops, document, plot
from benchmarks.noise2void import GIVEN, noise2void
from benchmarks.pairs import Pair, kind_of, pairs
from benchmarks.record import Entries, Entry, load, origin
from benchmarks.suite import Suite
from napari_zeroshot import denoise
from napari_zeroshot.engine.fm2s_noise import fm2s_factors
from napari_zeroshot.engine.metrics import affine_psnr, psnr, ssim
from napari_zeroshot.engine.noise_diagnosis import diagnose

Image = Any


KEY = ("row", "scene")
METRICS = {"psnr": psnr, "ssim": ssim, "affine_psnr": affine_psnr}


def _method(name: str, **options: Any) -> Callable[[Pair], Image]:
    return lambda pair: denoise(pair.raw, name, **options).image


def _fm2s(pair: Pair) -> Image:
    return denoise(pair.raw, "fm2s", preset=pair.microscope).image


def _fm2s_fitted(pair: Pair) -> Image:
    return denoise(pair.raw, "fm2s", **fm2s_factors(diagnose(pair.raw))).image


def _fm2s_paper(pair: Pair) -> Image:
    return denoise(pair.raw, "fm2s", preset=f"{pair.microscope}+paper").image


def _oracle(pair: Pair) -> list[Image]:
    """Gaussians of all widths: each figure is that of the best by it, found with the truth in hand, which no tool could give."""
    return [ndimage.gaussian_filter(pair.raw.astype(np.float32), sigma) for sigma in SIGMAS]


def _ceiling(pair: Pair) -> Image:
    """The reference in the raw image's brightness and contrast, which no method can know to be others: the most without an affine fit. Only on request."""
    slope, offset = np.polyfit(pair.truth.ravel().astype(float), pair.raw.ravel().astype(float), 1)
    return np.clip(np.rint(slope * pair.truth + offset), 0, 255).astype(np.uint8)


SIGMAS = np.arange(0.3, 5, 0.1)
OWN = "gaussian (sigma from the image)"
ORACLE = "gaussian (best sigma, truth in hand)"
CEILING = "the reference, as bright as the raw image"

ROWS: dict[str, Callable[[Pair], Image | list[Image]]] = {
    "noisy": lambda pair: pair.raw,
    "median": _method("median"),
    "wiener": _method("wiener"),
    "nlm": _method("nlm"),
    "bm3d": _method("bm3d"),
    OWN: _method("gaussian"),
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
    CEILING: _ceiling,
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
    if not options.tables:
        scenes = list(pairs(folder))
        _measure(ROWS, scenes, f"quality_{name}", options)
        if options.crop:
            _measure(CROPPED, [pair.centre(options.crop) for pair in _one_per_microscope(scenes)], f"paper_{name}", options)
        if options.pictures:
            crops.draw(name, scenes, {"Gaussian": ROWS[OWN], "FM2S": _fm2s, "Auto": ROWS["Auto"]})
    whole, cropped = (load(f"{part}_{name}") for part in ("quality", "paper"))
    if whole is None:
        raise SystemExit(f"no figures are kept of {name}; leave out --tables to measure them")
    _tell(name, whole)
    if cropped is not None:
        document.put(f"paper {name}", _by_scene(cropped))


def _tell(name: str, found: dict[str, Any]) -> None:
    scores, fitted = found["entries"], "affine_psnr"
    rows = _in_order(scores)
    points = {row: (max(_middle(scores, row), 0.01), _mean(scores, row, fitted)) for row in rows if row not in ("noisy", ORACLE, CEILING)}
    level = (ORACLE, _mean(scores, ORACLE, fitted)) if ORACLE in rows else None  # no tool: its seconds mean nothing
    path = plot.scatter(f"quality_{name}", f"{name}: mean over the scenes", "seconds a plane", "PSNR after affine fit, dB", points, level)
    pictures = f"{_by_scene(found)}\n\n![PSNR against seconds](images/{path.name})"
    document.put(f"quality {name}", "\n\n".join((pictures, *crops.shown(name))))


def _one_per_microscope(scenes: Iterable[Pair]) -> list[Pair]:
    first: dict[str, Pair] = {}
    for pair in scenes:
        first.setdefault(pair.microscope, pair)
    return list(first.values())


def _measure(rows: dict[str, Callable[[Pair], Any]], scenes: Sequence[Pair], name: str, options: Namespace) -> None:
    usual = [row for row in rows if row != CEILING and (row not in NEEDS or find_spec(NEEDS[row]))]
    wanted = [row for row in rows if row in (options.only or usual)]
    entries = Entries(name if wanted else None, KEY, "cpu")
    for row in wanted:
        new = [pair for pair in scenes if not (options.missing and {"row": row, "scene": pair.name} in entries)]
        for pair in new:
            entries.put({"row": row, "scene": pair.name, **_score(rows[row], pair)})
        if new:
            scores = entries.found()["entries"]
            print(f"{row:35s} {_mean(scores, row, 'psnr'):6.2f} dB  {_mean(scores, row, 'ssim'):.3f}  {_middle(scores, row):6.1f} s", flush=True)


def _score(make: Callable[[Pair], Any], pair: Pair) -> dict[str, float]:
    started = time.perf_counter()
    made = make(pair)
    seconds = time.perf_counter() - started
    images = made if isinstance(made, list) else [made]
    best = {name: max(float(metric(pair.truth, image, data_range=255)) for image in images) for name, metric in METRICS.items()}
    return {**{name: round(value, 4) for name, value in best.items()}, "seconds": round(seconds, 2)}


def _in_order(scores: Iterable[Entry]) -> list[str]:
    known = {score["row"] for score in scores}
    return [row for row in {**ROWS, **CROPPED} if row in known]


def _mean(scores: Iterable[Entry], row: str, column: str) -> float:
    return float(np.mean([score[column] for score in scores if score["row"] == row]))


def _middle(scores: Iterable[Entry], row: str) -> float:
    """The median of the seconds: one run that was disturbed is not to spoil it."""
    return float(np.median([score["seconds"] for score in scores if score["row"] == row]))


def _by_scene(found: dict[str, Any]) -> str:
    scores = found["entries"]
    rows = _in_order(scores)
    scenes = list(dict.fromkeys(score["scene"] for score in scores))
    compared = ORACLE in rows
    header = ("method", "PSNR, dB", "SSIM", "PSNR after affine fit, dB", *(["less the best Gaussian's, dB"] if compared else []), "seconds a plane, median")
    mean = document.table(header, [_means(scores, row, compared) for row in rows])
    cell = {(score["row"], score["scene"]): f"{score['psnr']:.2f} / {score['ssim']:.3f}" for score in scores}
    each = document.table(("scene", *rows), [(scene, *(cell.get((row, scene), "–") for row in rows)) for scene in scenes])
    about = f"Mean over {len(scenes)} scenes." + (f" {BETWEEN}" if compared else "")
    parts = [f"{about} {origin(found)}", mean, _by_kind(scores, rows) if compared else "", _beside_given(scores)]
    return "\n\n".join([*(part for part in parts if part), "Each scene, PSNR in dB / SSIM:", each])


BETWEEN = "In the last but one column the mean of the differences scene by scene after the fit, and its 95 % interval (Student's t)."


def _means(scores: Sequence[Entry], row: str, compared: bool) -> tuple[str, ...]:
    means = (f"{_mean(scores, row, column):{form}}" for column, form in COLUMNS.items())
    return (row, *means, *([_less_oracle(scores, row)] if compared else []), f"{_middle(scores, row):.1f}")


def _less_oracle(scores: Sequence[Entry], row: str) -> str:
    ours, best = ({score["scene"]: score["affine_psnr"] for score in scores if score["row"] == name} for name in (row, ORACLE))
    differences = np.array([ours[scene] - best[scene] for scene in ours.keys() & best.keys()])
    if row == ORACLE or differences.size < 2:
        return "–"
    reach = stats.t.ppf(0.975, differences.size - 1) * differences.std(ddof=1) / np.sqrt(differences.size)
    return f"{differences.mean():+.2f} ± {reach:.2f}"


def _by_kind(scores: Sequence[Entry], rows: Sequence[str]) -> str:
    """The same after the fit for each kind of image; empty where there is but one kind."""
    kinds = list(dict.fromkeys(kind_of(score["scene"]) for score in scores))
    if len(kinds) < 2:
        return ""
    parts = {kind: [score for score in scores if kind_of(score["scene"]) == kind] for kind in kinds}
    lines = [(row, *(f"{_mean(part, row, 'affine_psnr'):.2f} ({_less_oracle(part, row)})" for part in parts.values())) for row in rows]
    counts = (f"{kind}, {len({score['scene'] for score in part})}" for kind, part in parts.items())
    return f"PSNR after an affine fit in dB by kind, and less the best Gaussian's:\n\n{document.table(('method', *counts), lines)}"


def _beside_given(scores: Sequence[Entry]) -> str:
    """Auto beside the figures of CAREamics that were given, where these are its scenes and it was not measured."""
    ours = {score["scene"]: score["psnr"] for score in scores if score["row"] == "Auto"}
    scenes = [scene for scene in GIVEN if scene in ours]
    if not scenes or any(score["row"] == "CAREamics N2V" for score in scores):
        return ""
    table = document.table(("scene", "CAREamics N2V, given, dB", "Auto, dB"), [(scene, f"{GIVEN[scene]:.2f}", f"{ours[scene]:.2f}") for scene in scenes])
    told = "Noise2Void of CAREamics, its defaults for 30 epochs, was not measured here; these are the figures that the task of this project gave:"
    return f"{told}\n\n{table}"


COLUMNS = {"psnr": ".2f", "ssim": ".3f", "affine_psnr": ".2f"}


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=Path("../shared/data/fmd"), help="folder with raw/NAME.png and gt/NAME.png")
    parser.add_argument("--only", nargs="+", choices={**ROWS, **CROPPED}, metavar="ROW", help="rows to measure; the others are kept as they were")
    parser.add_argument("--missing", action="store_true", help="run only what is not kept yet")
    parser.add_argument("--crop", type=int, default=128, help="side of the central crop on which preset 'paper' is run, in pixels; 0 leaves that out")
    parser.add_argument("--pictures", action="store_true", help="draw crops of some scenes too, before and after; denoises these again")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write tables and plot from the figures that are kept")


SUITE = Suite("PSNR, SSIM and seconds of every method on pairs of raw and reference images", _options, run)
