"""A run in another thread: reports, the result, errors as sentences, cancel."""

import os
import time
import warnings
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtCore import QThread
from qtpy.QtWidgets import QApplication

from napari_zeroshot.engine.errors import DeviceMemoryError, ImageError
from napari_zeroshot.engine.method import Progress
from napari_zeroshot.widgets import worker
from napari_zeroshot.widgets.worker import do_in_thread, run_in_thread

pytestmark = pytest.mark.gui


@pytest.fixture
def run(qtbot):
    """Runs steps to their end and gives what the callbacks were given."""

    def run(steps, at=None, meanwhile=lambda running: None):
        seen = SimpleNamespace(reports=[], results=[], errors=[], ended=0, threads=set())

        def ended():
            seen.ended += 1
            seen.threads.add(QThread.currentThread())

        running = run_in_thread(steps, at=at, on_report=seen.reports.append, on_result=seen.results.append, on_error=seen.errors.append, on_end=ended)
        qtbot.waitUntil(lambda: bool(seen.reports) or bool(seen.ended), timeout=60_000)
        meanwhile(running)
        qtbot.waitUntil(lambda: seen.ended > 0, timeout=60_000)
        return seen

    return run


def reports(cancelled, count=5, pause=0.0):
    for step in range(1, count + 1):
        if cancelled():
            return f"the best after {step - 1}"
        time.sleep(pause)
        yield Progress("training", step, count, 1.0 / step, 0.1 * step, lambda at: np.zeros((2, 2)))
    return "whole"


