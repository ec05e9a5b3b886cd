"""Networks of several planes trained side by side: each learns as if alone."""

import numpy as np
import pytest
import torch

from napari_zeroshot.engine import plan
from napari_zeroshot.engine.axes import parse
from napari_zeroshot.engine.device import Device, random_numbers
from napari_zeroshot.engine.memory import need
from napari_zeroshot.engine.method import Job
from napari_zeroshot.engine.networks import SideBySide, fm2s_network, initialise, taken_apart, zs_n2n_network
from napari_zeroshot.engine.registry import all_methods, get_method
from napari_zeroshot.engine.run import denoise, denoise_steps

QUICK = {"axes": "TYX", "device": "cpu", "steps": 12, "crop": 16, "crops": 2, "precision": "float32", "dtype": "float32", "stack": "plane"}
METHODS = [
    pytest.param("zs-n2n", {}, id="zs-n2n"),
    pytest.param("zs-n2n", {"random_masks": True}, id="zs-n2n random pairs"),
    pytest.param("zs-n2n", {"optimiser": "adam", "learning_rate": 0.002}, id="zs-n2n adam"),
    pytest.param("zs-n2m", {}, id="zs-n2m"),
    pytest.param("zs-n2m", {"crop": 0, "averaging": 0.9}, id="zs-n2m whole planes, averaged"),
    pytest.param("fm2s", {"region_noise": False, "overall_noise": False}, id="fm2s without its noise"),
]


@pytest.fixture
def frames(stack):
    """Three planes of very different brightness."""
    return stack[:, 0] * np.array([1, 3, 7], np.uint16)[:, None, None]


@pytest.fixture
def together(monkeypatch):
    """Trains so many planes' networks side by side, on the CPU too."""
    return lambda most: monkeypatch.setitem(plan.TOGETHER, "cpu", most)


def one_by_one_and_together(monkeypatch, most, *args, **options):
    results = []
    for count in (1, most):
        monkeypatch.setitem(plan.TOGETHER, "cpu", count)
        results.append(denoise(*args, **options))
    return results


def assert_close(images, others):
    """To a ten-thousandth of the range of each plane."""
    for image, other in zip(images, others, strict=True):
        np.testing.assert_allclose(image, other, rtol=0, atol=1e-4 * np.ptp(other))


# ---- networks


@pytest.mark.parametrize("make", [lambda: zs_n2n_network(3), lambda: fm2s_network(2)], ids=["zs-n2n", "fm2s"])
def test_members_answer_as_the_network_that_they_are_copies_of(make):
    network = initialise(make(), random_numbers(0, "cpu"))
    images = torch.rand(4 * 3, network[0].in_channels, 9, 11)
    with torch.no_grad():
        torch.testing.assert_close(SideBySide(network, 3)(images), network(images))


