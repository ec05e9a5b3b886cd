"""How far a training is through its schedule, and when it has learnt what there is to learn."""

from __future__ import annotations

import math
from collections.abc import Sequence

from napari_zeroshot.engine.training import Schedule

PATIENT = 5
"""So many scores must bring nothing, before a training is cut short."""
WORTH = 0.001
"""The share by which the score must fall to be worth going on. Most of a score is the noise of what is held out, which nothing can bring down."""
LAST = 0.2
"""The share of the steps in which a training that is cut short brings its learning rate down."""


class Course:
    """How far a training is through its schedule; hurries to the end once the score stands still.

    Parameters
    ----------
    steps
        Steps in all, if it is not hurried.
    schedule
        How the learning rate changes over them.
    """

    def __init__(self, steps: int, schedule: Schedule) -> None:
        self.step = 0
        self._steps, self._schedule = steps, schedule
        self._scores: list[float] = []
        self._hurried: tuple[int, float] | None = None

    @property
    def part(self) -> float:
        """The share of the schedule that is done, 0 to 1."""
        if self._hurried is None:
            return self.step / self._steps if self._steps else 1.0
        since, part = self._hurried
        return part + (1 - part) * (self.step - since) / self._last_steps(part)

    @property
    def over(self) -> bool:
        """Whether the schedule is at its end."""
        return self.part > 1 - 1e-9

    def rate(self) -> float:
        """The share of the full learning rate for the next step."""
        return rate(self._schedule, self.part)

    def note(self, score: float) -> None:
        """Take a score into account."""
        self._scores.append(score)
        if self._hurried is None and stands_still(self._scores) and self._steps - self.step > self._last_steps(self.part):
            self._hurried = self.step, self.part

    def _last_steps(self, part: float) -> int:
        return max(1, round(min(LAST, 1 - part) * self._steps))


def stands_still(scores: Sequence[float]) -> bool:
    """Whether the best of the last few scores is hardly better than the best before them."""
    recent, before = scores[-PATIENT:], scores[:-PATIENT]
    return bool(before) and min(recent) > (1 - WORTH) * min(before)


def rate(schedule: Schedule, part: float) -> float:
    """The share of the full learning rate after `part` (0 to 1) of the steps."""
    if schedule == "step":
        return 1.0 if part < 0.75 else 0.5
    if schedule == "cosine":
        return (1 + math.cos(math.pi * part)) / 2
    if schedule == "one-cycle":
        rise = 0.15
        return 0.04 + 0.96 * part / rise if part < rise else (1 - part) / (1 - rise)
    return 1.0
