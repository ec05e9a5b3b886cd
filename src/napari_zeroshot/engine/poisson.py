"""Poisson numbers looked up in a table: on a CPU four times as fast as torch draws them one by one, which cost a quarter of FM2S's training."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from scipy.special import ndtri, pdtr
from torch import Tensor

ROWS = 32
"""The table has so many rates for each 1 that a rate's square root rises by."""
CHANCES = 2048
"""How many equally likely counts it has for each rate."""
HIGHEST = 144
"""The highest rate in the table; of higher ones the counts are nearly normal."""
COUNTS = 256
"""More than any count in the table."""


def looked_up(rates: Tensor, rng: torch.Generator) -> Tensor:
    """Poisson counts of the given rates, in their shape and type, all on the CPU.

    Notes
    -----
    A rate is moved up or down at random to one of the two next to it in the table, so that on average it stays what it is; the count is one of
    that rate's 2048 quantiles. From a rate of 1 on, the mean is right to 0.05 % and the variance to 0.5 %, below to 2 %.
    Above 144 it is a normal number with the skewness of a Poisson one, rounded.
    """
    counts, normal, skew = _tables()
    chance = torch.rand(rates.shape, generator=rng).mul_(CHANCES)
    column = chance.long()
    roots = rates.sqrt()
    row = roots.clamp(max=HIGHEST**0.5).mul_(ROWS).add_(chance).sub_(column).long()
    few = counts.take(row.mul_(CHANCES).add_(column)).to(rates.dtype)
    if rates.max() <= HIGHEST:
        return few
    many = torch.addcmul(rates, roots, normal.take(column)).add_(skew.take(column)).round_()
    return torch.where(rates > HIGHEST, many, few)


@cache
def _tables() -> tuple[Tensor, Tensor, Tensor]:
    """Counts by rate and chance, flat; and for high rates by chance: standard normal numbers, and what makes them as skew as counts are."""
    rates = (np.arange(int(HIGHEST**0.5 * ROWS) + 2) / ROWS) ** 2
    below = np.rint(pdtr(np.arange(COUNTS), rates[:, np.newaxis]) * CHANCES).astype(np.int64)
    below[:, -1] = CHANCES
    counts = np.repeat(np.tile(np.arange(COUNTS, dtype=np.uint8), len(rates)), np.diff(below, axis=1, prepend=0).ravel())
    normal = ndtri((np.arange(CHANCES) + 0.5) / CHANCES)
    return torch.from_numpy(counts), torch.from_numpy(normal.astype(np.float32)), torch.from_numpy(((normal**2 - 1) / 6).astype(np.float32))
