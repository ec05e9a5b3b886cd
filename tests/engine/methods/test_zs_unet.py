"""ZS-UNet: its pairs, its own noise, what it is told by the noise report, and what it promises."""

from dataclasses import replace

import numpy as np
import pytest
import skimage
import torch
from scipy import ndimage

from napari_zeroshot import denoise, denoise_steps
from napari_zeroshot.engine import phantoms
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.method import Job, finished
from napari_zeroshot.engine.methods import zs_unet
from napari_zeroshot.engine.metrics import psnr
from napari_zeroshot.engine.noise_diagnosis import diagnose
from napari_zeroshot.engine.sampling import brightness_around
from napari_zeroshot.engine.tiling import MIRRORED
from napari_zeroshot.engine.trained import of_result

QUICK = {"device": "cpu", "steps": 60, "crop": 32, "turns": "1", "dtype": "float32"}


@pytest.fixture(scope="module")
def truth():
    places = np.random.default_rng(3).random((96, 96)) > 0.99
    return 30 + 4000 * ndimage.gaussian_filter(places.astype(np.float64), 3)


@pytest.fixture(scope="module")
def noisy(truth):
    return np.random.default_rng(4).poisson(truth).astype(np.uint16)


@pytest.fixture(scope="module")
def large():
    """Nuclei, which are larger than any noise's grain."""
    return 30 + 60 * phantoms.nuclei((96, 96))


@pytest.fixture(scope="module")
def blotchy(large):
    """Noise that neighbours share over two pixels."""
    noise = ndimage.gaussian_filter(np.random.default_rng(5).normal(size=large.shape), 1)
    return (large + 8 * noise / noise.std()).clip(0).round().astype(np.uint16)


def test_noise_goes_and_structure_stays(noisy, truth):
    span = float(np.ptp(truth))
    assert psnr(truth, denoise(noisy, "zs-unet", **{**QUICK, "steps": 150}).image, data_range=span) > psnr(truth, noisy, data_range=span) + 4


def test_mean_brightness_is_kept(noisy):
    clean = denoise(noisy, "zs-unet", **QUICK).image
    assert clean.mean() == pytest.approx(noisy.mean(), rel=2e-3)


def test_pairs_are_of_neighbours_unless_these_share_noise(blotchy):
    ramp = np.random.default_rng(1).poisson(np.tile(np.linspace(20, 200, 128), (128, 1)))
    assert zs_unet.distances("auto", diagnose(ramp)) == (1,)
    assert zs_unet.distances("auto", diagnose(blotchy)) == (2, 3)
    assert zs_unet.distances("auto", None) == (1,)
    assert zs_unet.distances("3", diagnose(blotchy)) == (3,)


def _pairs_of(planes, read_noise, *, diagonal):
    from napari_zeroshot.engine.fitting import Bench
    from napari_zeroshot.engine.own_noise import OwnNoise
    from napari_zeroshot.engine.taught import Pairs

    bench = Bench.set_up(planes.astype(np.float32), Job(), zs_unet.ZSUNetParams(neighbours="0", crop=64), 1)
    return Pairs(bench, 1, OwnNoise(0.0, None, read_noise, (-np.inf, np.inf)), diagonal=diagonal)()[:2]


def test_pairs_of_diagonals_lie_in_the_same_place():
    slope = np.broadcast_to(np.arange(64) / 64, (1, 1, 64, 64))
    torch.testing.assert_close(*_pairs_of(slope, 0.0, diagonal=True))


def test_other_pairs_are_a_pixel_and_the_mean_of_those_beside_it():
    first, second = _pairs_of(np.broadcast_to(np.arange(64) / 64, (1, 1, 64, 64)), 0.0, diagonal=False)
    assert float((first - second).abs().max()) == pytest.approx(2 / 3 / 64, rel=1e-4)


