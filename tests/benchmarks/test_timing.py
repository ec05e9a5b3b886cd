"""Seconds are told from reports: what a step takes, what a whole run would, and what it was spent on."""

import pytest

from benchmarks import apart as apart_module
from benchmarks import plot, timing
from benchmarks.apart import Peak, apart
from benchmarks.timing import Mark, Work


def marks(*points, stage="training"):
    return [Mark(stage, step, 100, True, seconds) for step, seconds in points]


def test_a_steps_time_leaves_out_the_first_ones():
    assert timing.seconds_a_step(marks((1, 10.0), (2, 11.0), (3, 11.5), (4, 12.0)), "training", warm=2) == pytest.approx(0.5)


def test_a_steps_time_is_that_of_its_own_stage():
    both = marks((1, 1.0), (2, 2.0)) + marks((3, 10.0), (4, 15.0), stage="refining")
    assert timing.seconds_a_step(both, "refining", warm=1) == pytest.approx(5.0)


def test_sparse_reports_are_all_used():
    assert timing.seconds_a_step(marks((1, 1.0), (11, 3.0)), "training", warm=20) == pytest.approx(0.2)


def test_a_recipe_is_scaled_to_its_full_number_of_steps(ticking):
    work = Work("zs-n2n", "paper", "grey", 32)
    found = timing.recipe(work, warm=2, timed=5)
    assert found["steps"] == {"training": 2000}
    assert found["ms_a_step"] == {"training": pytest.approx(10)}
    assert found["seconds"] == pytest.approx(20, rel=0.02)  # and what comes before and after the steps


def test_the_parts_of_a_run_add_up():
    run = timing.follow(Work("zs-n2n", "default", "grey", 32, params={"steps": 5}))
    assert run.preparing + run.training + run.denoising == pytest.approx(run.seconds)
    assert not run.scaled


def test_a_run_over_its_limit_is_stopped_and_scaled(ticking):
    run = timing.follow(Work("zs-n2n", "default", "grey", 32, planes=50, stack="plane", params={"steps": 50}), limit=0.1)
    assert run.scaled
    assert run.seconds > 20 > 50 * ticking.now


def test_what_is_prepared_once_is_not_scaled():
    slow_start = marks((1, 10.0), (21, 12.0))
    assert timing._in_all(slow_start, prepared_once=True) == pytest.approx(19.9)
    assert timing._in_all(slow_start, prepared_once=False) == pytest.approx(12 * 100 / 21)


def forty_mib_held_for_a_moment():
    with Peak("cpu") as peak:
        held = bytearray(40 * 2**20)
        del held
    return {"resident": peak.resident}


def test_memory_of_a_run_is_what_it_held_at_most(monkeypatch):
    monkeypatch.setattr(apart_module, "PRELOADED", [])
    resident = apart(forty_mib_held_for_a_moment)["resident"]
    if resident is not None:
        assert 35 < resident < 60


def test_work_that_fails_says_why_and_the_rest_goes_on(monkeypatch):
    monkeypatch.setattr(apart_module, "PRELOADED", [])
    assert "zs-n3n" in apart(timing.repeated, Work("zs-n3n", "default", "grey", 32), 1, 1, 0.0)["error"]


def test_slope_of_a_straight_line_on_a_log_log_plot():
    line = [(10.0, 7.0), (100.0, 2.0), (1000.0, 20.0), (10_000.0, 200.0)]
    assert plot.slope(line, 100) == pytest.approx(1.0)
    assert plot.slope(line[:1]) is None
