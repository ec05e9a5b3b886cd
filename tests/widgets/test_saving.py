"""Layers go into files and come back where they were, with how they were made."""

import numpy as np
import pytest
import tifffile
from napari.layers import Image

from napari_zeroshot import denoise, read, write
from napari_zeroshot.engine import image as engine_image
from napari_zeroshot.widgets.layers import METADATA
from napari_zeroshot.widgets.saving import image_of, layers_of, record_of, save_layer

SCALE = {"T": (2.0, "s"), "Y": (0.2, "µm"), "X": (0.1, "µm")}


@pytest.fixture
def layer():
    """A result, as the dock adds it, of a stack with a pixel size."""
    stack = np.random.default_rng(0).poisson(50, (3, 9, 8)).astype(np.uint16)
    record = denoise(stack, "median", axes="TYX").provenance()
    return Image(stack, name="cells", scale=(2, 0.2, 0.1), units=("s", "um", "um"), axis_labels=("T", "Y", "X"), metadata={METADATA: record, "mine": object()})


@pytest.mark.parametrize("ending", [".ome.tif", ".ome.zarr"])
def test_saved_layer_comes_back_with_size_axes_and_record(layer, tmp_path, ending):
    path = str(tmp_path / f"cells{ending}")
    assert save_layer(path, *layer.as_layer_data_tuple()[:2]) == [path]
    ((data, told, kind),) = layers_of(path)
    back = Image(data, **told)
    assert (kind, back.name, back.axis_labels, back.units) == ("image", "cells", layer.axis_labels, layer.units)
    np.testing.assert_allclose(back.scale, layer.scale)
    np.testing.assert_array_equal(back.data, layer.data)
    assert back.metadata[METADATA] == layer.metadata[METADATA]
    assert read(path).scale == SCALE


@pytest.mark.parametrize("ending", [".ome.tif", ".ome.zarr"])
def test_file_menu_finds_our_writer_by_the_ending(make_napari_viewer_proxy, layer, tmp_path, ending):
    viewer = make_napari_viewer_proxy()
    viewer.add_layer(layer)
    viewer.layers.save(str(tmp_path / f"cells{ending}"))
    assert read(tmp_path / f"cells{ending}").scale == SCALE


def test_any_image_can_be_saved_and_what_is_unknown_is_not_made_up(tmp_path):
    layer = Image(np.zeros((9, 8, 8), np.uint8))
    image = image_of(layer)
    assert (image.axes, image.scale, image.provenance) == ("ZYX", {}, None)


def test_colour_and_multiscale_layers_are_saved_at_full_resolution(tmp_path):
    colour = np.random.default_rng(0).integers(0, 255, (12, 10, 3)).astype(np.uint8)
    save_layer(str(tmp_path / "rgb.ome.tif"), *Image(colour, rgb=True).as_layer_data_tuple()[:2])
    assert (read(tmp_path / "rgb.ome.tif").axes, read(tmp_path / "rgb.ome.tif").array.shape) == ("YXS", (12, 10, 3))
    levels = [np.ones((12, 10), np.uint8), np.ones((6, 5), np.uint8)]
    save_layer(str(tmp_path / "many.ome.zarr"), *Image(levels, multiscale=True).as_layer_data_tuple()[:2])
    assert read(tmp_path / "many.ome.zarr").array.shape == (12, 10)


def test_record_is_found_in_the_file_where_napari_has_dropped_it(make_napari_viewer_proxy, tmp_path, layer):
    save_layer(str(tmp_path / "cells.ome.tif"), *layer.as_layer_data_tuple()[:2])
    opened = make_napari_viewer_proxy().open(str(tmp_path / "cells.ome.tif"))[0]
    assert METADATA not in opened.metadata
    assert record_of(opened) == layer.metadata[METADATA]


def test_other_files_hold_no_record(make_napari_viewer_proxy, tmp_path):
    tifffile.imwrite(tmp_path / "plain.tif", np.zeros((8, 8), np.uint8))
    assert record_of(make_napari_viewer_proxy().open(str(tmp_path / "plain.tif"))[0]) is None


def test_a_file_without_named_axes_opens_too(tmp_path):
    tifffile.imwrite(tmp_path / "plain.tif", np.zeros((4, 8, 8), np.uint8), photometric="minisblack", metadata=None)
    ((data, told, _),) = layers_of(tmp_path / "plain.tif")
    assert Image(data, **told).axis_labels == ("-3", "-2", "-1")


def test_channel_axes_have_no_size(tmp_path):
    path = write(tmp_path / "c.ome.tif", engine_image.Image(np.zeros((2, 8, 8), np.uint8), "CYX", {"X": (0.1, "µm"), "Y": (0.1, "µm")}))
    ((data, told, _),) = layers_of(path)
    assert set(image_of(Image(data, **told)).scale) == {"Y", "X"}
