"""ZS-N2N against its equations, worked out in numpy."""

import numpy as np
import pytest
import torch

from napari_zeroshot.engine.device import random_numbers
from napari_zeroshot.engine.method import Job
from napari_zeroshot.engine.methods.zs_n2n import METHOD, consistency_loss, residual_loss
from napari_zeroshot.engine.networks import initialise, zs_n2n_network
from napari_zeroshot.engine.run import denoise
from napari_zeroshot.engine.sampling import balanced_mask

SEED = 4
NOISY = np.random.default_rng(0).random((1, 1, 12, 10), np.float32)


def halves(image):
    """Eq. (3): D1 averages the anti-diagonal, D2 the main diagonal of each 2 x 2 cell."""
    first, second = np.empty((2, *image.shape[:-2], image.shape[-2] // 2, image.shape[-1] // 2))
    for y in range(first.shape[-2]):
        for x in range(first.shape[-1]):
            cell = image[..., 2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
            first[..., y, x] = (cell[..., 0, 1] + cell[..., 1, 0]) / 2
            second[..., y, x] = (cell[..., 0, 0] + cell[..., 1, 1]) / 2
    return first, second


def square(difference):
    return np.mean(np.square(difference))


def first_noise():
    """The noise that the untrained network predicts: f of the equations."""
    network = initialise(zs_n2n_network(1), random_numbers(SEED, "cpu"))

    def predict(image):
        with torch.no_grad():
            return network(torch.from_numpy(image.astype(np.float32))).numpy().astype(float)

    return predict


def first_loss(**changes):
    params = METHOD.settings("paper", {"steps": 1, **changes})
    return next(METHOD.fit(NOISY, params, Job(seed=SEED))).loss


def equations(noise, first, second, halve):
    """Eqs. (5) and (6) for a pair of noisy halves, given how to halve an image."""
    whole = halve(NOISY - noise(NOISY))
    residual = (square(first - noise(first) - second) + square(second - noise(second) - first)) / 2
    consistency = (square(first - noise(first) - whole[0]) + square(second - noise(second) - whole[1])) / 2
    return residual, consistency


def test_losses_of_hand_made_halves():
    one, two, three, four = (torch.tensor([[[[value, 2.0]]]]) for value in (1.0, 2.0, 4.0, 8.0))
    assert residual_loss((one, two), (three, four)).item() == pytest.approx((49 / 2 + 4 / 2) / 2)  # (1 - 8)^2 and (2 - 4)^2 over two pixels
    assert consistency_loss((one, two), (three, four)).item() == pytest.approx((9 / 2 + 36 / 2) / 2)


@pytest.mark.parametrize("weight", [0.0, 1.0, 2.5])
def test_first_loss_is_that_of_equations_5_to_7(weight):
    residual, consistency = equations(first_noise(), *halves(NOISY), halves)
    assert first_loss(consistency=weight) == pytest.approx(residual + weight * consistency, rel=1e-5)


def test_random_pairs_exchange_pixels_before_both_losses():
    mask = balanced_mask(torch.zeros((1, 1, 6, 5)), random_numbers(SEED, "cpu")).numpy()

    def halve(image):
        first, second = halves(image)
        return np.where(mask == 1, first, second), np.where(mask == 1, second, first)

    residual, consistency = equations(first_noise(), *halve(NOISY), halve)
    assert first_loss(random_masks=True) == pytest.approx(residual + consistency, rel=1e-5)
    assert first_loss(random_masks=True) != pytest.approx(first_loss(), rel=1e-3)


def test_denoised_image_is_the_image_less_the_noise_with_mirrored_edges():
    params = METHOD.settings("paper", {"steps": 1, "learning_rate": 1e-6})
    report = next(METHOD.fit(NOISY, params, Job(seed=SEED)))
    mirrored = np.pad(NOISY, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="symmetric")
    np.testing.assert_allclose(report.snapshot(), (mirrored - first_noise()(mirrored))[..., 2:-2, 2:-2], atol=1e-3)


def test_paper_preset_is_the_published_recipe():
    params = METHOD.settings("paper")
    assert (params.steps, params.learning_rate, params.schedule, params.crop, params.random_masks) == (2000, 1e-3, "step", 0, False)


def test_without_consistency_the_result_differs(noisy):
    kinds = {"device": "cpu", "steps": 30, "crop": 24}
    plain, free = (denoise(noisy, "zs-n2n", consistency=weight, **kinds).image for weight in (1.0, 0.0))
    assert not np.array_equal(plain, free)
