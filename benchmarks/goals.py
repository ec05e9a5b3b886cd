"""What was to be reached, and what the kept figures say of it."""

from __future__ import annotations

import operator
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks import document, expect, kodak, scale, simulated
from benchmarks.pairs import kind_of
from benchmarks.quality import ORACLE
from benchmarks.record import load
from benchmarks.suite import Suite

Found = dict[str, Any]
LEAST_IMAGES = 6
PUBLISHED_MARGIN = 0.17
"""dB by which ZS-N2M is ahead of ZS-N2M* on Kodak24 with Gaussian noise of 25 grey levels: 29.56 and 29.39 in Table 1 of its paper."""


@dataclass(frozen=True)
class Goal:
    """One row of the table.

    Parameters
    ----------
    work, aim
        What is measured and what is wanted, in words.
    figure
        Finds the measured figure among what is kept; None where it was not measured.
    met
        Compares a figure with `limit`.
    form
        How the figure is written.
    images
        Counts the images that the figure stands on, of which fewer than `LEAST_IMAGES` meet nothing; None where the number goes without saying.
    """

    work: str
    aim: str
    figure: Callable[[], float | None]
    limit: float
    met: Callable[[float, float], bool] = operator.le
    form: str = "{:.2f}"
    images: Callable[[], int] | None = None

    def row(self) -> tuple[str, str, str, str]:
        """Work, goal, measured figure, and whether it meets the goal."""
        figure = self.figure()
        if figure is None:
            return self.work, self.aim, "not measured", "–"
        verdict = "met" if self.met(figure, self.limit) else "**not met**"
        if self.images is None:
            return self.work, self.aim, self.form.format(figure), verdict
        count = self.images()
        return self.work, self.aim, f"{self.form.format(figure)} ({count} images)", verdict if count >= LEAST_IMAGES else "**too few images**"


def _entries(name: str) -> list[Found]:
    return (load(name) or {}).get("entries", [])


def _one(name: str, column: str, **wanted: Any) -> float | None:
    """A figure of the one entry that has the wanted columns; `column` may be in its default run."""
    found = [entry for entry in _entries(name) if all(entry.get(key) == value for key, value in wanted.items())]
    if not found:
        return None
    return found[0].get(column, (found[0].get("default") or {}).get(column))


def _size(device: str, row: str, kind: str, side: int, column: str) -> Callable[[], float | None]:
    return lambda: _one(f"speed_{device}", column, part="sizes", row=row, kind=kind, side=side)


def _planes_a_second(device: str, row: str, stack: str) -> Callable[[], float | None]:
    def figure() -> float | None:
        seconds = _one(f"speed_{device}", "seconds", part="stacks", row=row, planes=100, stack=stack)
        return 100 / seconds if seconds else None

    return figure


def _seconds_a_plane(device: str, row: str) -> Callable[[], float | None]:
    def figure() -> float | None:
        seconds = _one(f"speed_{device}", "seconds", part="stacks", row=row, planes=100, stack="shared")
        return seconds / 100 if seconds else None

    return figure


def _scores(images: str, row: str, column: str) -> dict[str, float]:
    return {score["scene"]: score[column] for score in (load(f"quality_{images}") or {}).get("entries", []) if score["row"] == row}


def _mean(images: str, row: str, column: str) -> Callable[[], float | None]:
    """The mean over the scenes of a set."""

    def figure() -> float | None:
        scores = _scores(images, row, column)
        return float(np.mean(list(scores.values()))) if scores else None

    return figure


def _first_of(*figures: Callable[[], float | None]) -> Callable[[], float | None]:
    """The first figure that there is."""
    return lambda: next((value for value in (figure() for figure in figures) if value is not None), None)


def _middle_seconds(images: str, row: str) -> Callable[[], float | None]:
    """The median over the scenes of a set."""
    return lambda: float(np.median(seconds)) if (seconds := list(_scores(images, row, "seconds").values())) else None


def _channels_above_any_gaussian() -> float | None:
    """In how many channels of W2S Auto's mean is above that of the best Gaussians."""
    ours, theirs = (_scores("w2s", row, "affine_psnr") for row in ("Auto", ORACLE))
    both = ours.keys() & theirs.keys()
    gains = {kind: [ours[scene] - theirs[scene] for scene in both if kind_of(scene) == kind] for kind in map(kind_of, both)}
    return sum(float(np.mean(gain)) > 0 for gain in gains.values()) if gains else None


