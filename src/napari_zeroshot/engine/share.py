"""A share of a run: some of its planes, or the training that they need, done wherever the image can be read, with the pixels of the whole run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine import intensity
from napari_zeroshot.engine.axes import Axes, Index
from napari_zeroshot.engine.method import Job, Planes, Progress, never
from napari_zeroshot.engine.order import Order
from napari_zeroshot.engine.plan import TRAINING_PIXELS, checked_axes
from napari_zeroshot.engine.region import cut
from napari_zeroshot.engine.result import Result
from napari_zeroshot.engine.run import denoise_steps
from napari_zeroshot.engine.so_far import OnDemand
from napari_zeroshot.engine.trained import PLAIN, Lesson, Trained, gaussian_of, of_result, rebuilt, sigma_of
from napari_zeroshot.engine.weights import packed, unpacked

if TYPE_CHECKING:
    from napari_zeroshot.engine.cautions import Caution
    from napari_zeroshot.engine.trained import State

PIXELS = 2**22
"""Of the planes of a share that a trained network is only applied to: small planes go together, so that sending them costs little beside the work."""
FILTERED_PIXELS = 2 * TRAINING_PIXELS
"""Of the planes of a filter's share, which reads as many as `TRAINING_PIXELS` again to choose its settings."""


@dataclass(frozen=True, eq=False)
class Share:
    """What is done at once, by one process.

    Parameters
    ----------
    planes
        To be denoised; if it is a training alone, those that it is for.
    learn_only
        Whether it is a training alone.
    keep
        Whether what was learned is wanted.
    after
        The share that trains the network for this one, or the one that this one's goes on from.
    """

    planes: Sequence[Index]
    learn_only: bool = False
    keep: bool = False
    after: Share | None = field(default=None, repr=False)

    def alone(self) -> Share:
        """The same without what goes before it."""
        return replace(self, after=None)


@dataclass(frozen=True, eq=False)
class Brought:
    """What was learned from a channel, as it travels between programs.

    Parameters
    ----------
    channel, levels, middle
        As `Lesson` has them.
    weights
        The network as the content of a safetensors file, see `weights.packed`; None where none was trained.
    sigma
        Of the Gaussian that the method took instead, in pixels; None where it took none.
    """

    channel: int
    levels: intensity.Scale
    middle: Planes
    weights: bytes | None
    sigma: float | None

    def lesson(self) -> Lesson:
        """The same for a `Result`, from which networks are saved and used again."""
        learned = _Carried(self.weights) if self.weights is not None else gaussian_of(self.sigma)  # type: ignore[arg-type]  # one of both is there
        return Lesson(self.channel, self.levels, self.middle, learned)


@dataclass(frozen=True, eq=False)
class _Carried:
    """Weights in the place of the denoiser that has them."""

    weights: bytes

    def __call__(self, planes: Planes) -> Planes:
        raise NotImplementedError("weights from elsewhere denoise nothing before they are given to denoise_steps as `trained`")

    def states(self) -> Sequence[State]:
        return unpacked(self.weights).networks[0].states


@dataclass(frozen=True, eq=False)
class Done:
    """What comes of a share.

    Parameters
    ----------
    planes, sums
        Clean planes as they lie in the image, and the sums of the noisy ones, see `fingerprint`.
    brought
        What was learned, where another share or the result needs it.
    losses, scores, notes, cautions
        As `Result` has them, of the share's own run; `notes` without the cautions.
    """

    planes: Mapping[Index, NDArray[Any]]
    sums: Mapping[Index, bytes]
    brought: Brought | None
    losses: Sequence[tuple[int, float]]
    scores: Sequence[tuple[int, float]]
    notes: Sequence[str]
    cautions: Sequence[Caution] = ()


def shares(order: Order, groups: Sequence[Sequence[Index]], done: set[Index]) -> list[Share]:
    """The work on the groups of a run but for the planes that are done; each share comes after the one that it needs."""
    if order.stack == "warm":
        chains = [_chain(channel, done) for channel in _by_channel(order, groups)]
        return [share for row in zip_longest(*chains) for share in row if share is not None]
    missing = [planes for group in groups if (planes := [index for index in group if index not in done])]
    if order.stack == "plane":
        last = {order.axes.channel_of(planes[0]): number for number, planes in enumerate(missing)}
        return [Share(planes, keep=number in last.values()) for number, planes in enumerate(missing)]
    if not order.method.trains:
        return [Share(part) for planes in missing for part in _parts(order.axes, planes, FILTERED_PIXELS)]
    trainings = [Share(planes, learn_only=len(planes) > 1, keep=True) for planes in missing]
    rest = [Share(part, after=training) for training in trainings if training.learn_only for part in _parts(order.axes, training.planes, PIXELS)]
    return trainings + rest


def _by_channel(order: Order, groups: Sequence[Sequence[Index]]) -> list[list[Index]]:
    channels: dict[int, list[Index]] = {}
    for group in groups:
        channels.setdefault(order.axes.channel_of(group[0]), []).extend(group)
    return list(channels.values())


