"""What is measured in a denoised image is true: grey levels, the plane's mean, empty places, dim spots. Larger figures: ``python -m benchmarks photometry``."""

import numpy as np
import pytest
from scipy import ndimage

from benchmarks.brightness import leftover, line_through_bins, mean_kept
from benchmarks.spots import field, seen
from napari_zeroshot import denoise
from napari_zeroshot.engine.phantoms import nuclei

pytestmark = pytest.mark.slow

PHOTONS, GROUND = 400, 100.0


def cleaned(noisy, method):
    options = {"preset": "fast", "device": "cpu"} if method == "auto" else {}
    return denoise(noisy, method, dtype="float32", **options).image


@pytest.fixture(scope="module", params=["auto", "gaussian"])
def bright(request):
    """The method, the truth, the noisy image and the result: nuclei with many photons."""
    truth = PHOTONS * (0.03 + 0.97 * nuclei((128, 128), 2).astype(float))
    noisy = np.random.default_rng(0).poisson(truth).astype(np.uint16)
    return request.param, truth, noisy, cleaned(noisy, request.param)


@pytest.fixture(scope="module", params=["auto", "gaussian"])
def dim(request):
    """The method, the spots and the result: dim spots on an even ground."""
    spots = field(GROUND, 128, 1)
    return request.param, spots, cleaned(spots.taken(np.random.default_rng(1)), request.param)


def test_grey_levels_keep_their_meaning(bright):
    method, truth, _, image = bright
    slope, offset = line_through_bins(truth, image)
    assert slope == pytest.approx(1, abs=0.02 if method == "auto" else 0.06)  # a blur flattens what is small
    assert offset == pytest.approx(0, abs=0.005 if method == "auto" else 0.02)


def test_what_a_grey_level_of_the_result_says_is_true_on_the_whole(bright):
    _, truth, _, image = bright
    assert line_through_bins(image, truth)[0] == pytest.approx(1, abs=0.025)


def test_the_planes_mean_stays(bright):
    _, _, noisy, image = bright
    assert mean_kept(noisy, image) == pytest.approx(0, abs=0.002)


def test_empty_places_become_flat(dim):
    method, spots, image = dim
    marks = np.zeros(image.shape, bool)
    marks[tuple(spots.places.T)] = True
    empty = ndimage.distance_transform_edt(~marks) > 8
    assert leftover(image[empty], GROUND, np.sqrt(GROUND)) < (0.15 if method == "auto" else 0.25)


def test_spots_of_five_deviations_are_found_and_none_is_made_up(dim):
    _, spots, image = dim
    kept, false = seen(image, spots)
    assert kept[5.0].found > 0.9
    assert false <= 1


def test_about_half_of_a_spots_height_and_most_of_its_light_are_left(dim):
    _, spots, image = dim
    kept, _ = seen(image, spots)
    assert kept[5.0].contrast > 0.45
    assert kept[5.0].light > 0.6
