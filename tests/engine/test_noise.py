"""Noise has the mean, variance and correlation that its model says."""

from __future__ import annotations

import numpy as np
import pytest

from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.noise import add_noise

LEVELS = (0.1, 0.4, 0.9)
SETTINGS = {"sigma": 20.0, "photons": 25.0, "width": 30.0}
VARIANCES = {
    "gaussian": lambda x: (20 / 255) ** 2,
    "poisson": lambda x: x / 25,
    "uniform": lambda x: (30 / 255) ** 2 / 3,
    "poisson-gauss": lambda x: x / 25 + (20 / 255) ** 2,
}


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def flat(level: float, side: int = 256) -> np.ndarray:
    return np.full((side, side), level)


@pytest.mark.parametrize("correlation", [0.0, 1.5], ids=["white", "shared"])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", VARIANCES)
def test_mean_and_variance_are_the_models(kind: str, level: float, correlation: float) -> None:
    noise = add_noise(flat(level), kind, rng(), correlation=correlation, **SETTINGS) - level
    independent = noise.size / (1 + 12 * correlation**2)
    assert abs(noise.mean()) < 5 * np.sqrt(VARIANCES[kind](level) / independent)
    assert noise.var() == pytest.approx(VARIANCES[kind](level), rel=8 / np.sqrt(independent))


@pytest.mark.parametrize(("correlation", "between"), [(0.0, (-0.03, 0.03)), (1.0, (0.74, 0.82)), (2.0, (0.91, 0.96))])
def test_neighbours_share_noise_as_asked(correlation: float, between: tuple[float, float]) -> None:
    noise = add_noise(flat(0.5), "gaussian", rng(), correlation=correlation) - 0.5
    for one, other in ((noise[:, 1:], noise[:, :-1]), (noise[1:], noise[:-1])):
        assert between[0] < np.corrcoef(one.ravel(), other.ravel())[0, 1] < between[1]


def test_edges_are_as_noisy_as_the_middle() -> None:
    noise = np.stack([add_noise(flat(0.5, 64), "gaussian", np.random.default_rng(seed), correlation=2.0) for seed in range(60)]) - 0.5
    assert noise[:, 0].std() == pytest.approx(noise[:, 32].std(), rel=0.1)


def test_planes_of_a_stack_share_no_noise() -> None:
    noise = add_noise(np.full((2, 128, 128), 0.5), "gaussian", rng(), correlation=1.5) - 0.5
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.1


def test_rows_and_columns_may_come_first() -> None:
    noise = add_noise(np.full((128, 128, 3), 0.5), "gaussian", rng(), correlation=1.5, plane=(0, 1)) - 0.5
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.1
    assert np.corrcoef(noise[1:].ravel(), noise[:-1].ravel())[0, 1] > 0.5


def test_the_generator_decides_and_nothing_is_cut_unless_asked() -> None:
    noisy = add_noise(flat(0.0), "gaussian", rng(), sigma=50)
    np.testing.assert_array_equal(noisy, add_noise(flat(0.0), "gaussian", rng(), sigma=50))
    assert noisy.dtype == np.float32
    assert noisy.min() < -0.2
    assert add_noise(flat(0.0), "gaussian", rng(), sigma=50, clip=True).min() == 0


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("salt", {}, "known are gaussian"),
        ("gaussian", {"sigma": -1}, "sigma = -1"),
        ("gaussian", {"sigma": float("nan")}, "sigma = nan"),
        ("poisson", {"photons": 0}, "photons above 0"),
    ],
)
def test_impossible_noise_is_refused(kind: str, settings: dict[str, float], said: str) -> None:
    with pytest.raises(ParamError, match=said):
        add_noise(flat(0.5, 4), kind, rng(), **settings)


def test_poisson_noise_of_negative_light_is_refused() -> None:
    with pytest.raises(ParamError, match="negative"):
        add_noise(flat(-0.1, 4), "poisson-gauss", rng())
