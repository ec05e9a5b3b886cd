"""The automatic choice: what it chooses, and what it says."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_zeroshot import denoise, load_network, save_network
from napari_zeroshot.engine import auto
from napari_zeroshot.engine.blur import best_sigma
from napari_zeroshot.engine.errors import ParamError
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
    assert not any("instead" in note for note in denoise(image, "auto", steps=auto.JUDGED_FROM, **QUICK).notes)


@pytest.mark.parametrize("centre", ["dark", "noise"])
def test_an_empty_centre_does_not_decide_for_what_lies_around_it(centre):
    light = np.full((512, 512), 0.6)
    light[16:96:16, 16::16] = 60.0
    image = np.random.default_rng(0).poisson(ndimage.gaussian_filter(light, 1.2)).astype(np.float32)
    if centre == "dark":
        image[128:384, 128:384] = 0
    sharp = lambda planes: ndimage.gaussian_filter(planes, (0, 0, 1, 1))  # noqa: E731
    parts = auto._liveliest(image[None, None], 0)
    assert parts.shape == (4, 1, 256, 256)
    assert best_sigma(parts) < 2
    assert auto._used(auto._share_of(sharp, parts, 6.0, 0, 0)) > 0.6


def test_the_squares_that_are_judged_are_those_with_most_structure():
    planes = np.random.default_rng(0).normal(100, 30, (2, 1, 600, 600)).astype(np.float32)
    planes[1, 0, 400:] += np.linspace(0, 50, 600)
    assert np.ptp(auto._liveliest(planes, 0)[:2, 0].mean(axis=1), axis=1).min() > np.ptp(auto._liveliest(planes, 0)[2:, 0].mean(axis=1), axis=1).max() - 10
    assert auto._liveliest(planes, 0)[0].mean() > 105


@pytest.mark.parametrize("share", [0.5, 0.0], ids=["mixed", "a Gaussian"])
def test_planes_whose_network_goes_on_are_judged_as_the_first_is(few_photons, share, monkeypatch):
    monkeypatch.setattr(auto, "JUDGED_FROM", 1)
    monkeypatch.setattr(auto, "_share_of", lambda *_: share)
    result = denoise(np.stack([few_photons] * 3), "auto", axes="TYX", stack="warm", neighbours="0", steps=20, seed=0, **{**QUICK, "warm_steps": 5})
    plain = denoise(few_photons, "gaussian", dtype="float32").image
    apart = [np.abs(plane - plain).mean() for plane in result.image]
    assert max(apart) == pytest.approx(min(apart), abs=0.3 * share * float(np.ptp(plain)))
    assert sum(note.startswith(("Noise is strong", "A Gaussian is expected")) for note in result.notes) == 1


def test_fine_texture_is_not_held_against_what_keeps_it():
    stripes = np.tile([1.0, 0.0, -1.0, 0.0], (64, 16)) + np.random.default_rng(0).normal(0, 0.1, (64, 64))
    planes = stripes.astype(np.float32)[None, None]
    keeps = lambda planes: 0.8 * planes + 0.2 * ndimage.uniform_filter1d(planes, 5, axis=2)  # noqa: E731
    loses = lambda planes: ndimage.gaussian_filter(planes, (0, 0, 3, 3))  # noqa: E731
    assert auto._used(auto._share_of(keeps, planes, 3.0, 0, 0)) == 1
    assert auto._used(auto._share_of(loses, planes, 0.3, 0, 0)) == 0


def test_two_answers_with_errors_of_their_own_are_mixed_by_how_large_these_are():
    rng = np.random.default_rng(0)
    clean = ndimage.gaussian_filter(rng.normal(size=(320, 320)), 6)
    clean = (5 * clean / clean.std()).astype(np.float32)[None, None]
    noisy = (clean + rng.normal(0, 4, clean.shape)).astype(np.float32)
    errors = ndimage.gaussian_filter(rng.normal(size=(320, 320)), 2)
    errors *= np.sqrt(np.square(ndimage.gaussian_filter(noisy[0, 0], 2) - clean[0, 0]).mean()) / errors.std()
    apart, missed = (image[0, 0] - ndimage.gaussian_filter(noisy[0, 0], 2) for image in (clean + errors, clean))
    assert 0.2 < (best := (apart * missed).sum() / (apart * apart).sum()) < 0.8
    assert auto._share_of(lambda planes: clean + errors, noisy, 2.0, 0, 0) == pytest.approx(best, abs=0.08)
    assert auto._share_of(lambda planes: clean, noisy, 2.0, 0, 0) == pytest.approx(1, abs=0.1)
    assert auto._share_of(lambda planes: clean + 5 * errors, noisy, 2.0, 0, 0) < auto.LEAST


def test_of_a_share_that_is_hardly_more_or_less_hardly_more_or_less_is_used():
    shares = np.linspace(auto.LEAST, 1.2, 200)
    used = [auto._used(share) for share in shares]
    assert np.diff(used).min() >= 0
    assert np.diff(used).max() < 0.03
    assert used[-1] == 1
    assert auto._used(0.5) == 0.5
    assert auto._used(auto.LEAST / 2) == 0


@pytest.fixture(scope="module")
def mixed(few_photons):
    """A result half of which is a Gaussian's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auto, "JUDGED_FROM", 1)
        patch.setattr(auto, "_share_of", lambda *_: 0.5)
        return denoise(few_photons, "auto", steps=20, seed=0, **QUICK)