def _above_any_gaussian() -> float | None:
    """On how many fmd scenes Auto is better than the Gaussian that is best with the truth in hand, before and after an affine fit."""
    ours, theirs = ([_scores("fmd", row, column) for column in ("psnr", "affine_psnr")] for row in ("Auto", ORACLE))
    if not ours[0] or not theirs[0]:
        return None
    return sum(all(mine[scene] > plain[scene] for mine, plain in zip(ours, theirs, strict=True)) for scene in ours[0])


def _of_grid(told: Callable[[list[float]], float]) -> Callable[[], float | None]:
    """What is told of Auto's gains over the Gaussian with a sigma from the image, in all cells of the simulated grid."""

    def figure() -> float | None:
        gains = [gain.over_own for gain in simulated.gains(_entries("simulated"))]
        return told(gains) if gains else None

    return figure


def _photometry(part: str, column: str, told: Callable[[list[float]], float]) -> Callable[[], float | None]:
    """What is told of Auto's figures in a part of the photometry suite."""

    def figure() -> float | None:
        values = [entry[column] for entry in _entries("photometry") if (entry["part"], entry["row"]) == (part, "Auto")]
        return told(values) if values else None

    return figure


def _furthest_from(aim: float) -> Callable[[list[float]], float]:
    return lambda values: max(abs(value - aim) for value in values)


def _with_defaults(row: str) -> dict[str, float]:
    """PSNR of each photograph of the kodak suite with the default settings."""
    return {entry["image"]: entry["psnr"] for entry in _entries("kodak_cpu") if (entry["row"], entry["settings"]) == (row, "default")}


def _synthetic(row: str) -> dict[str, float]:
    """PSNR of each photograph with Gaussian noise of 25 and the α_ie of 1 that the paper sets for it."""
    return _with_defaults(row if row == "ZS-N2N" else f"{row}, α_ie 1")


def _mean_synthetic(row: str) -> float | None:
    scores = _synthetic(row)
    return float(np.mean(list(scores.values()))) if scores else None


ORDER = ("ZS-N2N", "ZS-N2M*", "ZS-N2M")
"""From the worst to the best, in the paper's Table 1."""


def _in_order() -> list[list[float]]:
    """PSNR of the methods in `ORDER`, for each photograph that all ran on."""
    scores = [_synthetic(row) for row in ORDER]
    return [[score[image] for score in scores] for image in sorted(set.intersection(*map(set, scores)))]


def _smallest_step() -> float | None:
    """By how many dB a method is ahead of the one before it in `ORDER`, where that is least."""
    scores = _in_order()
    return float(np.diff(np.mean(scores, axis=0)).min()) if scores else None


def _compared(row: str) -> Callable[[], int]:
    return lambda: (kodak.compared(_entries("kodak_cpu"), row) or {"images": 0})["images"]


def _kodak(row: str) -> Callable[[], float | None]:
    return lambda: (kodak.compared(_entries("kodak_cpu"), row) or {}).get("difference")


def _margins(suffix: str) -> list[float]:
    """By how much the second network is ahead of the first alone, both with default settings, on each image that both ran on."""
    first, both = (_with_defaults(name + suffix) for name in ("ZS-N2M*", "ZS-N2M"))
    return [both[image] - first[image] for image in first.keys() & both.keys()]


def _margin(suffix: str) -> Callable[[], float | None]:
    return lambda: float(np.mean(margins)) if (margins := _margins(suffix)) else None


def _slowest_preview() -> float | None:
    """Of previews by themselves and of those of the Tune dock."""
    waits = [entry["seconds"] for entry in _entries("speed_cpu") if entry["part"] == "previews" and "seconds" in entry]
    in_dock = [float(np.median([last for _, last in entry["waits"]])) for entry in _entries("tune")]
    return max([*waits, *in_dock], default=None)


def _hungriest() -> float | None:
    peaks = (load("memory") or {"peaks": {}})["peaks"]
    return max((peak["gigabytes"] for case, peak in peaks.items() if case.endswith(" 16384")), default=None)


