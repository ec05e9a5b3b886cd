"""View denoised: a series can be looked at denoised before any of it has been denoised."""

import dask.array
import numpy as np
import pytest
from napari.utils.notifications import notification_manager

from napari_zeroshot import denoise, read
from napari_zeroshot.widgets import habits
from napari_zeroshot.widgets.layers import METADATA
from napari_zeroshot.widgets.lazy_view import view_denoised
from napari_zeroshot.widgets.saving import save_layer

QUICK = {"steps": 4, "crop": 16, "crops": 1}


@pytest.fixture
def series(noisy):
    return np.stack([noisy, noisy[::-1], noisy // 2])


@pytest.fixture
def viewer(make_napari_viewer_proxy):
    """A viewer of a user who last used ZS-N2N with few steps."""
    habits.prefer("method", "zs-n2n")
    habits.prefer("device", "cpu")
    habits.Notebook("recipes").put("zs-n2n", {"preset": "default", "changes": QUICK})
    return make_napari_viewer_proxy()


def test_the_selected_series_is_shown_denoised_plane_by_plane_and_can_be_saved(viewer, series, qtbot, tmp_path):
    viewer.add_image(dask.array.from_array(series, chunks=(1, -1, -1)), name="series", axis_labels=("t", "y", "x"), scale=(1, 0.2, 0.1))
    with qtbot.waitSignal(view_denoised(viewer).over, timeout=20_000):
        pass
    layer = viewer.layers[-1]
    expected = denoise(series, "zs-n2n", axes="TYX", device="cpu", **QUICK)
    assert isinstance(layer.data, dask.array.Array)
    assert layer.metadata[METADATA]["method"] == "zs-n2n"
    viewer.dims.set_point(0, 2)
    np.testing.assert_array_equal(layer.data[2].compute(), expected.image[2])
    (path,) = save_layer(str(tmp_path / "clean.ome.tif"), layer.data, {"name": layer.name, "metadata": layer.metadata, "axis_labels": ("t", "y", "x")})
    np.testing.assert_array_equal(read(path).array, expected.image)


def test_what_is_in_the_way_is_told(viewer, series):
    viewer.add_points([[1, 1]])
    notification_manager.records.clear()
    assert view_denoised(viewer) is None
    assert "select one image layer" in notification_manager.records[-1].message
    viewer.add_image(series, name="unnamed")
    assert view_denoised(viewer) is None
    assert "name its axes" in notification_manager.records[-1].message