def test_a_mean_of_both_is_given_and_told(few_photons, mixed, monkeypatch):
    monkeypatch.setattr(auto, "JUDGED_FROM", 1000)
    alone = denoise(few_photons, "auto", steps=20, seed=0, **QUICK).image
    plain = denoise(few_photons, "gaussian", dtype="float32").image
    np.testing.assert_allclose(mixed.image, (alone + plain) / 2, atol=0.02 * np.ptp(plain))
    assert any(note.startswith("Noise is strong: about 50 % of the result is ZS-UNet's, the rest a Gaussian blur's") for note in mixed.notes)


def test_a_network_that_is_used_again_is_mixed_as_it_was(few_photons, mixed, tmp_path):
    pytest.importorskip("safetensors")
    path = save_network(tmp_path / "mixed.safetensors", mixed)
    np.testing.assert_allclose(denoise(few_photons, trained=path, device="cpu", dtype="float32").image, mixed.image, rtol=1e-5)


def answers_used(monkeypatch, *shares):
    """Of the channels one after the other, such a share of the answer is used."""
    left = iter(shares)
    monkeypatch.setattr(auto, "JUDGED_FROM", 1)
    monkeypatch.setattr(auto, "_share_of", lambda *_: next(left))


@pytest.mark.parametrize("axes", ["CYX", "CTYX"])
def test_where_one_channel_took_a_gaussian_it_is_kept_with_the_networks_of_the_others(few_photons, axes, tmp_path, monkeypatch):
    pytest.importorskip("safetensors")
    answers_used(monkeypatch, 1.0, 0.0)
    image = np.stack([few_photons, few_photons[:, ::-1]])
    image = np.stack([image, image[:, ::-1], image], axis=1) if "T" in axes else image
    result = denoise(image, "auto", axes=axes, steps=2, **QUICK)
    path = save_network(tmp_path / "two.safetensors", result)
    again = denoise(image, axes=axes, trained=path, device="cpu", dtype="float32")
    np.testing.assert_array_equal(again.image, result.image)
    (told,) = [note for note in again.notes if "A Gaussian of" in note]
    assert told.startswith(f"Channel 2: A Gaussian of {load_network(path).networks[1].sigma:.2g} px was used")
    assert again.provenance()["network"] == load_network(path).told()


def test_where_every_channel_took_a_gaussian_there_is_no_network_and_why_is_told(few_photons, tmp_path, monkeypatch):
    answers_used(monkeypatch, 0.0, 0.0)
    result = denoise(np.stack([few_photons, few_photons]), "auto", axes="CYX", steps=2, **QUICK)
    with pytest.raises(ParamError, match="no network to use again: a filter was used in its place, a Gaussian"):
        save_network(tmp_path / "none.safetensors", result)


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
    sigma = best_sigma(planes)
    assert auto._takes_no_more(clean[None, None], report, planes, sigma)
    assert not auto._takes_no_more(ndimage.gaussian_filter(planes, (0, 0, 6, 6)), report, planes, sigma)


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
