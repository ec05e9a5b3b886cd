"""Image in, image out: cuts it into planes, trains, denoises and puts it back together."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine import fingerprint, intensity, memory
from napari_zeroshot.engine import threads as cpu_threads
from napari_zeroshot.engine.axes import Axes, Index, letters_of, parse
from napari_zeroshot.engine.device import Device, choose, failures_explained, memory_given_back
from napari_zeroshot.engine.errors import ImageError, ParamError
from napari_zeroshot.engine.method import Denoiser, Job, Method, Planes, Progress, Result, finished, never
from napari_zeroshot.engine.noise_level import noise_deviation
from napari_zeroshot.engine.params import Params
from napari_zeroshot.engine.part import Region, cut
from napari_zeroshot.engine.parts import PART, Window, blocks, middle_of, widened, windows
from napari_zeroshot.engine.precision import best
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.engine.trained import Lesson, Trained, rebuilt
from napari_zeroshot.engine.weights import trained_of

Stack = Literal["shared", "plane", "warm"]
TRAINING_PIXELS = 2**24
"""A network learns from evenly spaced planes, or blocks of a larger plane, of at most this many pixels together: more than it gets to see."""
TOGETHER = {"cpu": 1, "cuda": 16, "mps": 16}
"""So many planes at most have their networks trained side by side, for ``stack="plane"``. On CPUs that gains little, see docs/benchmarks.md."""
STEP_PIXELS = 2**18
"""A training step of all of them sees so many pixels at most: with more, side by side is no quicker, and takes memory."""
PATIENCE = 5.0
"""Seconds for which planes are still denoised after a cancelled training; at least one is."""

UNLIKE = "Look whether it does well here, or train on this image."
"""What to do where an image is unlike the one that a network learnt from."""


class Ledger(Protocol):
    """Which planes of a result are finished: it lets a run go on where an earlier one was interrupted."""

    def finished(self) -> Mapping[Index, bytes]:
        """The planes that `out` holds already, each with the sum of the noisy plane it was made from (see `fingerprint`)."""

    def finish(self, index: Index, noisy: bytes) -> None:
        """Note that a plane is in `out` now, and the sum of the noisy one."""


def denoise(
    image: Any,
    method: str = "auto",
    *,
    axes: str | None = None,
    preset: str | None = None,
    device: str = "auto",
    seed: int = 0,
    **options: Any,
) -> Result:
    """The denoised image, with its provenance.

    Parameters
    ----------
    image, method, axes, preset, device, seed, options
        As for `denoise_steps`, which takes single parameters of the method too.

    Returns
    -------
    Result
        ``result.image`` has the input's shape, axes, type and intensity scale.

    Examples
    --------
    >>> result = denoise(stack, "fm2s", axes="TCYX", preset="confocal", seed=1)  # doctest: +SKIP
    >>> result.image.shape == stack.shape  # doctest: +SKIP
    True
    """
    steps = denoise_steps(image, method, axes=axes, preset=preset, device=device, seed=seed, **options)
    return finished(steps)


def denoise_steps(
    image: Any,
    method: str = "auto",
    *,
    axes: str | None = None,
    preset: str | None = None,
    device: str = "auto",
    seed: int = 0,
    threads: int | None = None,
    stack: Stack = "shared",
    dtype: Literal["same", "float32"] = "same",
    nan: Literal["refuse", "fill"] = "refuse",
    memory: float | None = None,
    tile: int | None = None,
    out: Any = None,
    cancelled: Callable[[], bool] = never,
    source: Mapping[str, Any] | None = None,
    start: Denoiser | None = None,
    region: Region | None = None,
    levels: intensity.Scale | None = None,
    trained: Trained | Result | str | Path | None = None,
    ledger: Ledger | None = None,
    on_demand: bool = False,
    **params: Any,
) -> Generator[Progress, None, Result]:
    """Denoise step by step: a generator of `Progress` that returns a `Result`.

    What is wrong with the arguments is raised by this call; nothing is computed before the first ``next()``.

    Parameters
    ----------
    image
        Any array that can be sliced (numpy, dask, zarr, xarray): whole numbers or floats, 2D or more. Read plane by plane.
    method
        A name from `all_methods`.
    axes
        A letter for each dimension out of T, Z, C, Y, X, S, such as ``TCZYX``. May be left out for 2D images and for xarray images whose dimensions say it.
    preset
        A named setting of the method; several joined by ``+``.
    device
        ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    seed
        Decides every random number; on the CPU the same seed, with as many threads, gives the same pixels.
    threads
        How many CPU threads train; PyTorch's own number when left out. Another number gives slightly different pixels.
    stack
        ``shared``: one network for each channel, learnt from all its planes. ``plane``: a new network
        for every plane. ``warm``: every plane goes on from the last one's network.
    dtype
        ``same`` as the input (rounded and clipped), or ``float32``; grey levels are the input's in both.
    nan
        ``refuse`` an image with NaN or infinity, or ``fill`` the gaps for the work and give them back as NaN.
    memory
        Gigabytes that the run may take beside the image and its result, on the card if it computes on one; bounds the size of
        tiles, and does not change the result. Left out, half of what is free is the measure. An estimate with some reserve, not a guard.
    tile
        Largest side of an image part that goes through the network at once, 16 pixels or more, instead of what `memory` allows.
    out
        Array of the result's shape and type that takes it; made when left out.
    cancelled
        Asked at every step. Once true, training ends and the best so far is returned, with ``complete=False``: planes
        that the network reaches within a few seconds are denoised, the others are as they were.
    source
        What to note in the provenance of where the image comes from, such as its name.
    start
        The `Result.denoiser` of an earlier run of the same method, to go on from instead of from new weights, as previews do.
        The provenance alone cannot make such a run again.
    region
        The part to denoise: first and end index along some axes, such as ``{"T": (3, 5), "Y": (0, 256)}``. The result has its shape.
        Grey levels are scaled as for the whole planes that it lies in, so that a part looks as it does in a run of the whole.
    levels
        The `Result.levels` of an earlier run on the same planes, to save measuring them again.
    trained
        Networks to use as they are, so that nothing is trained: an earlier `Result`, or a file that `save_network` has written. They have
        learnt with the method, the preset and the parameters of then, which hold again. Each channel has the network of its own
        number, or all have the only one. `Result.notes` say where the image is unlike the one that they learnt from.
    ledger
        Knows which planes `out` holds already; only the others are denoised, by networks that are trained again from the same seed where they
        are needed. Planes that are read a second time must be what they were.
    on_demand
        Train the shared networks only; the result's image is `OnDemand`, see `lazy`.
    **params
        Single parameters of the method, on top of the preset.

    Raises
    ------
    ParamError, ImageError, DeviceError
        If a name is unknown, a value out of bounds, the image not an image, or the device not there.
    """
    known = trained_of(trained) if trained is not None else None
    if known is not None:
        preset, params = _as_learnt(known, get_method(method), preset, params)
    keep_dtype = _one_of("dtype", dtype, Literal["same", "float32"]) == "same"
    whole = checked_axes(image, axes)
    part = cut(image, whole, region or {})
    checked = Axes(whole.letters, part.shape)
    if known is not None:
        known.check(checked.size("C"), checked.size("S"))
    plan = planned(method, checked, preset=preset, device=device, threads=threads, stack=stack, memory=memory, tile=tile, params=params)
    order = Order(
        image=part if region else image,
        whole=cut(image, whole, {letter: ends for letter, ends in (region or {}).items() if letter not in "YX"}),
        axes=checked,
        method=plan.method,
        params=plan.params,
        preset=preset or "default",
        device=plan.device,
        seed=_whole("seed", seed, 0, 2**63 - 1),
        threads=plan.threads,
        stack=stack,
        together=plan.together,
        dtype=np.dtype(image.dtype) if keep_dtype else np.dtype(np.float32),
        fill_nan=_one_of("nan", nan, Literal["refuse", "fill"]) == "fill",
        tile=plan.tile,
        cancelled=cancelled,
        start=start,
        levels=levels,
        trained=known,
        source={"shape": list(image.shape), "dtype": str(np.dtype(image.dtype)), **_told(region), **(source or {})},
    )
    _check_out(out, order)
    run = Run(order, out, ledger)
    return run.learn() if on_demand else run.steps()


@dataclass(frozen=True)
class Plan:
    """How a method is run on an image of some form; under another plan pixels come out a little different."""

    method: Method
    params: Params
    device: Device
    threads: int | None
    together: int
    tile: int


def planned(
    method: str,
    axes: Axes,
    *,
    preset: str | None,
    device: str,
    threads: int | None,
    stack: Stack,
    memory: float | None,
    tile: int | None,
    params: Mapping[str, Any],
) -> Plan:
    """The plan of `denoise_steps` for an image of these axes; the arguments are checked as there."""
    chosen = get_method(method)
    place = choose(device) if chosen.trains else Device("cpu", "CPU (this method uses no GPU)")
    settings = _with_precision(chosen.settings(preset, params), place.name)
    checked = big_enough(axes, chosen)
    together = _together(settings, checked, place) if _one_of("stack", stack, Stack) == "plane" else 1
    return Plan(
        method=chosen,
        params=settings,
        device=place,
        threads=_whole("threads", threads, 1, cpu_threads.MOST) if threads is not None and chosen.trains else None,
        together=together,
        tile=_tile(tile, memory, chosen, settings, checked, place, together),
    )


def _as_learnt(known: Trained, method: Method, preset: str | None, params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The preset and parameters that networks were trained with; none can be changed now. How to compute is this machine's affair."""
    if method != known.method:
        raise ParamError(f"the network is one of {known.method.name}, not of {method.name}; name that method")
    if preset not in (None, known.preset) or {name: value for name, value in params.items() if getattr(known.params, name, None) != value}:
        raise ParamError("the network is trained already, so that preset and parameters are as they were; leave them out, or train anew")
    return known.preset, known.params.to_dict() | ({"precision": "auto"} if hasattr(known.params, "precision") else {})


