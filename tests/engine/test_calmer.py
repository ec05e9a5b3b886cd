"""A training whose loss is no number begins anew with a smaller learning rate, and gives up in one sentence."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from napari_zeroshot import DenoiseError, denoise
from napari_zeroshot.engine import fitting
from napari_zeroshot.engine.optimiser import Optimiser
from napari_zeroshot.engine.params import describe
from napari_zeroshot.engine.run import denoise_steps


@pytest.fixture
def astray(monkeypatch):
    """Has the first trainings go astray: their weights are no numbers any more after so many steps. Gives how many were begun."""

    def go(times, after):
        begun, inner, plain = [], fitting.Bench.optimiser, Optimiser.step

        def optimiser(bench, *rate):
            made = inner(bench, *rate)
            begun.append(made)
            made.left = after if len(begun) <= times else math.inf
            return made

        def step(self):
            plain(self)
            self.left -= 1
            if self.left == 0:
                with torch.no_grad():
                    self.weights[0].fill_(math.nan)

        monkeypatch.setattr(fitting.Bench, "optimiser", optimiser)
        monkeypatch.setattr(Optimiser, "step", step)
        return begun

    return go


def slower(method, settings, share):
    """The learning rates of some settings, made smaller by hand."""
    asked = method.settings(settings["preset"], {name: value for name, value in settings.items() if name != "preset"}).to_dict()
    return {knob.name: asked[knob.name] * share for knob in describe(method.params) if knob.name in ("learning_rate", "refine_rate")}


@pytest.mark.parametrize("times", [1, 2])
def test_a_run_that_went_astray_ends_with_the_pixels_of_a_smaller_rate_from_the_start(trained, noisy, quick, astray, times):
    settings = {**quick(trained), "seed": 3, "device": "cpu"}
    expected = denoise(noisy, trained.name, **settings, **slower(trained, quick(trained), 4**-times)).image
    astray(times, after=7)
    result = denoise(noisy, trained.name, **settings)
    np.testing.assert_array_equal(result.image, expected)
    assert [note for note in result.notes if "astray" in note][-1].endswith(f"begun anew with 1/{4**times} of its learning rate.")
    assert np.isfinite([loss for _, loss in result.losses]).all()


def test_both_networks_of_zs_n2m_begin_anew_when_the_second_goes_astray(noisy, astray):
    full = {"preset": "full+preview", "steps": 6, "refine_steps": 6, "device": "cpu"}
    rates = {"learning_rate": 0.03 / 4, "refine_rate": denoise(noisy, "zs-n2m", **full).params.refine_rate / 4}
    expected = denoise(noisy, "zs-n2m", **full, **rates).image
    begun = astray(2, after=4)
    begun.append("the first network learns well")
    np.testing.assert_array_equal(denoise(noisy, "zs-n2m", **full).image, expected)


def test_weights_that_are_spoilt_by_the_very_last_step_are_noticed(noisy, quick, trained, astray):
    astray(1, after=40)
    result = denoise(noisy, trained.name, device="cpu", **quick(trained))
    assert any("begun anew" in note for note in result.notes)


def test_networks_of_several_planes_begin_anew_together(stack, astray, monkeypatch):
    monkeypatch.setattr("napari_zeroshot.engine.plan.TOGETHER", {"cpu": 3})
    begun = astray(1, after=3)
    result = denoise(stack[:, 0], "zs-n2n", axes="TYX", stack="plane", device="cpu", steps=6, crop=16)
    assert len(begun) == 2
    assert "begun anew" in " ".join(result.notes)


def test_progress_counts_on_and_never_back(noisy, quick, trained, astray, monkeypatch):
    monkeypatch.setattr(fitting, "LONGEST_SILENCE", 0)
    astray(1, after=7)
    reports = list(denoise_steps(noisy, trained.name, device="cpu", **quick(trained)))
    assert all(later.step >= earlier.step for earlier, later in pairwise(reports))
    assert reports[-1].step == reports[-1].total >= 47


def test_what_stays_astray_ends_in_one_sentence_with_the_remedy(noisy, quick, trained, astray):
    begun = astray(99, after=2)
    with pytest.raises(DenoiseError, match=r"even with 1/64 of its learning rate: .* choose a smaller learning rate, .* or another method$") as told:
        denoise(noisy, trained.name, device="cpu", **quick(trained))
    assert "\n" not in str(told.value)
    assert len(begun) % 4 == 0


def test_a_rate_beyond_all_measure_ends_in_that_sentence(noisy, quick, trained, monkeypatch):
    inner = fitting.Bench.optimiser
    monkeypatch.setattr(fitting.Bench, "optimiser", lambda bench, network, *_: inner(bench, network, 1e30))
    with pytest.raises(DenoiseError, match="choose a smaller learning rate"):
        denoise(noisy, trained.name, device="cpu", **quick(trained))


def test_a_run_that_is_cancelled_when_it_goes_astray_does_not_begin_anew(noisy, quick, trained, astray):
    begun, flag = astray(1, after=1), []
    steps = denoise_steps(noisy, trained.name, device="cpu", cancelled=lambda: bool(flag), **quick(trained))
    next(steps)
    flag.append("stop")
    with pytest.raises(DenoiseError, match="went astray"):
        list(steps)
    assert len(begun) == 1


def test_nothing_is_said_or_changed_where_nothing_goes_wrong(noisy, quick, trained):
    result = denoise(noisy, trained.name, device="cpu", **quick(trained))
    assert not any("astray" in note for note in result.notes)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA card")
@pytest.mark.parametrize("name", ["zs-n2n", "zs-n2m", "fm2s", "zs-unet"])
def test_recorded_steps_begin_anew_too(name, noisy, astray):
    astray(1, after=2)  # while they are not recorded yet
    result = denoise(noisy, name, device="cuda", steps=40)
    assert any("begun anew with 1/4" in note for note in result.notes)
    assert np.isfinite([loss for _, loss in result.losses]).all()