@pytest.mark.parametrize(("diagonal", "averaged"), [(False, 3), (True, 2)], ids=["neighbours", "diagonals"])
def test_what_goes_in_is_as_noisy_as_the_image_and_shares_none_of_it_with_what_comes_out(diagonal, averaged):
    first, second = _pairs_of(np.random.default_rng(0).normal(0.5, 0.1, (1, 1, 64, 64)), 0.1, diagonal=diagonal)
    assert float(first.std()) == pytest.approx(0.1, rel=0.05)
    assert float(second.std()) == pytest.approx(0.1 / averaged**0.5, rel=0.05)
    assert abs(np.corrcoef(first.flatten(), second.flatten())[0, 1]) < 0.05


def test_texture_as_fine_as_pixels_is_kept_and_told(noisy, monkeypatch):
    clean = skimage.data.grass()[128:256, 128:256].astype(np.float64)
    image = (clean + np.random.default_rng(7).normal(0, 10, clean.shape)).clip(0, 255).round().astype(np.uint8)
    kept = denoise(image, "zs-unet", **{**QUICK, "steps": 200})
    assert any("along the diagonals" in note for note in kept.notes)
    assert not any("along the diagonals" in note for note in denoise(noisy, "zs-unet", **{**QUICK, "steps": 2}).notes)
    monkeypatch.setattr(zs_unet, "_is_textured", lambda report, job: False)
    lost = denoise(image, "zs-unet", **{**QUICK, "steps": 200})
    assert psnr(clean, kept.image, data_range=255) > psnr(clean, lost.image, data_range=255) + 0.5


def test_noise_is_read_where_there_is_light():
    dark, lit = np.zeros((6, 1, 80, 80), np.float32), np.random.default_rng(0).poisson(np.linspace(10, 200, 80), (6, 1, 80, 80)).astype(np.float32)
    assert zs_unet.read_noise_of(np.concatenate((dark, lit))) == zs_unet.read_noise_of(lit) is not None


def test_a_network_that_goes_on_knows_how_long_it_has_learnt(noisy):
    first = denoise(noisy, "zs-unet", **QUICK)
    on = finished(denoise_steps(noisy, "zs-unet", start=first.denoiser, levels=first.levels, **{**QUICK, "warm_steps": 4}))
    assert float(on.denoiser.network.steps) == QUICK["steps"] + 4


def test_shared_noise_goes_with_pairs_further_apart(blotchy, large):
    near, far = (np.square(denoise(blotchy, "zs-unet", distance=apart, **{**QUICK, "steps": 600}).image - large).mean() for apart in ("1", "auto"))
    assert far < 0.4 * near


def test_a_small_image_is_not_learnt_by_heart_where_pairs_lie_apart(blotchy, noisy):
    few, all_of_them = (denoise(image, "zs-unet", **{**QUICK, "steps": 16}) for image in (blotchy, noisy))
    assert (few.losses[-1][0], all_of_them.losses[-1][0]) == (3, 16)
    assert any("19% of the steps were taken" in note for note in few.notes)
    assert not any("of the steps" in note for note in all_of_them.notes)


@pytest.mark.parametrize("shape", [(8, 8), (33, 41), (3, 47, 35)])
def test_any_size_comes_back_in_its_own(shape):
    image = np.random.default_rng(0).poisson(50, shape).astype(np.uint8)
    for distance in ("1", "2+3"):
        assert denoise(image, "zs-unet", axes="TYX"[-len(shape) :], distance=distance, steps=3, device="cpu").image.shape == shape


def test_one_step_is_a_training_too(noisy):
    assert denoise(noisy, "zs-unet", **{**QUICK, "steps": 1}).losses[-1][0] == 1


@pytest.mark.parametrize("options", [{"distance": "2+3"}, {"turns": "4"}], ids=["2+3", "turned"])
@pytest.mark.parametrize("shape", [(96, 96), (83, 91)], ids=str)
def test_tiles_leave_no_seams(noisy, shape, options):
    part = noisy[: shape[0], : shape[1]]
    whole, tiled = (denoise(part, "zs-unet", tile=tile, **{**QUICK, "steps": 8, **options}).image for tile in (1024, 32))
    np.testing.assert_allclose(tiled, whole, rtol=1e-3)


def test_bright_edges_stay_bright_however_short_the_training():
    ramp = np.tile(np.linspace(20, 220, 96), (96, 1))
    clean = denoise(np.random.default_rng(6).poisson(ramp).astype(np.uint16), "zs-unet", **QUICK).image
    assert clean[:, -2:].mean() == pytest.approx(ramp[:, -2:].mean(), rel=0.05)