def _with_precision(params: Params, device: str) -> Params:
    """The parameters with the precision decided, so that the provenance says which it was."""
    return params.replace(precision=best(device)) if getattr(params, "precision", None) == "auto" else params


def _told(region: Region | None) -> dict[str, Any]:
    return {"region": {letter: [int(end) for end in ends] for letter, ends in region.items()}} if region else {}


def checked_axes(image: Any, letters: str | None) -> Axes:
    """The axes of an image that can be denoised.

    Raises
    ------
    ImageError
        If it is no array of grey levels, or the letters do not fit it.
    """
    if not hasattr(image, "shape") or not hasattr(image, "dtype"):
        raise ImageError(f"a {type(image).__name__} is not an image; give an array, such as numpy.asarray(...) of it")
    intensity.check_type(np.dtype(image.dtype))
    axes = parse(letters or letters_of(image), image.shape)
    if axes.size("S") not in (1, 3):
        raise ImageError(
            f"S holds {axes.size('S')} samples, red, green and blue are 3; leave a see-through channel (alpha) out, and name other channels C, not S"
        )
    return axes


def big_enough(axes: Axes, method: Method) -> Axes:
    """The axes as they are.

    Raises
    ------
    ImageError
        If the planes are too small for a method.
    """
    if min(axes.height, axes.width) < method.smallest:
        raise ImageError(
            f"a plane of {axes.height} x {axes.width} pixels is too small for {method.title}, which needs at least {method.smallest} x {method.smallest}"
        )
    return axes


