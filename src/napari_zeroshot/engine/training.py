"""The knobs that every trained method shares. Loads no torch; the loop itself is in `fitting`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_zeroshot.engine.params import Params, param

Schedule = Literal["constant", "step", "cosine", "one-cycle"]


@dataclass(frozen=True)
class Training(Params):
    """How long and how fast a network learns, and how much of the image it sees at each step."""

    steps: int = param(
        600,
        "Training steps; more follow fine structure better and take longer, too many learn the noise.",
        low=1, high=100_000, step=50, tunable=True, log=True,
    )  # fmt: skip
    learning_rate: float = param(
        8e-3,
        "How far each step moves the network; too large is unstable, too small stays blurred.",
        label="Learning rate", low=1e-6, high=0.1, step=1e-4, advanced=True, log=True,
    )  # fmt: skip
    schedule: Schedule = param(
        "one-cycle",
        "How the learning rate changes: one-cycle rises and then falls to zero, cosine only falls, step halves after three quarters.",
        label="Rate schedule", advanced=True,
    )  # fmt: skip
    crop: int = param(
        48,
        "Side of the random crops a step learns from, 8 at least; 0 learns from the whole plane at every step, as the papers do, and is much slower.",
        label="Crop size", low=0, high=4096, step=8, unit="px", advanced=True,
    )  # fmt: skip
    crops: int = param(
        4,
        "Random crops in each step; more are steadier and slower. Not used when the whole plane is learnt from.",
        label="Crops per step", low=1, high=256, advanced=True,
    )  # fmt: skip
    averaging: float = param(
        0.0,
        "Share of the running average of the weights that each step keeps, once half the steps are done; 0 takes the last weights as they are.",
        label="Weight averaging", low=0, high=0.9999, step=0.001, advanced=True,
    )  # fmt: skip


WHOLE_PLANE = {"crop": 0, "crops": 1}
"""Changes that make a step learn from the whole plane, as in the papers."""
