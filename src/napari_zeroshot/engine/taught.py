"""What ZS-UNet learns from: pairs of the image's pixels, and the network's own answers with the image's noise put back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_zeroshot.engine.blur import Blur, best_sigma
from napari_zeroshot.engine.denoisers import NetworkDenoiser
from napari_zeroshot.engine.fitting import Bench
from napari_zeroshot.engine.neighbours import count_of, mirrored_around, own
from napari_zeroshot.engine.own_noise import LIKELY, OwnNoise
from napari_zeroshot.engine.parts import blocks
from napari_zeroshot.engine.sampling import Crops, brightness_around, cell_mean, diagonal_pair, lattices, one_and_others, turned_at_random

if TYPE_CHECKING:
    from napari_zeroshot.engine.networks import EvenUNet

MOST_ANSWERED = 2**20
"""Values of the planes whose answers are learnt from in the second half, at most."""
REFRESHES = 5
"""How often the answers learnt from are made anew."""
LEAST_NOISE = 1e-3
"""Of the range, so that no place without noise counts for everything."""


class Pairs:
    """Batches of pairs, a pixel and the mean of those beside it, the first of each with those of the planes before and after, and how much each pair counts.

    Parameters
    ----------
    bench, distance
        Whose planes are learnt from, and how far apart pixels of a pair are.
    noise
        None if it is not known; then all places count alike.
    diagonal
        Whether pairs are of diagonals, where the noise is known: they lie in the same place, where pixels beside one another teach a blur of half a pixel.
    """

    def __init__(self, bench: Bench, distance: int, noise: OwnNoise | None, *, diagonal: bool) -> None:
        height, width = (size // distance * distance for size in bench.planes.shape[-2:])
        views = lattices(bench.planes[..., :height, :width], distance)
        self._count = count_of(bench.knobs)
        middle = own(views, self._count)
        weights = torch.ones_like(middle)
        if noise is not None and bench.knobs.balance:  # type: ignore[attr-defined]
            weights = noise.deviation(brightness_around(middle, LIKELY)).clamp_min(LEAST_NOISE) ** -bench.knobs.balance  # type: ignore[attr-defined]
        self._bench, self._channels = bench, views.shape[1]
        self._noise = noise if diagonal else None
        self._crops = bench.crops(torch.cat((views, weights / weights.mean()), dim=1))

    def __call__(self) -> tuple[Tensor, Tensor, Tensor]:
        return self._drawn(turned_at_random(self._crops(), self._bench.places))

    @property
    def spared(self) -> bool:
        """Whether crops are held out."""
        return self._crops.spared

    def score(self, network: EvenUNet) -> Callable[[], Tensor]:
        """What tells how far pairs that are held out are from one another."""
        first, second, weights = self._drawn(self._crops.held_out())
        return lambda: network.apart(first, second, weights)

    def _drawn(self, batch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        planes = batch[:, : self._channels]
        first, second = one_and_others(planes, self._bench.rng) if self._noise is None else self._diagonals(planes, self._noise)
        return first, own(second, self._count), cell_mean(batch[:, self._channels :])

    def _diagonals(self, planes: Tensor, noise: OwnNoise) -> tuple[Tensor, Tensor]:
        """The means of both diagonals of each cell, the first as noisy as a pixel: half the noise is left in a mean of two."""
        first, second = diagonal_pair(planes)
        return first + (noise.on(first, self._bench.rng) - first) / 2**0.5, second


class Answers:
    """Batches of the planes under a blur, then of the network's own answers: with noise and without. The answers are made anew as the network learns."""

    def __init__(self, bench: Bench, noise: OwnNoise, denoiser: NetworkDenoiser, batches: int) -> None:
        planes = bench.planes.cpu().numpy()
        parts = [part for plane in planes for part in blocks(plane, MOST_ANSWERED)]
        few = max(1, MOST_ANSWERED // parts[0].size)
        self._noisy = np.stack([parts[int(place)] for place in np.linspace(0, len(parts) - 1, min(few, len(parts))).round()])
        self._bench, self._noise, self._denoiser = bench, noise, denoiser
        self._fresh, self._count = max(1, batches // REFRESHES), count_of(bench.knobs)
        self._left = 0
        self._denoised = self._blurred

    def __call__(self) -> tuple[Tensor, Tensor]:
        """The planes with noise, and those in the middle of them without."""
        if self._left == 0:
            self._crops, self._left = self._answered(), self._fresh
        self._left -= 1
        clean = turned_at_random(self._crops(), self._bench.places)
        return self._noise.on(clean, self._bench.rng), own(clean, self._count)

    def _answered(self) -> Crops:
        knobs = self._bench.knobs
        answers, self._denoised = self._denoised(), self._own_answers
        return Crops(answers, knobs.crop // 2, knobs.crops, self._bench.places, batches=self._fresh)

    def _blurred(self) -> Tensor:
        """The planes under a plain blur: pairs are half-size images, and what the network makes of full-size structure it has yet to learn."""
        middle = own(self._noisy, self._count)
        return torch.from_numpy(Blur(best_sigma(middle))(self._noisy)).to(self._bench.job.device)

    def _own_answers(self) -> Tensor:
        around = (mirrored_around(self._noisy, place, self._count) for place in range(2 * self._count + 1))
        return torch.from_numpy(np.concatenate([self._denoiser(seen) for seen in around], axis=1)).to(self._bench.job.device)


class Lessons:
    """The loss of one step after another: of pairs, at each distance in turn; late in the training every other one of answers.

    Parameters
    ----------
    answers
        None to learn from pairs only.
    until
        The step from which on answers are learnt from.
    """

    def __init__(self, network: EvenUNet, pairs: Sequence[Pairs], answers: Answers | None, until: float) -> None:
        self._network, self._pairs, self._answers, self._until = network, pairs, answers, until
        self.taken = 0

    def score(self) -> Callable[[], Tensor] | None:
        """What tells how far held-out pairs are from one another; None if none are held out."""
        return self._pairs[0].score(self._network) if self._pairs[0].spared else None

    def __call__(self) -> Tensor:
        self.taken += 1
        if self._answers is not None and self.taken % 2 and self.taken > self._until:
            return self._of_answers(*self._answers())
        return self._of_pairs(*self._pairs[self.taken // 2 % len(self._pairs)]())

    def _of_pairs(self, first: Tensor, second: Tensor, weights: Tensor) -> Tensor:
        value = self._network.apart(first, second, weights)
        self._told = value.detach()
        return value

    def _of_answers(self, dirty: Tensor, clean: Tensor) -> Tensor:
        value = self._network.apart(dirty, clean)
        return value + (self._told - value).detach()  # told is what pairs last had: one curve of one thing
