"""Planes seen together with those before and after them."""

import numpy as np
import pytest
from scipy import ndimage

from napari_zeroshot import denoise, load_network, save_network
from napari_zeroshot.engine.axes import Axes
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.method import Job, finished
from napari_zeroshot.engine.methods import zs_unet
from napari_zeroshot.engine.neighbours import Among, OfMiddle, amid, axis_of, mirrored_around, own
from napari_zeroshot.engine.sweep import sweep

QUICK = {"device": "cpu", "crop": 32, "crops": 4, "turns": "1", "dtype": "float32"}


@pytest.fixture(scope="module")
def still():
    """Five frames of what does not move: the noisy ones, and the truth."""
    rng = np.random.default_rng(0)
    picture = 20 + 200 * np.clip(ndimage.gaussian_filter(rng.normal(size=(72, 64)), 2.5), 0, None)
    truth = np.broadcast_to(picture, (5, 72, 64))
    return rng.poisson(truth).astype(np.uint16), truth


def error(image, truth):
    return float(np.sqrt(np.square(image - truth).mean()))


def numbered(*sizes):
    """An image whose planes hold their own number."""
    return np.broadcast_to(np.arange(np.prod(sizes)).reshape(*sizes, 1, 1), (*sizes, 4, 4))


def test_frames_before_and_after_make_a_still_scene_clearer(still):
    noisy, truth = still
    alone, together = (denoise(noisy, "zs-unet", axes="TYX", steps=100, neighbours=count, **QUICK) for count in "01")
    assert error(together.image, truth) < 0.85 * error(alone.image, truth)


def test_what_is_in_one_frame_only_stays_there():
    rng = np.random.default_rng(1)
    truth = np.full((7, 64, 64), 20.0)
    for frame in range(7):
        place = rng.integers(8, 56, (6, 2))
        truth[frame, place[:, 0], place[:, 1]] += 3000
    truth = ndimage.gaussian_filter(truth, (0, 1.5, 1.5))
    clean = denoise(rng.poisson(truth), "zs-unet", axes="TYX", steps=200, neighbours="1", **QUICK).image
    spots = truth > 80
    elsewhere = np.roll(spots, 1, axis=0) & (truth < 25)
    assert clean[spots].mean() == pytest.approx(truth[spots].mean(), rel=0.15)
    assert clean[elsewhere].mean() == pytest.approx(20, abs=4)  # the spots of the frame before are 160


def test_frames_that_have_nothing_in_common_are_denoised_as_if_alone_and_that_is_told(still):
    noisy, truth = still
    places = [(0, 0), (20, 31), (40, 9), (13, 50), (55, 22)]
    jumping, there = (np.stack([np.roll(frame, place, (0, 1)) for frame, place in zip(frames, places, strict=True)]) for frames in (noisy, truth))
    alone, together = (denoise(jumping, "zs-unet", axes="TYX", steps=100, neighbours=count, **QUICK) for count in "01")
    assert error(together.image, there) < 1.1 * error(alone.image, there)
    assert any("differ from it at most places by more than the noise" in note for note in together.notes)
    assert not any("differ from it" in note for note in denoise(noisy, "zs-unet", axes="TYX", steps=2, **QUICK).notes)


def test_of_noise_alone_nothing_is_learnt_by_heart():
    light = np.full((5, 64, 64), 20.0)
    noisy = np.random.default_rng(0).poisson(light)
    alone, together = (denoise(noisy, "zs-unet", axes="TYX", steps=150, neighbours=count, **QUICK) for count in "01")
    assert max(error(alone.image, light), error(together.image, light)) < 0.03 * error(noisy, light)  # which of them is nearer by a hair is chance
    assert together.image.mean() == pytest.approx(noisy.mean(), rel=0.002)


def test_tiles_leave_no_seam(still):
    noisy, _ = still
    network = denoise(noisy, "zs-unet", axes="TYX", steps=4, depth=1, **QUICK)
    whole, in_tiles = (denoise(noisy, "zs-unet", axes="TYX", trained=network, tile=tile, device="cpu", dtype="float32").image for tile in (1024, 16))
    np.testing.assert_allclose(in_tiles, whole, rtol=1e-4)


def test_stacks_have_one_neighbour_on_each_side_and_planes_and_channels_have_none(still):
    noisy, _ = still
    seen = lambda image, axes: denoise(image, "auto", axes=axes, steps=2, **QUICK).params.neighbours  # noqa: E731
    assert [seen(noisy, axes) for axes in ("TYX", "ZYX", "CYX", "PYX")] == ["1", "1", "0", "0"]
    assert seen(noisy[:2], "TYX") == "0"
    assert seen(noisy[0], "YX") == "0"


def test_time_goes_before_depth():
    assert axis_of(Axes("ZTYX", (5, 5, 8, 8))) == "T"
    assert axis_of(Axes("TZYX", (2, 5, 8, 8))) == "Z"


