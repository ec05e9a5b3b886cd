"""Differences are numpy's, computed when asked for, with limits that are symmetric."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest

from napari_zeroshot.engine.difference import Difference, symmetric_limits

ONE = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
OTHER = ONE[::-1]


@pytest.mark.parametrize("lazy", [False, True], ids=["numpy", "dask"])
def test_differences_do_not_wrap_around(lazy) -> None:
    taken = Difference(ONE, dask.array.from_array(OTHER) if lazy else OTHER)
    assert (taken.shape, taken.dtype) == (ONE.shape, np.float32)
    assert np.array_equal(taken[1], ONE[1].astype(float) - OTHER[1])


def test_changes_of_the_image_are_seen() -> None:
    one = ONE.copy()
    taken = Difference(one, OTHER)
    one[0] += 100
    assert np.array_equal(taken[0], one[0].astype(float) - OTHER[0])


def test_colours_are_averaged() -> None:
    one, other = np.random.default_rng(0).uniform(0, 9, (2, 5, 6, 3))
    taken = Difference(one, other, samples=True)
    assert (taken.shape, taken.ndim, taken.size) == ((5, 6), 2, 30)
    assert np.allclose(taken[2:4], (one - other)[2:4].mean(axis=-1), atol=1e-5)
    assert np.allclose(np.asarray(taken), (one - other).mean(axis=-1), atol=1e-5)


@pytest.mark.parametrize(
    ("values", "limits"),
    [(np.linspace(-10, 0, 1001), (-9.95, 9.95)), (np.zeros(9), (-1, 1)), (np.full(4, np.nan), (-1, 1)), (np.eye(50), (-1, 1)), ([np.nan, -3], (-3, 3))],
    ids=["ramp", "zero", "nan", "sparse", "gap"],
)
def test_limits_are_symmetric_about_zero(values, limits) -> None:
    assert symmetric_limits(np.asarray(values)) == pytest.approx(limits)
