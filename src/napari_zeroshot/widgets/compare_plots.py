"""The plots of the Compare dock: grey levels along a line, a figure over planes, and what neighbours in the residual share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph
from numpy.typing import NDArray
from qtpy.QtCore import QRectF

from napari_zeroshot.engine.comparison import GAUSSIAN
from napari_zeroshot.widgets.plot import Plot

COLOURS = ("#4c9be8", "#e8963c", "#4fb98b", "#d574b8", "#d9c23f", "#9a8be0")
"""One for each letter, the noisy image blue; told apart by colour-blind eyes, on dark and light."""
MOST_TICKS = 8
PLAIN = "#9a9a9a"
"""For the Gaussian."""


class Curves(Plot):
    """Curves of one colour for each image, named by their letters above the plot."""

    def show_curves(self, along: Any, curves: Mapping[str, Any], **look: Any) -> None:
        """Draw each curve in its colour; no gap is bridged."""
        self.clear()
        colours = {name: PLAIN if name == GAUSSIAN else COLOURS[number % len(COLOURS)] for number, name in enumerate(curves)}
        for name, values in curves.items():
            curve = self.plot(along, values, name=name, pen=pyqtgraph.mkPen(colours[name], width=2), connect="finite", **look)
            curve.setSymbolBrush(colours[name])
            curve.setSymbolPen(None)
        self.name_curves(colours)


class ProfilePlot(Curves):
    """Grey levels along a line."""

    def __init__(self) -> None:
        super().__init__("profile", 11)
        self.setLabel("left", "grey level")

    def show_profiles(self, along: NDArray[Any], profiles: Mapping[str, NDArray[Any]], unit: str) -> None:
        """Draw them over how far along the line they are."""
        self.setLabel("bottom", f"along the line ({unit})")
        self.show_curves(along, profiles)
        step = _round_step(float(along[-1]))
        self.getAxis("bottom").setTicks([[(place, f"{place:g}") for place in np.arange(0, along[-1] + step / 2, step)]])


class PlanesPlot(Curves):
    """A figure of every plane."""

    def __init__(self) -> None:
        super().__init__("over_planes", 10)

    def show_figure(self, title: str, axis: str, curves: Mapping[str, Sequence[float | None]]) -> None:
        """Draw it over the planes."""
        self.setLabel("left", title)
        self.setLabel("bottom", axis)
        values = {name: np.array([np.nan if value is None else value for value in line], float) for name, line in curves.items()}
        count = max(map(len, values.values()), default=0)
        self.show_curves(np.arange(count), values, symbol="o", symbolSize=5)
        self.getAxis("bottom").setTicks([[(place, str(place)) for place in range(0, count, -(-count // MOST_TICKS) or 1)]])  # no half planes


class SharedResidualPlot(Plot):
    """The autocorrelation of the residual: the middle, which is 1, is left out."""

    def __init__(self) -> None:
        super().__init__("autocorrelation", 13)
        self.setLabel("left", "rows apart")
        self.setLabel("bottom", "columns apart")
        self.invertY(True)
        self.setAspectLocked(True)
        self._map = pyqtgraph.ImageItem(axisOrder="row-major", colorMap=pyqtgraph.colormap.get("CET-D1"))
        self.addItem(self._map)

    def show_map(self, correlations: NDArray[Any]) -> None:
        """Draw it, its strongest colours for 0.5."""
        reach = len(correlations) // 2
        shown = np.nan_to_num(correlations)
        shown[reach, reach] = 0
        self._map.setImage(shown, levels=(-0.5, 0.5))
        self._map.setRect(QRectF(-reach - 0.5, -reach - 0.5, 2 * reach + 1, 2 * reach + 1))


def _round_step(length: float) -> float:
    """The least of 1, 2, 5, 10 and so on that does not put more ticks on a length than there is room for."""
    decade = 10.0 ** np.floor(np.log10(length / MOST_TICKS))
    return float(next(decade * factor for factor in (1, 2, 5, 10) if length <= MOST_TICKS * decade * factor))
