"""One run of an order, plane by plane: what is learnt, and what is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine import fingerprint, intensity
from napari_zeroshot.engine import threads as cpu_threads
from napari_zeroshot.engine.axes import Index
from napari_zeroshot.engine.calmer import calmer
from napari_zeroshot.engine.cautions import Caution, Sight, cautions, middles
from napari_zeroshot.engine.device import failures_explained, memory_given_back
from napari_zeroshot.engine.errors import DenoiseError
from napari_zeroshot.engine.method import Denoiser, Job, Planes, Progress, Setup
from napari_zeroshot.engine.neighbours import count_of, own
from napari_zeroshot.engine.noise_level import noise_deviation
from napari_zeroshot.engine.order import Order
from napari_zeroshot.engine.parts import PART, Window, middle_of, rounded_up, widened, windows
from napari_zeroshot.engine.reading import Reading
from napari_zeroshot.engine.result import Result
from napari_zeroshot.engine.so_far import Fitted, OnDemand, SoFar
from napari_zeroshot.engine.trained import Learned, Lesson, Trained, rebuilt

PATIENCE = 5.0
"""Seconds for which planes are still denoised after a cancelled training; at least one is."""
UNLIKE = "Look whether it does well here, or train on this image."
"""What to do where an image is unlike the one that a network learnt from."""
INSTEAD = "A Gaussian of {:.2g} px was used: there is no network for this channel, as a Gaussian was expected to do better on the image that was learnt from."


class Ledger(Protocol):
    """Which planes of a result are finished: it lets a run go on where an earlier one was interrupted."""

    def finished(self) -> Mapping[Index, bytes]:
        """The planes that `out` holds already, each with the sum of the noisy plane it was made from (see `fingerprint`); empty where that is not known."""

    def finish(self, index: Index, noisy: bytes) -> None:
        """Note that a plane is in `out` now, and the sum of the noisy one."""


@dataclass(eq=False)
class Run:
    """One run of an order: what is done, and what the current network makes of the rest.

    Parameters
    ----------
    order, out, ledger
        What is to be done, the array that takes the result (made when None), and who knows what it holds already.
    done
        The planes that are in `out`.
    steps_done, steps_total
        Steps of training, and planes in what they are worth of those.
    losses, scores, begun, notes, cautions, threads, levels, lessons
        As `Result` has them, so far; `notes` without the cautions.
    learned
        What was learnt last.
    cut_short
        Whether a training was cancelled.
    looked_at
        The planes by which the result is judged, see `cautions`.
    """

    order: Order
    out: Any = None
    ledger: Ledger | None = None
    started: float = field(default_factory=time.perf_counter)
    done: set[Index] = field(default_factory=set)
    steps_done: int = 0
    steps_total: int = 0
    losses: list[tuple[int, float]] = field(default_factory=list)
    scores: list[tuple[int, float]] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    learned: Denoiser | None = None
    levels: intensity.Scale | None = None
    notes: list[str] = field(default_factory=list)
    cautions: list[Caution] = field(default_factory=list)
    lessons: dict[int, Lesson] = field(default_factory=dict)
    threads: int | None = None
    cut_short: bool = False
    reading: Reading = field(init=False)
    looked_at: frozenset[Index] = frozenset()
    _sights: dict[Index, Sight] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.notes += self.order.notes
        self._note = partial(_noted, self.notes)
        self.reading = Reading(self.order, self._note, watchful=self.ledger is not None)

    def steps(self) -> Generator[Progress, None, Result]:
        """Do the work. An error has with it what was finished before, unless a ledger knows that."""
        begun_empty = self.out is None
        try:
            return (yield from self._steps())
        except DenoiseError as error:
            if self.done and self.ledger is None:
                error.so_far = self._salvaged(error, clear=begun_empty)
            raise

    def _steps(self) -> Generator[Progress, None, Result]:
        order = self.order
        last_channel: int | None = None
        self._take_over_finished()
        self._look_ahead()
        groups = self._needed(order.groups())
        with self._at_work():
            self.out = self.out if self.out is not None else np.empty(order.axes.shape, order.dtype)
            for number, group in enumerate(groups):
                if order.cancelled():
                    break
                channel = order.axes.channel_of(group[0])
                start = self.learned if order.stack == "warm" and channel == last_channel else order.start
                self.learned, last_channel = (yield from self._group(group, number, len(groups), start)), channel
            self._leave_the_rest_noisy()
            self._be_cautious()
        return self._result()

    def learn(self) -> Generator[Progress, None, Result]:
        """Train only: of the result's image, which is `OnDemand`, nothing is computed before it is asked for."""
        self._take_over_finished()
        self._look_ahead()
        order, groups, learned = self.order, self._needed(self.order.groups()), []
        with self._at_work():
            for number, group in enumerate(groups):
                learned.append((yield from self._learn(group, number, len(groups), order.start)))
            self._look_at_middles(learned)
            self._be_cautious()
        self.out, self.done = OnDemand(self, learned), set(order.axes.planes())
        return self._result()

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """The device and the CPU threads of the order."""
        order = self.order
        with memory_given_back(order.device.name), failures_explained(order.device.name), cpu_threads.limited(order.threads):
            self.threads = cpu_threads.used() if order.method.trains and order.device.name == "cpu" else None
            yield

    def _take_over_finished(self) -> None:
        if self.ledger is not None:
            found = self.ledger.finished()
            self.reading.sums.update((index, noisy) for index, noisy in found.items() if noisy)
            self.done = set(found)
            self.steps_done = len(self.done) * self.order.steps_per_plane()
        self.looked_at = middles(self.order.axes, self.done) if self.order.cautions else frozenset()

    def _look_ahead(self) -> None:
        self.reading.refuse_gaps(index for index in self.order.axes.planes() if index not in self.done)

    def _needed(self, groups: Sequence[Sequence[Index]]) -> list[Sequence[Index]]:
        """The groups with planes that are not finished and, where networks go on from one another, those before them in their channel.

        A run that is given a network to go on from needs none before.
        """
        later: set[int] = set()
        needed = []
        for group in reversed(groups):
            channel = self.order.axes.channel_of(group[0])
            if any(index not in self.done for index in group):
                later.add(channel)
            elif self.order.stack != "warm" or self.order.start is not None or channel not in later:
                continue
            needed.append(group)
        return needed[::-1]

    def _group(self, group: Sequence[Index], number: int, of: int, start: Denoiser | None) -> Generator[Progress, None, Denoiser]:
        learned = yield from self._learn(group, number, of, start)
        yield from self._apply(learned)
        return learned.of(group[-1])[1]

    def _learn(self, group: Sequence[Index], number: int, of: int, start: Denoiser | None) -> Generator[Progress, None, Fitted]:
        if self.order.trained is not None:
            return self._learnt_already(self.order.trained, group)
        scales, noisy = self.reading.learnt_from(group)
        self.levels = scales[-1]
        job = Job(self.order.seed, self.order.device.name, self.order.cancelled, start, self.order.tile, self._note_of(group), len(scales))
        fit = calmer(partial(self.order.method.fit, noisy, self.order.params), job)
        learned = yield from self._train(fit, group, scales, self._which(group, number, of), of)
        self.cut_short |= self.order.method.trains and self.order.cancelled()
        self._keep_lesson(learned, noisy)
        return learned

    def _keep_lesson(self, learned: Fitted, noisy: Planes) -> None:
        if self.order.method.trains:
            channel = self.order.axes.channel_of(learned.group[0])
            scale, denoiser = learned.of(learned.group[-1])
            last = noisy[-max(1, len(noisy) // len(learned.scales)) :]
            self.lessons[channel] = Lesson(channel, scale, middle_of(own(last, count_of(self.order.params))), denoiser)

    def _learnt_already(self, trained: Trained, group: Sequence[Index]) -> Fitted:
        """A channel's network that is trained already, and the grey levels that it knows."""
        order, channel = self.order, self.order.axes.channel_of(group[0])
        learned = trained.of_channel(channel)
        if order.levels is None:  # else the network has learnt from this very image
            self._tell_what_is_unlike(learned, group)
        self.levels = learned.levels
        denoiser = rebuilt(trained, channel, order.params, Job(order.seed, order.device.name, tile=order.tile))
        self.steps_total = len(order.axes.planes()) * order.steps_per_plane()
        return Fitted(group, [learned.levels], denoiser)

    def _tell_what_is_unlike(self, learned: Learned, group: Sequence[Index]) -> None:
        """What of the image is unlike what was learnt from, or that a Gaussian was taken there."""
        if learned.sigma is not None:
            self._note_of(group)(INSTEAD.format(learned.sigma))
            return
        scale, planes = self.reading.scaled([group[len(group) // 2]])
        if unlike := learned.unlike(scale, noise_deviation(middle_of(planes))):
            self._note_of(group)(f"{' '.join(unlike)} {UNLIKE}")

    def _which(self, group: Sequence[Index], number: int, of: int) -> str:
        """Which of the work is at hand, where it is not all."""
        planes, first, last = len(self.order.axes.planes()), len(self.done) + 1, len(self.done) + len(group)
        if of == 1 and (self.order.stack == "shared" or planes == 1):
            return ""
        if self.order.stack == "shared":
            return f" channel {number + 1}/{of}"
        return f" plane {first}/{planes}" if first == last else f" planes {first}-{last}/{planes}"

    def _train(
        self, fit: Generator[Progress, None, Denoiser], group: Sequence[Index], scales: Sequence[intensity.Scale], which: str, of: int
    ) -> Generator[Progress, None, Fitted]:
        before = self.steps_done
        if self.order.method.trains:
            self.begun.append(before)
        while True:
            try:
                report = next(fit)
            except StopIteration as end:
                return Fitted(group, scales, end.value)
            self.steps_total = of * report.total + len(self.order.axes.planes()) * self.order.steps_per_plane()
            self.steps_done = before + report.step
            if report.loss is not None:
                self.losses.append((self.steps_done, report.loss))
            if report.score is not None:
                self.scores.append((self.steps_done, report.score))
            shown = SoFar(self, Fitted(group, scales, report.snapshot))
            yield replace(self._progress(f"{report.stage}{which}", report.loss, shown, report.score), training=len(self.begun))

    def _apply(self, learned: Fitted) -> Generator[Progress, None, None]:
        patient_until = time.perf_counter() + (PATIENCE if self.cut_short else 0)
        for number, index in enumerate([index for index in learned.group if index not in self.done]):
            if (number or not self.order.method.trains) and self.order.cancelled() and time.perf_counter() > patient_until:
                return
            self._write(index, *learned.of(index))
            self.done.add(index)
            if self.ledger is not None:
                self.ledger.finish(index, self.reading.sums[index])
            self.steps_done += self.order.steps_per_plane()
            yield self._progress(f"denoising plane {len(self.done)}/{len(self.order.axes.planes())}", None, SoFar(self, learned))

    def _progress(self, stage: str, loss: float | None, snapshot: SoFar, score: float | None = None) -> Progress:
        steps = self.steps_done, max(self.steps_total, self.steps_done)
        return Progress(stage, *steps, loss, time.perf_counter() - self.started, snapshot, score, setup=self._setup())

    def _setup(self) -> Setup:
        order = self.order
        return Setup(order.params, order.device.reason, order.device.name, self.threads, order.tile)

    def _so_far(self) -> SoFar:
        """The finished planes, and the others as they were."""
        return SoFar(self, Fitted((), (), lambda planes: planes))

    def _note_of(self, group: Sequence[Index]) -> Callable[[str], None]:
        """Notes of one channel, which they name where there are several."""
        named = self._named(group)
        return lambda sentence: self._note(f"{named}{sentence}")

    def _named(self, group: Sequence[Index]) -> str:
        axes = self.order.axes
        return f"Channel {axes.channel_of(group[0]) + 1}: " if axes.size("C") > 1 else ""

    def _write(self, index: Index, scale: intensity.Scale, denoiser: Denoiser) -> None:
        """Part by part into the result, where it is numpy's; but not where it is the image itself, which the next part still needs."""
        axes, out = self.order.axes, self.out
        at_once = isinstance(out, np.ndarray) and not shares_memory(out, self.order.image)
        clean = axes.read(out, index) if at_once else self._empty_plane()
        seen = self._denoise(index, scale, denoiser, clean)
        if not at_once:
            axes.write(out, index, clean)
        if index in self.looked_at:
            self._sights[index] = Sight.of(seen, clean, scale, denoiser)

    def denoised(self, index: Index, scale: intensity.Scale, denoiser: Denoiser) -> NDArray[Any]:
        """A clean plane of shape (S, Y, X)."""
        clean = self._empty_plane()
        self._denoise(index, scale, denoiser, clean)
        return clean

    def _empty_plane(self) -> NDArray[Any]:
        axes = self.order.axes
        return np.empty((axes.size("S"), axes.height, axes.width), self.order.dtype)

    def _denoise(self, index: Index, scale: intensity.Scale, denoiser: Denoiser, clean: NDArray[Any]) -> list[NDArray[Any]]:
        """Fill `clean`, and give what it was made from: the noisy plane, amid its neighbours if it is seen with some."""
        plane, gaps = self.reading.filled(index)
        seen = self.reading.seen(index, plane)
        for (rows, columns), (wide_rows, wide_columns), (inner_rows, inner_columns) in _parts(plane.shape[1], plane.shape[2], denoiser):
            noisy = np.concatenate([one[:, wide_rows, wide_columns] for one in seen])
            answer = denoiser(scale.normalise(noisy)[np.newaxis])[0]
            clean[:, rows, columns] = scale.restore(answer[:, inner_rows, inner_columns], self.order.dtype)
        if gaps is not None:
            clean[gaps] = np.nan
        return seen

    def _look_at_middles(self, learned: Sequence[Fitted]) -> None:
        """Denoise the planes by which a result is judged, where it is computed on demand only."""
        for fitted in learned:
            for index in self.looked_at.intersection(fitted.group):
                scale, denoiser = fitted.of(index)
                clean = self._empty_plane()
                self._sights[index] = Sight.of(self._denoise(index, scale, denoiser, clean), clean, scale, denoiser)

    def _be_cautious(self) -> None:
        """Find out why the result should not be trusted; of a run that was cancelled that is plain."""
        if self.order.cancelled():
            return
        for index, sight in sorted(self._sights.items(), key=lambda item: self.order.axes.channel_of(item[0])):
            try:
                found = list(cautions(sight, self.order.method, self.order.params))
            except (MemoryError, RuntimeError) as error:  # a finished result is not lost to what would be said of it
                self._note(f"Whether the result can be trusted could not be looked into: {error}")
                return
            self.cautions += [replace(caution, where=self._named([index])) for caution in found]

    def _leave_the_rest_noisy(self) -> None:
        axes, rest = self.order.axes, [index for index in self.order.axes.planes() if index not in self.done]
        for index in rest:
            axes.write(self.out, index, self.reading.raw(index).astype(self.order.dtype))
        if rest:
            self._note(f"Cancelled: {len(self.done)} of {len(axes.planes())} planes are denoised, the others are as they were.")
        elif self.cut_short:
            self._note("Cancelled: training ended early, this is the best so far.")

    def _salvaged(self, error: DenoiseError, *, clear: bool) -> Result:
        """The planes that were finished before a failure."""
        axes, done = self.order.axes, len(self.done)
        for index in axes.planes() if clear else ():
            if index not in self.done:
                axes.read(self.out, index)[...] = 0  # it may be denoised in part
        at_work = "" if clear else ", but for the one at work, which may be there in part"
        self._note(f"The run failed: {error}. {done} of {len(axes.planes())} planes are denoised, the others are empty{at_work}.")
        return replace(self._result(), denoiser=None, lessons=())  # networks may lie on a card that answers no more

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
            notes=(*self.notes, *(caution.note for caution in self.cautions)),
            cautions=tuple(self.cautions),
            source={**order.source, "pixels": fingerprint.of_planes(order.axes, np.dtype(order.image.dtype), self.reading.sums)},
            dtype="same" if order.dtype == order.image.dtype else "float32",
            nan="fill" if order.fill_nan else "refuse",
            tile=order.tile,
            processor=order.device.name,
            threads=self.threads,
            continued=order.start is not None,
            scores=tuple(self.scores),
            begun=tuple(self.begun),
            denoiser=self.learned,
            levels=self.levels,
            lessons=tuple(lesson for _, lesson in sorted(self.lessons.items())),
            network=order.trained.told() if order.trained is not None else None,
        )


def shares_memory(one: Any, other: Any) -> bool:
    """Whether writing into one array may change the other."""
    return isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and np.may_share_memory(one, other)


def _noted(notes: list[str], sentence: str) -> None:
    if sentence not in notes:
        notes.append(sentence)


def _parts(height: int, width: int, denoiser: Denoiser) -> Iterator[tuple[Window, Window, Window]]:
    """What of a plane to denoise at once: each part, the same with what its clean pixels depend on around it, and where in that it lies."""
    halo, multiple = getattr(denoiser, "halo", None), getattr(denoiser, "multiple", 1)
    side = max(height, width) if halo is None else max(1, PART // multiple) * multiple
    around = rounded_up(halo or 0, multiple)  # parts begin where tiles may, so that all see the same lattices
    for window in windows(height, width, side):
        yield window, *widened(window, around, height, width)
