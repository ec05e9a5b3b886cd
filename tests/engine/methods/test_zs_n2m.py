"""ZS-N2M against its equations, worked out in numpy; and the switches of its Table 4."""

import numpy as np
import pytest
import torch

from napari_zeroshot.engine.device import random_numbers
from napari_zeroshot.engine.method import Job
from napari_zeroshot.engine.methods.zs_n2m import (
    METHOD,
    cross_mapping_loss,
    interactive_denoising_loss,
    interactive_equality_loss,
    luminance,
    reconstruction_loss,
    refine_consistency_loss,
    texture_similarity,
)
from napari_zeroshot.engine.networks import initialise, zs_n2n_network
from napari_zeroshot.engine.sampling import balanced_mask

SEED = 4
RNG = np.random.default_rng(0)
NOISY = RNG.random((1, 1, 16, 14), np.float32)
CONSTANT = 1e-5


def halves(image):
    """Means of the anti-diagonal and of the main diagonal of each 2 x 2 cell."""
    return (image[..., ::2, 1::2] + image[..., 1::2, ::2]) / 2, (image[..., ::2, ::2] + image[..., 1::2, 1::2]) / 2


def square(difference):
    return np.mean(np.square(difference))


def windows(image):
    """The 5 x 5 neighbourhood of each pixel, edges mirrored: shape (N, C, Y, X, 5, 5)."""
    padded = np.pad(image, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="reflect")
    return np.lib.stride_tricks.sliding_window_view(padded, (5, 5), axis=(2, 3))


def similarity(one, two):
    """d of eq. (4) from luminances."""
    first, second = (windows(half).std(axis=(4, 5)) for half in (one, two))
    return 2 * first * second / (first**2 + second**2 + CONSTANT)


def equation_4(one, two):
    d = similarity(one, two)
    return sum(square(half - (d * half + (1 - d) * windows(half).mean(axis=(4, 5)))) for half in (one, two))


def first_clean():
    """What the untrained network makes of an image: f of the equations, the image less the predicted noise."""
    network = initialise(zs_n2n_network(1), random_numbers(SEED, "cpu"))

    def clean(image):
        with torch.no_grad():
            tensor = torch.from_numpy(image.astype(np.float32))
            return (tensor - network(tensor)).numpy().astype(float)

    return clean


def first_loss(**changes):
    params = METHOD.settings("paper", {"steps": 1, "refine": False, **changes})
    return next(METHOD.fit(NOISY, params, Job(seed=SEED))).loss


def terms(random_masks=True):
    """Eqs. (2), (3) and (4) before the first step."""
    mask = balanced_mask(torch.zeros((1, 1, 8, 7)), random_numbers(SEED, "cpu")).numpy() if random_masks else np.ones((1, 1, 8, 7))

    def pair(image):
        first, second = halves(image)
        return first * mask + second * (1 - mask), first * (1 - mask) + second * mask

    f = first_clean()
    one, two = pair(NOISY)
    whole = pair(f(NOISY))
    equality = square(f(one) - whole[1]) + square(f(two) - whole[0])
    mapping = square(f(one) - two) + square(f(two) - one)
    return equality, mapping, equation_4(f(one), f(two))


def tensors(*arrays):
    return tuple(torch.from_numpy(array) for array in arrays)


def test_losses_of_hand_made_pairs():
    one, two, three, four = (torch.tensor([[[[value, 2.0]]]]) for value in (1.0, 2.0, 4.0, 8.0))
    assert interactive_equality_loss((one, two), (three, four)).item() == pytest.approx(49 / 2 + 4 / 2)  # crossed: (1 - 8)^2 and (2 - 4)^2
    assert cross_mapping_loss((one, two), (three, four)).item() == pytest.approx(49 / 2 + 4 / 2)
    assert reconstruction_loss(one, four).item() == refine_consistency_loss(one, four).item() == pytest.approx(49 / 2)


def test_interactive_denoising_is_equation_4():
    one, two = RNG.random((2, 1, 1, 9, 11))
    assert interactive_denoising_loss(tensors(one, two), 5, CONSTANT).item() == pytest.approx(equation_4(one, two), rel=1e-5)


def test_texture_is_alike_where_contrasts_are():
    one = RNG.random((1, 1, 9, 11))
    two = RNG.random((1, 1, 9, 11)) * 0.1
    np.testing.assert_allclose(texture_similarity(tensors(one, two), 5, CONSTANT).numpy(), similarity(one, two), rtol=1e-4)
    assert texture_similarity(tensors(one, one), 5, CONSTANT).min() > 0.999
    assert texture_similarity(tensors(one, np.full_like(one, 0.5)), 5, CONSTANT).max() < 0.01


def test_texture_of_colours_is_judged_by_luminance():
    colours = torch.tensor([1.0, 2.0, 4.0]).reshape(1, 3, 1, 1)
    assert luminance(colours).item() == pytest.approx(0.299 + 2 * 0.587 + 4 * 0.114)
    assert luminance(colours[:, :1]).item() == 1


