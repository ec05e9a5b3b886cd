"""Photographs with Gaussian noise, as in the papers: default settings beside the papers' recipes."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray

from benchmarks import document, machine
from benchmarks.record import Entries, kept, origin
from benchmarks.suite import Suite
from napari_zeroshot import denoise
from napari_zeroshot.engine.metrics import psnr
from napari_zeroshot.engine.noise import add_noise

Found = dict[str, Any]
KEY = ("row", "settings", "image")
SIGMA = 25.0
SETTINGS = ("default", "paper")


@dataclass(frozen=True)
class Row:
    """A method with the presets of its two settings."""

    method: str
    default: str
    paper: str
    params: tuple[tuple[str, Any], ...] = ()


SINGLE = (("refine", False),)
ROWS = {
    "ZS-N2N": Row("zs-n2n", "default", "paper"),
    "ZS-N2M*": Row("zs-n2m", "default", "paper", SINGLE),
    "ZS-N2M": Row("zs-n2m", "full", "paper"),
    "ZS-N2M*, α_ie 1": Row("zs-n2m", "synthetic", "synthetic+paper", SINGLE),
    "ZS-N2M, α_ie 1": Row("zs-n2m", "synthetic+full", "synthetic+paper"),
}
"""The paper of ZS-N2M sets α_ie to 1 for synthetic noise; the program's default is its 10 for real noise."""


@dataclass(frozen=True)
class Photograph:
    """A clean image and its noisy copy, both 8 bit RGB."""

    name: str
    clean: NDArray[np.uint8]
    noisy: NDArray[np.uint8]


def photographs(folder: Path) -> list[Photograph]:
    """Every PNG of a folder with seeded noise, by name.

    Noise is added to values of 0 to 1 and cut to that range, as in the papers; then rounded to 8 bits, which
    changes the noise's variance by less than 0.02 % and makes the methods' scale exactly the papers' 0 to 1.
    """
    found = [(path.stem, iio.imread(path)) for path in sorted(folder.glob("*.png"))]
    return [Photograph(name, clean, _noisy(clean, number)) for number, (name, clean) in enumerate(found)]


