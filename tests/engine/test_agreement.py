"""Two results of one image are compared, and told to be the same, nearly so, or not."""

import numpy as np
import pytest

from napari_zeroshot.engine.agreement import TOLERANCE, agreement
from napari_zeroshot.engine.axes import parse

RAW = np.random.default_rng(0).normal(100, 10, (2, 20, 30))
FIRST = np.full(RAW.shape, 100.0)


def compared(again, first=FIRST):
    return agreement(first, again, RAW, parse("TYX", RAW.shape))


def test_equal_pixels_are_told_to_be_so():
    same = compared(FIRST)
    assert same.within
    assert same.sentence() == "The pixels are those of the first result, bit for bit."


@pytest.mark.parametrize(("off", "within", "said"), [(0.5 * TOLERANCE, True, "within the 0.2"), (2 * TOLERANCE, False, "more than the 0.2")])
def test_differences_are_a_share_of_what_was_taken_away(off, within, said):
    removed = np.sqrt(np.square(RAW - FIRST).mean())
    other = compared(FIRST + off * removed)
    assert other.difference == pytest.approx(off * removed)
    assert other.within is within
    assert f"{off:.2g} of what was taken away: {said}" in other.sentence()


def test_gaps_in_both_count_as_equal_and_in_one_as_none():
    gaps = FIRST.copy()
    gaps[0, 3, 4] = np.nan
    assert compared(gaps, gaps).difference == 0
    assert not compared(FIRST, gaps).within


def test_a_change_where_the_first_run_changed_nothing_is_told():
    assert "changed nothing: more than" in agreement(RAW, RAW + 1, RAW, parse("TYX", RAW.shape)).sentence()
