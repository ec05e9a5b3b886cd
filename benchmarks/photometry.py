"""Whether what is measured in a denoised image is true: grey levels, borders, empty images and dim spots, on simulated images."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import document
from benchmarks.brightness import border_loss, leftover, line_through_bins, mean_kept
from benchmarks.record import Entries, Entry, load, origin
from benchmarks.simulated import DIMMEST, NOISES, cells, light_of
from benchmarks.spots import STRENGTHS, field, seen
from benchmarks.suite import Suite
from napari_zeroshot import denoise
from napari_zeroshot.engine.fm2s_noise import fm2s_factors
from napari_zeroshot.engine.noise_diagnosis import diagnose

KEY = ("part", "row", "scene", "photons")
SCENES = ("nuclei", "filaments", "tissue")
PHOTONS = (5, 20, 100, 500)
BORDER_SCENES, BORDER_PHOTONS = ("membranes", "tissue"), 20
GROUNDS = (5, 20, 100)
SIDE = 256

ROWS: dict[str, Callable[[NDArray[Any]], Any]] = {
    "noisy": lambda noisy: noisy,
    "Gaussian": lambda noisy: _run(noisy, "gaussian"),
    "ZS-N2M": lambda noisy: _run(noisy, "zs-n2m", preset="full"),
    "FM2S, fitted": lambda noisy: _run(noisy, "fm2s", **fm2s_factors(diagnose(noisy))),
    "Auto": lambda noisy: _run(noisy, "auto"),
}


def _run(noisy: NDArray[Any], method: str, **options: Any) -> Any:
    return denoise(noisy, method, dtype="float32", device="cpu", **options).image


def grey_levels(row: str) -> Iterator[Entry]:
    """Slope and offset of the result against the truth, and of the truth against the result; the mean of the plane."""
    for cell in cells(SCENES, [f"Poisson {photons}" for photons in PHOTONS], SIDE):
        image = ROWS[row](cell.noisy)
        slope, offset = line_through_bins(cell.truth, image)
        back, back_offset = line_through_bins(image, cell.truth)
        figures = {"slope": slope, "offset": offset, "back": back, "back_offset": back_offset, "mean": mean_kept(cell.noisy, image)}
        yield {"scene": cell.scene, "photons": int(cell.span), **_rounded(figures)}


def borders(row: str) -> Iterator[Entry]:
    """How much worse the places at a border are than the same places in the middle of another image."""
    noise = next(noise for noise in NOISES if noise.name == f"Poisson {BORDER_PHOTONS}")
    for scene in BORDER_SCENES:
        rng = np.random.default_rng(0)

        def error(light: NDArray[np.float64], rng: np.random.Generator = rng) -> NDArray[np.float64]:
            return np.square(np.asarray(ROWS[row](noise.taken(light, rng)), np.float64) - noise.truth(light))

        yield {"scene": scene, "photons": BORDER_PHOTONS, "loss": round(border_loss(light_of(scene, SIDE * 3 // 2), SIDE, error), 3)}


def empty(row: str) -> Iterator[Entry]:
    """What is left of the noise of an image without anything in it."""
    for photons in GROUNDS:
        noisy = np.random.default_rng(photons).poisson(photons, (SIDE, SIDE)).astype(np.uint16)
        yield {"scene": "empty", "photons": photons, "leftover": round(leftover(ROWS[row](noisy), photons, np.sqrt(photons)), 4)}


def spots(row: str) -> Iterator[Entry]:
    """Contrast and light of dim spots, and how many a detector finds."""
    for ground in GROUNDS:
        these = field(ground, SIDE, 0)
        kept, false = seen(ROWS[row](these.taken(np.random.default_rng((1, ground)))), these)
        yield {"scene": "spots", "photons": ground, "false": false, "kept": {f"{strength:g}": asdict(one) for strength, one in kept.items()}}


PARTS: dict[str, Callable[[str], Iterator[Entry]]] = {"grey levels": grey_levels, "borders": borders, "empty": empty, "spots": spots}


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in figures.items()}


def section(found: dict[str, Any]) -> str:
    """The tables, in Markdown."""
    entries = found["entries"]
    parts = [(title, table(entries)) for title, table in TABLES.items()]
    return "\n\n".join([origin(found), *(text for title, body in parts if body for text in (title, body))])


def _of(entries: Sequence[Entry], part: str) -> dict[tuple[str, int, str], Entry]:
    return {(entry["scene"], entry["photons"], entry["row"]): entry for entry in entries if entry["part"] == part}


def _grey_levels_table(entries: Sequence[Entry]) -> str:
    known = _of(entries, "grey levels")
    rows = []
    for row, photons in product(ROWS, PHOTONS):
        these = [entry for (_, light, name), entry in known.items() if (light, name) == (photons, row)]
        if these:
            pairs = (("slope", "offset", 1.0), ("back", "back_offset", 1.0))
            figures = [text for slope, offset, aim in pairs for text in (_furthest(these, slope, aim, "{:.3f}"), _furthest(these, offset, 0.0, "{:+.1%}"))]
            rows.append((row, str(photons), *figures, _furthest(these, "mean", 0.0, "{:+.2%}")))
    header = ("method", "photons", "result on truth: slope", "offset", "truth on result: slope", "offset", "mean of the plane")
    return document.table(header, rows) if rows else ""


def _furthest(entries: Sequence[Entry], column: str, aim: float, form: str) -> str:
    """The mean, and in brackets the value that is furthest from the aim."""
    values = [entry[column] for entry in entries]
    return f"{form.format(np.mean(values))} ({form.format(max(values, key=lambda value: abs(value - aim)))})"


def _borders_table(entries: Sequence[Entry]) -> str:
    return _by_row(_of(entries, "borders"), "loss", "{:+.2f}", [(scene, BORDER_PHOTONS, scene) for scene in BORDER_SCENES])


def _empty_table(entries: Sequence[Entry]) -> str:
    return _by_row(_of(entries, "empty"), "leftover", "{:.3f}", [("empty", photons, f"{photons} photons") for photons in GROUNDS])


def _by_row(known: dict[tuple[str, int, str], Entry], column: str, form: str, places: Sequence[tuple[str, int, str]]) -> str:
    rows = [row for row in ROWS if any(name == row for *_, name in known)]
    cells = [[known.get((scene, photons, row)) for scene, photons, _ in places] for row in rows]
    written = [(row, *("–" if entry is None else form.format(entry[column]) for entry in found)) for row, found in zip(rows, cells, strict=True)]
    return document.table(("method", *(title for *_, title in places)), written) if written else ""


def _spots_table(entries: Sequence[Entry]) -> str:
    known = _of(entries, "spots")
    rows = []
    for ground, row in product(GROUNDS, ROWS):
        entry = known.get(("spots", ground, row))
        if entry:
            kept = [entry["kept"][f"{strength:g}"] for strength in STRENGTHS]
            shares = (" / ".join(f"{one[what]:.2f}" for one in kept) for what in ("contrast", "light"))
            found, by_hand = (" / ".join(f"{one[what]:.0%}" for one in kept) for what in ("found", "ranked"))
            rows.append((row, str(ground), *shares, found, str(entry["false"]), by_hand))
    header = ("method", "photons of the ground", "height kept", "light kept", "spots found", "false spots", "found, three false ones let through")
    return document.table(header, rows) if rows else ""


TABLES: dict[str, Callable[[Sequence[Entry]], str]] = {
    f"Grey levels: lines through {len(SCENES)} scenes' bins of brightness, mean and (furthest off); offsets at the darkest bin, of the range; "
    f"the darkest places have {100 * DIMMEST:.0f} % of the photons named. Change of the plane's mean:": _grey_levels_table,
    f"Borders: by how many dB the squared error of the outermost 8 pixels is above that of the same places far from a border, {BORDER_PHOTONS} photons:": (
        _borders_table
    ),
    "Empty images: what is left of the noise, in standard deviations of the noise:": _empty_table,
    f"Spots of {' / '.join(f'{s:g}' for s in STRENGTHS)} standard deviations of the noise above the ground: share of their height and light that is kept, "
    "share that `skimage.feature.blob_log` finds with a threshold of half the weakest true spot, how many it finds where there are none, "
    "and the share that it finds if the threshold is set by hand, for three false ones:": _spots_table,
}


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=f"rows to measure, out of {', '.join(ROWS)}")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="some parts only; the others are kept as they were")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write the tables from the figures that are kept")


def run(options: Namespace) -> None:
    """Measure, keep the figures and write their section."""
    entries = Entries("photometry", KEY, "cpu")
    for part, row in product([] if options.tables else options.parts, options.only):
        for figures in PARTS[part](row):
            entries.put({"part": part, "row": row, **figures})
            print(part, row, figures, flush=True)
    found = load("photometry")
    if found:
        document.put("photometry", section(found))


SUITE = Suite("grey levels, borders, empty images and dim spots after denoising, on simulated images", _options, run)
