"""What a run has learned, used on other images: the same pixels again, nothing trained, and a word where they are unlike."""

import numpy as np
import pytest
import safetensors.torch

from napari_zeroshot import DenoiseError, denoise, load_network, rerun, save_network
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.registry import all_methods

TRAINED = [name for name, method in all_methods().items() if method.trains]


@pytest.fixture(scope="module")
def stack():
    """Three planes of two channels with photon noise, the second channel brighter."""
    clean = np.full((3, 2, 24, 20), 60)
    clean[:, 1] = 400
    clean[..., 6:18, 5:15] *= 3
    return np.random.default_rng(1).poisson(clean).astype(np.uint16)


@pytest.fixture(scope="module")
def result(stack):
    return denoise(stack[:1], "zs-n2n", axes="TCYX", steps=8)


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize(("axes", "shape"), [("CYX", (2, 24, 20)), ("YXS", (24, 20, 3))], ids=["channels", "colour"])
def test_a_saved_network_gives_the_same_pixels_again(tmp_path, name, axes, shape):
    image = np.random.default_rng(0).poisson(90, shape).astype(np.uint8)
    learnt = denoise(image, name, axes=axes, preset="preview", steps=4)
    again = denoise(image, name, axes=axes, trained=save_network(tmp_path / "it.safetensors", learnt))
    np.testing.assert_array_equal(again.image, learnt.image)
    assert (again.losses, again.complete, again.params.steps) == ((), True, 4)


def test_both_networks_of_the_full_method_are_saved(tmp_path):
    image = np.random.default_rng(0).poisson(90, (24, 20)).astype(np.uint8)
    learnt = denoise(image, "zs-n2m", steps=4, refine=True, refine_steps=2)
    again = denoise(image, "zs-n2m", trained=save_network(tmp_path / "it.safetensors", learnt))
    np.testing.assert_array_equal(again.image, learnt.image)


@pytest.mark.parametrize("name", ["auto", "zs-unet"])
def test_a_network_from_before_parts_of_answers_were_a_gaussians_gives_the_same_pixels(tmp_path, name):
    image = np.random.default_rng(0).poisson(90, (24, 20)).astype(np.uint8)
    learnt = denoise(image, name, preset="preview", steps=4)
    path = save_network(tmp_path / "it.safetensors", learnt)
    with safetensors.safe_open(path, "pt") as file:
        header, tensors = file.metadata(), {part: file.get_tensor(part) for part in file.keys()}  # noqa: SIM118
    del tensors["0/0/gaussian"]
    safetensors.torch.save_file(tensors, path, header)
    np.testing.assert_array_equal(denoise(image, name, trained=path).image, learnt.image)


def test_the_rest_of_a_stack_goes_through_the_network_of_its_first_plane(stack, result):
    whole = denoise(stack, "zs-n2n", axes="TCYX", trained=result)
    np.testing.assert_array_equal(whole.image[:1], result.image)
    assert whole.planes_done == 6
    assert whole.notes == ()


def test_a_single_network_is_for_every_channel(stack):
    one = denoise(stack[0, 0], "zs-n2n", steps=4)
    assert denoise(stack[0], "zs-n2n", axes="CYX", trained=one).planes_done == 2


def test_an_image_unlike_that_of_the_network_is_told(stack, result):
    brighter = denoise(stack[0] * 8, "zs-n2n", axes="CYX", trained=result)
    assert [note[:27] for note in brighter.notes] == ["Channel 1: Its grey levels ", "Channel 2: Its grey levels "]
    assert "noise is" in brighter.notes[0]


def test_the_record_says_which_network_it_was_and_cannot_be_run_again(tmp_path, stack, result):
    again = denoise(stack[0], "zs-n2n", axes="CYX", trained=result)
    record = again.provenance()["network"]
    assert record == load_network(save_network(tmp_path / "it.safetensors", result)).told()
    assert result.provenance()["network"] is None
    with pytest.raises(ParamError, match="the network that it was made with is not in the record"):
        rerun(again, stack[0])
    with pytest.raises(ParamError, match="none was trained for this result"):
        save_network(tmp_path / "no.safetensors", again)


@pytest.mark.parametrize(
    ("name", "axes", "options", "said"),
    [
        pytest.param("fm2s", "TCYX", {}, "one of zs-n2n, not of fm2s", id="method"),
        pytest.param("zs-n2n", "TCYX", {"steps": 9}, "trained already", id="parameter"),
        pytest.param("zs-n2n", "TCYX", {"preset": "paper"}, "trained already", id="preset"),
        pytest.param("zs-n2n", "CTYX", {}, "for 2 channels, and the image has 3", id="channels"),
    ],
)
def test_a_network_is_not_used_for_what_it_was_not_trained_for(stack, result, name, axes, options, said):
    with pytest.raises(DenoiseError, match=said):
        denoise(stack, name, axes=axes, trained=result, **options)


def test_a_grey_network_is_not_used_for_colours(stack):
    one = denoise(stack[0, 0], "zs-n2n", steps=4)
    with pytest.raises(ParamError, match="for grey images, and this one is colour"):
        denoise(np.zeros((24, 20, 3), np.uint8), "zs-n2n", axes="YXS", trained=one)


def test_weights_of_another_network_are_refused(tmp_path, stack):
    from dataclasses import replace

    narrow = load_network(save_network(tmp_path / "it.safetensors", denoise(stack[0, 0], "fm2s", preset="base", steps=1, coarse_steps=1)))
    with pytest.raises(ParamError, match="not those of a network of this method with these settings"):
        denoise(stack[0, 0], "fm2s", trained=replace(narrow, params=narrow.params.replace(amplification=1)))


def test_filters_have_no_network(tmp_path, stack):
    with pytest.raises(ParamError, match="Median trains none"):
        save_network(tmp_path / "it.safetensors", denoise(stack[0, 0], "median"))
    assert list(tmp_path.iterdir()) == []