def _slowest_dock() -> float | None:
    return max((entry["seconds"] for entry in _entries("opening") if entry["what"] != "help"), default=None)


def _steepest(phase: str) -> Callable[[], float | None]:
    def figure() -> float | None:
        entries = _entries("scale_cpu")
        found = [scale.slopes(entries, row)[phase] for row in dict.fromkeys(entry["row"] for entry in entries)]
        return max((slope for slope in found if slope is not None), default=None)

    return figure


FLAT = 0.1
"""A training slope up to this counts as flat: a quarter more seconds for every tenfold of pixels, about what timing scatters."""

FM2S = "FM2S, microscope's preset"

GOALS = (
    Goal("Auto, mean PSNR of the 12 fmd scenes", "at least 35.1 dB", _mean("fmd", "Auto", "psnr"), 35.1, operator.ge, "{:.2f} dB"),
    Goal("Auto, mean SSIM of the 12 fmd scenes", "at least 0.912", _mean("fmd", "Auto", "ssim"), 0.912, operator.ge, "{:.4f}"),
    Goal("Auto, fmd scenes on which it is better than any Gaussian", "12 of 12", _above_any_gaussian, 12, operator.ge, "{:.0f} of 12"),
    Goal("Auto, mean PSNR of the 5 srdtrans images", "at least 29.4 dB", _mean("srdtrans", "Auto", "psnr"), 29.4, operator.ge, "{:.2f} dB"),
    Goal("Auto, mean PSNR of the 18 w2s images after an affine fit", "at least 32.3 dB", _mean("w2s", "Auto", "affine_psnr"), 32.3, operator.ge, "{:.2f} dB"),
    Goal("Auto, channels of w2s in whose mean it is above the best Gaussians", "3 of 3", _channels_above_any_gaussian, 3, operator.ge, "{:.0f} of 3"),
    Goal("Auto, simulated grid, worst cell less the Gaussian with a sigma from the image", "at least -0.1 dB", _of_grid(min), -0.1, operator.ge, "{:+.2f} dB"),
    Goal("Auto, simulated grid, median of the same", "at least 1 dB", _of_grid(lambda gains: float(np.median(gains))), 1.0, operator.ge, "{:+.2f} dB"),
    Goal(
        "Auto, simulated, slope of the result on the truth, furthest from 1 (5 to 500 photons)",
        "at most 0.02",
        _photometry("grey levels", "slope", _furthest_from(1.0)),
        0.02,
        form="{:.3f}",
    ),
    Goal(
        "Auto, simulated, the same line's offset at the dark end",
        "at most 0.5 % of the range",
        _photometry("grey levels", "offset", _furthest_from(0.0)),
        0.005,
        form="{:.2%}",
    ),
    Goal("Auto, simulated, change of the plane's mean", "at most 0.2 %", _photometry("grey levels", "mean", _furthest_from(0.0)), 0.002, form="{:.2%}"),
    Goal("Auto, simulated, squared error at borders above that inside", "at most 0.3 dB", _photometry("borders", "loss", max), 0.3, form="{:.2f} dB"),
    Goal(
        "Auto, 512² plane, CPU",
        "at most 12 s",
        _first_of(_size("cpu", "Auto", "grey", 512, "seconds"), _middle_seconds("fmd", "Auto")),
        12,
        form="{:.1f} s",
    ),
    Goal("FM2S, 512² plane, CPU: recipe / default", "at least 120", _size("cpu", "FM2S", "grey", 512, "ratio"), 120, operator.ge, "{:.0f}"),
    Goal("FM2S with its microscope's preset, mean PSNR of the 12 fmd scenes", "at least 34.0 dB", _mean("fmd", FM2S, "psnr"), 34.0, operator.ge, "{:.2f} dB"),
    *(
        Goal(f"{row}, 256² RGB, CPU: recipe / default", "at least 40", _size("cpu", row, "rgb", 256, "ratio"), 40, operator.ge, "{:.0f}")
        for row in ("ZS-N2N", "ZS-N2M*")
    ),
    *(
        Goal(f"{row}, kodak256 with sigma 25: default less recipe", "at least -0.10 dB", _kodak(row), -0.1, operator.ge, "{:+.2f} dB", _compared(row))
        for row in ("ZS-N2N", "ZS-N2M*", "ZS-N2M*, α_ie 1")
    ),
    *(
        Goal(
            f"{row}, mean PSNR of kodak256 with sigma 25{'' if row == 'ZS-N2N' else ' and α_ie 1, as in its paper'}",
            f"at least {least} dB",
            partial(_mean_synthetic, row),
            least,
            operator.ge,
            "{:.2f} dB",
            lambda row=row: len(_synthetic(row)),
        )
        for row, least in (("ZS-N2M", 29.5), ("ZS-N2M*", 29.3), ("ZS-N2N", 28.9))
    ),
    Goal(f"The paper's order there, {' < '.join(ORDER)}: least step", "above 0 dB", _smallest_step, 0, operator.gt, "{:+.2f} dB", lambda: len(_in_order())),
    Goal("ZS-N2M with GRD-Net, 256² RGB, CPU", "at most 20 s", _size("cpu", "ZS-N2M", "rgb", 256, "seconds"), 20, form="{:.1f} s"),
    *(
        Goal(
            f"ZS-N2M less ZS-N2M*{told}, kodak256 with sigma 25",
            f"at least the paper's {PUBLISHED_MARGIN} dB",
            _margin(told),
            PUBLISHED_MARGIN,
            operator.ge,
            "{:+.2f} dB",
            lambda told=told: len(_margins(told)),
        )
        for told in ("", ", α_ie 1")
    ),
    Goal(
        "256² preview after a slider moves, CPU, slowest method's median, by itself or in the Tune dock",
        "at most 1.0 s",
        _slowest_preview,
        1.0,
        form="{:.2f} s",
    ),
    *(
        Goal(f"100 planes of 512², shared network, CPU: {row}", "at most 0.15 s a plane", _seconds_a_plane("cpu", row), 0.15, form="{:.3f} s")
        for row in ("FM2S", "ZS-N2N", "ZS-N2M*", "Auto")
    ),
    Goal("16,384² plane, memory beyond the image, hungriest of the methods measured", "at most 3 GB", _hungriest, 3, form="{:.2f} GB"),
    Goal("`napari-zeroshot --help`", "below 0.5 s", lambda: _one("opening", "seconds", what="help"), 0.5, operator.lt, "{:.2f} s"),
    Goal("Opening a dock, beyond napari, slowest dock's median", "below 0.3 s", _slowest_dock, 0.3, operator.lt, "{:.2f} s"),
    Goal("GPU: FM2S, 512²", "at most 0.5 s", _size("cuda", "FM2S", "grey", 512, "seconds"), 0.5, form="{:.2f} s"),
    Goal("GPU: ZS-N2N, 256² RGB", "at most 0.5 s", _size("cuda", "ZS-N2N", "rgb", 256, "seconds"), 0.5, form="{:.2f} s"),
    Goal("GPU: ZS-N2M, 256² RGB", "at most 3 s", _size("cuda", "ZS-N2M", "rgb", 256, "seconds"), 3.0, form="{:.2f} s"),
    *(
        Goal(f"GPU: 100 planes of 512², {told}: {row}", f"at least {limit} planes a second", _planes_a_second("cuda", row, stack), limit, operator.ge, "{:.0f}")
        for stack, told, limit in (("plane", "one network each", 20), ("shared", "shared", 200))
        for row in ("FM2S", "ZS-N2N", "ZS-N2M*")
    ),
    Goal("CPU: slope of training against pixels, steepest method", f"flat: at most {FLAT}", _steepest("training"), FLAT),
    Goal("CPU: slope of denoising against pixels, steepest method", "at most 1.05", _steepest("denoising"), 1.05),
)


def section(goals: Iterable[Goal] = GOALS) -> str:
    """The table, in Markdown."""
    return document.table(("work, default settings", "goal", "measured", ""), [goal.row() for goal in goals])


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--print", dest="only_print", action="store_true", help="print the table and leave the page as it is")


def run(options: Namespace) -> None:
    """Collect the figures and write the table, and what stands in short at the top of the page and in README."""
    print(section())
    if not options.only_print:
        document.put("goals", section())
        expect.put()


SUITE = Suite("the goals, and what the figures of the other suites say of them", _options, run)