def _noisy(clean: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    noisy = add_noise(clean / 255, "gaussian", np.random.default_rng(seed), sigma=SIGMA, clip=True)
    return np.rint(255 * noisy).astype(np.uint8)


def measure(rows: Iterable[str], images: Sequence[Photograph], recipes: int, entries: Entries, device: str, *, missing: bool = False, **fewer: Any) -> None:
    """Run each row on every image with the default settings, and on the first `recipes` images with the paper's, one after the other.

    If what is `missing` is asked for, nothing is run that is kept. `fewer` are parameters on top of both, to try things out.
    """
    denoise(images[0].noisy[:32, :32], "zs-n2n", axes="YXS", device=device, steps=2)  # has torch loaded before the clock starts
    for name in rows:
        for number, image in enumerate(images):
            for settings in SETTINGS if number < recipes else SETTINGS[:1]:
                if missing and {"row": name, "settings": settings, "image": image.name} in entries:
                    continue
                entry = _entry(name, settings, image, device, fewer)
                entries.put(entry)
                print(f"{name:16s} {settings:8s} {image.name:8s} {entry['psnr']:6.2f} dB (noisy {entry['noisy']:.2f})  {entry['seconds']:7.2f} s", flush=True)


def _entry(name: str, settings: str, image: Photograph, device: str, fewer: dict[str, Any]) -> Found:
    row = ROWS[name]
    started = time.perf_counter()
    params = {**(dict(row.params) if settings == "paper" else {}), **fewer}
    steps = denoise(image.noisy, row.method, axes="YXS", preset=getattr(row, settings), device=device, dtype="float32", **params)
    seconds = time.perf_counter() - started
    cut = np.clip(steps.image, 0, 255)
    scores = {"psnr": round(psnr(image.clean, cut), 4), "noisy": round(psnr(image.clean, image.noisy), 4)}
    return {"row": name, "settings": settings, "image": image.name, **scores, "seconds": round(seconds, 3)}


def compared(entries: Sequence[Found], row: str) -> Found | None:
    """Mean dB and median seconds over the images that were run with both settings, `difference` in dB and `ratio` of seconds; None if there are none."""
    scores = {(entry["settings"], entry["image"]): entry for entry in entries if entry["row"] == row}
    both = sorted({image for settings, image in scores if settings == "paper"} & {image for settings, image in scores if settings == "default"})
    if not both:
        return None
    told = {"psnr": np.mean, "seconds": np.median}
    found = {(s, column): float(of([scores[s, image][column] for image in both])) for s in SETTINGS for column, of in told.items()}
    return {
        "images": len(both),
        **{f"{settings} {column}": value for (settings, column), value in found.items()},
        "difference": found["default", "psnr"] - found["paper", "psnr"],
        "ratio": found["paper", "seconds"] / found["default", "seconds"],
    }


def section(found: Found) -> str:
    """The tables, in Markdown."""
    entries = found["entries"]
    names = [name for name in ROWS if any(entry["row"] == name for entry in entries)]
    told = (
        f"Kodak photographs of 256² with Gaussian noise of {SIGMA:g} grey levels (seeded, cut to 0 to 1, rounded to 8 bits). "
        "PSNR is that of the result cut to 0 to 1. The recipe is preset `paper`, run whole. Seconds are medians."
    )
    return "\n\n".join((origin(found), told, _means(entries, names), "Each image, default settings / the paper's recipe, dB:", _each(entries, names)))


def _means(entries: Sequence[Found], names: Sequence[str]) -> str:
    header = (
        "method",
        "default, all images, dB",
        "images",
        "default, same images, dB",
        "recipe, dB",
        "difference, dB",
        "default, s",
        "recipe, s",
        "recipe / default",
    )
    return document.table(header, [(name, *_means_of(entries, name)) for name in names])


def _means_of(entries: Sequence[Found], name: str) -> tuple[str, ...]:
    own = [entry["psnr"] for entry in entries if (entry["row"], entry["settings"]) == (name, "default")]
    mean, both = f"{np.mean(own):.2f} ({len(own)})" if own else "–", compared(entries, name)
    if both is None:
        return (mean, "0", *["–"] * 6)
    figures = [f"{both[column]:.2f}" for column in ("default psnr", "paper psnr")]
    return (
        mean,
        str(both["images"]),
        *figures,
        f"{both['difference']:+.2f}",
        document.figure(both["default seconds"]),
        document.figure(both["paper seconds"]),
        f"{both['ratio']:.0f}",
    )


def _each(entries: Sequence[Found], names: Sequence[str]) -> str:
    cells = {(entry["row"], entry["settings"], entry["image"]): f"{entry['psnr']:.2f}" for entry in entries}
    noisy = {entry["image"]: f"{entry['noisy']:.2f}" for entry in entries}
    rows = [(image, noisy[image], *(" / ".join(cells.get((name, s, image), "–") for s in SETTINGS) for name in names)) for image in sorted(noisy)]
    return document.table(("image", "noisy", *names), rows)


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=Path("../shared/data/kodak256"), help="folder with clean 8 bit RGB images, *.png")
    parser.add_argument("--images", type=int, default=6, metavar="N", help="how many are run with the paper's recipe too, minutes each on a CPU")
    parser.add_argument("--only", nargs="*", choices=ROWS, metavar="ROW", help=f"rows to measure, out of {', '.join(ROWS)}; the others are kept as they were")
    parser.add_argument("--missing", action="store_true", help="run only what is not kept yet")
    parser.add_argument("--device", default="auto", help="where to compute")
    parser.add_argument("--quick", action="store_true", help="two images and ten steps of everything: whether it works, nothing is kept")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write the tables from the figures that are kept")


def run(options: Namespace) -> None:
    """Measure, keep the figures and write their section."""
    if not options.tables:
        _measure(options)
    if not options.quick:
        for name, found in kept("kodak").items():
            document.put(name.replace("_", " "), section(found))


def _measure(options: Namespace) -> None:
    images = photographs(options.data)
    if not images:
        raise SystemExit(f"no *.png in {options.data}; give a folder of clean images with --data")
    device = machine.best(options.device)
    entries = Entries(None if options.quick else f"kodak_{machine.kind(device)}", KEY, device)
    rows = options.only or list(ROWS)
    if options.quick:
        for name in rows:
            measure([name], images[:2], min(options.images, 1), entries, device, **_ten_steps(name))
        print(section(entries.found()))
    else:
        measure(rows, images, options.images, entries, device, missing=options.missing)


def _ten_steps(name: str) -> dict[str, Any]:
    fewer = {"steps": 10, "crop": 32, "crops": 1}
    return fewer | ({"refine_steps": 10} if ROWS[name].method == "zs-n2m" else {})


SUITE = Suite("photographs with Gaussian noise: PSNR and seconds of the default settings beside the papers' recipes", _options, run)