def test_neighbours_that_are_not_there_are_refused_with_the_remedy(still):
    with pytest.raises(ParamError, match=r"neighbours = 1 needs a stack of 3 planes or more along T or Z.*take 0"):
        denoise(still[0][0], "zs-unet", steps=2, neighbours="1", **QUICK)


def test_neighbours_are_those_along_one_axis_and_mirrored_at_its_ends():
    image, whole = numbered(4, 2), Axes("TCYX", (4, 2, 4, 4))
    among = Among.of(image, whole, {"T": (0, 1), "C": (1, 2)}, 2)
    assert [int(among.read(at)[0, 0, 0]) for at in among.around((0, 0, None, None))] == [5, 3, 1, 3, 5]
    among = Among.of(image, whole, {"T": (2, 4)}, 1)
    assert [int(among.read(at)[0, 0, 0]) for at in among.around((1, 0, None, None))] == [4, 6, 4]


def test_a_frame_by_itself_is_seen_with_those_outside_the_region(still):
    noisy, _ = still
    network = denoise(noisy, "zs-unet", axes="TYX", steps=20, **QUICK)
    whole = denoise(noisy, "zs-unet", axes="TYX", trained=network, device="cpu", dtype="float32").image
    one = denoise(noisy, "zs-unet", axes="TYX", trained=network, region={"T": (2, 3)}, device="cpu", dtype="float32").image
    np.testing.assert_allclose(one[0], whole[2], rtol=1e-5)


def test_the_middle_of_three_is_kept_apart_from_its_neighbours():
    seen = np.arange(6, dtype=np.float32).reshape(1, 6, 1, 1)  # three planes of two channels
    assert own(seen, 1).ravel().tolist() == [2, 3]
    assert mirrored_around(seen, 0, 1).ravel().tolist() == [2, 3, 0, 1, 2, 3]
    assert mirrored_around(seen, 1, 1).ravel().tolist() == seen.ravel().tolist()
    assert OfMiddle(lambda planes: planes * 10, 1)(seen).ravel().tolist() == [20, 30]
    assert amid(lambda planes: planes, seen, 1)(-own(seen, 1)).ravel().tolist() == [0, 1, -2, -3, 4, 5]


def test_colours_come_back_as_colours(still):
    coloured = np.stack([still[0]] * 3, axis=-1)
    assert denoise(coloured, "auto", axes="TYXS", steps=4, **QUICK).image.shape == coloured.shape


def test_a_network_that_sees_neighbours_is_saved_with_that(still, tmp_path):
    noisy, _ = still
    result = denoise(noisy, "zs-unet", axes="TYX", steps=10, **QUICK)
    save_network(tmp_path / "net.safetensors", result)
    again = denoise(noisy, "zs-unet", axes="TYX", trained=load_network(tmp_path / "net.safetensors"), device="cpu", dtype="float32")
    np.testing.assert_allclose(again.image, result.image, rtol=1e-5)
    with pytest.raises(ParamError, match="needs a stack"):
        denoise(noisy[0], "zs-unet", trained=result, device="cpu")


def test_a_result_in_place_of_the_image_is_refused_where_planes_are_needed_again(still):
    noisy = still[0].copy()
    with pytest.raises(ParamError, match="out is the image itself"):
        denoise(noisy, "zs-unet", axes="TYX", steps=2, out=noisy, device="cpu")
    denoise(noisy, "zs-unet", axes="TYX", steps=2, out=noisy, neighbours="0", device="cpu")


def test_gaps_of_neighbours_are_filled_too(still):
    holed = still[0].astype(np.float32)
    holed[1, 3, 4] = np.nan
    clean = denoise(holed, "zs-unet", axes="TYX", steps=4, nan="fill", device="cpu").image
    assert np.isnan(clean).sum() == 1


def test_shared_noise_and_a_cancelled_training_meet_neighbours_too(still):
    planes = (np.concatenate([still[0]] * 3).reshape(1, -1, 72, 64)[:, :3] / 500).astype(np.float32)
    params = zs_unet.ZSUNetParams(steps=30, crop=32, crops=4, neighbours="1", distance="2+3", precision="float32")
    assert finished(zs_unet.fit(planes, params, Job()))(planes).shape == (1, 1, 72, 64)
    assert finished(zs_unet.fit(planes, params, Job(cancelled=lambda: True)))(planes).shape == (1, 1, 72, 64)


def test_settings_tried_on_a_frame_are_judged_with_its_neighbours(still):
    tried = sweep(still[0], "zs-unet", axes="TYX", vary={"steps": [2, 60]}, **{name: value for name, value in QUICK.items() if name != "dtype"})
    assert tried.tiles[1].expected_error < tried.tiles[0].expected_error