@pytest.mark.parametrize(("steps", "beyond"), [(zs_unet.KNOWS_EDGES - 1, MIRRORED), (zs_unet.KNOWS_EDGES, 0)])
def test_nothing_is_made_up_beyond_the_edges_once_the_network_knows_what_nothing_means(noisy, steps, beyond):
    params = zs_unet.ZSUNetParams(steps=steps, crop=16, crops=1, precision="float32")
    assert finished(zs_unet.fit(noisy[None, None].astype(np.float32) / 255, params, Job())).mirrored == beyond


def test_structure_as_fine_as_the_grain_of_shared_noise_is_not_blurred_by_the_pixels_furthest_apart():
    grain = ndimage.gaussian_filter(np.random.default_rng(5).normal(size=(128, 128)), 0.7)
    lines = 200 + 400 * phantoms.filaments((128, 128), 1)
    noisy = (lines + 20 * grain / grain.std()).astype(np.float32)
    near, both = (denoise(noisy, "zs-unet", distance=apart, **{**QUICK, "steps": 600}) for apart in ("auto", "2+3"))
    assert any("three apart, which blur it, were left out" in note for note in near.notes)
    assert not any("left out" in note for note in both.notes)
    assert np.square(near.image - lines).mean() < 0.8 * np.square(both.image - lines).mean()


def test_a_run_that_goes_on_learns_from_its_answer_at_once(noisy):
    first = denoise(noisy, "zs-unet", **QUICK)
    on = list(denoise_steps(noisy, "zs-unet", start=first.denoiser, levels=first.levels, **{**QUICK, "warm_steps": 4}))
    assert on[0].loss < 1.5 * first.losses[-1][1]


def test_a_network_of_another_width_is_not_gone_on_from(noisy):
    first = denoise(noisy, "zs-unet", **{**QUICK, "steps": 4})
    second = denoise(noisy, "zs-unet", start=first.denoiser, **{**QUICK, "steps": 7}, width=8)
    assert second.losses[-1][0] == 7


def test_cancelled_at_once_gives_a_blur_and_says_so(noisy):
    cancelled, notes, planes = [], [], noisy[None, None].astype(np.float32) / 255
    steps = zs_unet.METHOD.fit(planes, zs_unet.ZSUNetParams(steps=60, precision="float32"), Job(cancelled=lambda: bool(cancelled), note=notes.append))
    next(steps)
    cancelled.append(True)
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert "plain blur" in notes[0]
    np.testing.assert_allclose(end.value.value(planes), ndimage.gaussian_filter(planes, (0, 0, 1, 1)))


def test_surroundings_leave_the_pixel_itself_out():
    image = torch.zeros(1, 1, 25, 25)
    image[0, 0, 12, 12] = 1
    around = brightness_around(image, 2)[0, 0]
    assert around[11:14, 11:14].abs().max() == 0
    assert around[12, 14] > 0
    torch.testing.assert_close(brightness_around(torch.full((1, 1, 25, 25), 3.0), 2), torch.full((1, 1, 25, 25), 3.0))


def test_unknown_distances_are_refused():
    with pytest.raises(ParamError, match="distance = '4' is not allowed"):
        zs_unet.ZSUNetParams(distance="4")


@pytest.mark.parametrize(("name", "values"), [("distances", [4.0, 0.0]), ("gaussian", [1.5, 2.0]), ("gaussian", [0.5, 900.0])])
def test_networks_that_know_what_cannot_be_are_refused(name, values):
    image = np.random.default_rng(0).poisson(90, (32, 32)).astype(np.uint8)
    trained = of_result(denoise(image, "zs-unet", preset="preview", steps=2, device="cpu"))
    state = {**trained.networks[0].states[0], name: torch.tensor(values)}
    spoilt = replace(trained, networks=(replace(trained.networks[0], states=(state,)),))
    with pytest.raises(ParamError, match="are allowed"):
        denoise(image, "zs-unet", trained=spoilt, device="cpu")
