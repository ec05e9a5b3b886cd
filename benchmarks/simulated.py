"""A grid of simulated images, every kind of structure with every kind of noise: how far Auto is above a Gaussian in each cell."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
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
from napari_zeroshot.engine.metrics import psnr, ssim
from napari_zeroshot.engine.noise import Kind, add_noise

SIDE = 256
KEY = ("row", "scene", "noise")
DIMMEST = 0.03
"""The share of full brightness that comes from where there is nothing to see."""
STEPS = 4096
"""Scenes are rounded to so many levels: else the noise drawn would depend on the processor's last digit."""
SIGMAS = np.geomspace(0.3, 8, 60)

SCENES: dict[str, Callable[..., Any]] = {
    draw.__name__: draw for draw in (phantoms.nuclei, phantoms.filaments, phantoms.puncta, phantoms.membranes, phantoms.tissue, phantoms.sparse)
}


@dataclass(frozen=True)
class Noise:
    """How light of 0 to 1 becomes grey levels: full brightness is `span` above `offset`.

    `photons` are those of full brightness, `sigma` and `shared` are as `add_noise` has them; types of whole numbers are rounded and cut.
    """

    name: str
    family: str
    kind: Kind
    photons: float = 0.0
    sigma: float = 0.0
    shared: float = 0.0
    offset: float = 0.0
    span: float = 255.0
    dtype: type = np.float32

    def taken(self, light: NDArray[np.float64], rng: np.random.Generator) -> NDArray[Any]:
        """The noisy image."""
        noisy = add_noise(light, self.kind, rng, photons=self.photons or 1.0, sigma=self.sigma, correlation=self.shared)
        grey = self.offset + self.span * noisy
        if self.dtype is np.float32:
            return grey
        return np.clip(np.rint(grey), 0, np.iinfo(self.dtype).max).astype(self.dtype)

    def truth(self, light: NDArray[np.float64]) -> NDArray[np.float64]:
        """The clean image in the same grey levels."""
        return self.offset + self.span * light


NOISES = (
    *(Noise(f"Poisson {n}", "Poisson", "poisson", n, span=n, dtype=np.uint16) for n in (2, 5, 20, 100, 500)),
    Noise("Poisson 20 + Gaussian", "Poisson-Gauss", "poisson-gauss", 20, 10, offset=40, span=180, dtype=np.uint8),
    Noise("Gaussian 25", "Gaussian", "gaussian", sigma=25),
    Noise("shared by neighbours", "shared", "poisson-gauss", 100, 20, 0.7, offset=60, span=150, dtype=np.uint8),
    Noise("camera, 50 photons", "camera", "poisson-gauss", 50, 255 * 1.5 / 50, offset=100, span=200, dtype=np.uint16),
)
"""Counted photons; 8 bit with read noise; floats; 8 bit, neighbours sharing six tenths of their noise; 16 bit, offset 100, read noise 1.5 photons."""


@dataclass(frozen=True)
class Cell:
    """One image of the grid and its truth, which its names decide."""

    scene: str
    noise: str
    noisy: NDArray[Any]
    truth: NDArray[np.float64]
    span: float


def cells(scenes: Iterable[str], noises: Iterable[str], side: int = SIDE) -> Iterator[Cell]:
    """The images of the grid."""
    for scene, noise in product(scenes, (noise for noise in NOISES if noise.name in noises)):
        light = light_of(scene, side)
        rng = np.random.default_rng((list(SCENES).index(scene), NOISES.index(noise)))
        yield Cell(scene, noise.name, noise.taken(light, rng), noise.truth(light), noise.span)


def light_of(scene: str, side: int) -> NDArray[np.float64]:
    """A scene, its darkest places with a little light too."""
    drawn = SCENES[scene]((side, side), list(SCENES).index(scene))
    return np.asarray(np.rint((DIMMEST + (1 - DIMMEST) * drawn.astype(np.float64)) * STEPS) / STEPS)


def _method(name: str, **options: Any) -> Callable[[Cell], Any]:
    return lambda cell: denoise(cell.noisy, name, dtype="float32", device="cpu", **options).image


def _oracle(cell: Cell) -> Any:
    tried = (ndimage.gaussian_filter(cell.noisy.astype(np.float32), sigma) for sigma in SIGMAS)
    return max(tried, key=lambda image: psnr(cell.truth, image, cell.span))


ROWS: dict[str, Callable[[Cell], Any]] = {
    "noisy": lambda cell: cell.noisy,
    "gaussian (sigma from the image)": _method("gaussian"),
    "gaussian (best sigma, truth in hand)": _oracle,
    "Auto": _method("auto"),
    "ZS-N2M": _method("zs-n2m", preset="full"),
}
USUAL = [row for row in ROWS if row != "ZS-N2M"]
OURS, YARDSTICK, ORACLE = "Auto", "gaussian (sigma from the image)", "gaussian (best sigma, truth in hand)"


