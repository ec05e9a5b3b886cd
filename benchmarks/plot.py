"""Plots for the pages, log-log if nothing else is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parents[1] / "docs" / "images"
Line = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """One pair of axes, with lines by name, each a row of (x, y). What stands before a comma in the name decides the colour; ``training`` is dashed.

    With `ratios` the axis upwards is logarithmic too; `even` axes both begin at zero and count evenly.
    """

    title: str
    across: str
    up: str
    lines: Mapping[str, Line]
    ratios: bool = True
    even: bool = False


def slope(line: Line, least: float = 0.0) -> float | None:
    """The slope of the straight line through a log-log plot, from `least` on; None for fewer than two points."""
    points = np.array([(x, y) for x, y in line if x >= least and y > 0])
    if len(points) < 2:
        return None
    return float(np.polyfit(np.log(points[:, 0]), np.log(points[:, 1]), 1)[0])


def scatter(name: str, title: str, across: str, up: str, points: Mapping[str, tuple[float, float]], level: tuple[str, float] | None = None) -> Path:
    """Draw points with their names, and a level to compare with, into docs/images; the axis across is logarithmic."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "napari-zeroshot", "font.size": 9}):
        figure = Figure(figsize=(7, 4.2), layout="constrained")
        axes = figure.subplots()
        for label, (x, y) in points.items():
            axes.plot(x, y, marker="o", markersize=4, color="C3" if label.startswith("Auto") else "C0")
            axes.annotate(label, (x, y), xytext=(4, 3), textcoords="offset points", fontsize=7)
        if level is not None:
            axes.axhline(level[1], color="C7", linestyle="--", linewidth=1)
            axes.annotate(level[0], (0.01, level[1]), xycoords=("axes fraction", "data"), xytext=(0, 3), textcoords="offset points", fontsize=7, color="C7")
        axes.set(xscale="log", title=title, xlabel=across, ylabel=up)
        axes.margins(x=0.2)
        axes.grid(alpha=0.3)
        return _saved(figure, name)


def draw(name: str, panels: Sequence[Panel]) -> Path:
    """Draw panels, two in a row, into docs/images; the same figures give the same file."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "napari-zeroshot", "font.size": 9}):
        rows = -(-len(panels) // 2)
        figure = Figure(figsize=(9, 3.6 * rows), layout="constrained")
        for panel, axes in zip(panels, figure.subplots(rows, 2).flat, strict=True):
            colours: dict[str, str] = {}
            for label, line in panel.lines.items():
                row, _, column = label.partition(", ")
                look = {"color": colours.setdefault(row, f"C{len(colours)}"), "linestyle": "--" if column == "training" else "-"}
                axes.plot(*zip(*line, strict=True), marker="o", markersize=3, linewidth=1, label=label, **look)
            axes.set(title=panel.title, xlabel=panel.across, ylabel=panel.up)
            if panel.even:
                axes.set(xlim=(0, None), ylim=(0, None))
            else:
                axes.set(xscale="log", yscale="log" if panel.ratios else "linear")
            if not panel.ratios:
                marks = sorted({x for line in panel.lines.values() for x, _ in line})
                axes.set_xticks(marks, [f"{mark:g}" for mark in marks])
                axes.minorticks_off()
            axes.grid(alpha=0.3)
            if panel.lines:
                axes.legend(frameon=False, fontsize=7)
        return _saved(figure, name)


def _saved(figure: Any, name: str) -> Path:
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.svg"
    figure.savefig(path, metadata={"Date": None})
    return path
