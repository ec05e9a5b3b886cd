"""Over a grid of simulated cameras the median errors of the diagnosis are small; docs/benchmarks.md has a finer grid."""

from itertools import product

import numpy as np
import pytest

from napari_zeroshot.engine.noise import add_noise
from napari_zeroshot.engine.noise_diagnosis import diagnose
from napari_zeroshot.engine.phantoms import cells

SPAN, OFFSET = 3000.0, 200.0
SCENES = {"ramp": np.tile(np.linspace(0.03, 1, 160), (160, 1)), "cells": 0.03 + 0.97 * cells((160, 160)).astype(float)}


def errors(scene, photons, read_noise, correlation=0.0):
    """Relative errors of gain and of variance at a bright place, and the error of the neighbours' correlation."""
    light, gain = SCENES[scene], SPAN / photons
    rng = np.random.default_rng(photons)
    noisy = add_noise(light, "poisson-gauss", rng, photons=photons, sigma=255 * read_noise / SPAN, correlation=correlation)
    image = np.clip(np.rint(OFFSET + SPAN * noisy), 0, 65535).astype(np.uint16)
    report = diagnose(image, offset=OFFSET)
    bright = float(np.quantile(light, 0.9))
    variance = report.transfer.variance(OFFSET + SPAN * bright) / (gain * SPAN * bright + read_noise**2)
    return report.transfer.slope / gain - 1, variance - 1, report.neighbour_correlation


@pytest.fixture(scope="module")
def white():
    grid = product(SCENES, (3, 10, 30, 100, 300), (0.0, 30.0, 100.0))
    return np.array([errors(*case) for case in grid])


@pytest.mark.parametrize(("column", "most"), [(0, 0.08), (1, 0.08), (2, 0.05)], ids=["gain", "variance", "correlation"])
def test_median_error_is_small_in_white_noise(white, column, most):
    assert np.median(np.abs(white[:, column])) < most


def test_correlation_of_shared_noise_is_read_to_a_tenth():
    found = [errors(scene, photons, 30.0, correlation=1.0)[2] for scene, photons in product(SCENES, (10, 100))]
    assert np.median(found) == pytest.approx(0.78, abs=0.1)
