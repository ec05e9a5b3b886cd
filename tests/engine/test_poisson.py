"""Poisson numbers from a table, against the distribution itself."""

import numpy as np
import pytest
import torch
from scipy import stats

from napari_zeroshot.engine.device import random_numbers
from napari_zeroshot.engine.poisson import HIGHEST, looked_up

MANY = 200_000


def drawn(rate, seed=0):
    return looked_up(torch.full((MANY,), float(rate)), random_numbers(seed, "cpu")).numpy().astype(float)


@pytest.mark.parametrize("rate", [0.01, 0.3, 1, 4.2, 17, 100, HIGHEST, HIGHEST + 1, 2000])
def test_counts_have_the_mean_variance_and_skewness_of_poisson_numbers(rate):
    counts = drawn(rate)
    assert abs(counts.mean() - rate) < 4 * np.sqrt(rate / MANY) + 0.001
    assert counts.var() == pytest.approx(rate, rel=0.015 + 4 / np.sqrt(MANY * rate))
    assert stats.skew(counts) == pytest.approx(rate**-0.5, abs=0.03, rel=0.05)


@pytest.mark.parametrize("rate", [0.3, 4.2, 17, 100])
def test_every_count_is_as_frequent_as_it_should_be(rate):
    frequencies = np.bincount(drawn(rate).astype(int), minlength=300) / MANY
    np.testing.assert_allclose(frequencies, stats.poisson.pmf(np.arange(len(frequencies)), rate), atol=0.004)


def test_no_light_gives_no_count():
    assert not drawn(0).any()


def test_dim_and_bright_places_of_one_image_get_counts_of_their_own_rates():
    rates = torch.tensor([0.5, 50.0, 500.0])[:, None].expand(3, MANY)
    counts = looked_up(rates, random_numbers(1, "cpu")).numpy().astype(float)
    np.testing.assert_allclose(counts.mean(axis=1), [0.5, 50, 500], rtol=0.005)
    assert np.array_equal(counts, counts.round())


def test_the_same_seed_gives_the_same_counts():
    np.testing.assert_array_equal(drawn(3, seed=1), drawn(3, seed=1))
    assert not np.array_equal(drawn(3, seed=1), drawn(3, seed=2))
