"""Spots are as strong as they say, and are found and measured where they are."""

import numpy as np
import pytest

from benchmarks.spots import FEW, STRENGTHS, detected, field, seen

SPOTS = field(50.0, 128, 0)


def test_spots_stand_so_many_deviations_above_the_ground():
    heights = SPOTS.truth[tuple(SPOTS.places.T)] - SPOTS.ground
    assert heights == pytest.approx(SPOTS.strengths * np.sqrt(50), rel=0.02)
    assert set(SPOTS.strengths) == set(STRENGTHS)


def test_the_truth_keeps_everything_and_has_no_false_spots():
    kept, false = seen(SPOTS.truth, SPOTS)
    assert false == 0
    for one in kept.values():
        assert (one.contrast, one.light, one.found, one.ranked) == (1, 1, 1, 1)


def test_an_even_image_has_no_spots():
    kept, false = seen(np.full_like(SPOTS.truth, 50.0), SPOTS)
    assert false == 0
    assert all(one.found == one.contrast == 0 for one in kept.values())
    assert len(detected(np.zeros((32, 32)))[0]) == 0


def test_halved_contrast_is_told():
    kept, _ = seen(50 + (SPOTS.truth - 50) / 2, SPOTS)
    assert kept[5.0].contrast == pytest.approx(0.5, abs=0.001)
    assert kept[5.0].light == pytest.approx(0.5, abs=0.001)


def test_noise_alone_brings_false_spots_and_a_hand_set_threshold_few():
    noisy = SPOTS.taken(np.random.default_rng(0))
    kept, false = seen(noisy, SPOTS)
    assert false > 10 * FEW
    assert kept[2.0].ranked < kept[2.0].found
    assert kept[5.0].ranked > 0.8
