"""How far a result that was made again is from the first one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_zeroshot.engine.axes import Axes

TOLERANCE = 0.2
"""Of what was taken away. Another device, version or number of threads rounds sums otherwise, and training makes of that a network as another seed would:
so far apart two seeds are at most, see docs/reliability.md."""


@dataclass(frozen=True)
class Agreement:
    """What two results differ by.

    Parameters
    ----------
    difference
        Root mean square, in grey levels.
    taken_away
        Root mean square of what the first run took away from the noisy image, in grey levels.
    """

    difference: float
    taken_away: float

    @property
    def within(self) -> bool:
        """Whether they differ by no more than rounding can make."""
        return self.difference <= TOLERANCE * self.taken_away

    def sentence(self) -> str:
        """The same in words."""
        if self.difference == 0:
            return "The pixels are those of the first result, bit for bit."
        share = f"{self.difference / self.taken_away:.2g} of what was taken away" if self.taken_away else "where the first run changed nothing"
        verdict = "within" if self.within else "more than"
        return (
            f"The pixels differ from the first result's by {self.difference:.3g} grey levels (root mean square), {share}: "
            f"{verdict} the {TOLERANCE:g} that another device, version or number of threads may make."
        )


def agreement(first: Any, again: Any, noisy: Any, axes: Axes) -> Agreement:
    """Compare two results of one image, plane by plane; pixels that are NaN in both count as equal.

    Parameters
    ----------
    first, again, noisy
        Arrays of the shape of `axes`, which can be sliced.
    """
    sums = np.zeros(3)
    for index in axes.planes():
        old, new, raw = (axes.read(image, index).astype(np.float64) for image in (first, again, noisy))
        known = ~(np.isnan(old) & np.isnan(new))
        sums += (np.square(new - old)[known].sum(), np.square(raw - old)[known].sum(), known.sum())
    count = max(sums[2], 1)
    return Agreement(float(np.sqrt(sums[0] / count)), float(np.sqrt(sums[1] / count)))
