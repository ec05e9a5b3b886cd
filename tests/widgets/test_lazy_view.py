"""View denoised: a series can be looked at denoised before any of it has been denoised."""

import dask.array
import numpy as np
import pytest
from napari.utils.notifications import notification_manager

from napari_zeroshot import denoise, read
from napari_zeroshot.widgets.commands import view_denoised
from napari_zeroshot.widgets.layers import METADATA
from napari_zeroshot.widgets.saving import save_layer

pytestmark = pytest.mark.gui


@pytest.fixture
def series(noisy):
    return np.stack([noisy, noisy[::-1], noisy // 2])


def test_every_plane_is_denoised_when_it_is_looked_at_with_what_the_dock_shows(dock, series, tmp_path):
    lazy = dask.array.from_array(series, chunks=(1, -1, -1))
    dock.viewer.add_image(lazy, name="series", axis_labels=("t", "y", "x"), scale=(1, 0.2, 0.1))
    dock.quick(steps=4)
    dock["seed"].setValue(5)
    dock["device"].setCurrentText("cpu")
    dock["stack"].setCurrentIndex(1)
    dock["scope"].setCurrentIndex(dock["scope"].findData("viewed"))
    assert dock["run"].text() == "View denoised"
    assert "each plane when you go to it" in dock["estimate"].text()
    dock.press("run")
    dock.until_over()
    layer = dock.viewer.layers[-1]
    expected = denoise(series, "zs-n2n", axes="TYX", device="cpu", seed=5, steps=4)
    assert "when you go to it" in dock.message
    assert isinstance(layer.data, dask.array.Array)
    assert layer.metadata[METADATA]["method"] == "zs-n2n"
    np.testing.assert_allclose(layer.scale, (1, 0.2, 0.1))
    dock.viewer.dims.set_point(0, 2)
    np.testing.assert_array_equal(layer.data[2].compute(), expected.image[2])
    (path,) = save_layer(str(tmp_path / "clean.ome.tif"), layer.data, {"name": layer.name, "metadata": layer.metadata, "axis_labels": ("t", "y", "x")})
    np.testing.assert_array_equal(read(path).array, expected.image)


def test_command_views_the_selected_image_with_the_settings_of_the_dock(dock, series):
    first = dock.viewer.add_image(series, name="first", axis_labels=("t", "y", "x"))
    dock.viewer.add_image(series + 1, name="second", axis_labels=("t", "y", "x"))
    dock["method"].setCurrentIndex(dock["method"].findData("median"))
    dock.viewer.layers.selection.active = first
    view_denoised(dock.viewer)
    dock.until_over()
    assert dock.names()[-1] == "first · Median"
    np.testing.assert_array_equal(dock.viewer.layers[-1].data[1], denoise(series, "median", axes="TYX").image[1])


def test_what_is_in_the_way_is_told(dock, series):
    dock.viewer.add_points([[1, 1]])
    notification_manager.records.clear()
    view_denoised(dock.viewer)
    assert "select one image layer" in notification_manager.records[-1].message
    dock.viewer.add_image(series, name="unnamed")
    view_denoised(dock.viewer)
    assert "check the axes" in dock.message
    assert not dock.shows("cancel")
