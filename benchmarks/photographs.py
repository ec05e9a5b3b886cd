"""Photographs with the four noises of the ZS-N2M paper, default settings beside the figures of its Tables 1 and 4."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray

from benchmarks import document
from benchmarks.record import Entries, Entry, load, origin
from benchmarks.suite import Suite
from napari_zeroshot import denoise
from napari_zeroshot.engine.intensity import Scale
from napari_zeroshot.engine.metrics import psnr, ssim
from napari_zeroshot.engine.noise import Kind, add_noise

KEY = ("row", "noise", "image")


@dataclass(frozen=True)
class Noise:
    """Noise on values of 0 to 1: of one strength, or of one drawn for each image from between `low` and `high`."""

    name: str
    kind: Kind
    low: float
    high: float

    def on(self, clean: NDArray[np.float64], seed: int) -> NDArray[np.float32]:
        """The noisy image; Gaussian noise is cut to 0 to 1, Poisson noise is not, as in the papers' code."""
        rng = np.random.default_rng(seed)
        strength = self.low if self.low == self.high else rng.uniform(self.low, self.high)
        return add_noise(clean, self.kind, rng, sigma=strength, photons=strength, clip=self.kind == "gaussian")


NOISES = (
    Noise("Gaussian 25", "gaussian", 25, 25),
    Noise("Gaussian 5 to 50", "gaussian", 5, 50),
    Noise("Poisson 25", "poisson", 25, 25),
    Noise("Poisson 5 to 50", "poisson", 5, 50),
)


def _method(name: str, **options: Any) -> Callable[[NDArray[np.float32]], Any]:
    return lambda noisy: denoise(noisy, name, axes="YXS", device="cpu", levels=Scale(0.0, 1.0), **options).image


SYNTHETIC = "synthetic"
ROWS: dict[str, Callable[[NDArray[np.float32]], Any]] = {
    "noisy": lambda noisy: noisy,
    "Gaussian": _method("gaussian"),
    "ZS-N2N": _method("zs-n2n"),
    "ZS-N2N + G": _method("zs-n2n", random_masks=True),
    "ZS-N2M* without G": _method("zs-n2m", preset=SYNTHETIC, random_masks=False),
    "ZS-N2M* without L_id": _method("zs-n2m", preset=SYNTHETIC, alpha_id=0.0),
    "ZS-N2M*": _method("zs-n2m", preset=SYNTHETIC),
    "ZS-N2M": _method("zs-n2m", preset=f"{SYNTHETIC}+full"),
    "Auto": _method("auto"),
}
"""Those of ZS-N2M with the α_ie of 1 that its paper sets for synthetic noise."""

PAPER: dict[str, tuple[str, str, str, str]] = {
    "ZS-N2N": ("28.27 / 0.776", "28.28 / 0.761", "27.03 / 0.714", "26.45 / 0.714"),
    "ZS-N2N + G": ("28.57", "28.59", "27.32", "26.51"),
    "ZS-N2M* without G": ("28.65", "28.75", "27.38", "26.56"),
    "ZS-N2M* without L_id": ("29.20", "29.05", "27.64", "26.78"),
    "ZS-N2M*": ("29.39 / 0.812", "29.28 / 0.793", "27.82 / 0.766", "26.97 / 0.734"),
    "ZS-N2M": ("29.56 / 0.827", "29.90 / 0.811", "27.93 / 0.790", "27.17 / 0.753"),
    "DIP": ("26.47 / 0.707", "26.97 / 0.713", "25.83 / 0.716", "26.56 / 0.710"),
    "S2S": ("27.38 / 0.758", "28.58 / 0.756", "28.02 / 0.737", "24.05 / 0.693"),
    "BM3D, told the noise": ("30.95 / 0.866", "27.94 / 0.730", "25.63 / 0.693", "23.94 / 0.653"),
}
"""Kodak24, PSNR in dB and SSIM, from Tables 1 and 4 of the paper, in the order of `NOISES`."""


def photographs(folder: Path) -> list[tuple[str, NDArray[np.float64]]]:
    """Every PNG of a folder with its name, values 0 to 1."""
    return [(path.stem, iio.imread(path) / 255) for path in sorted(folder.glob("*.png"))]


def measure(rows: Iterable[str], images: Sequence[tuple[str, NDArray[np.float64]]], others: int, entries: Entries, *, missing: bool = False) -> None:
    """Run each row on all images with the first noise, and on the first `others` with the other noises; only what is `missing`, if so asked."""
    for row, noise in product(rows, NOISES):
        for seed, (name, clean) in enumerate(images if noise is NOISES[0] else images[:others]):
            if missing and {"row": row, "noise": noise.name, "image": name} in entries:
                continue
            image = np.clip(ROWS[row](noise.on(clean, seed)), 0, 1)
            score = {"psnr": round(psnr(clean, image, 1.0), 4), "ssim": round(ssim(clean, image, 1.0, channel_axis=2), 4)}
            entries.put({"row": row, "noise": noise.name, "image": name, **score})
            print(f"{row:22s} {noise.name:17s} {name}  {score['psnr']:.2f} dB  {score['ssim']:.3f}", flush=True)


def section(found: dict[str, Any]) -> str:
    """The table, in Markdown."""
    rows = [(row, *_cells(found["entries"], row)) for row in (*ROWS, *(name for name in PAPER if name not in ROWS))]
    header = ("method", *(title for noise in NOISES for title in (noise.name, "paper")))
    return f"PSNR in dB / SSIM, in brackets the number of images. {origin(found)}\n\n{document.table(header, rows)}"


def _cells(entries: Sequence[Entry], row: str) -> Iterator[str]:
    for place, noise in enumerate(NOISES):
        these = [entry for entry in entries if (entry["row"], entry["noise"]) == (row, noise.name)]
        means = [float(np.mean([entry[column] for entry in these])) for column in ("psnr", "ssim") if these]
        yield f"{means[0]:.2f} / {means[1]:.3f} ({len(these)})" if these else "–"
        yield PAPER[row][place] if row in PAPER else "–"


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=Path("../shared/data/kodak256"), help="folder with clean 8 bit RGB images, *.png")
    parser.add_argument("--images", type=int, metavar="N", help="how many are run with Gaussian 25; all if left out")
    parser.add_argument("--others", type=int, default=6, metavar="N", help="how many are run with the other noises")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=f"rows to measure, out of {', '.join(ROWS)}")
    parser.add_argument("--missing", action="store_true", help="run only what is not kept yet")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write the table from the figures that are kept")


def run(options: Namespace) -> None:
    """Measure, keep the figures and write their section."""
    if not options.tables:
        images = photographs(options.data)[: options.images]
        if not images:
            raise SystemExit(f"no *.png in {options.data}; give a folder of clean images with --data")
        measure(options.only, images, options.others, Entries("photographs", KEY, "cpu"), missing=options.missing)
    found = load("photographs")
    if found:
        document.put("photographs", section(found))


SUITE = Suite("photographs with the four noises of the ZS-N2M paper, default settings beside its figures", _options, run)
