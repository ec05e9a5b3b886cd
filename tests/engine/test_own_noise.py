"""The image's own noise, put on other images."""

import numpy as np
import pytest
import torch

from napari_zeroshot.engine.device import random_numbers
from napari_zeroshot.engine.noise_diagnosis import diagnose
from napari_zeroshot.engine.own_noise import OwnNoise


def test_variance_follows_the_line():
    noise = OwnNoise(offset=10.0, gain=2.0, read_noise=3.0, ends=(-np.inf, np.inf))
    for level in (10.0, 50.0, 200.0):
        noisy = noise.on(torch.full((400, 400), level), random_numbers(0, "cpu"))
        assert noisy.mean() == pytest.approx(level, abs=0.2)
        assert noisy.std() == pytest.approx(float(noise.deviation(torch.tensor(level))), rel=0.02)
        assert noisy.var() == pytest.approx(2 * (level - 10) + 9, rel=0.04)


def test_darker_than_darkness_has_read_noise_only():
    noise = OwnNoise(offset=10.0, gain=2.0, read_noise=3.0, ends=(-np.inf, np.inf))
    assert noise.on(torch.full((300, 300), 4.0), random_numbers(0, "cpu")).std() == pytest.approx(3, rel=0.03)


def test_the_camera_cuts_off_at_its_ends():
    noise = OwnNoise(offset=0.0, gain=None, read_noise=50.0, ends=(0.0, 255.0))
    noisy = noise.on(torch.full((100, 100), 240.0), random_numbers(0, "cpu"))
    assert (noisy.min() >= 0, noisy.max()) == (True, 255)


def test_noise_of_an_image_is_put_back_as_it_was():
    rng = np.random.default_rng(1)
    ramp = np.tile(np.linspace(20, 200, 256), (256, 1))
    report = diagnose(3 * rng.poisson(ramp / 3) + rng.normal(0, 2, ramp.shape))
    again = OwnNoise.of(report).on(torch.from_numpy(ramp), random_numbers(0, "cpu")).numpy() - ramp
    assert again[:, :32].std() == pytest.approx(np.sqrt(3 * 31 + 4), rel=0.1)
    assert again[:, -32:].std() == pytest.approx(np.sqrt(3 * 189 + 4), rel=0.1)


def _texture(sigma: float) -> np.ndarray:
    rows, columns = np.mgrid[:256, :256]
    bricks = 20 * np.sin(rows / 1.5) * (np.sin(columns / 4) > 0)
    return (100 + bricks + np.random.default_rng(0).normal(0, sigma, bricks.shape)).astype(np.float32)[None, None]


@pytest.mark.parametrize("gain", [None, 2.0])
def test_fine_texture_that_passed_for_noise_is_taken_off(gain):
    told = OwnNoise(offset=0.0, gain=gain, read_noise=20.0, ends=(-np.inf, np.inf))
    mended = told.within(_texture(10.0))
    assert float(mended.deviation(torch.tensor(100.0))) == pytest.approx(10, rel=0.05)


def test_noise_is_not_made_stronger_nor_weaker_than_it_is():
    told = OwnNoise(offset=0.0, gain=None, read_noise=10.0, ends=(-np.inf, np.inf))
    assert told.within(_texture(30.0)) is told
    assert told.within(_texture(10.0)).read_noise == pytest.approx(10, rel=0.02)
