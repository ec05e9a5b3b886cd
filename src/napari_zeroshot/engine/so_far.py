"""What a run looks like so far: what was learnt from a group of planes, and the image that it gives when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine import intensity
from napari_zeroshot.engine import threads as cpu_threads
from napari_zeroshot.engine.axes import Axes, Index
from napari_zeroshot.engine.device import failures_explained
from napari_zeroshot.engine.method import Denoiser

if TYPE_CHECKING:
    from napari_zeroshot.engine.running import Run


@dataclass(frozen=True, eq=False)
class Fitted:
    """What was learnt so far from a group of planes, in a grey scale for each network."""

    group: Sequence[Index]
    scales: Sequence[intensity.Scale]
    denoiser: Denoiser

    def of(self, index: Index) -> tuple[intensity.Scale, Denoiser]:
        """A plane's grey scale, and the network that it shares or has to itself."""
        number = self.group.index(index) if len(self.scales) > 1 else 0
        members = getattr(self.denoiser, "members", ())
        return self.scales[number], members[number] if members else self.denoiser


@dataclass(frozen=True, eq=False)
class OnDemand:
    """A denoised image of which each plane is computed when it is asked for, every time, by the network of its channel."""

    run: Run
    learned: Sequence[Fitted]

    @property
    def axes(self) -> Axes:
        """Of the image."""
        return self.run.order.axes

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the result."""
        return self.run.order.dtype

    def plane(self, index: Index) -> NDArray[Any]:
        """A clean plane, its axes in the image's own order."""
        order = self.run.order
        learned = next(learned for learned in self.learned if index in learned.group)
        with failures_explained(order.device.name), cpu_threads.limited(order.threads):
            return self.axes.as_laid(self.run.denoised(index, *learned.of(index)))


@dataclass(frozen=True, eq=False)
class SoFar:
    """The image so far, when asked for: finished planes, and what the current networks make of the rest of their group."""

    run: Run
    learned: Fitted

    def __call__(self, at: Mapping[str, int] | None = None) -> NDArray[Any]:
        """The whole image, or only the plane at an index such as ``{"T": 3, "C": 1}`` (axes Y, X and S in the image's order)."""
        order, axes = self.run.order, self.run.order.axes
        with failures_explained(order.device.name):
            if at is not None:
                return axes.as_laid(self._plane(axes.index_of(at)))
            image = np.empty(axes.shape, order.dtype)
            for index in axes.planes():
                axes.write(image, index, self._plane(index))
            return image

    def _plane(self, index: Index) -> NDArray[Any]:
        order = self.run.order
        if index in self.run.done:
            return order.axes.read(self.run.out, index)
        if index in self.learned.group:
            return self.run.denoised(index, *self.learned.of(index))
        return order.axes.read(order.image, index).astype(order.dtype)
