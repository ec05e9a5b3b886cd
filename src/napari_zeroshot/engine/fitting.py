"""The one optimiser loop, and the denoiser it leaves behind."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from copy import deepcopy
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from napari_zeroshot.engine.device import random_numbers
from napari_zeroshot.engine.errors import DivergedError
from napari_zeroshot.engine.method import Job, Planes, Progress
from napari_zeroshot.engine.networks import initialise
from napari_zeroshot.engine.tiling import apply_in_tiles
from napari_zeroshot.engine.training import Schedule

REPORTS = 100
"""A run reports this often, and the loss is read then and only then; slow runs report more often."""
LONGEST_SILENCE = 0.5
"""Seconds after which a report is due in any case."""
AVERAGED_FROM = 0.5
"""The share of the steps after which weights count into their running average."""


@dataclass(frozen=True, eq=False)
class NetworkDenoiser:
    """What a training leaves behind: call it on planes of shape (N, C, Y, X).

    Parameters
    ----------
    network
        The trained network.
    infer
        Noisy to clean tensor, by means of the network.
    device, tile
        Where to compute, and the largest side of a part in pixels.
    halo, multiple
        What exact tiles need, see `tiling`.
    first
        The denoiser of an earlier stage, on whose answers this one was trained.
    """

    network: nn.Module
    infer: Callable[[Tensor], Tensor]
    device: str
    tile: int
    halo: int
    multiple: int = 1
    first: NetworkDenoiser | None = None

    def __call__(self, planes: Planes) -> Planes:
        """Clean planes of the same shape, in tiles."""
        return apply_in_tiles(self.infer, planes, self.device, tile=self.tile, halo=self.halo, multiple=self.multiple)


@dataclass(frozen=True, eq=False)
class Bench:
    """What every training needs at hand: the planes on their device, random numbers and the clock.

    Parameters
    ----------
    planes
        Shape (N, C, Y, X), values about 0 to 1.
    total
        Steps in all, over every stage.
    rng
        On the computing device, for masks and noise; `places`, on the CPU, for the places of crops and initial weights.
    """

    planes: Tensor
    job: Job
    total: int
    rng: torch.Generator
    places: torch.Generator
    started: float = field(default_factory=time.perf_counter)

    @classmethod
    def set_up(cls, planes: Planes, job: Job, total: int) -> Bench:
        """Move planes to the device and start the clock and the random numbers."""
        on_device = torch.from_numpy(planes).to(job.device)
        return cls(on_device, job, total, random_numbers(job.seed, job.device), random_numbers(job.seed, "cpu"))

    def network(self, new: nn.Module, known: nn.Module | None = None) -> nn.Module:
        """A network on the device, channels last (a third faster on CPUs): a copy of `known` to go on from, or `new` with random weights."""
        network = deepcopy(known) if known is not None else initialise(new, self.places)
        return network.to(self.job.device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def adam(self, network: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
        """Adam on a network's weights."""
        fused = self.job.device.startswith(("cpu", "cuda"))
        return torch.optim.Adam(network.parameters(), lr=learning_rate, fused=fused)


class RunningAverage:
    """The running average of a network's weights late in a training: less swayed by the last crops than the last weights are."""

    def __init__(self, weights: list[Tensor], keep: float) -> None:
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
    optimiser: torch.optim.Optimizer,
    loss: Callable[[], Tensor],
    schedule: Schedule,
    denoiser: Callable[[Planes], Planes],
    *,
    stage: str,
    steps: int,
    done: int = 0,
    averaging: float = 0.0,
) -> Generator[Progress, None, None]:
    """Train a network, with a report at the first step, every hundredth of the way, and every half second.

    Parameters
    ----------
    loss
        Draws its own batch and gives a scalar.
    schedule
        How the optimiser's learning rate changes over this stage.
    denoiser
        What a report's snapshot calls.
    stage, steps, done
        Name and length of this stage, and the steps of the stages before it.
    averaging
        What the running average of the weights keeps at each step; 0 for none. The network has the average in the end, however the training ends.
    """
    average = RunningAverage([weights for group in optimiser.param_groups for weights in group["params"]], averaging)
    noisy = bench.planes.cpu().numpy()
    every = max(1, bench.total // REPORTS)
    told = -math.inf
    try:
        for step in range(1, steps + 1):
            if bench.job.cancelled():
                return
            value = _take_step(optimiser, loss, rate(schedule, (step - 1) / steps))
            if averaging and step > AVERAGED_FROM * steps:
                average.add()
            seconds = time.perf_counter() - bench.started
            if step % every == 0 or step == steps or seconds - told > LONGEST_SILENCE:
                told = seconds
                yield Progress(stage, done + step, bench.total, _finite(value, step), seconds, _snapshot(denoiser, noisy))
    finally:
        average.take_over()


def _take_step(optimiser: torch.optim.Optimizer, loss: Callable[[], Tensor], part_of_rate: float) -> Tensor:
    for group in optimiser.param_groups:
        group["lr"] = optimiser.defaults["lr"] * part_of_rate
    value = loss()
    optimiser.zero_grad(set_to_none=True)
    value.backward()
    optimiser.step()
    return value


def _finite(loss: Tensor, step: int) -> float:
    value = loss.item()
    if not math.isfinite(value):
        raise DivergedError(f"the training went astray: after {step} steps its loss is {value}; choose a smaller learning rate")
    return value


def _snapshot(denoiser: Callable[[Planes], Planes], noisy: Planes) -> Callable[..., Planes]:
    def snapshot(planes: Planes = noisy) -> Planes:
        return denoiser(planes)

    return snapshot


def rate(schedule: Schedule, part: float) -> float:
    """The share of the full learning rate after `part` (0 to 1) of the steps."""
    if schedule == "step":
        return 1.0 if part < 0.75 else 0.5
    if schedule == "cosine":
        return (1 + math.cos(math.pi * part)) / 2
    if schedule == "one-cycle":
        rise = 0.15
        return 0.04 + 0.96 * part / rise if part < rise else (1 + math.cos(math.pi * (part - rise) / (1 - rise))) / 2
    return 1.0