@pytest.mark.parametrize(
    ("changes", "weights"),
    [
        ({}, (10, 5, 10)),
        ({"alpha_ie": 1.0}, (1, 5, 10)),
        ({"alpha_cm": 2.0}, (10, 2, 10)),
        ({"alpha_id": 0.0}, (10, 5, 0)),
        ({"alpha_ie": 0.0}, (0, 5, 10)),
    ],
    ids=["real", "synthetic", "less mapping", "without L_id", "without L_ie"],
)
def test_first_loss_is_the_weighted_sum_of_the_equations(changes, weights):
    assert first_loss(**changes) == pytest.approx(np.dot(weights, terms()), rel=1e-5)


def test_without_random_masks_the_pair_is_the_two_diagonals():
    assert first_loss(random_masks=False) == pytest.approx(np.dot((10, 5, 10), terms(random_masks=False)), rel=1e-5)
    assert first_loss(random_masks=False) != pytest.approx(first_loss(), rel=1e-3)


def test_an_even_window_counts_as_the_next_odd_one():
    assert first_loss(window=4) == first_loss(window=5) != first_loss(window=3)


def test_mean_of_every_pair_is_that_of_the_diagonals():
    mask = balanced_mask(torch.zeros((1, 1, 8, 7)), random_numbers(9, "cpu")).numpy()
    first, second = halves(NOISY)
    np.testing.assert_allclose((first * mask + second * (1 - mask)) + (first * (1 - mask) + second * mask), first + second, rtol=1e-6)


REFINED = {"steps": 4, "crop": 0, "refine": True, "refine_steps": 3, "refine_width": 4, "refine_levels": 2}


def reports(**changes):
    return list(METHOD.fit(NOISY, METHOD.settings(None, {**REFINED, **changes}), Job(seed=SEED)))


def last_report(**changes):
    """The last report of a run, and the denoiser that it returns."""
    steps, report = METHOD.fit(NOISY, METHOD.settings(None, {**REFINED, **changes}), Job(seed=SEED)), None
    while True:
        try:
            report = next(steps)
        except StopIteration as end:
            return report, end.value


def answer(denoiser, image):
    """The network's own answer: zeros beyond the edges, as in training."""
    with torch.no_grad():
        return denoiser.infer(torch.from_numpy(image)).numpy()


def test_refining_is_a_second_stage_and_may_be_left_out():
    assert [(report.stage, report.step, report.total) for report in reports()] == [
        *(("training", step, 7) for step in (1, 2, 3, 4)),
        *(("refining", step, 7) for step in (5, 6, 7)),
    ]
    assert [(report.stage, report.total) for report in reports(refine=False)] == [("training", 4)] * 4


@pytest.mark.parametrize(("beta_re", "beta_con"), [(0.0, 1.0), (1.0, 0.01), (100.0, 1000.0)])
def test_first_refining_loss_is_that_of_equations_5_and_6(beta_re, beta_con):
    """With so low a learning rate, the networks after their steps are those before."""
    slow = {"learning_rate": 1e-6, "refine_rate": 1e-6, "steps": 1, "refine_steps": 1, "refine_share": 1.0, "beta_re": beta_re, "beta_con": beta_con}
    report, denoiser = last_report(**slow)
    target = sum(halves(denoiser.first(NOISY))) / 2
    reconstruction = square(answer(denoiser, sum(halves(NOISY)) / 2) - target)
    consistency = square(sum(halves(answer(denoiser, NOISY))) / 2 - target)
    assert report.loss == pytest.approx(beta_re * reconstruction + beta_con * consistency, rel=2e-3)


def test_refined_answer_is_another_one():
    assert not np.array_equal(reports()[-1].snapshot(), reports(refine=False)[-1].snapshot())


@pytest.mark.parametrize(("preset", "alpha", "refine"), [("synthetic", 1, False), ("real", 10, False), ("full", 10, True), ("synthetic+paper", 1, True)])
def test_presets_are_the_papers(preset, alpha, refine):
    params = METHOD.settings(preset)
    assert (params.alpha_ie, params.alpha_cm, params.alpha_id, params.window, params.beta_re, params.beta_con) == (alpha, 5, 10, 5, 100, 1000)
    assert params.refine == refine


def test_paper_preset_learns_from_the_whole_plane_with_the_published_u_net():
    params = METHOD.settings("paper")
    assert (params.crop, params.learning_rate, params.refine_width, params.refine_levels) == (0, 1e-3, 38, 4)


def test_cancelled_refining_gives_the_first_networks_answer():
    """A U-Net that has just begun knows less than nothing."""
    cancelled = []
    steps = METHOD.fit(NOISY, METHOD.settings(None, REFINED), Job(seed=SEED, cancelled=lambda: bool(cancelled)))
    while True:
        try:
            report = next(steps)
        except StopIteration as end:
            denoiser = end.value
            break
        cancelled += [report] if report.stage == "refining" else []
    np.testing.assert_array_equal(denoiser(NOISY), reports(refine=False)[-1].snapshot())
