"""The automatic choice: what it chooses, and what it says."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_zeroshot import denoise
from napari_zeroshot.engine import auto
from napari_zeroshot.engine.noise_diagnosis import diagnose

QUICK = {"device": "cpu", "crop": 32, "crops": 4, "turns": "1", "dtype": "float32"}


@pytest.fixture(scope="module")
def few_photons():
    return np.random.default_rng(0).poisson(np.tile(np.linspace(0.5, 5, 96), (96, 1))).astype(np.uint16)


def test_it_says_what_was_chosen_and_why(few_photons):
    notes = denoise(few_photons, "auto", steps=4, **QUICK).notes
    assert "photons at the brightest, and noise of its own for each pixel: ZS-UNet learnt from neighbouring pixels" in notes[0]
    assert any(note.startswith("Photons: The brightest places hold so few photons") for note in notes)


def test_of_several_channels_the_one_that_is_meant_is_named(few_photons):
    bright = np.random.default_rng(1).poisson(np.tile(np.linspace(50, 500, 96), (96, 1))).astype(np.uint16)
    notes = denoise(np.stack([few_photons, bright]), "auto", axes="CYX", steps=4, **QUICK).notes
    assert any(note.startswith("Channel 1: Photons:") for note in notes)
    assert not any(note.startswith("Channel 2: Photons:") for note in notes)


def test_shared_noise_is_met_with_pairs_further_apart():
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(96, 96)), 1)
    image = (100 + 20 * noise / noise.std()).round().astype(np.uint16)
    assert "share: ZS-UNet learnt from pixels two and three apart" in denoise(image, "auto", steps=4, **QUICK).notes[0]


def test_noise_that_is_perhaps_shared_is_not_called_each_pixels_own():
    report = replace(diagnose(np.random.default_rng(0).normal(100, 5, (96, 96))), texture=True)
    assert "perhaps" in next(auto.reasons(report))
    assert "perhaps" not in next(auto.reasons(replace(report, texture=False)))


def test_where_a_gaussian_is_nearer_the_truth_it_is_given_and_told(few_photons, monkeypatch):
    monkeypatch.setattr(auto, "JUDGED_FROM", 1)  # two steps teach nothing, and a blur is better
    result = denoise(few_photons, "auto", steps=2, **QUICK)
    np.testing.assert_allclose(result.image, denoise(few_photons, "gaussian", dtype="float32").image)
    assert any(note.startswith("A Gaussian is expected to be nearer the truth") for note in result.notes)


def test_the_gaussian_of_a_stack_is_that_of_its_planes(few_photons, monkeypatch):
    monkeypatch.setattr(auto, "JUDGED_FROM", 1)
    stack = np.stack([few_photons, few_photons[::-1], few_photons])
    result = denoise(stack, "auto", axes="TYX", steps=2, **QUICK)
    assert "Each plane was seen with the one before and the one after it; what they tell was learnt from the stack." in result.notes
    np.testing.assert_allclose(result.image, denoise(stack, "gaussian", axes="TYX", dtype="float32").image)


def test_spots_on_a_dark_ground_are_not_left_to_a_gaussian():
    light = np.zeros((128, 128))
    light[16::32, 16::32] = 400.0
    image = np.random.default_rng(0).poisson(0.6 + ndimage.gaussian_filter(light, 1.2)).astype(np.uint16)
    assert not any("Gaussian" in note for note in denoise(image, "auto", steps=auto.JUDGED_FROM, **QUICK).notes)


def test_fine_texture_is_not_held_against_what_keeps_it():
    stripes = np.tile([1.0, 0.0, -1.0, 0.0], (64, 16)) + np.random.default_rng(0).normal(0, 0.1, (64, 64))
    planes = stripes.astype(np.float32)[None, None]
    keeps = lambda planes: 0.8 * planes + 0.2 * ndimage.uniform_filter1d(planes, 5, axis=2)  # noqa: E731
    loses = lambda planes: ndimage.gaussian_filter(planes, (0, 0, 3, 3))  # noqa: E731
    assert auto._foretells_better(keeps, planes, 0, 0)
    assert not auto._foretells_better(loses, planes, 0, 0)


@pytest.fixture(scope="module")
def spots():
    """Spots little larger than the grain of the noise they lie in, without it and with it."""
    clean = 30 + 4000 * ndimage.gaussian_filter((np.random.default_rng(3).random((96, 96)) > 0.99).astype(np.float64), 3)
    grain = ndimage.gaussian_filter(np.random.default_rng(5).normal(size=clean.shape), 1)
    return clean, (clean + 8 * grain / grain.std()).astype(np.float32)


def test_what_is_lost_among_shared_noise_shows_in_what_was_taken_away(spots):
    clean, noisy = spots
    planes, report = noisy[None, None], diagnose(noisy)
    assert report.neighbours_share
    assert auto._takes_no_more(clean[None, None], report, planes)
    assert not auto._takes_no_more(ndimage.gaussian_filter(planes, (0, 0, 6, 6)), report, planes)


def test_an_answer_that_loses_what_lies_in_shared_noise_is_not_given(spots):
    _, noisy = spots
    told = []
    plain = auto._the_better(lambda planes: np.full_like(planes, noisy.mean()), diagnose(noisy), noisy[None, None], 0, auto.Job(note=told.append))
    assert told == ["A Gaussian is expected to be nearer the truth than what was learnt, and was used instead."]
    assert np.ptp(plain(noisy[None, None])) > 50


def test_a_short_trial_is_shown_as_it_is(few_photons):
    assert not any("A Gaussian is expected" in note for note in denoise(few_photons, "auto", steps=2, **QUICK).notes)


def test_an_image_too_small_for_its_noise_to_be_read_is_denoised_all_the_same():
    image = np.random.default_rng(0).poisson(50, (16, 16)).astype(np.uint8)
    result = denoise(image, "auto", steps=3, device="cpu")
    assert "too small, or too even" in result.notes[0]
    assert result.image.shape == (16, 16)


def test_an_even_image_stays_as_it_is():
    image = np.full((40, 40), 7, np.uint8)
    np.testing.assert_array_equal(denoise(image, "auto", steps=30, device="cpu").image, image)
