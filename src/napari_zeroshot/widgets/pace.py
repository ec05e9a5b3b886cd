"""How long a run will take, from how long earlier ones took on this machine."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

from napari_zeroshot.engine.method import Progress
from napari_zeroshot.engine.result import Result
from napari_zeroshot.widgets.habits import Notebook
from napari_zeroshot.widgets.task import Task

CORNER = 128
"""Pixels along Y and X of a calibration."""
FEW = 12
"""Steps of a calibration."""


@dataclass
class Pace:
    """Seconds that a run spent until its first step was done, on those after it, and denoising, noted as its reports pass by."""

    starting: float = 0.0
    learning: float = 0.0
    denoising: float = 0.0
    told: float = 0.0

    def timed(self, steps: Generator[Progress, None, Result]) -> Generator[Progress, None, Result]:
        """The same run, with its time noted."""
        while True:
            try:
                report = next(steps)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            took, self.told = report.seconds - self.told, report.seconds
            if report.loss is None:
                self.denoising += took
            elif not self.starting:  # what is loaded and read before there is anything to learn
                self.starting = took
            else:
                self.learning += took
            yield report

    def remember(self, task: Task, result: Result) -> None:
        """Note how long a step and a pixel took. What was cut short tells nothing, nor what is denoised later or elsewhere."""
        if not result.complete or task.viewed or task.cluster:
            return
        after_first = _trainings(task) * _steps(task) - 1
        seconds = {"step": self.learning / after_first if after_first > 0 else 0.0, "pixel": self.denoising / _pixels(task)}
        usual = self.starting if _steps(task) > FEW else 0.0  # a calibration may be the first of a session, which begins slowly
        Notebook("pace").put(_key(task), {**seconds, "start": usual, "seen": _seen(task)})


def expected_seconds(task: Task) -> float | None:
    """How long a task will take; None if nothing like it ran on this machine before."""
    book = Notebook("pace")
    known = book.get(_key(task))
    if known is None:
        return None
    try:
        share = _seen(task) / known["seen"]
        return float(known["start"] + _trainings(task) * _steps(task) * known["step"] * share + _pixels(task) * known["pixel"])
    except (KeyError, TypeError, ZeroDivisionError):  # a file of another version
        return None


def calibration(task: Task) -> Task:
    """A task of a moment that tells how long the given one takes: few steps on a corner of its image."""
    corner = {letter: (0, min(CORNER, size) if letter in "YX" else 1) for letter, size in zip(task.axes.letters, task.shape, strict=True) if letter != "S"}
    few = {name: FEW for name in ("steps", "refine_steps") if hasattr(task.params, name)}
    return replace(task, region=corner, params=task.params.replace(**few))


def _key(task: Task) -> str:
    """Everything that changes the work of a step, but for its pixels."""
    choices = [f"{name}={value}" for name, value in task.params.to_dict().items() if isinstance(value, bool | str)]
    crops = [f"{name}={getattr(task.params, name)}" for name in ("crop", "crops") if hasattr(task.params, name)]
    return " ".join([task.method.name, task.options["device"], *choices, *crops])


def _seen(task: Task) -> int:
    """The pixels that a step learns from, where that depends on the image."""
    whole = getattr(task.params, "crop", 1) == 0
    return task.axes.height * task.axes.width if whole else 1


def _steps(task: Task) -> int:
    refining = getattr(task.params, "refine_steps", 0) if getattr(task.params, "refine", False) else 0
    return int(getattr(task.params, "steps", 0) + refining)


def _trainings(task: Task) -> int:
    return task.planes if task.options["stack"] != "shared" else task.axes.size("C")


def _pixels(task: Task) -> int:
    return 0 if task.viewed else task.planes * task.axes.height * task.axes.width
