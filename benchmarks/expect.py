"""What to expect of each method, in short, and the list of contents: for the top of docs/benchmarks.md and for README."""

from __future__ import annotations

import re

import numpy as np

from benchmarks import document
from benchmarks.quality import OWN
from benchmarks.record import load

METHODS = {
    "Gaussian": (OWN, "its width chosen from the image"),
    "FM2S": ("FM2S, microscope's preset", "told the microscope"),
    "ZS-N2N": ("ZS-N2N", ""),
    "ZS-N2M*": ("ZS-N2M*", "one network: `zs-n2m` as it is"),
    "ZS-N2M": ("ZS-N2M", "two networks: `zs-n2m`, preset `full`"),
    "Auto": ("Auto", "told nothing"),
}
"""The row of each in the suite `quality`, and what to know of it."""
IN_README = ("Gaussian", "FM2S", "Auto")


def put() -> None:
    """Write all of it into its pages."""
    document.put("in short", in_short())
    document.put("in short", in_readme(), document.README)
    document.put("contents", contents(document.PAGE.read_text(encoding="utf-8")))


def in_short() -> str:
    """Each method that was measured, in Markdown."""
    return document.table(
        ("method", "", "PSNR, dB", "SSIM", "seconds for 512²"), [(name, METHODS[name][1], *_figures(name)) for name in METHODS if _known(name)]
    )


def in_readme() -> str:
    """The same of a few, without SSIM."""
    rows = [(name, METHODS[name][1], *(_figures(name)[place] for place in (0, 2))) for name in IN_README if _known(name)]
    return document.table(("method", "", "PSNR, dB", "seconds"), rows)


def _known(name: str) -> bool:
    return any(entry["row"] == METHODS[name][0] for entry in (load("quality_fmd") or {"entries": []})["entries"])


def _figures(name: str) -> tuple[str, str, str]:
    scores = [entry for entry in (load("quality_fmd") or {"entries": []})["entries"] if entry["row"] == METHODS[name][0]]
    plain, likeness = (float(np.mean([score[column] for score in scores])) for column in ("psnr", "ssim"))
    return f"{plain:.2f}", f"{likeness:.3f}", f"{_seconds(name, [score['seconds'] for score in scores]):.1f}"


def _seconds(name: str, of_scenes: list[float]) -> float:
    """Of the suite `speed`, which has the machine for itself; the median over the scenes where that did not measure it."""
    wanted = {"part": "sizes", "row": name, "kind": "grey", "side": 512}
    quiet = [entry["default"].get("seconds") for entry in (load("speed_cpu") or {"entries": []})["entries"] if wanted.items() <= entry.items()]
    return float(quiet[0] if quiet and quiet[0] else np.median(of_scenes))


def contents(page: str) -> str:
    """Links to the sections of a page."""
    return "\n".join(f"- [{title}](#{_anchor(title)})" for title in re.findall(r"^## (?!Contents)(.+)$", page, re.MULTILINE))


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")