def _chain(planes: Sequence[Index], done: set[Index]) -> list[Share]:
    chain: list[Share] = []
    for index in planes:
        chain.append(Share([index], learn_only=index in done, keep=True, after=chain[-1] if chain else None))
    return chain


def _parts(axes: Axes, planes: Sequence[Index], pixels: int) -> list[Sequence[Index]]:
    many = max(1, pixels // (axes.height * axes.width * axes.size("S")))
    return [planes[first : first + many] for first in range(0, len(planes), many)]


def options_of(order: Order, looked_at: Collection[Index] = ()) -> dict[str, Any]:
    """What `denoise_steps` is told of an order, everything decided, so that each machine does the same; and by which planes the whole is judged."""
    return {
        "looked_at": list(looked_at),
        "method": order.method.name,
        "axes": order.axes.letters,
        "preset": order.preset,
        "device": order.device.name,
        "seed": order.seed,
        "threads": order.threads,
        "stack": order.stack,
        "dtype": "same" if order.dtype == order.image.dtype else "float32",
        "nan": "fill" if order.fill_nan else "refuse",
        "tile": order.tile,
        "levels": order.levels,
        "region": order.source.get("region"),
        **order.params.to_dict(),
    }


def share_steps(
    share: Share, image: Any, options: Mapping[str, Any], before: Brought | None = None, cancelled: Callable[[], bool] = never
) -> Generator[Progress, None, Done]:
    """Do a share step by step: a generator of `Progress` of the whole run, as it would be if all other planes were finished.

    Parameters
    ----------
    image
        The whole image.
    options
        Of `options_of`; the share with a plane that is looked at tells the cautions.
    before
        What was learned by the share that this one comes after.
    """
    whole = checked_axes(image, options["axes"])
    axes = Axes(whole.letters, cut(image, whole, options["region"] or {}).shape)
    desk = _Desk(axes, np.dtype(image.dtype) if options["dtype"] == "same" else np.dtype(np.float32), share.planes)
    run = {name: value for name, value in options.items() if name != "looked_at"}
    cautions = not share.learn_only and not set(options["looked_at"]).isdisjoint(share.planes)
    steps = denoise_steps(
        image, **_with(before, run), cancelled=cancelled, out=None if share.learn_only else desk, on_demand=share.learn_only, cautions=cautions,
        ledger=desk, lessen=False,  # type: ignore[arg-type]  # a plain one, as the whole run decides on doing less at once
    )  # fmt: skip
    result = yield from steps
    sums = result.image.run.reading.sums if isinstance(result.image, OnDemand) else desk.sums
    brought, notes = _brought(result) if share.keep and result.complete else None, result.notes[: len(result.notes) - len(result.cautions)]
    return Done(desk.planes, sums, brought, result.losses, result.scores, notes, result.cautions)


def _with(before: Brought | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a share that comes after another."""
    if before is None:
        return dict(options)
    if options["stack"] == "warm":
        return {**options, "start": _network(before, options)}
    run = {name: options[name] for name in ("axes", "device", "seed", "threads", "stack", "dtype", "nan", "tile", "region")}
    if before.weights is None:
        return {**run, "method": PLAIN, "sigma": before.sigma, "levels": before.levels}
    precision = {"precision": options["precision"]} if "precision" in options else {}
    return {**run, "method": options["method"], "trained": unpacked(before.weights), "levels": before.levels, **precision}


def _network(before: Brought, options: Mapping[str, Any]) -> Callable[[Planes], Planes]:
    if before.weights is None:
        return _no_network
    trained = unpacked(before.weights)
    return rebuilt(trained, 0, trained.params, Job(options["seed"], options["device"], tile=options["tile"]))


def _no_network(planes: Planes) -> Planes:
    """What a run goes on from if the one before took a filter: begins anew, as it does from the filter itself."""
    return planes


def _brought(result: Result) -> Brought | None:
    if not result.lessons:
        return None
    (lesson,) = result.lessons
    known = (lesson.channel, lesson.levels, lesson.middle)
    if hasattr(lesson.denoiser, "states"):
        return Brought(*known, packed(_only(of_result(result))), None)
    return Brought(*known, None, sigma_of(lesson.denoiser))


def _only(trained: Trained) -> Trained:
    """A channel's network as one that is for any."""
    return replace(trained, networks=(replace(trained.networks[0], channel=0),))


class _Desk:
    """The planes of a share as a run's `out` and ledger: to the run, all others are finished."""

    def __init__(self, axes: Axes, dtype: np.dtype[Any], planes: Sequence[Index]) -> None:
        self.shape, self.dtype = axes.shape, dtype
        self.planes: dict[Index, NDArray[Any]] = {}
        self.sums: dict[Index, bytes] = {}
        mine = set(planes)
        self._others = {index: b"" for index in axes.planes() if index not in mine}

    def __setitem__(self, place: tuple[int | slice, ...], pixels: NDArray[Any]) -> None:
        self.planes[tuple(None if isinstance(at, slice) else at for at in place)] = np.ascontiguousarray(pixels)

    def finished(self) -> Mapping[Index, bytes]:
        """The other planes."""
        return self._others

    def finish(self, index: Index, noisy: bytes) -> None:
        """Keep the sum of the noisy plane."""
        self.sums[index] = noisy
