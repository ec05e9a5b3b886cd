"""What a result has from its source, what it is called, and which axes a layer has."""

import dask.array
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_zeroshot.engine.axes import parse
from napari_zeroshot.engine.contact_sheet import as_shown
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.engine.result import Result
from napari_zeroshot.widgets.layers import METADATA, Preview, Source, add_result, axes_are_named, likely_axes, limits_of, pixels, result_name, unique_name


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.uint16)


@pytest.mark.parametrize(
    ("layer", "axes", "named"),
    [
        pytest.param(Image(zeros(8, 8)), "YX", True, id="plane"),
        pytest.param(Image(zeros(9, 8, 8)), "ZYX", False, id="unnamed-3d"),
        pytest.param(Image(zeros(9, 2, 8, 8)), "TZYX", False, id="unnamed-4d-long"),
        pytest.param(Image(zeros(3, 9, 8, 8)), "CZYX", False, id="unnamed-4d-short"),
        pytest.param(Image(zeros(9, 2, 7, 8, 8)), "TCZYX", False, id="unnamed-5d"),
        pytest.param(Image(zeros(9, 8, 8), axis_labels=("t", "y", "x")), "TYX", True, id="named"),
        pytest.param(Image(zeros(9, 8, 8), axis_labels=("time", "-2", "-1")), "TYX", False, id="half-named"),
        pytest.param(Image(zeros(9, 8, 8), axis_labels=("0", "1", "2")), "ZYX", False, id="numbered"),
        pytest.param(Image(zeros(8, 8, 9), axis_labels=("Y", "X", "Channel")), "YXC", True, id="own-order"),
        pytest.param(Image(zeros(9, 8, 8), axis_labels=("y", "y", "x")), "ZYX", False, id="one-name-twice"),
        pytest.param(Image(np.zeros((8, 8, 3), np.uint8), rgb=True), "YXS", True, id="rgb"),
        pytest.param(Image(np.zeros((9, 8, 8, 3), np.uint8), rgb=True, axis_labels=("t", "y", "x")), "TYXS", True, id="rgb-named"),
        pytest.param(Image([zeros(9, 8, 8), zeros(9, 4, 4)], multiscale=True), "ZYX", False, id="multiscale"),
    ],
)
def test_axes_are_the_layers_own_or_likely(layer, axes, named):
    assert likely_axes(layer) == axes
    assert axes_are_named(layer) is named
    assert parse(axes, pixels(layer).shape)


def test_full_resolution_of_a_multiscale_layer_is_denoised():
    assert pixels(Image([zeros(16, 16), zeros(8, 8)], multiscale=True)).shape == (16, 16)


@pytest.mark.parametrize("layer", [Image(zeros(8, 8)), Image(zeros(8, 8, 3), rgb=True)], ids=["grey", "rgb"])
def test_the_layers_own_array_is_handed_on(layer):
    assert pixels(layer) is pixels(layer)


def test_dask_is_handed_on_uncomputed():
    assert isinstance(pixels(Image(dask.array.zeros((3, 8, 8)))), dask.array.Array)


def result_of(image, method="zs-n2m", preset="default", **changes) -> Result:
    chosen = get_method(method)
    return Result(image, method, chosen.settings(preset, changes), preset, "YX", "shared", 0, "CPU", 1.0)


@pytest.mark.parametrize(
    ("result", "name"),
    [
        pytest.param(result_of(None), "noisy · ZS-N2M", id="default"),
        pytest.param(result_of(None, alpha_ie=30), "noisy · ZS-N2M · α_ie 30", id="changed"),
        pytest.param(result_of(None, preset="full", steps=20), "noisy · ZS-N2M full · 20 steps", id="preset-and-changed"),
    ],
)
def test_result_is_named_after_what_was_done(result, name):
    assert result_name("noisy", result) == name


def test_taken_names_get_a_number():
    assert unique_name("a", []) == "a"
    assert unique_name("a", ["a"]) == "a (2)"
    assert unique_name("a", ["a", "a (2)"]) == "a (3)"


