"""A wave that repeats all over an image is found with its period, direction and strength; structure and noise are none."""

import numpy as np
import pytest

from napari_zeroshot.engine import phantoms
from napari_zeroshot.engine.noise_diagnosis import diagnose
from napari_zeroshot.engine.noise_findings import findings
from napari_zeroshot.engine.periodic_pattern import periodic_pattern


def wave(period, angle, amplitude, shape=(128, 160)):
    rows, columns = np.indices(shape)
    turn = np.radians(angle)
    return amplitude * np.cos(2 * np.pi * (rows * np.cos(turn) + columns * np.sin(turn)) / period)


def noise(seed=0, shape=(128, 160)):
    return np.random.default_rng(seed).normal(scale=5, size=shape)


@pytest.mark.parametrize(("period", "angle"), [(8, 0), (5.3, 30), (4.1, -60), (3, 90), (2.1, 0), (2, 0), (2, 90)])
def test_a_wave_in_noise_has_its_period_angle_and_amplitude(period, angle):
    found = periodic_pattern([noise() + wave(period, angle, 3)])
    assert found.period == pytest.approx(period, rel=0.04)
    assert found.angle == pytest.approx(angle, abs=3)
    assert found.amplitude == pytest.approx(3, rel=0.15)


def test_a_weak_wave_shows_in_many_planes():
    waves = wave(6, 20, 0.7)
    assert periodic_pattern([noise(seed) + waves for seed in range(8)]) is not None


@pytest.mark.parametrize("draw", [phantoms.filaments, phantoms.nuclei, phantoms.puncta, phantoms.membranes, phantoms.tissue, phantoms.sparse])
@pytest.mark.parametrize("strength", [0, 1], ids=["clean", "noisy"])
def test_structure_is_no_pattern(draw, strength):
    for seed in range(5):
        assert periodic_pattern([100.0 * draw((128, 160), seed) + strength * noise(seed)]) is None


def test_noise_stripes_and_hot_pixels_are_no_pattern():
    stripes = np.random.default_rng(2).normal(scale=10, size=(128, 1))
    hot = noise()
    hot[40, 50] = 4000
    assert [periodic_pattern([image]) for image in (noise(), noise() + stripes, hot, np.zeros((64, 64)))] == [None] * 4


def test_a_large_plane_is_looked_at_in_its_middle():
    assert periodic_pattern([noise(shape=(40, 1500)) + wave(7, 90, 4, (40, 1500))]).period == pytest.approx(7, rel=0.03)


def test_the_report_warns_of_a_pattern_that_shows_and_of_no_other():
    image = 200 + noise()
    for amplitude, told in ((3.0, True), (0.3, False)):
        topics = {finding.topic: finding for finding in findings(diagnose((image + wave(8, 0, amplitude)).astype(np.float32)))}
        assert ("Periodic pattern" in topics) is told
        if told:
            assert topics["Periodic pattern"].notable
            assert topics["Periodic pattern"].value.startswith("every 8 px")
            assert "at 0° to the rows" in topics["Periodic pattern"].sentence