@pytest.fixture
def clock(monkeypatch):
    """The worker's clock, which goes on only when it is set; what is counted in parts of 2 is exact."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(worker, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return clock


def shown(clock, count, pause, snapshot, view):
    """The reports that come of so many steps, with so many seconds from one to the next."""

    def steps():
        for step in range(1, count + 1):
            clock.now += pause
            yield Progress("training", step, count, 1.0 / step, clock.now, snapshot)

    seen = []
    for report in worker._reports(steps(), lambda: False, view):
        seen.append(report)
        view.drawn.set()
    return seen


def failing_with(error):
    def steps(cancelled):
        yield from reports(cancelled, 2)
        raise error

    return steps


def test_result_arrives_once_and_in_the_main_thread(run):
    seen = run(reports)
    assert seen.results == ["whole"]
    assert seen.errors == []
    assert seen.threads == {QApplication.instance().thread()}


@pytest.mark.parametrize("error", [RuntimeError("CUDA out of memory"), ValueError("bad\nsecond line"), KeyError()], ids=["runtime", "value", "key"])
def test_unexpected_error_comes_as_one_sentence(run, error):
    seen = run(failing_with(error))
    assert seen.results == []
    assert seen.ended == 1
    assert type(error).__name__ in str(seen.errors[0])
    assert "second line" not in str(seen.errors[0])
    assert seen.errors[0].__cause__ is error


def test_what_a_user_can_mend_is_told_in_the_engines_words(run):
    assert str(run(failing_with(ImageError("the image is empty"))).errors[0]) == "the image is empty"


def test_error_before_the_first_step_is_told_too(run):
    def steps(cancelled):
        raise ImageError("no")

    assert [str(error) for error in run(steps).errors] == ["no"]


def test_warnings_of_numpy_are_not_shown_to_the_user(qtbot, monkeypatch):
    """Though napari may show those of its workers; whether it does hangs on its version."""
    done, shown = [], []

    def watched(*told, **more):
        made = create_worker(*told, **more)
        made.warned.connect(shown.append)
        return made

    def warning():
        warnings.warn("divide by zero encountered", RuntimeWarning, stacklevel=1)
        return "done"

    create_worker = worker.create_worker
    monkeypatch.setattr(worker, "create_worker", watched)
    do_in_thread(warning, told="Measuring", on_done=done.append, on_error=done.append)
    qtbot.waitUntil(lambda: done == ["done"], timeout=60_000)
    assert not shown


def test_cancel_keeps_the_best_so_far(run):
    seen = run(lambda cancelled: reports(cancelled, 1_000_000, 0.005), meanwhile=lambda running: running.cancel())
    assert len(seen.results) == 1
    assert seen.results[0].startswith("the best after")


def test_abandoned_run_ends_without_a_result(run):
    seen = run(lambda cancelled: reports(cancelled, 1_000_000, 0.005), meanwhile=lambda running: running.abandon())
    assert (seen.results, seen.errors, seen.ended) == ([], [], 1)


def test_reports_are_thinned_out_but_no_loss_of_theirs_is_lost(clock):
    seen = shown(clock, 100, 1 / 16, None, worker._View())
    told = [step for report in seen for step, _ in report.losses]
    assert [report.progress.step for report in seen] == list(range(1, 101, 4))  # the first step that is 0.2 s later
    assert told == list(range(1, len(told) + 1))


def test_reports_are_rarer_where_the_window_is_slow_to_draw(qtbot, clock):
    def draw(report):
        clock.now += 1 / 64  # a fiftieth of 0.78 s

    view = worker._View()
    for noted in (0.0, 1 / 64):  # the first adds a layer, and tells nothing of the next
        view.draw(draw, None)
        qtbot.waitUntil(lambda noted=noted: view.drawing == noted, timeout=60_000)
    assert [report.progress.step for report in shown(clock, 100, 1 / 16, None, view)] == list(range(1, 101, 13))
    view.drawing = 10.0
    assert [report.progress.step for report in shown(clock, 100, 1 / 16, None, view)] == list(range(1, 101, 32))  # every two seconds, however slow it is


def test_a_plane_that_has_not_changed_is_not_shown_again(clock):
    seen = shown(clock, 200, 1 / 16, lambda at: np.ones((2, 2)), worker._View({}))
    assert [report.preview is not None for report in seen] == [True] + [False] * 49


def test_previews_are_of_the_plane_asked_for_and_rare(clock):
    asked = []

    def slow(at):
        clock.now += 1 / 32  # a fiftieth of 1.6 s
        asked.append((clock.now, at))
        return np.full((2, 2), len(asked))

    seen = shown(clock, 200, 1 / 16, slow, worker._View({"T": 3}))
    assert all(at == {"T": 3} for _, at in asked)
    assert len(asked) / 32 <= 0.02 * clock.now + 1 / 32
    assert all(1.5 < later - earlier < 2 for (earlier, _), (later, _) in pairwise(asked))
    assert sum(report.preview is not None for report in seen) == len(asked) > 5


def test_a_preview_that_takes_long_is_made_again_before_long(clock):
    begun = []

    def endless(at):
        begun.append(clock.now)
        clock.now += 4
        return np.full((2, 2), len(begun))

    shown(clock, 200, 1 / 4, endless, worker._View({}))
    assert {later - earlier for earlier, later in pairwise(begun)} == {14.0}


def test_no_step_is_taken_while_a_report_is_drawn(qtbot, monkeypatch):
    monkeypatch.setattr(worker, "LONGEST_DRAWING", 60.0)
    steps, seen, ended = [], [], []

    def counted(cancelled):
        for progress in reports(cancelled):
            steps.append(progress.step)
            yield progress
        return "whole"

    def draw(report):
        before = len(steps)
        time.sleep(0.05)
        seen.append((before, len(steps)))

    run_in_thread(counted, on_report=draw, on_result=ended.append, on_error=ended.append, on_end=lambda: None)
    qtbot.waitUntil(lambda: bool(ended), timeout=60_000)
    assert ended == ["whole"]
    assert seen == [(1, 1)]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
def test_no_thread_stays_behind_with_helpers_that_slow_the_next_run(qtbot, run):
    before = set(os.listdir("/proc/self/task"))
    assert run(reports).results == ["whole"]
    qtbot.waitUntil(lambda: set(os.listdir("/proc/self/task")) <= before, timeout=10_000)


def test_no_preview_where_none_is_wanted(run):
    assert all(report.preview is None for report in run(reports).reports)


def test_a_preview_for_which_memory_is_short_does_not_end_the_run(run):
    def too_large(at):
        raise DeviceMemoryError("cuda:0 has too little free memory")

    def steps(cancelled):
        for progress in reports(cancelled):
            yield Progress(progress.stage, progress.step, progress.total, None, progress.seconds, too_large)
        return "whole"

    seen = run(steps, at={"T": 0})
    assert (seen.results, seen.errors) == (["whole"], [])
    assert all(report.preview is None for report in seen.reports)
