"""Series of frames, still, moving and blinking: what frames before and after bring, and whether anything that moves is smeared."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks import document
from benchmarks.record import Entries, Entry, load, origin
from benchmarks.suite import Suite
from napari_zeroshot import denoise
from napari_zeroshot.engine import phantoms
from napari_zeroshot.engine.metrics import psnr

SIDE, FRAMES = 192, 12
PHOTONS = (5, 30)
"""Of the brightest place."""
DIMMEST = 0.1
MOVING = 0.95
"""Pixels that differ from their mean over time by more than this share of all do, count as moving."""
KEY = ("series", "photons", "row")

Floats = NDArray[np.float64]


def _parts(seed: int) -> list[Floats]:
    drawn = (phantoms.filaments, phantoms.nuclei, phantoms.puncta, phantoms.puncta)
    pictures = [draw((SIDE, SIDE), seed + number).astype(np.float64) for number, draw in enumerate(drawn)]
    return [picture / picture.max() for picture in pictures]


def _moved(picture: Floats, speed: tuple[float, float], frame: int) -> Floats:
    moved: Floats = ndimage.shift(picture, np.multiply(speed, frame), order=1, mode="grid-wrap")
    return moved


def _series(speeds: Sequence[tuple[float, float]]) -> Callable[[], Floats]:
    """Fibres, nuclei and two kinds of spots, each at its own speed, in pixels a frame along Y and X."""

    def drawn() -> Floats:
        shares = (0.6, 0.4, 0.5, 0.5)
        parts = list(zip(_parts(0), shares, speeds, strict=True))
        return np.stack([sum(share * _moved(part, speed, frame) for part, share, speed in parts) for frame in range(FRAMES)])

    return drawn


def _blinking() -> Floats:
    """Still fibres, and spots of which each is lit in a frame or not."""
    fibres, _, spots, others = _parts(0)
    rng = np.random.default_rng(0)
    labels, count = ndimage.label(np.maximum(spots, others) > 0.1)
    lit = rng.random((FRAMES, count + 1)) < 0.4
    return np.stack([0.6 * fibres + np.maximum(spots, others) * lit[frame][labels] for frame in range(FRAMES)])


SERIES: dict[str, Callable[[], Floats]] = {
    "still": _series([(0, 0)] * 4),
    "slow: up to 1.1 px a frame": _series([(0.3, 0.2), (0, -0.7), (1, 0.5), (-0.5, 0)]),
    "fast: up to 6.3 px a frame": _series([(1.5, 0.7), (-1, 3.1), (5, 2), (-2, 6)]),
    "blinking": _blinking,
}
ROWS: dict[str, dict[str, Any]] = {
    "gaussian (sigma from the image)": {"method": "gaussian"},
    "Auto, each frame alone": {"neighbours": "0"},
    "Auto, 1 frame on each side (default)": {"neighbours": "1"},
    "Auto, 2 frames on each side": {"neighbours": "2"},
}


def light_of(series: str) -> Floats:
    """The frames, 0 to 1, with a little light everywhere."""
    drawn = SERIES[series]()
    return DIMMEST + (1 - DIMMEST) * drawn / drawn.max()


def moving(light: Floats) -> NDArray[np.bool_]:
    """Where a frame differs most from the mean of all; nowhere if nothing moves."""
    change = np.abs(light - light.mean(axis=0))
    return change > max(float(np.quantile(change, MOVING)), 1e-6)


def measure(series: Iterable[str], rows: Iterable[str], entries: Entries) -> None:
    """Run each row on every series."""
    for name, photons, row in product(series, PHOTONS, rows):
        light = light_of(name)
        truth = photons * light
        noisy = np.random.default_rng(photons).poisson(truth).astype(np.uint16)
        clean = denoise(noisy, axes="TYX", dtype="float32", device="cpu", **ROWS[row]).image
        places = moving(light)
        score = {"psnr": round(psnr(truth, clean, photons), 4), "moving": round(_psnr_at(truth, clean, places, photons), 4) if places.any() else None}
        entries.put({"series": name, "photons": photons, "row": row, **score})
        print(f"{name:28s} {photons:3d} {row:38s} {score}", flush=True)


def _psnr_at(truth: Floats, clean: NDArray[Any], places: NDArray[np.bool_], span: float) -> float:
    return float(10 * np.log10(span**2 / np.square(truth - clean)[places].mean()))


def section(found: dict[str, Any]) -> str:
    """A table of the series."""
    entries: Sequence[Entry] = found["entries"]
    scores = {tuple(entry[part] for part in KEY): entry for entry in entries}
    rows = []
    for name, photons in product(SERIES, PHOTONS):
        measured = [scores.get((name, photons, row)) for row in ROWS]
        rows.append((name, str(photons), *(_told(score) for score in measured)))
    return "\n\n".join((origin(found), _PREFACE, document.table(("series", "photons", *ROWS), rows)))


_PREFACE = (
    f"{FRAMES} simulated frames of {SIDE}², Poisson noise, brightest place at so many photons. PSNR in dB / that of the twentieth of all pixels that differs "
    "most from its mean over time: what smearing would spoil."
)


def _told(score: Entry | None) -> str:
    if score is None:
        return "–"
    return f"{score['psnr']:.2f}" + (f" / {score['moving']:.2f}" if score["moving"] is not None else "")


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=f"rows to measure, out of {', '.join(ROWS)}")
    parser.add_argument("--series", nargs="+", choices=SERIES, default=list(SERIES), metavar="SERIES", help=f"out of {', '.join(SERIES)}")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write the table from the figures that are kept")


def run(options: Namespace) -> None:
    """Measure, keep the figures and write their section."""
    if not options.tables:
        measure(options.series, options.only, Entries("frames", KEY, "cpu"))
    found = load("frames")
    if found:
        document.put("frames", section(found))


SUITE = Suite("series of simulated frames: what frames before and after bring", _options, run)
