"""The knobs that every trained method shares. Loads no torch; the loop itself is in `fitting`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_zeroshot.engine.params import Params, param

Schedule = Literal["constant", "step", "cosine", "one-cycle"]
Precision = Literal["auto", "float32", "bfloat16"]
Turns = Literal["1", "2", "4", "8"]


@dataclass(frozen=True)
class Training(Params):
    """How long and how fast a network learns, and how much of the image it sees at each step."""

    steps: int = param(
        600,
        "Training steps; more follow fine structure better and take longer, too many learn the noise.",
        low=1, high=100_000, step=50, tunable=True, log=True,
    )  # fmt: skip
    optimiser: Literal["muon", "adam"] = param(
        "muon",
        "How weights are moved: Muon needs about half the steps of Adam, which the papers use. Each has learning rates of its own.",
        label="Optimiser", advanced=True,
    )  # fmt: skip
    learning_rate: float = param(
        0.03,
        "How far each step moves the network; too large is unstable, too small stays blurred. About 0.03 for Muon, 0.002 for Adam.",
        label="Learning rate", low=1e-6, high=0.5, step=1e-3, advanced=True, log=True,
    )  # fmt: skip
    schedule: Schedule = param(
        "one-cycle",
        "How the learning rate changes: one-cycle rises and then falls straight to zero, cosine only falls, step halves after three quarters.",
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
    precision: Precision = param(
        "auto",
        "Numbers within convolutions: bfloat16 is twice as fast on hardware made for it; auto tries that once on this machine and keeps the answer.",
        label="Precision", advanced=True,
    )  # fmt: skip
    early_stop: bool = param(
        True,
        "Keep a few crops out of training, and end it early once their loss no longer falls.",
        label="Stop early", advanced=True,
    )  # fmt: skip
    warm_steps: int = param(
        60,
        "Training steps when a network goes on from another plane's, or from the last preview's, instead of from the start.",
        label="Steps when going on", low=1, high=100_000, step=10, advanced=True, log=True,
    )  # fmt: skip
    turns: Turns = param(
        "1",
        "Average the answers for so many turned and mirrored copies of the image: a little steadier, and so many times slower to apply.",
        label="Turns", advanced=True,
    )  # fmt: skip

    @property
    def recordable(self) -> bool:
        """Whether every training step does the same operations, so that a CUDA graph can hold one."""
        return True

    @property
    def side_by_side(self) -> bool:
        """Whether networks for several planes can be trained at once, as groups of one."""
        return True


PAPER = {"crop": 0, "crops": 1, "optimiser": "adam", "precision": "float32", "early_stop": False, "averaging": 0.0, "turns": "1"}
"""The papers' way of training: every step learns from the whole plane, all of it in float32, to the end."""