def test_a_network_taken_apart_is_still_trained_with_the_whole():
    whole = SideBySide(initialise(zs_n2n_network(1), random_numbers(0, "cpu")), 2)
    members = taken_apart(whole)
    with torch.no_grad():
        for part in whole.parameters():
            part[: len(part) // 2] *= 0.5
        images = torch.rand(6, 1, 9, 11)
        answers = whole(images)
        for number, member in enumerate(members):
            torch.testing.assert_close(member(images[number::2]), answers[number::2])
    assert not torch.equal(members[0][0].weight, members[1][0].weight)


# ---- each learns as if alone


@pytest.mark.parametrize(("name", "options"), METHODS)
def test_side_by_side_gives_what_one_by_one_gives(frames, monkeypatch, name, options):
    alone, side_by_side = one_by_one_and_together(monkeypatch, 3, frames, name, **(QUICK | options))
    assert_close(side_by_side.image, alone.image)
    assert len(side_by_side.losses) * 3 == len(alone.losses)
    assert side_by_side.losses[-1][1] == pytest.approx(
        np.mean([loss for _, loss in alone.losses[len(side_by_side.losses) - 1 :: len(side_by_side.losses)]]), rel=1e-3
    )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA card")
def test_side_by_side_on_a_graphics_card_gives_what_one_by_one_gives(frames, monkeypatch):
    options = QUICK | {"method": "zs-n2m", "device": "cuda", "steps": 60, "early_stop": False}
    monkeypatch.setitem(plan.TOGETHER, "cuda", 1)
    alone = denoise(frames, **options).image
    monkeypatch.setitem(plan.TOGETHER, "cuda", 3)
    side_by_side = denoise(frames, **options).image
    for plane, expected, noisy in zip(side_by_side, alone, frames, strict=True):
        assert np.abs(plane - expected).mean() < 0.1 * np.abs(expected - noisy).mean()


def test_colours_are_learnt_together_and_planes_apart(frames, monkeypatch):
    colours = np.stack((frames, frames // 2, frames // 3), axis=1)
    for method in ("zs-n2n", "zs-n2m"):
        alone, side_by_side = one_by_one_and_together(monkeypatch, 3, colours, method, **(QUICK | {"axes": "TSYX"}))
        assert_close(side_by_side.image, alone.image)


def test_fm2s_planes_side_by_side_differ_from_one_by_one_in_the_noise_drawn_only(frames, monkeypatch):
    colours = np.stack((frames, frames // 2, frames // 3), axis=1)
    alone, side_by_side = one_by_one_and_together(monkeypatch, 3, colours, "fm2s", **(QUICK | {"axes": "TSYX", "steps": 60}))
    for plane, expected, noisy in zip(side_by_side.image, alone.image, colours, strict=True):
        assert np.abs(plane - expected).mean() < 0.5 * np.abs(noisy - expected).mean()


def test_order_of_planes_does_not_matter(frames, together):
    together(3)
    forward = denoise(frames, "zs-n2m", **QUICK).image
    backward = denoise(frames[::-1], "zs-n2m", **QUICK).image[::-1]
    assert_close(backward, forward)


def test_each_plane_keeps_its_own_grey_scale(frames, together):
    together(3)
    alone = [denoise(frame, "zs-n2m", **(QUICK | {"axes": "YX"})) for frame in frames]
    result = denoise(frames, "zs-n2m", **QUICK)
    assert_close(result.image, [one.image for one in alone])
    assert result.levels == alone[-1].levels != alone[0].levels


@pytest.mark.parametrize("most", [2, 4])
def test_planes_that_do_not_fill_their_groups_are_denoised_too(stack, monkeypatch, most):
    frames = np.concatenate((stack[:, 0], stack[:2, 1]))
    alone, side_by_side = one_by_one_and_together(monkeypatch, most, frames, **QUICK)
    assert (side_by_side.complete, side_by_side.planes_done) == (True, 5)
    assert_close(side_by_side.image, alone.image)


def test_channels_are_not_mixed(stack, monkeypatch):
    alone, side_by_side = one_by_one_and_together(monkeypatch, 16, stack, **(QUICK | {"method": "zs-n2m", "axes": "TCYX"}))
    assert_close(side_by_side.image.reshape(6, 24, 31), alone.image.reshape(6, 24, 31))


def test_a_second_network_is_trained_plane_by_plane(frames, together):
    together(3)
    options = QUICK | {"method": "zs-n2m", "refine": True, "refine_steps": 2, "refine_width": 4}
    stages = [report.stage for report in denoise_steps(frames, **options)]
    assert {"refining plane 1/3", "refining plane 3/3"} <= set(stages)


def test_few_planes_of_many_pixels_go_together(frames, together, monkeypatch):
    together(3)
    monkeypatch.setattr(plan, "STEP_PIXELS", 2 * 16 * 16 * 2)
    stages = [report.stage for report in denoise_steps(frames, "zs-n2m", **QUICK)]
    assert {"training plane 1/3", "training planes 2-3/3"} <= set(stages)


@pytest.mark.parametrize(
    ("name", "options", "device", "sides", "most"),
    [
        ("zs-n2n", {}, "cpu", (512, 512), 1),
        ("zs-n2n", {}, "cuda:1", (512, 512), 16),
        ("zs-n2n", {}, "mps", (512, 512), 16),
        ("zs-n2n", {"crops": 16}, "cuda:0", (512, 512), 7),
        ("zs-n2n", {"crop": 0}, "cuda:0", (256, 256), 4),
        ("zs-n2n", {"crop": 0}, "cuda:0", (1024, 1024), 1),
        ("zs-n2n", {}, "cuda:0", (2048, 2048), 4),
        ("zs-n2n", {}, "cuda:0", (8192, 8192), 1),
        ("zs-n2m", {"refine": True}, "cuda:0", (512, 512), 1),
        ("median", {}, "cpu", (512, 512), 1),
    ],
)
def test_graphics_cards_train_as_many_as_a_step_and_the_memory_hold(name, options, device, sides, most):
    params = get_method(name).settings(None, options)
    assert plan._together(params, parse("TYX", (100, *sides)), Device(device, "")) == most


def test_memory_counts_every_network():
    method = get_method("zs-n2n")
    one, four = (need(method, method.settings(), parse("TYX", (8, 64, 64)), plan.TRAINING_PIXELS, members).fixed for members in (1, 4))
    assert four > 2 * one


def test_a_run_can_go_on_from_a_member(frames, together):
    together(3)
    first = denoise(frames, "zs-n2m", **QUICK)
    again = denoise(frames, "zs-n2m", start=first.denoiser, **(QUICK | {"warm_steps": 3}))
    assert again.complete
    assert len(again.losses) < len(first.losses)


# ---- progress, snapshots, cancelling, provenance


def test_progress_side_by_side_never_goes_back_and_ends_at_its_total(stack, together):
    together(2)
    reports = list(denoise_steps(stack, "zs-n2m", **(QUICK | {"axes": "TCYX", "early_stop": False})))
    parts = [report.step / report.total for report in reports]
    assert parts == sorted(parts)
    assert parts[-1] == 1
    assert {report.total for report in reports} == {reports[0].total}
    assert reports[-1].stage == "denoising plane 6/6"


def test_snapshot_of_a_plane_shows_its_own_member(frames, together):
    together(3)
    for report in denoise_steps(frames, "zs-n2m", **QUICK):
        whole = report.snapshot()
        for plane in range(3):
            np.testing.assert_array_equal(report.snapshot(at={"T": plane}), whole[plane])
        last = whole
    assert_close(last, denoise(frames, "zs-n2m", **QUICK).image)


def test_snapshots_follow_the_training(frames, together):
    together(3)
    reports = denoise_steps(frames, "zs-n2m", **QUICK)
    first, later = next(reports).snapshot(), next(reports).snapshot()
    assert not any(np.array_equal(one, other) for one, other in zip(first, later, strict=True))


@pytest.mark.parametrize("name", [method.name for method in all_methods().values() if getattr(method.settings(), "side_by_side", False)])
def test_cancelled_side_by_side_keeps_the_best_of_every_member(stack, together, name):
    together(2)
    frames, flag = np.concatenate((stack[:, 0], stack[:1, 1])), []
    steps = denoise_steps(frames, name, cancelled=lambda: bool(flag), **QUICK)
    while True:
        try:
            flag += ["stop"] if next(steps).step > 8 else []
        except StopIteration as end:
            result = end.value
            break
    assert (result.complete, result.planes_done, result.planes) == (False, 2, 4)
    np.testing.assert_array_equal(result.image[2:], frames[2:])
    assert not any(np.array_equal(clean, noisy) for clean, noisy in zip(result.image[:2], frames[:2], strict=True))
    assert "2 of 4 planes are denoised" in result.notes[-1]


def test_provenance_does_not_tell_how_many_went_together(frames, monkeypatch):
    alone, side_by_side = (result.provenance() for result in one_by_one_and_together(monkeypatch, 3, frames, **QUICK))
    assert alone.keys() == side_by_side.keys()
    measured = {"seconds", "created", "loss", "losses", "scores", "steps"}
    assert {k: v for k, v in alone.items() if k not in measured} == {k: v for k, v in side_by_side.items() if k not in measured}


def test_members_can_be_called_together(frames):
    method = get_method("zs-n2n")
    planes = np.random.default_rng(0).random((2, 1, 24, 24), np.float32)
    steps = method.fit(planes, method.settings(None, {"steps": 3, "crop": 16}), Job(members=2))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            denoiser = end.value
            break
    expected = [member(plane[np.newaxis])[0] for member, plane in zip(denoiser.members, planes, strict=True)]
    np.testing.assert_array_equal(denoiser(planes), expected)
