"""Shares of a run, done one after another by anybody, make the run: the same pixels bit for bit, and the same record."""

import pickle

import numpy as np
import pytest

from napari_zeroshot import denoise
from napari_zeroshot.engine import auto, share
from napari_zeroshot.engine.method import finished
from napari_zeroshot.engine.methods import gaussian
from napari_zeroshot.engine.plan import planned
from napari_zeroshot.engine.run import denoise_steps
from napari_zeroshot.engine.share import options_of, share_steps, shares
from napari_zeroshot.engine.weights import unpacked

QUICK = {"steps": 3, "crop": 16, "crops": 1, "device": "cpu", "threads": 1}


class Grasped:
    """Takes the order of a run, and does nothing."""

    planned = staticmethod(planned)

    def steps(self, image, order, out, ledger):
        self.order = order
        return iter(())


def ordered(image, *arguments, **options):
    grasped = Grasped()
    denoise_steps(image, *arguments, where=grasped, lessen=False, **options)
    return grasped.order


def done(image, order, finished_before=()):
    """The planes of all shares, each done by itself from what the one before it has brought."""
    came, planes = {}, {}
    for each in shares(order, order.groups(), set(finished_before)):
        before = came[each.after].brought if each.after else None
        came[each] = finished(share_steps(each.alone(), image, options_of(order), before))
        planes |= came[each].planes
    return planes


def put_together(planes, like):
    image = np.zeros_like(like)
    for index, plane in planes.items():
        image[tuple(slice(None) if at is None else at for at in index)] = plane
    return image


CASES = [("zs-n2n", "shared"), ("zs-n2n", "plane"), ("zs-n2n", "warm"), ("zs-n2m", "warm"), ("fm2s", "warm"), ("auto", "shared"), ("gaussian", "shared")]


@pytest.fixture
def two_frames(stack):
    return stack[:2]


@pytest.mark.parametrize(("name", "mode"), CASES, ids=" ".join)
def test_shares_make_the_run(two_frames, name, mode):
    options = {"axes": "TCYX", "stack": mode, **({} if name == "gaussian" else QUICK), **({"refine_steps": 2} if name == "zs-n2m" else {})}
    order = ordered(two_frames, name, **options)
    np.testing.assert_array_equal(put_together(done(two_frames, order), two_frames), denoise(two_frames, name, **options).image)


def brought(image, order):
    """The Gaussian that comes of the last share that learns."""
    *_, last = [share for share in shares(order, order.groups(), set()) if share.keep]
    came = finished(share_steps(last.alone(), image, options_of(order)))
    return [came.brought.lesson().learned().sigma]


@pytest.mark.parametrize("mode", ["shared", "plane", "warm"])
def test_a_method_that_takes_the_gaussian_in_the_end_does_so_everywhere(noisy, monkeypatch, mode):
    def take_gaussian(denoiser, report, noisy, *rest):
        return finished(gaussian.fit(noisy, gaussian.GaussianParams(), rest[-1]))

    monkeypatch.setattr(auto, "JUDGED_FROM", 0)
    monkeypatch.setattr(auto, "_the_better", take_gaussian)
    series, options = np.stack([noisy, noisy[::-1]]), {"axes": "TYX", "stack": mode, **QUICK}
    result = denoise(series, "auto", **options)
    assert "A sigma of" in " ".join(result.notes)
    assert brought(series, ordered(series, "auto", **options)) == [lesson.learned().sigma for lesson in result.lessons]
    np.testing.assert_array_equal(put_together(done(series, ordered(series, "auto", **options)), series), result.image)


@pytest.mark.parametrize("mode", ["shared", "plane", "warm"])
def test_planes_that_are_done_are_left_out(two_frames, mode):
    options = {"axes": "TCYX", "stack": mode, **QUICK}
    planes = done(two_frames, ordered(two_frames, "zs-n2n", **options), finished_before=[(0, 0, None, None)])
    assert sorted(index[:2] for index in planes) == [(0, 1), (1, 0), (1, 1)]
    expected = denoise(two_frames, "zs-n2n", **options).image
    np.testing.assert_array_equal(planes[1, 0, None, None], expected[1, 0])


def test_small_planes_of_a_trained_network_go_together(two_frames, monkeypatch):
    monkeypatch.setattr(share, "PIXELS", 24 * 31 * 3)
    series = np.concatenate([two_frames] * 4)
    work = shares(order := ordered(series, "zs-n2n", axes="TCYX", **QUICK), order.groups(), set())
    assert [(len(each.planes), each.learn_only) for each in work] == 2 * [(8, True)] + 2 * [(3, False), (3, False), (2, False)]


def test_what_was_learned_travels_as_safetensors(two_frames):
    order = ordered(two_frames, "zs-n2n", axes="TCYX", **QUICK)
    training = shares(order, order.groups(), set())[0]
    came = finished(share_steps(training, two_frames, options_of(order)))
    assert b"torch" not in pickle.dumps(came)
    assert unpacked(came.brought.weights).method.name == "zs-n2n"
