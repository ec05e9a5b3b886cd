"""What a run has learned, to be used on other images: one network for each channel, with what it was trained on."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_zeroshot.engine.blur import Blur
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.intensity import Scale
from napari_zeroshot.engine.method import Denoiser, Job, Method, Planes, finished
from napari_zeroshot.engine.neighbours import OfMiddle, count_of
from napari_zeroshot.engine.noise_level import noise_deviation
from napari_zeroshot.engine.params import Params
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.engine.result import Result

if TYPE_CHECKING:
    from torch import Tensor

State = Mapping[str, "Tensor"]
"""A network's weights by name, as torch's ``state_dict`` gives them."""
RANGE_FACTOR, NOISE_FACTOR = 2.0, 1.5
"""A range of grey levels or a noise that differs by more than this is unlike what was learnt from."""
BLANK = 64
"""Pixels along Y and X of the plane that a method is given when a network is only built."""
PLAIN = "gaussian"
"""The filter that a method may take where it finds no use for what it has learned."""
NONE_LEFT = "there is no network to use again: a filter was used in its place, a Gaussian, which was expected to do better"


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a run has learned from a channel.

    Parameters
    ----------
    channel
        Of the image, counted from 0.
    levels
        The grey levels that were 0 and 1 to the network.
    middle
        A piece of what was learnt from, as `parts.middle_of` gives it.
    denoiser
        What was learned; of a stack with a network for each plane, from the last one.
    """

    channel: int
    levels: Scale
    middle: Planes
    denoiser: Denoiser

    def learned(self) -> Learned:
        """What there is to save of it.

        Raises
        ------
        ParamError
            If it holds neither a network nor the Gaussian that was taken instead.
        """
        states, sigma = getattr(self.denoiser, "states", tuple), sigma_of(self.denoiser)
        copied = tuple({name: part.detach().to("cpu", copy=True) for name, part in state.items()} for state in states())
        if not copied and sigma is None:
            raise ParamError("there is no network to use again: the run was ended before one had learnt enough")
        return Learned(self.channel, self.levels, noise_deviation(self.middle), copied, sigma)


@dataclass(frozen=True, eq=False)
class Learned:
    """The networks of one channel, or the Gaussian that was taken in their place, and what they were trained on.

    Parameters
    ----------
    channel
        Of the image, counted from 0.
    levels
        The grey levels that were 0 and 1 to the network.
    noise
        The noise's standard deviation, on the scale of `levels`.
    states
        The weights of each network, in the order in which the method trains them: most have one. None where a Gaussian was taken.
    sigma
        Of that Gaussian, in pixels.
    """

    channel: int
    levels: Scale
    noise: float
    states: Sequence[State]
    sigma: float | None = None

    def unlike(self, levels: Scale, noise: float) -> tuple[str, ...]:
        """How an image of these levels and this noise differs from what was learnt from, in sentences; nothing if it does not."""
        span, learnt_span = levels.high - levels.low, self.levels.high - self.levels.low
        told = []
        if not 1 / RANGE_FACTOR <= span / learnt_span <= RANGE_FACTOR or abs(levels.low - self.levels.low) > learnt_span / RANGE_FACTOR:
            told.append(f"Its grey levels run from {levels.low:g} to {levels.high:g}; the network learnt from {self.levels.low:g} to {self.levels.high:g}.")
        if not 1 / NOISE_FACTOR <= noise * span / max(self.noise * learnt_span, math.ulp(0.0)) <= NOISE_FACTOR:
            told.append(f"Its noise is {noise * span:.3g} grey levels; the network learnt to remove {self.noise * learnt_span:.3g}.")
        return tuple(told)


@dataclass(frozen=True, eq=False)
class Trained:
    """The networks of one run.

    Parameters
    ----------
    samples
        Jointly denoised channels of a plane: 1, or 3 of a colour image.
    networks
        One for each channel.
    name
        Of the image that they learnt from.
    """

    method: Method
    preset: str
    params: Params
    samples: int
    networks: tuple[Learned, ...]
    name: str = ""

    def of_channel(self, channel: int) -> Learned:
        """The network of a channel; a single network is for any."""
        return self.networks[0] if len(self.networks) == 1 else self.networks[channel]

    def check(self, channels: int, samples: int) -> None:
        """Raise `ParamError` if the networks are not for an image of so many channels and colours."""
        if samples != self.samples:
            raise ParamError(f"the network is for {_kind(self.samples)} images, and this one is {_kind(samples)}; train one on such an image")
        if len(self.networks) not in (1, channels):
            raise ParamError(f"there are networks for {len(self.networks)} channels, and the image has {channels}; give an image with as many, or train anew")

    def told(self) -> dict[str, Any]:
        """Which networks these are, as plain values for a provenance record: the image that they learnt from, and a sum of their weights."""
        weights = hashlib.blake2b(digest_size=16)
        for one in self.networks:
            weights.update(b"" if one.sigma is None else repr(one.sigma).encode())
            for state in one.states:
                for name in sorted(state):
                    weights.update(state[name].detach().cpu().float().contiguous().numpy().tobytes())
        return {"name": self.name, "weights": weights.hexdigest()}


def of_result(result: Result) -> Trained:
    """What a result of this session has learned.

    Raises
    ------
    ParamError
        If nothing was trained for it.
    """
    method = get_method(result.method)
    if not result.lessons:
        raise ParamError(f"there is no network to use again: {method.title} trains none, or none was trained for this result")
    networks = tuple(lesson.learned() for lesson in result.lessons)
    if not any(one.states for one in networks):
        raise ParamError(NONE_LEFT)
    trained = Trained(method, result.preset, result.params, result.lessons[0].middle.shape[1], networks, str(result.source.get("name", "")))
    if not result.complete:
        for channel in range(len(networks)):
            rebuilt(trained, channel, result.params, Job())  # refuses what was cancelled between two networks
    return trained


def _kind(samples: int) -> str:
    return "grey" if samples == 1 else "colour"


def rebuilt(trained: Trained, channel: int, params: Params, job: Job) -> Denoiser:
    """The denoiser of a channel as its training left it, or the Gaussian that was taken instead; nothing is trained.

    The method is run as ever, but for its steps: `Job.trained` gives its networks the weights that they had in the end.

    Raises
    ------
    ParamError
        If the weights are not those of the method's networks.
    """
    learned, count = trained.of_channel(channel), count_of(params)
    if learned.sigma is not None:
        return OfMiddle(gaussian_of(learned.sigma), count)
    states = iter(learned.states)
    steps = trained.method.fit(_blank(trained.samples * (2 * count + 1)), params, Job(job.seed, job.device, tile=job.tile, trained=states))
    denoiser = finished(steps)
    if next(states, None) is not None:
        raise ParamError(f"there are more networks than {trained.method.title} has with these settings")
    return denoiser


def sigma_of(denoiser: Denoiser) -> float | None:
    """The width of the Gaussian that a method took in a network's place, in pixels; None where it is another denoiser."""
    plain = getattr(denoiser, "denoiser", denoiser)  # it may be made to take planes that are seen among others
    blur = getattr(plain, "plane_filter", None)
    return blur.sigma if isinstance(blur, Blur) else None


def gaussian_of(sigma: float) -> Denoiser:
    """The Gaussian of that width."""
    plain = get_method(PLAIN)
    return finished(plain.fit(_blank(1), plain.settings(changes={"sigma": sigma}), Job()))


def _blank(channels: int) -> Planes:
    return np.broadcast_to(np.linspace(0, 1, BLANK, dtype=np.float32), (1, channels, BLANK, BLANK)).copy()
