"""What is to be run: everything decided and checked, nothing computed yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from napari_zeroshot.engine import intensity
from napari_zeroshot.engine.axes import Axes, Index
from napari_zeroshot.engine.device import Device
from napari_zeroshot.engine.method import Denoiser, Method
from napari_zeroshot.engine.neighbours import Among
from napari_zeroshot.engine.params import Params
from napari_zeroshot.engine.plan import Stack
from napari_zeroshot.engine.trained import Trained


@dataclass(frozen=True)
class Order:
    """Everything decided and checked, nothing computed yet.

    Parameters
    ----------
    image, axes
        What is denoised, a region of an image perhaps, and its axes.
    whole
        The planes that the region lies in, for their grey levels; the image itself where there is none.
    method, params, device, threads, together, tile
        As `plan.Plan` has them.
    preset, seed, stack, cancelled, start, levels, trained
        As given to `denoise_steps`; `trained` was loaded.
    dtype
        Of the result.
    fill_nan
        Whether gaps are filled for the work, instead of refused.
    source
        What the provenance says of where the image comes from.
    among
        The neighbours with which each plane is seen; None where it is seen alone.
    notes
        What a user should know of it, in sentences.
    cautions
        Whether the result is looked at for reasons not to trust it.
    """

    image: Any
    whole: Any
    axes: Axes
    method: Method
    params: Params
    preset: str
    device: Device
    seed: int
    threads: int | None
    stack: Stack
    together: int
    dtype: np.dtype[Any]
    fill_nan: bool
    tile: int
    cancelled: Callable[[], bool]
    start: Denoiser | None
    levels: intensity.Scale | None
    trained: Trained | None
    source: Mapping[str, Any]
    among: Among | None
    notes: tuple[str, ...] = ()
    cautions: bool = True

    def groups(self) -> Sequence[Sequence[Index]]:
        """The planes that are learnt from at once, in the order of the work: they share a network, or have one each that are trained side by side."""
        if self.stack == "shared" or self.trained is not None:
            return self.axes.channels()
        return [group for channel in self.axes.channels() for group in _in_groups(channel, self.together)]

    def apart(self, group: Sequence[Index]) -> list[Sequence[Index]]:
        """The planes of a group that share a network, for each network."""
        return [group] if self.stack == "shared" else [[index] for index in group]

    def steps_per_plane(self) -> int:
        """How many training steps denoising one plane is worth, so that the remaining time can be told."""
        seen = getattr(self.params, "crop", 0) ** 2 * getattr(self.params, "crops", 1) * self.together
        return max(1, self.axes.height * self.axes.width // (4 * seen)) if seen else 1


def _in_groups(planes: Sequence[Index], most: int) -> list[Sequence[Index]]:
    """Planes in as few groups as may be, of about the same size."""
    count = -(-len(planes) // most)
    ends = [len(planes) * number // count for number in range(count + 1)]
    return [planes[first:end] for first, end in pairwise(ends)]
