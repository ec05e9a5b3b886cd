"""FM2S against its equations, worked out in numpy; and the switches of its Table 6."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_zeroshot.engine import poisson
from napari_zeroshot.engine.device import random_numbers
from napari_zeroshot.engine.method import Job
from napari_zeroshot.engine.methods import fm2s
from napari_zeroshot.engine.methods.fm2s import METHOD, inject_noise, pre_denoised, region_brightness
from napari_zeroshot.engine.networks import fm2s_network, initialise

SEED = 4
NOISY = np.random.default_rng(0).random((1, 1, 20, 18), np.float32)


def settings(**changes):
    return METHOD.settings("paper", changes)


def reports(noisy=NOISY, **changes):
    return list(METHOD.fit(noisy, settings(**changes), Job(seed=SEED)))


def trained(**changes):
    """What a training leaves behind."""
    steps = METHOD.fit(NOISY, settings(**changes), Job(seed=SEED))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


# ---- regions


def test_regions_at_the_lower_and_right_edge_are_the_mean_of_what_they_have():
    image = np.arange(35, dtype=np.float32).reshape(1, 1, 5, 7) / 100
    expected = np.array([[8.0, 11.0, 13.0], [25.5, 28.5, 30.5]]) / 100  # by hand, such as (27 + 34) / 2
    spread = expected[np.ix_([0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1, 2])]
    np.testing.assert_allclose(region_brightness(image, 3, 1e-5, 1.0)[0, 0], spread, rtol=1e-6)


@pytest.mark.parametrize(("stride", "shape"), [(1, (4, 5)), (4, (9, 13)), (75, (30, 20))], ids=["pixels", "ragged", "larger than the image"])
def test_regions_are_blocks_of_the_stride(stride, shape):
    image = np.random.default_rng(1).random((2, 1, *shape), np.float32)
    brightness = region_brightness(image, stride, 1e-5, 1.0)
    for y in range(0, shape[0], stride):
        for x in range(0, shape[1], stride):
            block = np.s_[:, 0, y : y + stride, x : x + stride]
            means = image[block].mean(axis=(1, 2), keepdims=True)
            np.testing.assert_allclose(brightness[block], np.broadcast_to(means, brightness[block].shape), rtol=1e-5)


def test_region_brightness_is_kept_within_bounds():
    image = np.concatenate((np.zeros((1, 1, 4, 4)), np.ones((1, 1, 4, 4))), axis=3).astype(np.float32)
    assert np.unique(region_brightness(image, 4, 1e-5, 0.15)).tolist() == pytest.approx([1e-5, 0.15])


# ---- injected noise

LEVEL, BRIGHT = 0.5, 0.15
EVEN = torch.full((1, 2, 300, 300), LEVEL)


def injected(draw=None, **changes):
    params = settings(**{"k_p": 300.0, "k_g": 20.0, "lambda_p": 2000.0, **changes})
    return inject_noise(EVEN, torch.full_like(EVEN, BRIGHT), params, random_numbers(0, "cpu"), draw).numpy().astype(float)


REGION = LEVEL * BRIGHT / 300 + (BRIGHT * 20 / 255) ** 2  # eqs. (4) and (5): Poisson with k_p / M photons, Gaussian with k_g M grey levels
OVERALL = LEVEL / 2000  # eq. (6): Poisson with lambda_p photons


@pytest.mark.parametrize(
    ("changes", "variance"),
    [
        ({}, REGION + OVERALL),
        ({"overall_noise": False}, REGION),
        ({"region_noise": False}, OVERALL),
        ({"overall_noise": False, "k_g": 0.0}, LEVEL * BRIGHT / 300),
        ({"overall_noise": False, "k_p": 10_000.0}, LEVEL * BRIGHT / 10_000 + (BRIGHT * 20 / 255) ** 2),
        ({"region_noise": False, "overall_noise": False}, 0),
    ],
    ids=["both", "without overall", "without region", "region Poisson", "region Gaussian", "none"],
)
@pytest.mark.parametrize("draw", [None, poisson.looked_up], ids=["torch's", "from the table"])
def test_injected_noise_has_the_mean_and_variance_of_the_equations(changes, variance, draw):
    noise = injected(draw, **changes) - LEVEL
    assert abs(noise.mean()) < 4 * np.sqrt(variance / noise.size) + 1e-7
    assert noise.var() == pytest.approx(variance, rel=0.03, abs=1e-12)


def test_brighter_regions_get_more_noise_and_channels_noise_of_their_own():
    noise = injected() - LEVEL
    assert abs(np.corrcoef(noise[0, 0].ravel(), noise[0, 1].ravel())[0, 1]) < 0.02
    dim = inject_noise(EVEN, torch.full_like(EVEN, 0.02), settings(), random_numbers(0, "cpu")).numpy()
    bright = inject_noise(EVEN, torch.full_like(EVEN, 0.15), settings(), random_numbers(0, "cpu")).numpy()
    assert bright.std() > 1.3 * dim.std()


def test_noisy_values_stay_between_0_and_1():
    image = torch.rand(1, 1, 64, 64)
    noisy = inject_noise(image, image.clamp(1e-5, 0.15), settings(k_g=1000.0, k_p=1.0, lambda_p=5.0), random_numbers(0, "cpu"))
    assert (noisy.min().item(), noisy.max().item()) == (0, 1)


# ---- pre-denoising


def test_target_is_the_median_of_mirrored_neighbourhoods():
    padded = np.pad(NOISY[0, 0], 1, mode="symmetric")
    expected = np.median(np.lib.stride_tricks.sliding_window_view(padded, (3, 3)), axis=(2, 3))
    np.testing.assert_array_equal(pre_denoised(NOISY, "median", 3)[0, 0], expected)


@pytest.mark.parametrize("kind", ["median", "gaussian", "nlm"])
def test_every_target_is_smoother_than_the_image(kind):
    rough = 0.3 + 0.05 * np.random.default_rng(2).standard_normal((2, 1, 32, 32)).astype(np.float32)
    target = pre_denoised(rough, kind, 3)
    assert (target.shape, target.dtype) == (rough.shape, np.float32)
    assert target.std() < 0.8 * rough.std()


def test_an_even_image_has_an_even_target():
    assert np.ptp(pre_denoised(np.full((1, 1, 12, 12), 0.25, np.float32), "nlm", 3)) == 0


# ---- training


def first_answer(image, amplification):
    network = initialise(fm2s_network(amplification), random_numbers(SEED, "cpu"))
    with torch.no_grad():
        return network(torch.from_numpy(image.repeat(amplification, axis=1))).numpy().astype(float)


@pytest.mark.parametrize("amplification", [1, 2, 6])
def test_coarse_stage_maps_the_raw_image_to_its_median(amplification):
    """Eq. (7), every channel a copy of the raw image."""
    target = ndimage.median_filter(NOISY[0, 0], 3, mode="reflect")
    loss = reports(stages="coarse", coarse_steps=1, amplification=amplification)[0].loss
    assert loss == pytest.approx(np.mean((first_answer(NOISY, amplification) - target) ** 2), rel=1e-4)


def test_fine_stage_maps_synthetic_noise_to_the_median():
    """Eq. (8); without any noise the synthetic image is the target itself."""
    target = ndimage.median_filter(NOISY, (1, 1, 3, 3), mode="reflect")
    loss = reports(stages="fine", steps=1, region_noise=False, overall_noise=False)[0].loss
    assert loss == pytest.approx(np.mean((first_answer(target, 2) - target) ** 2), rel=1e-4)


def test_crops_are_learnt_from_where_all_around_is_seen_mirrored_beyond_the_edge():
    target = ndimage.median_filter(NOISY, (1, 1, 3, 3), mode="reflect")
    mirrored = np.pad(target, ((0, 0), (0, 0), (5, 5), (5, 5)), mode="symmetric")
    loss = reports(stages="fine", steps=1, region_noise=False, overall_noise=False, crop=64)[0].loss
    assert loss == pytest.approx(np.mean((first_answer(mirrored, 2)[..., 5:-5, 5:-5] - target) ** 2), rel=1e-4)


@pytest.mark.parametrize("crop", [8, 18])
def test_crops_too_small_to_have_surroundings_are_learnt_from_whole(crop):
    assert reports(crop=crop, steps=3)[-1].snapshot().shape == NOISY.shape


@pytest.mark.parametrize(("crop", "drawn"), [(0, 0), (16, 2)], ids=["whole planes, as the paper has it", "crops"])
def test_counts_for_crops_come_from_the_table(monkeypatch, crop, drawn):
    from_table = []
    monkeypatch.setattr(poisson, "looked_up", lambda rates, rng: from_table.append(1) or torch.poisson(rates, rng))
    reports(stages="fine", steps=1, crop=crop)
    assert len(from_table) == drawn


def test_what_is_held_out_is_scored_where_early_stopping_is_wanted():
    large = np.random.default_rng(5).random((1, 1, 150, 150), np.float32)
    scores = [report.score for report in reports(large, stages="fine", steps=4, crop=18, early_stop=True)]
    assert len(scores) == 4
    assert all(score > 0 for score in scores)


def test_answer_is_the_mean_of_the_amplified_channels_with_mirrored_edges():
    shown = reports(stages="coarse", coarse_steps=1, learning_rate=1e-6)[0].snapshot()
    mirrored = np.pad(NOISY, ((0, 0), (0, 0), (5, 5), (5, 5)), mode="symmetric")
    np.testing.assert_allclose(shown, first_answer(mirrored, 2).mean(axis=1, keepdims=True)[..., 5:-5, 5:-5], atol=1e-3)


@pytest.mark.parametrize(
    ("stages", "counts"), [("both", {"coarse training": 5, "training": 10}), ("coarse", {"coarse training": 5}), ("fine", {"training": 10})]
)
def test_stages_can_be_left_out(stages, counts):
    ran = reports(stages=stages, steps=10)
    assert {stage: sum(report.stage == stage for report in ran) for stage in counts} == counts
    assert [report.step for report in ran] == list(range(1, sum(counts.values()) + 1))
    assert {report.total for report in ran} == {sum(counts.values())}


@pytest.mark.parametrize(
    ("changes", "count"),
    [({"stages": "both"}, 3), ({"stages": "fine"}, 3), ({"stages": "coarse"}, 3), ({"stages": "coarse", "coarse_steps": 2}, 2)],
    ids=["both", "fine", "coarse", "coarse and short"],
)
def test_a_network_that_goes_on_is_trained_on_whatever_the_stages(changes, count):
    """Or another pre-filter would change nothing that a preview shows."""
    first = reports(steps=4, **changes)[-1].snapshot
    job = Job(seed=SEED, start=trained(steps=4, **changes))
    on = list(METHOD.fit(NOISY, settings(filter_size=7, warm_steps=3, **changes), job))
    assert len(on) == count
    assert not np.array_equal(on[-1].snapshot(), first())


def test_each_sample_of_noise_serves_five_steps(monkeypatch):
    drawn = []
    monkeypatch.setattr(fm2s, "inject_noise", lambda *given: drawn.append(1) or inject_noise(*given))
    reports(stages="fine", steps=20)
    assert len(drawn) == 4


def test_samples_of_an_rgb_image_are_planes_of_their_own():
    colours = np.concatenate((NOISY, NOISY, NOISY), axis=1)
    shown = reports(colours, stages="coarse")[-1].snapshot()
    assert shown.shape == colours.shape
    np.testing.assert_allclose(shown[:, 0], shown[:, 2], atol=1e-6)


# ---- presets: Table 11, and the released configuration


@pytest.mark.parametrize(
    ("preset", "values"),
    [
        ("confocal", (2, 75, 3, 200, 30, 70)),
        ("confocal-avg4", (2, 75, 3, 70, 195, 485)),
        ("two-photon", (2, 75, 3, 175, 30, 60)),
        ("two-photon-avg16", (2, 75, 3, 15, 850, 3800)),
        ("wide-field", (1, 75, 11, 220, 45, 2000)),
        ("wide-field-avg2", (1, 75, 11, 220, 100, 2500)),
        ("wide-field-avg8", (1, 75, 11, 20, 600, 4000)),
        ("base", (6, 5, 3, 60, 40, 125)),
    ],
)
def test_presets_are_the_published_ones(preset, values):
    params = METHOD.settings(preset)
    assert (params.amplification, params.stride, params.filter_size, params.k_g, params.k_p, params.lambda_p) == values


def test_paper_preset_is_450_samples_of_5_steps_on_the_whole_plane():
    params = METHOD.settings("paper")
    assert (params.steps, params.steps_per_sample, params.coarse_steps, params.learning_rate, params.schedule, params.crop) == (
        450 * 5,
        5,
        5,
        1e-3,
        "constant",
        0,
    )


def test_cancelled_at_once_it_gives_the_filters_result_and_says_so():
    cancelled, notes = [], []
    steps = METHOD.fit(NOISY, settings(), Job(seed=SEED, cancelled=lambda: bool(cancelled), note=notes.append))
    next(steps)
    cancelled.append(True)
    with pytest.raises(StopIteration) as end:
        next(steps)
    np.testing.assert_array_equal(end.value.value(NOISY), pre_denoised(NOISY, "median", 3))
    assert "pre-denoising" in notes[0]
