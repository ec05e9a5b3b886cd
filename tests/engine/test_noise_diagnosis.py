"""The diagnosis reads simulated noise, says what it means, and refuses what has none."""

import json

import numpy as np
import pytest
import skimage

from napari_zeroshot.engine.errors import DenoiseError, ImageError, ParamError
from napari_zeroshot.engine.fm2s_noise import fm2s_factors
from napari_zeroshot.engine.methods.fm2s import FM2SParams
from napari_zeroshot.engine.noise import add_noise
from napari_zeroshot.engine.noise_diagnosis import diagnose
from napari_zeroshot.engine.noise_findings import findings, verdict
from napari_zeroshot.engine.phantoms import cells

OFFSET, GAIN, READ = 100, 6.0, 9.0


def taken(photons=40, frames=None, correlation=0.0, seed=1):
    light = 0.03 + 0.97 * cells((128, 128)).astype(float)
    clean = np.repeat(light[np.newaxis], frames, axis=0) if frames else light
    noisy = add_noise(clean, "poisson-gauss", np.random.default_rng(seed), photons=photons, sigma=255 * READ / GAIN / photons, correlation=correlation)
    return np.rint(OFFSET + GAIN * photons * noisy).clip(0).astype(np.uint16)


@pytest.fixture(scope="module")
def plane():
    return diagnose(taken(), offset=OFFSET)


@pytest.mark.parametrize("frames", [None, 5], ids=["plane", "frames"])
@pytest.mark.parametrize("photons", [10, 40, 200])
def test_gain_and_read_noise_are_the_cameras(photons, frames):
    report = diagnose(taken(photons, frames), axes="TYX"[-3 if frames else -2 :], offset=OFFSET)
    assert report.gain == pytest.approx(GAIN, rel=0.25)
    assert report.read_noise == pytest.approx(READ, abs=max(3, 0.1 * GAIN * photons**0.5))
    assert report.photons == pytest.approx(photons, rel=0.45)
    assert not report.neighbours_share


def test_darkness_is_the_darkest_place_unless_given(plane):
    assert plane.offset == OFFSET
    guessed = diagnose(taken())
    assert not guessed.offset_known
    assert OFFSET <= guessed.offset < OFFSET + GAIN * 40 * 0.2
    assert guessed.read_noise >= plane.read_noise


@pytest.mark.parametrize("frames", [None, 4], ids=["plane", "frames"])
def test_shared_noise_is_noticed_and_has_advice(frames):
    report = diagnose(taken(frames=frames, correlation=1.0), axes="TYX"[-3 if frames else -2 :])
    assert report.neighbours_share
    assert report.neighbour_correlation == pytest.approx(0.78, abs=0.15)
    first = findings(report)[0]
    assert first.notable
    assert "FM2S" in first.advice
    assert "share noise" in verdict(report)


def test_grass_is_not_taken_for_noise_that_neighbours_share():
    clean = skimage.data.grass()[128:384, 128:384].astype(np.float64)
    report = diagnose(clean + np.random.default_rng(0).normal(0, 5, clean.shape))
    assert report.texture
    assert report.fine_texture
    assert not report.neighbours_share
    assert findings(report)[0].sentence.startswith("The sample has details as fine as single pixels")
    assert "perhaps" not in verdict(report)


def test_what_moves_does_not_count_as_noise():
    frames = taken(frames=6)
    still = diagnose(frames, axes="TYX")
    moved = np.stack([np.roll(frame, 3 * t, axis=0) for t, frame in enumerate(frames)])
    assert diagnose(moved, axes="TYX").noise == pytest.approx(still.noise, rel=0.2)


def test_frames_are_compared_only_along_time():
    stack = taken(frames=4)
    assert diagnose(stack, axes="TYX").frame_correlation == pytest.approx(0, abs=0.1)
    assert diagnose(stack, axes="ZYX").frame_correlation is None
    assert diagnose(stack, axes="ZYX").seen == "4 planes"


def test_channels_are_read_one_at_a_time():
    both = np.stack([taken(40), taken(400)])
    assert diagnose(both, axes="CYX", channel=1).photons > 4 * diagnose(both, axes="CYX").photons
    with pytest.raises(ParamError, match="no channel 2"):
        diagnose(both, axes="CYX", channel=2)


def test_verdict_names_photons_darkness_neighbours_and_saturation(plane):
    sentence = verdict(plane)
    for part in ("photons at the brightest", "read noise", "neighbouring pixels independent", "nothing saturated"):
        assert part in sentence


def test_saturation_and_hot_pixels_are_told():
    image = taken(200).clip(0, 700)
    image[(20, 60, 90, 100), (30, 11, 77, 100)] = 700
    topics = {finding.topic: finding for finding in findings(diagnose(image))}
    assert topics["Saturated"].notable
    assert topics["Saturated"].value == "at 700"
    assert "700" not in topics["Saturated"].sentence, "Auto says the sentence of an image whose grey levels are scaled"
    assert topics["Hot pixels"].value == "4"


@pytest.mark.parametrize("photons", [3, 10, 40])
def test_no_pixel_is_faulty_by_chance(photons):
    report = diagnose(taken(photons))
    assert len(report.hot) + len(report.dead) <= 1


def test_every_finding_is_a_sentence(plane):
    for finding in findings(plane):
        assert finding.topic
        assert finding.sentence.endswith(".")
        assert not finding.advice or finding.advice.endswith(".")


def test_report_is_plain_values(plane):
    assert json.loads(json.dumps(plane.to_dict()))["gain"] == plane.gain


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.full((64, 64), 7), "every pixel holds 7"),
        (np.zeros((64, 1)), "at least 32 x 32 pixels; these have 64 x 1"),
        (np.zeros((0, 64)), "empty"),
        (np.where(np.eye(64) > 0, np.nan, 1.0), "NaN"),
        (np.zeros((64, 64), bool), "mask"),
        (np.zeros((3, 64, 64)), "axes named"),
    ],
    ids=["even", "line", "empty", "nan", "mask", "unnamed"],
)
def test_what_has_no_noise_to_read_is_refused_in_words(image, said):
    with pytest.raises(ImageError, match=said):
        diagnose(image)


@pytest.mark.parametrize("gain", [2.0, 10.0])
def test_fitted_factors_add_noise_of_the_images_variance(gain):
    light = np.tile(np.linspace(10, 240, 300), (300, 1)) / gain
    report = diagnose(np.clip(np.random.default_rng(0).poisson(light) * gain, 0, 255).astype(np.uint8))
    factors = fm2s_factors(report, strength=1)
    for y, mean in report.regions:
        bound = min(mean, FM2SParams().brightest)
        added = y * bound / factors["k_p"] + (factors["k_g"] * bound / 255) ** 2 + y / factors["lambda_p"]
        assert added == pytest.approx(report.transfer.variance(255 * y) / 255**2, rel=0.15)


def test_more_strength_adds_more_noise(plane):
    weak, strong = (fm2s_factors(plane, strength=strength) for strength in (1, 4))
    assert strong["lambda_p"] <= weak["lambda_p"]
    assert strong["k_p"] <= weak["k_p"]
    with pytest.raises(DenoiseError, match="strength = 0"):
        fm2s_factors(plane, strength=0)


def test_factors_are_parameters_that_fm2s_takes(plane):
    FM2SParams(**fm2s_factors(plane))
    shared = fm2s_factors(diagnose(taken(correlation=1.0)))
    assert FM2SParams(**shared).filter_size == 11
