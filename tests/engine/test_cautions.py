"""A result that should not be trusted says so, with what to do; one that may be trusted says nothing."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_zeroshot import denoise, denoise_lazy, read, rerun, sweep, write
from napari_zeroshot.engine import cautions as module
from napari_zeroshot.engine import running
from napari_zeroshot.engine.axes import Axes
from napari_zeroshot.engine.batch import batch
from napari_zeroshot.engine.cautions import Sight, cautions, middles
from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.intensity import Scale
from napari_zeroshot.engine.lazy import lazy_steps
from napari_zeroshot.engine.method import finished
from napari_zeroshot.engine.noise import add_noise
from napari_zeroshot.engine.phantoms import nuclei
from napari_zeroshot.engine.registry import get_method

CLEAN = 40 + 160 * nuclei((192, 192)).astype(np.float64)
QUICK = {"device": "cpu", "steps": 3, "crop": 32, "crops": 2}


def grainy(sigma, level=15):
    """`CLEAN` in noise that pixels share: white, if sigma is 0."""
    grain = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=CLEAN.shape), sigma)
    return (CLEAN + level * grain / grain.std()).clip(0, 255).round().astype(np.uint8)


@pytest.fixture(scope="module")
def photons():
    """An image in which single photons show."""
    return np.random.default_rng(0).poisson(np.tile(np.linspace(0.5, 5, 96), (96, 1))).astype(np.uint16)


def topics(result):
    return [caution.topic for caution in result.cautions]


def told(noisy, answer, name="zs-n2n", **params):
    """What is told of an answer to a noisy plane."""
    sight = Sight.of([noisy[np.newaxis]], answer(noisy.astype(np.float32))[np.newaxis], Scale(0.0, 1.0), answer)
    method = get_method(name)
    return {caution.topic: caution for caution in cautions(sight, method, method.settings(changes=params))}


def blurred(sigma):
    return lambda planes: ndimage.gaussian_filter(planes, sigma, axes=(-2, -1))


@pytest.mark.parametrize(("name", "options"), [("zs-n2n", QUICK), ("zs-n2m", QUICK), ("median", {}), ("zs-unet", {**QUICK, "distance": "1"})])
def test_a_method_that_keeps_noise_which_neighbours_share_says_so(name, options):
    result = denoise(grainy(0.7), name, **options)
    note = next(note for note in result.notes if note.startswith("Neighbours:"))
    assert f"{get_method(name).title} with these settings leaves it in the result" in note
    assert "Use Auto" in note


@pytest.mark.parametrize(
    ("name", "params"), [("auto", {}), ("zs-unet", {}), ("gaussian", {}), ("nlm", {}), ("median", {"size": 9}), ("fm2s", {"filter_size": 11})]
)
def test_one_that_handles_it_says_nothing(name, params):
    assert "Neighbours" not in told(grainy(0.7), blurred(2), name, **params)


@pytest.mark.parametrize("name", ["auto", "zs-unet", "nlm", "gaussian"])
def test_noise_that_reaches_further_than_the_method_is_told(name):
    caution = told(grainy(1.8), blurred(1), name)["Neighbours"]
    assert "three apart still share noise" in caution.sentence
    assert caution.advice.startswith("Denoise before")


def test_noise_that_may_be_texture_is_told_of_methods_that_keep_it(monkeypatch):
    inner = module._report
    monkeypatch.setattr(module, "_report", lambda sight: replace(inner(sight), texture=True))
    assert "if it is blotchy, use FM2S" in told(grainy(0), blurred(1))["Neighbours"].advice
    assert "Neighbours" in told(grainy(0), blurred(1), "auto")
    assert "Neighbours" not in told(grainy(0), blurred(1), "fm2s", filter_size=11)


def test_few_photons_and_saturation_are_told_of_every_method(method, photons, quick):
    saturated = np.minimum(grainy(0), 120)
    assert "Photons" in topics(denoise(photons, method.name, device="cpu", **quick(method)))
    assert "Saturated" in topics(denoise(saturated, method.name, device="cpu", **quick(method)))


def test_a_pattern_that_repeats_is_told():
    waves = 12 * np.sin(2 * np.pi * np.arange(192) / 6)
    noisy = (grainy(0).astype(float) + waves).clip(0, 255).round().astype(np.uint8)
    assert "electronics" in told(noisy, blurred(1))["Periodic pattern"].advice


def test_zeros_among_counted_photons_are_not_called_cut_off(photons):
    dim = np.random.default_rng(0).poisson(np.tile(np.linspace(0.1, 3, 96), (96, 1)))
    assert "Cut off" not in told(dim.astype(np.uint16), blurred(2))
    assert "Cut off" in told(grainy(0, level=60), blurred(2))


def test_detail_in_what_was_taken_away_is_told():
    assert "fine detail was lost" in told(grainy(0), blurred(4))["Residual"].sentence
    assert "Residual" not in told(grainy(0), lambda planes: CLEAN.astype(np.float32) if planes.ndim == 2 else np.broadcast_to(CLEAN, planes.shape))


@pytest.mark.parametrize("answer", [lambda planes: planes, lambda planes: 0.5 * planes + 0.5 * blurred(1)(planes), blurred(5)], ids=["all", "half", "blur"])
def test_what_is_no_better_than_a_gaussian_is_told_and_the_gaussian_offered(answer):
    assert "method gaussian" in told(grainy(0), answer)["Gaussian"].advice


def test_what_is_as_good_as_the_gaussian_or_better_is_not():
    guided = lambda planes: 0.7 * CLEAN.astype(np.float32) + 0.3 * blurred(1)(planes)  # noqa: E731
    assert "Gaussian" not in told(grainy(0), guided)
    assert "Gaussian" not in told(grainy(0), blurred(1.2))


def test_a_good_result_of_a_good_image_says_nothing():
    light = add_noise((CLEAN / 255), "poisson-gauss", np.random.default_rng(2), photons=200, sigma=4)
    result = denoise((light * 200).clip(0, 255).round().astype(np.uint8), "zs-unet", steps=150, crop=64, crops=4, device="cpu", turns="1")
    assert result.cautions == ()


def test_notes_end_with_the_cautions_and_are_kept_with_the_result(photons, tmp_path):
    result = denoise(photons, "gaussian")
    assert result.notes[0].startswith("A sigma of")
    assert result.notes[1:] == tuple(caution.note for caution in result.cautions) != ()
    assert read(write(tmp_path / "clean.ome.tif", result)).provenance["notes"] == list(result.notes)


def test_each_channel_is_told_by_name(photons):
    even = np.full_like(photons, 9)
    assert {caution.where for caution in denoise(np.stack([even, photons]), "median", axes="CYX").cautions} == {"Channel 2: "}


@pytest.mark.parametrize("mode", ["shared", "plane", "warm"])
def test_a_stack_is_told_once(photons, mode):
    result = denoise(np.stack([photons] * 5), "zs-n2n", axes="TYX", stack=mode, **QUICK)
    assert topics(result).count("Photons") == 1


def test_planes_with_neighbours_are_judged_with_them(photons):
    assert "Photons" in topics(denoise(np.stack([photons] * 3), "zs-unet", axes="TYX", **QUICK))


def test_pixels_are_the_same_without_cautions_and_made_again(photons):
    result = denoise(photons, "zs-n2n", **QUICK)
    np.testing.assert_array_equal(denoise(photons, "zs-n2n", cautions=False, **QUICK).image, result.image)
    again = rerun(result, photons)
    assert again.cautions == result.cautions
    np.testing.assert_array_equal(again.image, result.image)


def test_a_lazy_result_says_what_a_run_says(photons):
    stack = np.stack([photons] * 3)
    assert finished(lazy_steps(stack, "zs-n2n", axes="TYX", **QUICK)).notes == denoise(stack, "zs-n2n", axes="TYX", **QUICK).notes
    assert denoise_lazy(stack, "zs-n2n", axes="TYX", **QUICK).shape == stack.shape


def test_trials_are_not_looked_at(photons, monkeypatch):
    monkeypatch.setattr(running, "cautions", lambda *_: pytest.fail("a trial was judged"))
    assert sweep(photons, "median", vary={"size": [3, 5]}).tiles
    denoise(photons, "median", cautions=False)


def test_a_finished_result_is_not_lost_where_it_cannot_be_judged(photons, monkeypatch):
    clean = denoise(photons, "median").image
    monkeypatch.setattr(running, "cautions", lambda *_: (_ for _ in ()).throw(RuntimeError("the card is gone")))
    result = denoise(photons, "median")
    np.testing.assert_array_equal(result.image, clean)
    assert "could not be looked into: the card is gone" in result.notes[-1]


def test_gaps_are_not_judged(photons):
    gappy = photons.astype(np.float32)
    gappy[40:50, 40:50] = np.nan
    assert denoise(gappy, "median", nan="fill").cautions == ()


def test_a_batch_tells_each_caution_once_for_all_files(photons, tmp_path):
    for number in range(3):
        write(tmp_path / "raw" / f"{number}.ome.tif", Image(photons + np.uint16(number), "YX")) if number else (tmp_path / "raw").mkdir()
    write(tmp_path / "raw" / "0.ome.tif", Image(photons, "YX"))
    outcomes = batch([tmp_path / "raw"], tmp_path / "clean", "median").outcomes
    warned = [{line for line in outcome.warnings if line.startswith("Photons:")} for outcome in outcomes]
    assert warned[0] == warned[1] == warned[2] != set()
    assert all(any("Photons: The brightest places" in line for line in outcome.told) for outcome in outcomes)


def test_the_plane_nearest_the_middle_of_those_that_are_missing_is_looked_at():
    axes = Axes("TCYX", (5, 2, 64, 64))
    assert middles(axes, ()) == {(2, 0, None, None), (2, 1, None, None)}
    assert middles(axes, {(2, 0, None, None), (1, 0, None, None)}) == {(3, 0, None, None), (2, 1, None, None)}
    assert middles(axes, set(axes.planes())) == frozenset()
    assert middles(Axes("YX", (20, 64)), ()) == frozenset()


def test_faulty_pixels_are_where_they_are_in_the_plane():
    large = np.random.default_rng(0).normal(100, 3, (600, 500))
    large[[300, 310, 320, 330], 250] = 250
    sight = Sight.of([large[np.newaxis]], large[np.newaxis], Scale(0.0, 1.0), lambda planes: planes)
    found = {caution.topic: caution for caution in cautions(sight, get_method("gaussian"), get_method("gaussian").settings())}
    assert "the first at row 300, column 250" in found["Hot pixels"].sentence
