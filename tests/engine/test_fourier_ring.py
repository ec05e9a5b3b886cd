"""Ring correlations agree with numpy's by hand, and sharpness with what was done to the image."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_zeroshot.engine.fourier_ring import Curve, checkerboard_halves, detail, kept, ring_correlation, sharpness

RNG = np.random.default_rng(8)
CLEAN = ndimage.gaussian_filter(RNG.normal(0, 1, (192, 160)), 1.6) * 150
NOISY = CLEAN + RNG.normal(0, 10, CLEAN.shape)


def test_halves_by_hand() -> None:
    one, other = checkerboard_halves(np.array([[1.0, 2, 0], [5, 3, 0], [9, 9, 9]]))
    assert (one.tolist(), other.tolist()) == ([[2.0]], [[3.5]])


def test_ring_correlation_by_hand() -> None:
    one, other = RNG.normal(0, 1, (20, 24)), RNG.normal(0, 1, (20, 24))
    fade = np.hanning(22)[1:-1, None] * np.hanning(26)[None, 1:-1]
    a, b = (np.fft.fft2((plane - plane.mean()) * fade) for plane in (one, other))
    fineness = np.hypot(np.fft.fftfreq(20)[:, None], np.fft.fftfreq(24)[None])
    ring = (fineness >= 0.2) & (fineness < 0.3)
    expected = (a[ring] * b[ring].conj()).sum().real / np.sqrt((abs(a[ring]) ** 2).sum() * (abs(b[ring]) ** 2).sum())
    curve = ring_correlation(one, other, rings=5)
    assert curve.values[2] == pytest.approx(expected)
    assert curve.fineness.tolist() == pytest.approx([0.05, 0.15, 0.25, 0.35, 0.45])


def test_same_planes_correlate_and_noise_does_not() -> None:
    assert np.allclose(ring_correlation(NOISY, NOISY).values, 1)
    assert abs(ring_correlation(*RNG.normal(0, 1, (2, 128, 128))).values[8:].mean()) < 0.05


def test_crossing_lies_between_the_rings() -> None:
    fineness = (np.arange(6) + 0.5) / 12
    assert Curve(fineness, np.array([1, 1, 1, 0, 0, 0.0])).crossing() == pytest.approx((fineness[2] + fineness[3]) / 2)
    assert Curve(fineness, np.ones(6)).crossing() == fineness[-1]
    assert Curve(fineness, np.zeros(6)).crossing() is None


def test_detail_ends_where_it_is_as_strong_as_the_noise() -> None:
    signal = (np.abs(np.fft.fft2(CLEAN)) ** 2 / CLEAN.size).ravel()
    fineness = np.hypot(*np.meshgrid(*(np.fft.fftfreq(size) for size in CLEAN.shape), indexing="ij")).ravel()
    rings = [signal[(fineness >= edge) & (fineness < edge + 0.01)].mean() for edge in np.arange(0, 0.25, 0.01)]
    expected = next(0.01 * n for n, power in enumerate(rings) if power < 100)
    assert detail(NOISY) == pytest.approx(expected, abs=0.02)
    assert detail(RNG.normal(0, 1, (128, 128))) is None


def test_kept_is_a_blurs_transfer_function() -> None:
    curve = kept(NOISY, ndimage.gaussian_filter(NOISY, 1.2, mode="wrap"))
    assert np.allclose(curve.values[2:], np.exp(-2 * (np.pi * 1.2 * curve.fineness[2:]) ** 2), atol=0.04)


def test_sharpness_tells_blurred_from_sharp() -> None:
    power = np.abs(np.fft.fft2(CLEAN)) ** 2
    best = np.fft.ifft2(np.fft.fft2(NOISY) * power / (power + 100 * CLEAN.size)).real
    assert sharpness(NOISY, CLEAN) == pytest.approx(1, abs=0.15)
    assert sharpness(NOISY, best) == pytest.approx(1, abs=0.15)
    assert sharpness(NOISY, ndimage.gaussian_filter(NOISY, 4)) < 0.6
    assert sharpness(NOISY, NOISY) > 1.5
    assert sharpness(RNG.normal(0, 1, (64, 64)), np.zeros((64, 64))) is None