@pytest.fixture
def stack() -> Image:
    return Image(
        np.arange(3 * 5 * 6, dtype=np.uint16).reshape(3, 5, 6),
        name="noisy",
        scale=(2, 0.5, 0.25),
        translate=(10, 20, 30),
        rotate=np.eye(3)[[0, 2, 1]] * [[1], [1], [-1]],
        shear=(0, 0, 0.1),
        affine=[[1, 0, 0, 7], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]],
        axis_labels=("t", "y", "x"),
        units=("s", "um", "um"),
        colormap="magma",
        contrast_limits=(3, 70),
        gamma=0.7,
        blending="additive",
        metadata={"mine": 1},
    )


def test_result_lies_where_its_source_lies_and_looks_like_it(stack):
    viewer = ViewerModel()
    viewer.add_layer(stack)
    added = add_result(viewer, Source.of(stack, parse("TYX", stack.data.shape)), result_of(stack.data))
    for name in ("scale", "translate", "rotate", "shear", "gamma", "contrast_limits"):
        np.testing.assert_allclose(getattr(added, name), getattr(stack, name))
    np.testing.assert_allclose(added.affine.affine_matrix, stack.affine.affine_matrix)
    assert (added.units, added.axis_labels, added.blending, added.colormap.name) == (stack.units, stack.axis_labels, "additive", "magma")
    assert added.metadata["mine"] == 1
    assert added.metadata[METADATA]["method"] == "zs-n2m"
    assert not stack.visible
    assert viewer.layers.selection.active == added


def test_second_result_does_not_overwrite_the_first(stack):
    viewer = ViewerModel()
    viewer.add_layer(stack)
    source = Source.of(stack, parse("TYX", stack.data.shape))
    names = [add_result(viewer, source, result_of(stack.data)).name for _ in range(2)]
    assert names == ["noisy · ZS-N2M", "noisy · ZS-N2M (2)"]


def test_colour_stays_colour():
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((8, 8, 3), np.uint8), rgb=True, name="noisy")
    added = add_result(viewer, Source.of(layer, parse("YXS", layer.data.shape)), result_of(layer.data))
    assert added.rgb


def test_colours_with_fractions_are_shown_as_bright_as_their_source():
    viewer = ViewerModel()
    colours = np.random.default_rng(0).integers(0, 200, (8, 8, 3), dtype=np.uint8)
    layer = viewer.add_image(colours, rgb=True, name="noisy")
    added = add_result(viewer, Source.of(layer, parse("YXS", layer.data.shape)), result_of(colours.astype(np.float32)))
    assert added.rgb
    np.testing.assert_array_equal(added.data, colours)
    assert limits_of(added) == limits_of(layer) == (0, 255)


def test_tiles_of_a_16_bit_colour_picture_are_not_white():
    layer = Image(np.array([[[0, 500, 4000]]], np.uint16), rgb=True, contrast_limits=(0, 4000))
    np.testing.assert_array_equal(as_shown(layer.data, limits_of(layer)), [[[0, 31, 255]]])


def test_preview_lies_on_the_plane_it_shows(stack):
    viewer = ViewerModel()
    viewer.add_layer(stack)
    viewer.dims.set_current_step(0, 2)
    source = Source.of(stack, parse("TYX", stack.data.shape))
    preview = Preview(viewer, source)
    assert source.plane_in_view(viewer) == {"T": 2}
    preview.show(stack.data[2], {"T": 2})
    shown = viewer.layers["preview"]
    assert shown.data.shape == (1, 5, 6)
    np.testing.assert_allclose(shown.data_to_world((0, 3, 4)), stack.data_to_world((2, 3, 4)))
    preview.show(stack.data[1], {"T": 1})
    np.testing.assert_allclose(shown.data_to_world((0, 3, 4)), stack.data_to_world((1, 3, 4)))
    assert len(viewer.layers) == 2
    preview.remove()
    assert list(viewer.layers) == [stack]


def test_deleted_preview_stays_away(stack):
    viewer = ViewerModel()
    viewer.add_layer(stack)
    preview = Preview(viewer, Source.of(stack, parse("TYX", stack.data.shape)))
    preview.show(stack.data[0], {"T": 0})
    viewer.layers.remove("preview")
    preview.show(stack.data[0], {"T": 0})
    assert not preview.wanted
    assert list(viewer.layers) == [stack]
