"""Log-log plots for the pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[1] / "docs" / "images"
Line = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """One pair of axes, with lines by name, each a row of (x, y)."""

    title: str
    across: str
    up: str
    lines: Mapping[str, Line]


def slope(line: Line, least: float = 0.0) -> float | None:
    """The slope of the straight line through a log-log plot, from `least` on; None for fewer than two points."""
    points = np.array([(x, y) for x, y in line if x >= least and y > 0])
    if len(points) < 2:
        return None
    return float(np.polyfit(np.log(points[:, 0]), np.log(points[:, 1]), 1)[0])


def draw(name: str, panels: Sequence[Panel]) -> Path:
    """Draw panels side by side into docs/images; the same figures give the same file."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "napari-zeroshot", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(4.2 * len(panels), 3.6), layout="constrained")
        for panel, axes in zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True):
            for label, line in panel.lines.items():
                axes.plot(*zip(*line, strict=True), marker="o", markersize=3, linewidth=1, label=label)
            axes.set(xscale="log", yscale="log", title=panel.title, xlabel=panel.across, ylabel=panel.up)
            axes.grid(alpha=0.3)
            axes.legend(frameon=False, fontsize=7)
        FOLDER.mkdir(parents=True, exist_ok=True)
        path = FOLDER / f"{name}.svg"
        figure.savefig(path, metadata={"Date": None})
    return path
