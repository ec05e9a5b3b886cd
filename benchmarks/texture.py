"""Grey photographs that come with scikit-image, with even noise: details as fine as pixels, which microscope images seldom have."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import skimage
from numpy.typing import NDArray

from benchmarks import document
from benchmarks.record import Entries, Entry, load, origin
from benchmarks.suite import Suite
from napari_zeroshot import denoise
from napari_zeroshot.engine.metrics import psnr
from napari_zeroshot.engine.noise import add_noise

KEY = ("row", "sigma", "image")
SIDE = 256
IMAGES = ("astronaut", "brick", "camera", "coins", "grass", "gravel", "hubble_deep_field", "immunohistochemistry", "moon", "page", "text")
SIGMAS = (5, 10, 25)
"""Standard deviations of the noise, in grey levels."""


def _method(name: str, **options: Any) -> Callable[[NDArray[np.uint8]], Any]:
    return lambda noisy: denoise(noisy, name, device="cpu", dtype="float32", **options).image


ROWS: dict[str, Callable[[NDArray[np.uint8]], Any]] = {
    "noisy": lambda noisy: noisy,
    "Gaussian": _method("gaussian"),
    "ZS-N2N": _method("zs-n2n"),
    "ZS-N2M*": _method("zs-n2m", preset="synthetic"),
    "Auto": _method("auto"),
}


def middle(name: str) -> NDArray[np.float64]:
    """The middle of an image of scikit-image's, its colours averaged, in grey levels."""
    image = np.asarray(getattr(skimage.data, name)(), np.float64)
    grey = image if image.ndim == 2 else image.mean(axis=2)
    top, left = (max(0, size - SIDE) // 2 for size in grey.shape)
    return grey[top : top + SIDE, left : left + SIDE]


def noisy(clean: NDArray[np.float64], sigma: float) -> NDArray[np.uint8]:
    """With Gaussian noise, in 8 bits."""
    return (255 * add_noise(clean / 255, "gaussian", np.random.default_rng(0), sigma=sigma, clip=True)).round().astype(np.uint8)


def measure(rows: Iterable[str], entries: Entries) -> None:
    """Run each row on every image with every noise."""
    for row, sigma, name in product(rows, SIGMAS, IMAGES):
        clean = middle(name)
        score = round(psnr(clean, np.clip(ROWS[row](noisy(clean, sigma)), 0, 255), 255), 4)
        entries.put({"row": row, "sigma": sigma, "image": name, "psnr": score})
        print(f"{row:9s} {sigma:3d} {name:22s} {score:.2f} dB", flush=True)


def section(found: dict[str, Any]) -> str:
    """The tables, in Markdown."""
    entries = found["entries"]
    means = document.table(("method", *(f"noise of {sigma}, dB" for sigma in SIGMAS)), [(row, *_means(entries, row)) for row in ROWS])
    each = document.table(
        ("image", *(f"noise of {sigma}" for sigma in SIGMAS)),
        [(name, *(" / ".join(_figure(entries, row, sigma, name) for row in ROWS) for sigma in SIGMAS)) for name in IMAGES],
    )
    return f"PSNR. {origin(found)}\n\n{means}\n\nEach image, dB, {' / '.join(ROWS)}:\n\n{each}"


def _means(entries: Sequence[Entry], row: str) -> Iterator[str]:
    for sigma in SIGMAS:
        these = [entry["psnr"] for entry in entries if (entry["row"], entry["sigma"]) == (row, sigma)]
        yield f"{np.mean(these):.2f}" if these else "–"


def _figure(entries: Sequence[Entry], *key: Any) -> str:
    return next((f"{entry['psnr']:.2f}" for entry in entries if tuple(entry[part] for part in KEY) == key), "–")


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=f"rows to measure, out of {', '.join(ROWS)}")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write the tables from the figures that are kept")


def run(options: Namespace) -> None:
    """Measure, keep the figures and write their section."""
    if not options.tables:
        measure(options.only, Entries("texture", KEY, "cpu"))
    found = load("texture")
    if found:
        document.put("texture", section(found))


SUITE = Suite("grey photographs that come with scikit-image: details as fine as pixels", _options, run)
