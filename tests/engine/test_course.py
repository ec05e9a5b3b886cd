"""A training's way through its schedule: rates, and when it has learnt enough."""

from itertools import pairwise

import numpy as np
import pytest

from napari_zeroshot.engine.course import Course, rate, stands_still


@pytest.mark.parametrize(
    ("schedule", "part", "share"),
    [
        ("constant", 0, 1),
        ("constant", 0.99, 1),
        ("step", 0, 1),
        ("step", 0.7499, 1),
        ("step", 0.75, 0.5),
        ("step", 0.99, 0.5),
        ("cosine", 0, 1),
        ("cosine", 0.5, 0.5),
        ("cosine", 1, 0),
        ("one-cycle", 0, 0.04),
        ("one-cycle", 0.15, 1),
        ("one-cycle", 0.575, 0.5),
        ("one-cycle", 1, 0),
    ],
)
def test_learning_rate_over_the_steps(schedule, part, share):
    assert rate(schedule, part) == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine", "one-cycle"])
def test_rates_stay_within_what_was_asked_for(schedule):
    assert all(0 <= rate(schedule, part) <= 1 for part in np.linspace(0, 1, 101))


def test_zs_n2n_schedule_is_that_of_the_released_code():
    """2000 steps, halved after 1500."""
    assert [rate("step", step / 2000) for step in (0, 1499, 1500, 1999)] == [1, 1, 0.5, 0.5]


def test_a_training_cut_short_still_brings_its_rate_down_to_nothing():
    course, rates = Course(100, "one-cycle"), []
    while not course.over:
        rates.append(course.rate())
        course.step += 1
        if course.step > 30:
            course.note(1.0)
    assert len(rates) < 70
    assert max(abs(later - earlier) for earlier, later in pairwise(rates)) < 0.1
    assert rates[-1] < 0.1


@pytest.mark.parametrize(
    ("scores", "still"),
    [([], False), ([1.0] * 5, False), ([1.0] * 6, True), ([1.0, 1, 1, 1, 1, 0.9], False), ([1.0, 2, 2, 2, 2, 2], True), ([1.0, 2, 2, 2, 2, 0.9995], True)],
    ids=["nothing yet", "too few", "flat", "better", "worse", "hardly better"],
)
def test_standing_still_is_having_no_better_score_for_a_while(scores, still):
    assert stands_still(scores) is still
