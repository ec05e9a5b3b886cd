"""How long a run takes and what it takes that long for, told from its progress reports."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import median
from typing import Any

from benchmarks.apart import Peak
from benchmarks.images import Kind, axes, picture
from napari_zeroshot import Progress, denoise_steps, get_method

COUNTS = {"training": "steps", "refining": "refine_steps"}
"""Which parameter holds the number of steps of a stage."""


@dataclass(frozen=True)
class Work:
    """One picture to denoise, how and where."""

    method: str
    preset: str
    kind: Kind
    side: int
    planes: int = 1
    stack: str = "shared"
    device: str = "cpu"
    params: Mapping[str, Any] = field(default_factory=dict)

    def run(self, image: Any) -> Any:
        """A generator of `Progress` that returns a `Result`."""
        letters = axes(self.kind, self.planes)
        return denoise_steps(image, self.method, preset=self.preset, axes=letters, stack=self.stack, device=self.device, **self.params)

    def counts(self) -> dict[str, int]:
        """How many steps each stage has whose number is a parameter."""
        values = get_method(self.method).settings(self.preset, self.params).to_dict()
        return {stage: values[name] for stage, name in COUNTS.items() if name in values and (stage == "training" or values["refine"])}

    def with_steps(self, steps: int) -> Work:
        """The same with at most so many steps in each stage."""
        fewer = {COUNTS[stage]: min(count, steps) for stage, count in self.counts().items()}
        return replace(self, params={**self.params, **fewer})


@dataclass(frozen=True)
class Mark:
    """One progress report, and when it came."""

    stage: str
    step: int
    total: int
    learning: bool
    seconds: float


@dataclass(frozen=True)
class Timed:
    """One run.

    Parameters
    ----------
    seconds
        From the call to the picture. Of a run that was stopped: what it would have taken, by its own count of steps done.
    preparing, training, denoising
        Up to the first report of training, from there to the last, and from there to the end; None without training or when stopped.
    resident, on_device
        Peak memory in MiB beyond image and libraries, see `apart.Peak`.
    scaled
        Whether the run was stopped at its time limit.
    """

    seconds: float
    preparing: float | None
    training: float | None
    denoising: float | None
    resident: float | None
    on_device: float | None
    scaled: bool
    marks: tuple[Mark, ...] = field(default=(), repr=False)

    def figures(self) -> dict[str, Any]:
        """All but the marks, rounded, for JSON."""
        values = {name: value for name, value in asdict(self).items() if name != "marks"}
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in values.items()}


def follow(work: Work, limit: float = math.inf) -> Timed:
    """Run once, for at most about `limit` seconds."""
    image = picture(work.kind, work.side, work.planes)
    marks: list[Mark] = []
    with Peak(work.device) as peak:
        started = time.perf_counter()
        steps = work.run(image)
        stopped = False
        for report in steps:
            marks.append(_mark(report, time.perf_counter() - started))
            if marks[-1].seconds > limit and report.step < report.total:
                stopped = True
                break
        steps.close()
        seconds = time.perf_counter() - started
    if stopped:
        seconds = _in_all(marks, prepared_once=work.stack == "shared")
    parts = (None, None, None) if stopped else _parts(marks, seconds)
    return Timed(seconds, *parts, peak.resident, peak.on_device, stopped, tuple(marks))


def _in_all(marks: Sequence[Mark], *, prepared_once: bool) -> float:
    """What a run that was stopped would have taken; what comes before its first report is done once, or else for each plane."""
    first, last = marks[0], marks[-1]
    if prepared_once and last.step > first.step:
        return last.seconds + (last.seconds - first.seconds) * (last.total - last.step) / (last.step - first.step)
    return last.seconds * last.total / last.step


def _mark(report: Progress, seconds: float) -> Mark:
    return Mark(report.stage, report.step, report.total, report.loss is not None, seconds)


def _parts(marks: Sequence[Mark], seconds: float) -> tuple[float | None, float | None, float]:
    learning = [mark.seconds for mark in marks if mark.learning]
    if not learning:
        return None, None, seconds
    return learning[0], learning[-1] - learning[0], seconds - learning[-1]


def seconds_a_step(marks: Sequence[Mark], stage: str, warm: int) -> float:
    """Seconds of a training step of one stage, its first `warm` steps left out.

    Where reports are so far apart that too few steps are left, all of the stage's reports count.
    """
    found = [mark for mark in marks if mark.stage == stage and mark.learning]
    late = [mark for mark in found if mark.step - found[0].step >= warm - 1]
    first, last = (late if len(late) > 1 else found)[0], found[-1]
    if first.step == last.step:
        raise ValueError(f"stage {stage!r} was reported at one step only; time more steps")
    return (last.seconds - first.seconds) / (last.step - first.step)


def warm_up(work: Work) -> None:
    """Have torch loaded, its threads started and its kernels chosen, on a tiny picture."""
    short = replace(work.with_steps(2), side=32, planes=1)
    for _ in short.run(picture(short.kind, short.side)):
        pass


def repeated(work: Work, least: int, most: int, budget: float, limit: float = math.inf) -> dict[str, Any]:
    """The median run of `least` to `most`: no more are begun once `budget` seconds are spent."""
    warm_up(work)
    runs: list[Timed] = []
    while len(runs) < least or (len(runs) < most and sum(run.seconds for run in runs) < budget):
        runs.append(follow(work, limit))
    middle = min(runs, key=lambda run: abs(run.seconds - median(run.seconds for run in runs)))
    return {**middle.figures(), "seconds": round(median(run.seconds for run in runs), 4), "every": [round(run.seconds, 4) for run in runs]}


def recipe(work: Work, warm: int, timed: int) -> dict[str, Any]:
    """What a long schedule takes: `warm` steps, then `timed` steps with the clock, scaled to the full number."""
    warm_up(work)
    run = follow(work.with_steps(warm + timed))
    more = {stage: max(0, count - warm - timed) for stage, count in work.counts().items()}
    each = {stage: seconds_a_step(run.marks, stage, warm) for stage, count in more.items() if count}
    seconds = run.seconds + sum(each[stage] * more[stage] for stage in each)
    return {
        **run.figures(),
        "seconds": round(seconds, 3),
        "steps": work.counts(),
        "timed": timed,
        "ms_a_step": {s: round(1000 * e, 3) for s, e in each.items()},
    }
