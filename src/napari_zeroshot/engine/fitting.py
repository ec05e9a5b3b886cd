"""The one optimiser loop, and what every training needs at hand."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn

from napari_zeroshot.engine.course import Course
from napari_zeroshot.engine.denoisers import Apart, NetworkDenoiser
from napari_zeroshot.engine.device import random_numbers
from napari_zeroshot.engine.errors import DivergedError
from napari_zeroshot.engine.method import Job, Planes, Progress
from napari_zeroshot.engine.networks import SideBySide, initialise, taken_apart, unpadded, with_weights
from napari_zeroshot.engine.optimiser import Optimiser
from napari_zeroshot.engine.precision import half_precision
from napari_zeroshot.engine.recording import Recorded
from napari_zeroshot.engine.sampling import Crops, balanced_mask, inner
from napari_zeroshot.engine.training import Training

Infer = Callable[[nn.Module, Tensor], Tensor]
"""Noisy to clean tensor, by means of a network."""
REPORTS = 100
"""A run reports this often, and the loss is read then and only then; slow runs report more often."""
LONGEST_SILENCE = 0.5
"""Seconds after which a report is due in any case."""
AVERAGED_FROM = 0.5
"""The share of the steps after which weights count into their running average."""
CHECKS = 25
"""The score of what is held out is taken so often."""
LEAST_INNER = 12
"""A crop is to be so many times as large as what a network sees to one side, for its rim to be left out."""


@dataclass(frozen=True, eq=False)
class Bench:
    """What every training needs at hand: the planes on their device, the shared knobs, random numbers and the clock.

    Parameters
    ----------
    planes
        Shape (N, C, Y, X), values about 0 to 1.
    knobs
        The method's parameters.
    job
        What the method was given beside its planes and parameters.
    total
        Steps in all, over every stage.
    rng, places
        Random numbers: on the computing device for masks and noise; on the CPU for the places of crops and initial weights.
    """

    planes: Tensor
    job: Job
    knobs: Training
    total: int
    rng: torch.Generator
    places: torch.Generator
    started: float = field(default_factory=time.perf_counter)

    @classmethod
    def set_up(cls, planes: Planes, job: Job, knobs: Training, total: int) -> Bench:
        """Move planes to the device and start the clock and the random numbers."""
        on_device = torch.from_numpy(planes).to(job.device)
        return cls(on_device, job, knobs, total, random_numbers(job.seed, job.device), random_numbers(job.seed, "cpu"))

    def network(self, new: nn.Module, known: nn.Module | None = None) -> nn.Module:
        """A network on the device, channels last (a third faster on CPUs): a copy of `known` to go on from, or `new` with random weights.

        For planes that get a network each it is as many copies `SideBySide`. Where nothing is trained it has the weights it had in the end.
        """
        if self.job.trained is not None:
            network = with_weights(new, next(self.job.trained, {}))
        else:
            network = deepcopy(known) if known is not None else initialise(new, self.places)
        if self.job.members > 1:
            network = SideBySide(network, self.job.members)  # type: ignore[arg-type]
        return network.to(self.job.device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def crops(self, views: Tensor) -> Crops:
        """Random crops of `views`, which are planes of this bench's shape, as many as all its steps take."""
        knobs = self.knobs
        return Crops(views, knobs.crop, knobs.crops, self.places, batches=self.total, keep_out=knobs.early_stop, members=self.job.members)

    def mask(self, batch: Tensor) -> Tensor:
        """A random mask of a batch's shape, with as many ones as zeros; all members have the same, which each would draw alone."""
        return balanced_mask(batch[:: self.job.members], self.rng).repeat_interleave(self.job.members, dim=0)

    def optimiser(self, network: nn.Module, learning_rate: float | None = None) -> Optimiser:
        """What moves a network's weights."""
        rate = self.knobs.learning_rate if learning_rate is None else learning_rate
        return Optimiser(network, rate * self.job.rate_share, self.knobs.optimiser, self.job.members)

    def denoiser(self, network: nn.Module, infer: Infer, *, halo: int, half: bool = False) -> NetworkDenoiser | Apart:
        """What a network makes of planes, or each of those side by side; with `half`, in the precision that it is trained in."""
        if isinstance(network, SideBySide):
            return Apart([self._alone(member, infer, halo, half) for member in taken_apart(network)])
        return self._alone(network, infer, halo, half)

    def _alone(self, network: nn.Module, infer: Infer, halo: int, half: bool) -> NetworkDenoiser:
        half = half and self.knobs.precision == "bfloat16"
        return NetworkDenoiser(network, partial(infer, network), self.job.device, self.job.tile, halo, turns=int(self.knobs.turns), half=half)

    def residual_denoiser(self, network: nn.Module, *, halo: int) -> NetworkDenoiser | Apart:
        """What is left when a network that predicts the noise has its answer taken off. The noise is a small part: bfloat16 will do."""
        return self.denoiser(network, lambda network, noisy: noisy - network(noisy), halo=halo, half=True)

    def residual_learner(self, network: nn.Module, reach: int) -> tuple[Callable[[Tensor], Tensor], int]:
        """What is left of a crop when the network's answer is taken off, and by how many pixels at each side it is smaller.

        That is where the network, which sees `reach` pixels around one, would see zeros beyond the crop's edge, as it does nowhere else.
        Nothing is left out of whole planes, and of crops whose halves would hardly leave anything.
        """
        rim = reach if min(self.knobs.crop, *self.planes.shape[-2:]) >= LEAST_INNER * reach else 0
        learner = unpadded(network) if rim else network
        return lambda noisy: inner(noisy, rim) - learner(noisy), rim

    def precision(self) -> AbstractContextManager[None]:
        """Within it, convolutions are computed in the precision that was chosen."""
        return half_precision(self.job.device, self.knobs.precision == "bfloat16")