def measure(rows: Sequence[str], grid: Iterable[Cell], entries: Entries) -> None:
    """Run each row on every cell."""
    for cell, row in product(grid, rows):
        image = ROWS[row](cell)
        score = {"psnr": round(psnr(cell.truth, image, cell.span), 4), "ssim": round(ssim(cell.truth, image, cell.span), 4)}
        entries.put({"row": row, "scene": cell.scene, "noise": cell.noise, **score})
        print(f"{cell.scene:10s} {cell.noise:22s} {row:38s} {score['psnr']:6.2f} dB  {score['ssim']:.3f}", flush=True)


@dataclass(frozen=True)
class Gain:
    """By how many dB Auto is above the Gaussian that chose its width itself, and above the best of all, in one cell."""

    scene: str
    noise: str
    over_own: float
    over_best: float


def gains(entries: Sequence[Entry]) -> list[Gain]:
    """Of the cells where all three were measured."""
    scores = {(entry["row"], entry["scene"], entry["noise"]): entry["psnr"] for entry in entries}
    cells = dict.fromkeys((entry["scene"], entry["noise"]) for entry in entries)
    whole = [cell for cell in cells if all((row, *cell) in scores for row in (OURS, YARDSTICK, ORACLE))]
    return [Gain(*cell, scores[(OURS, *cell)] - scores[(YARDSTICK, *cell)], scores[(OURS, *cell)] - scores[(ORACLE, *cell)]) for cell in whole]


def section(found: dict[str, Any]) -> str:
    """What the grid says, and its tables."""
    entries, parts = found["entries"], [origin(found)]
    known = gains(entries)
    if known:
        parts += [
            _told(known),
            _by("photons counted", known, _PHOTONS),
            _by("noise", known, _FAMILIES),
            _by("structure", known, {s: s for s in SCENES}, "scene"),
        ]
    return "\n\n".join([*parts, "Each cell, PSNR in dB / SSIM:", _each(entries)])


_PHOTONS = {noise.name: f"{noise.photons:g}" for noise in NOISES if noise.family == "Poisson"}
_FAMILIES = {noise.name: noise.family for noise in NOISES}


def _told(known: Sequence[Gain]) -> str:
    worst = min(known, key=lambda gain: gain.over_own)
    below = sum(gain.over_own < -0.1 for gain in known)
    median = np.median([gain.over_own for gain in known])
    return (
        f"{len(known)} cells of {SIDE}². Auto less the Gaussian with a sigma from the image: median {median:+.2f} dB, "
        f"worst cell {worst.over_own:+.2f} dB ({worst.scene}, {worst.noise}), more than 0.1 dB below it in {below} cells."
    )


def _by(title: str, known: Sequence[Gain], names: dict[str, str], column: str = "noise") -> str:
    rows = []
    for name in dict.fromkeys(names.values()):
        own, best = (np.array([getattr(g, what) for g in known if names.get(getattr(g, column)) == name]) for what in ("over_own", "over_best"))
        if own.size:
            rows.append((name, str(own.size), f"{np.median(own):+.2f}", f"{own.min():+.2f}", f"{np.median(best):+.2f}", f"{best.min():+.2f}"))
    return document.table((title, "cells", "Auto less own Gaussian, median, dB", "worst, dB", "Auto less best Gaussian, median, dB", "worst, dB"), rows)


def _each(entries: Sequence[Entry]) -> str:
    rows = [row for row in ROWS if any(entry["row"] == row for entry in entries)]
    scores = {(entry["row"], entry["scene"], entry["noise"]): f"{entry['psnr']:.2f} / {entry['ssim']:.3f}" for entry in entries}
    places = [place for place in product(SCENES, (noise.name for noise in NOISES)) if any((row, *place) in scores for row in rows)]
    return document.table(("structure", "noise", *rows), [(*place, *(scores.get((row, *place), "–") for row in rows)) for place in places])


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=ROWS, default=USUAL, metavar="ROW", help=f"rows to measure, out of {', '.join(ROWS)}; others are kept")
    parser.add_argument("--scenes", nargs="+", choices=SCENES, default=list(SCENES), help="some structures only")
    parser.add_argument("--noises", nargs="+", choices=_FAMILIES, default=list(_FAMILIES), metavar="NOISE", help=f"out of {', '.join(_FAMILIES)}")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write the tables from the figures that are kept")


def run(options: Namespace) -> None:
    """Measure, keep the figures and write their section."""
    if not options.tables:
        measure(options.only, cells(options.scenes, options.noises), Entries("simulated", KEY, "cpu"))
    found = load("simulated")
    if found:
        document.put("simulated", section(found))


SUITE = Suite("Auto beside Gaussians on a grid of simulated structures and noises", _options, run)