def _one_of(name: str, value: str, allowed: Any) -> Any:
    if value not in get_args(allowed):
        raise ParamError(f"{name} = {value!r} is not allowed; it takes {', '.join(get_args(allowed))}")
    return value


def _whole(name: str, value: int, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
        raise ParamError(f"{name} = {value!r} is not allowed; it takes a whole number from {low} to {high}")
    return int(value)


def _together(params: Params, axes: Axes, device: Device) -> int:
    """How many planes have their networks trained side by side. Not a matter of free memory: with it, FM2S's noise would change."""
    if not getattr(params, "side_by_side", False):
        return 1
    plane = axes.height * axes.width
    return max(1, min(TOGETHER[device.name.partition(":")[0]], TRAINING_PIXELS // (plane * axes.size("S")), STEP_PIXELS // memory.seen(params, plane)))


def _tile(tile: int | None, bound: float | None, method: Method, params: Params, axes: Axes, device: Device, together: int) -> int:
    if tile is not None:
        return _whole("tile", tile, memory.SMALLEST_TILE, 2**31)
    needed = memory.need(method, params, axes, TRAINING_PIXELS, together)
    return memory.tile_side(needed, bound, device.name, f"{method.title} on planes of {axes.height} x {axes.width}")


def _check_out(out: Any, order: Order) -> None:
    if out is not None and (tuple(out.shape), np.dtype(out.dtype)) != (order.axes.shape, order.dtype):
        raise ParamError(f"out is an array of {out.dtype} {tuple(out.shape)}; the result needs {order.dtype} {order.axes.shape}")


@dataclass(frozen=True)
class Order:
    """Everything decided and checked, nothing computed yet."""

    image: Any
    whole: Any
    axes: Axes
    method: Method
    params: Params
    preset: str
    device: Device
    seed: int
    threads: int | None
    stack: Stack
    together: int
    dtype: np.dtype[Any]
    fill_nan: bool
    tile: int
    cancelled: Callable[[], bool]
    start: Denoiser | None
    levels: intensity.Scale | None
    trained: Trained | None
    source: Mapping[str, Any]

    def groups(self) -> Sequence[Sequence[Index]]:
        """The planes that are learnt from at once, in the order of the work: they share a network, or have one each that are trained side by side."""
        if self.stack == "shared" or self.trained is not None:
            return self.axes.channels()
        return [group for channel in self.axes.channels() for group in _in_groups(channel, self.together)]

    def apart(self, group: Sequence[Index]) -> list[Sequence[Index]]:
        """The planes of a group that share a network, for each network."""
        return [group] if self.stack == "shared" else [[index] for index in group]

    def steps_per_plane(self) -> int:
        """How many training steps denoising one plane is worth, so that the remaining time can be told."""
        seen = getattr(self.params, "crop", 0) ** 2 * getattr(self.params, "crops", 1) * self.together
        return max(1, self.axes.height * self.axes.width // (4 * seen)) if seen else 1


def _in_groups(planes: Sequence[Index], most: int) -> list[Sequence[Index]]:
    """Planes in as few groups as may be, of about the same size."""
    count = -(-len(planes) // most)
    ends = [len(planes) * number // count for number in range(count + 1)]
    return [planes[first:end] for first, end in pairwise(ends)]


@dataclass(eq=False)
class Run:
    """One run of an order: what is done, and what the current network makes of the rest."""

    order: Order
    out: Any = None
    ledger: Ledger | None = None
    started: float = field(default_factory=time.perf_counter)
    done: set[Index] = field(default_factory=set)
    steps_done: int = 0
    steps_total: int = 0
    losses: list[tuple[int, float]] = field(default_factory=list)
    scores: list[tuple[int, float]] = field(default_factory=list)
    learned: Denoiser | None = None
    levels: intensity.Scale | None = None
    notes: list[str] = field(default_factory=list)
    sums: dict[Index, bytes] = field(default_factory=dict)
    lessons: dict[int, Lesson] = field(default_factory=dict)
    threads: int | None = None
    cut_short: bool = False

    def steps(self) -> Generator[Progress, None, Result]:
        """Do the work."""
        order = self.order
        last_channel: int | None = None
        self._take_over_finished()
        groups = self._needed(order.groups())
        with memory_given_back(order.device.name), failures_explained(order.device.name), cpu_threads.limited(order.threads):
            self.threads = cpu_threads.used() if order.method.trains and order.device.name == "cpu" else None
            self.out = self.out if self.out is not None else np.empty(order.axes.shape, order.dtype)
            for number, group in enumerate(groups):
                if order.cancelled():
                    break
                channel = order.axes.channel_of(group[0])
                start = self.learned if order.stack == "warm" and channel == last_channel else order.start
                self.learned, last_channel = (yield from self._group(group, number, len(groups), start)), channel
            self._leave_the_rest_noisy()
        return self._result()

    def learn(self) -> Generator[Progress, None, Result]:
        """Train only: of the result's image, which is `OnDemand`, nothing is computed before it is asked for."""
        order, groups, learned = self.order, self.order.groups(), []
        with memory_given_back(order.device.name), failures_explained(order.device.name), cpu_threads.limited(order.threads):
            self.threads = cpu_threads.used() if order.method.trains and order.device.name == "cpu" else None
            for number, group in enumerate(groups):
                learned.append((yield from self._learn(group, number, len(groups), order.start)))
        self.out, self.done = OnDemand(self, learned), set(order.axes.planes())
        return self._result()

    def _take_over_finished(self) -> None:
        if self.ledger is not None:
            self.sums = dict(self.ledger.finished())
            self.done = set(self.sums)
            self.steps_done = len(self.done) * self.order.steps_per_plane()

    def _needed(self, groups: Sequence[Sequence[Index]]) -> list[Sequence[Index]]:
        """The groups with planes that are not finished and, where networks go on from one another, those before them in their channel."""
        later: set[int] = set()
        needed = []
        for group in reversed(groups):
            channel = self.order.axes.channel_of(group[0])
            if any(index not in self.done for index in group):
                later.add(channel)
            elif self.order.stack != "warm" or channel not in later:
                continue
            needed.append(group)
        return needed[::-1]

    def _group(self, group: Sequence[Index], number: int, of: int, start: Denoiser | None) -> Generator[Progress, None, Denoiser]:
        learned = yield from self._learn(group, number, of, start)
        yield from self._apply(learned)
        return learned.of(group[-1])[1]

    def _learn(self, group: Sequence[Index], number: int, of: int, start: Denoiser | None) -> Generator[Progress, None, _Learned]:
        if self.order.trained is not None:
            return self._learnt_already(self.order.trained, group)
        scales, noisy = self._learnt_from(group)
        self.levels = scales[-1]
        job = Job(self.order.seed, self.order.device.name, self.order.cancelled, start, self.order.tile, self._note, len(scales))
        learned = yield from self._train(self.order.method.fit(noisy, self.order.params, job), group, scales, self._which(group, number, of), of)
        self.cut_short |= self.order.method.trains and self.order.cancelled()
        self._keep_lesson(learned, noisy)
        return learned

    def _keep_lesson(self, learned: _Learned, noisy: Planes) -> None:
        if self.order.method.trains:
            channel = self.order.axes.channel_of(learned.group[0])
            scale, denoiser = learned.of(learned.group[-1])
            self.lessons[channel] = Lesson(channel, scale, middle_of(noisy[-max(1, len(noisy) // len(learned.scales)) :]), denoiser)

    def _learnt_already(self, trained: Trained, group: Sequence[Index]) -> _Learned:
        """A channel's network that is trained already, and the grey levels that it knows."""
        order, channel = self.order, self.order.axes.channel_of(group[0])
        learned = trained.of_channel(channel)
        middle = [group[len(group) // 2]]
        scale, planes = self._scaled(middle)
        if unlike := learned.unlike(scale, noise_deviation(middle_of(planes))):
            of = f"Channel {channel + 1}: " if order.axes.size("C") > 1 else ""
            self._note(f"{of}{' '.join(unlike)} {UNLIKE}")
        self.levels = learned.levels
        denoiser = rebuilt(trained, channel, order.params, Job(order.seed, order.device.name, tile=order.tile))
        self.steps_total = len(order.axes.planes()) * order.steps_per_plane()
        return _Learned(group, [learned.levels], denoiser)

    def _learnt_from(self, group: Sequence[Index]) -> tuple[Sequence[intensity.Scale], Planes]:
        """A grey scale for each network of a group, and the planes that they learn from."""
        scales, noisy = zip(*(self._scaled(planes) for planes in self.order.apart(group)), strict=True)
        return scales, noisy[0] if len(noisy) == 1 else np.concatenate(noisy)

    def _scaled(self, planes: Sequence[Index]) -> tuple[intensity.Scale, Planes]:
        """The grey scale of planes that share a network, and what it learns from."""
        sample = self._sample(planes)
        read = [self._read(index)[0] for index in sample]
        scale = self.order.levels or intensity.measure(self._whole(sample, read), np.dtype(self.order.image.dtype))
        return scale, np.stack([scale.normalise(block) for plane in read for block in self._blocks(plane)])

    def _which(self, group: Sequence[Index], number: int, of: int) -> str:
        """Which of the work is at hand, where it is not all."""
        planes, first, last = len(self.order.axes.planes()), len(self.done) + 1, len(self.done) + len(group)
        if of == 1 and (self.order.stack == "shared" or planes == 1):
            return ""
        if self.order.stack == "shared":
            return f" channel {number + 1}/{of}"
        return f" plane {first}/{planes}" if first == last else f" planes {first}-{last}/{planes}"

    def _whole(self, sample: Sequence[Index], read: Sequence[NDArray[Any]]) -> Iterable[NDArray[Any]]:
        """The planes that a region lies in; the region itself if it cuts none, or if they are too large for a look at a part of them."""
        height, width = (self.order.whole.shape[self.order.axes.letters.index(letter)] for letter in "YX")
        if (height, width) == (self.order.axes.height, self.order.axes.width) or height * width > TRAINING_PIXELS:
            return read
        return (intensity.fill_gaps(self.order.axes.read(self.order.whole, index), self._where(index), allowed=True)[0] for index in sample)

    def _train(
        self, fit: Generator[Progress, None, Denoiser], group: Sequence[Index], scales: Sequence[intensity.Scale], which: str, of: int
    ) -> Generator[Progress, None, _Learned]:
        before = self.steps_done
        while True:
            try:
                report = next(fit)
            except StopIteration as end:
                return _Learned(group, scales, end.value)
            self.steps_total = of * report.total + len(self.order.axes.planes()) * self.order.steps_per_plane()
            self.steps_done = before + report.step
            if report.loss is not None:
                self.losses.append((self.steps_done, report.loss))
            if report.score is not None:
                self.scores.append((self.steps_done, report.score))
            shown = _Snapshot(self, _Learned(group, scales, report.snapshot))
            yield self._progress(f"{report.stage}{which}", report.loss, shown, report.score)

    def _apply(self, learned: _Learned) -> Generator[Progress, None, None]:
        patient_until = time.perf_counter() + (PATIENCE if self.cut_short else 0)
        for number, index in enumerate([index for index in learned.group if index not in self.done]):
            if (number or not self.order.method.trains) and self.order.cancelled() and time.perf_counter() > patient_until:
                return
            self._write(index, *learned.of(index))
            self.done.add(index)
            if self.ledger is not None:
                self.ledger.finish(index, self.sums[index])
            self.steps_done += self.order.steps_per_plane()
            yield self._progress(f"denoising plane {len(self.done)}/{len(self.order.axes.planes())}", None, _Snapshot(self, learned))

    def _progress(self, stage: str, loss: float | None, snapshot: _Snapshot, score: float | None = None) -> Progress:
        return Progress(stage, self.steps_done, max(self.steps_total, self.steps_done), loss, time.perf_counter() - self.started, snapshot, score)

    def _sample(self, group: Sequence[Index]) -> Sequence[Index]:
        axes = self.order.axes
        most = max(1, TRAINING_PIXELS // (axes.height * axes.width * axes.size("S")))
        if len(group) <= most:
            return group
        self._note(f"The shared network learnt from {most} evenly spaced planes of {len(group)}.")
        return [group[i] for i in np.linspace(0, len(group) - 1, most).round().astype(int)]

    def _blocks(self, plane: NDArray[Any]) -> list[NDArray[Any]]:
        parts = blocks(plane, TRAINING_PIXELS)
        if len(parts) > 1 and self.order.method.trains:
            self._note(f"The network learnt from {len(parts)} evenly spaced blocks of {parts[0].shape[1]} x {parts[0].shape[2]} pixels of each plane.")
        return parts

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def _read(self, index: Index) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        return intensity.fill_gaps(self._noisy(index), self._where(index), allowed=self.order.fill_nan)

    def _noisy(self, index: Index) -> NDArray[Any]:
        """A plane as it is in the image, whose sum is taken on the way: that costs no pass of its own."""
        plane = self.order.axes.read(self.order.image, index)
        if index not in self.sums:
            self.sums[index] = fingerprint.of_plane(plane)
        elif self.ledger is not None and self.sums[index] != fingerprint.of_plane(plane):
            raise ImageError(f"the image has changed since it was first read: other pixels{self._where(index)}; let it be written to its end, then begin anew")
        return plane

    def _where(self, index: Index) -> str:
        counted = [f"{letter}={i}" for letter, i in zip(self.order.axes.letters, index, strict=True) if i is not None]
        return f" of plane {', '.join(counted)}" if counted else ""

    def _write(self, index: Index, scale: intensity.Scale, denoiser: Denoiser) -> None:
        """Part by part into the result, where it is numpy's; but not where it is the image itself, which the next part still needs."""
        axes, out = self.order.axes, self.out
        if isinstance(out, np.ndarray) and not (isinstance(self.order.image, np.ndarray) and np.may_share_memory(out, self.order.image)):
            self._denoise(index, scale, denoiser, axes.read(out, index))
        else:
            axes.write(out, index, self.denoised(index, scale, denoiser))

    def denoised(self, index: Index, scale: intensity.Scale, denoiser: Denoiser) -> NDArray[Any]:
        """A clean plane of shape (S, Y, X)."""
        axes = self.order.axes
        clean = np.empty((axes.size("S"), axes.height, axes.width), self.order.dtype)
        self._denoise(index, scale, denoiser, clean)
        return clean

    def _denoise(self, index: Index, scale: intensity.Scale, denoiser: Denoiser, clean: NDArray[Any]) -> None:
        plane, gaps = self._read(index)
        for (rows, columns), (wide_rows, wide_columns), (inner_rows, inner_columns) in _parts(plane.shape[1], plane.shape[2], denoiser):
            answer = denoiser(scale.normalise(plane[:, wide_rows, wide_columns])[np.newaxis])[0]
            clean[:, rows, columns] = scale.restore(answer[:, inner_rows, inner_columns], self.order.dtype)
        if gaps is not None:
            clean[gaps] = np.nan

    def _leave_the_rest_noisy(self) -> None:
        axes, rest = self.order.axes, [index for index in self.order.axes.planes() if index not in self.done]
        for index in rest:
            axes.write(self.out, index, self._noisy(index).astype(self.order.dtype))
        if rest:
            self._note(f"Cancelled: {len(self.done)} of {len(axes.planes())} planes are denoised, the others are as they were.")
        elif self.cut_short:
            self._note("Cancelled: training ended early, this is the best so far.")

    def _result(self) -> Result:
        order = self.order
        return Result(
            image=self.out,
            method=order.method.name,
            params=order.params,
            preset=order.preset,
            axes=order.axes.letters,
            stack=order.stack,
            seed=order.seed,
            device=order.device.reason,
            seconds=time.perf_counter() - self.started,
            losses=tuple(self.losses),
            complete=not self.cut_short and len(self.done) == len(order.axes.planes()),
            planes=len(order.axes.planes()),
            planes_done=len(self.done),
            notes=tuple(self.notes),
            source={**order.source, "pixels": fingerprint.of_planes(order.axes, np.dtype(order.image.dtype), self.sums)},
            dtype="same" if order.dtype == order.image.dtype else "float32",
            nan="fill" if order.fill_nan else "refuse",
            tile=order.tile,
            processor=order.device.name,
            threads=self.threads,
            continued=order.start is not None,
            scores=tuple(self.scores),
            denoiser=self.learned,
            levels=self.levels,
            lessons=tuple(lesson for _, lesson in sorted(self.lessons.items())),
            network=order.trained.told() if order.trained is not None else None,
        )


def _parts(height: int, width: int, denoiser: Denoiser) -> Iterator[tuple[Window, Window, Window]]:
    """What of a plane to denoise at once: each part, the same with what its clean pixels depend on around it, and where in that it lies."""
    halo = getattr(denoiser, "halo", None)
    for window in windows(height, width, PART if halo is not None else max(height, width)):
        yield window, *widened(window, halo or 0, height, width)


@dataclass(frozen=True, eq=False)
class _Learned:
    """What was learnt so far from a group of planes, in a grey scale for each network."""

    group: Sequence[Index]
    scales: Sequence[intensity.Scale]
    denoiser: Denoiser

    def of(self, index: Index) -> tuple[intensity.Scale, Denoiser]:
        """A plane's grey scale, and the network that it shares or has to itself."""
        number = self.group.index(index) if len(self.scales) > 1 else 0
        members = getattr(self.denoiser, "members", ())
        return self.scales[number], members[number] if members else self.denoiser


@dataclass(frozen=True, eq=False)
class OnDemand:
    """A denoised image of which each plane is computed when it is asked for, every time, by the network of its channel."""

    run: Run
    learned: Sequence[_Learned]

    @property
    def axes(self) -> Axes:
        """Of the image."""
        return self.run.order.axes

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the result."""
        return self.run.order.dtype

    def plane(self, index: Index) -> NDArray[Any]:
        """A clean plane, its axes in the image's own order."""
        order = self.run.order
        learned = next(learned for learned in self.learned if index in learned.group)
        with failures_explained(order.device.name), cpu_threads.limited(order.threads):
            return self.axes.as_laid(self.run.denoised(index, *learned.of(index)))


@dataclass(frozen=True, eq=False)
class _Snapshot:
    """The image so far, when asked for: finished planes, and what the current networks make of the rest of their group."""

    run: Run
    learned: _Learned

    def __call__(self, at: Mapping[str, int] | None = None) -> NDArray[Any]:
        """The whole image, or only the plane at an index such as ``{"T": 3, "C": 1}`` (axes Y, X and S in the image's order)."""
        order, axes = self.run.order, self.run.order.axes
        with failures_explained(order.device.name):
            if at is not None:
                return axes.as_laid(self._plane(axes.index_of(at)))
            image = np.empty(axes.shape, order.dtype)
            for index in axes.planes():
                axes.write(image, index, self._plane(index))
            return image

    def _plane(self, index: Index) -> NDArray[Any]:
        order = self.run.order
        if index in self.run.done:
            return order.axes.read(self.run.out, index)
        if index in self.learned.group:
            return self.run.denoised(index, *self.learned.of(index))
        return order.axes.read(order.image, index).astype(order.dtype)