class RunningAverage:
    """The running average of a network's weights late in a training: less swayed by the last crops than the last weights are."""

    def __init__(self, weights: Sequence[Tensor], keep: float) -> None:
        self._weights, self._keep = weights, keep
        self._average: list[Tensor] = []
        self._added = 0

    def add(self) -> None:
        """Count the weights in as they are now."""
        with torch.no_grad():
            if not self._average:
                self._average = [part.clone() for part in self._weights]
            self._added += 1
            for average, part in zip(self._average, self._weights, strict=True):
                average.lerp_(part, max(1 / self._added, 1 - self._keep))  # a plain mean at first: a short training has no long memory

    def take_over(self) -> None:
        """Give the network its average, if there is one yet."""
        with torch.no_grad():
            for average, part in zip(self._average, self._weights, strict=False):
                part.copy_(average)


def train(
    bench: Bench,
    optimiser: Optimiser,
    loss: Callable[[], Tensor],
    denoiser: Callable[[Planes], Planes],
    *,
    stage: str,
    steps: int,
    done: int = 0,
    averaging: float | None = None,
    score: Callable[[], Tensor] | None = None,
) -> Generator[Progress, None, int]:
    """Train a network; the steps taken, with a report at the first step, every hundredth of the way, and every half second.

    Parameters
    ----------
    loss
        Draws its own batch and gives a scalar.
    denoiser
        What a report's snapshot calls.
    stage, steps, done
        Name and length of this stage, and the steps of the stages before it.
    averaging
        What the running average of the weights keeps at each step; 0 for none, left out for what the parameters say.
        The network has the average in the end, however the training ends.
    score
        The loss on what is held out. Once it no longer falls, the rest of the schedule is cut short to its end.

    Notes
    -----
    Where the networks are trained already (`Job.trained`), no step is taken.
    """
    if bench.job.trained is not None:
        return 0
    averaging = bench.knobs.averaging if averaging is None else averaging
    average = RunningAverage(optimiser.weights, averaging)
    noisy = bench.planes.cpu().numpy()
    course = Course(steps, bench.knobs.schedule)
    every, check = max(1, bench.total // REPORTS), max(1, steps // CHECKS)
    take_step = _stepper(bench, optimiser, loss)
    told = -math.inf
    try:
        while not (course.over or bench.job.cancelled()):
            optimiser.set_rate(course.rate())
            value = take_step()
            course.step += 1
            if averaging and course.part > AVERAGED_FROM:
                average.add()
            held_out = _scored(bench, score, course) if score and course.step % check == 0 else None
            seconds = time.perf_counter() - bench.started
            if course.step % every == 0 or course.over or held_out is not None or seconds - told > LONGEST_SILENCE:
                told = seconds
                yield Progress(stage, done + course.step, bench.total, _number(bench, value.item(), course.step), seconds, Snapshot(denoiser, noisy), held_out)
    finally:
        average.take_over()
    _number(bench, float(sum(part.detach().sum() for part in optimiser.weights)), course.step, "weights are")  # which were moved since the last loss
    return course.step


def _stepper(bench: Bench, optimiser: Optimiser, loss: Callable[[], Tensor]) -> Callable[[], Tensor]:
    def step() -> Tensor:
        optimiser.forget()  # what a recording left that failed after them was never computed
        with bench.precision():
            value = loss()
        (value * bench.job.members).backward()  # a mean over the members, each of which is to learn as if alone
        optimiser.step()
        return value.detach()

    return Recorded(step, [bench.rng], bench.job.note) if bench.job.device.startswith("cuda") and bench.knobs.recordable else step


def _scored(bench: Bench, score: Callable[[], Tensor], course: Course) -> float:
    with torch.no_grad(), bench.precision():
        value = _number(bench, score().item(), course.step)
    course.note(value)
    return value


def _number(bench: Bench, value: float, step: int, what: str = "loss is") -> float:
    if not math.isfinite(value):
        share = bench.job.rate_share
        slowed = f", even with 1/{1 / share:.0f} of its learning rate" if share < 1 else ""
        advice = "choose a smaller learning rate, float32 as precision, or another method"
        raise DivergedError(f"the training went astray{slowed}: after {step} steps its {what} {value}; {advice}")
    return value


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What a denoiser makes of the planes that it learns from, or of others."""

    denoiser: Callable[[Planes], Planes]
    noisy: Planes

    def __call__(self, planes: Planes | None = None) -> Planes:
        """Clean planes."""
        return self.denoiser(self.noisy if planes is None else planes)

    @property
    def members(self) -> Sequence[Callable[[Planes], Planes]]:
        """The denoiser of each network trained side by side; empty if there is but one."""
        return getattr(self.denoiser, "members", ())
