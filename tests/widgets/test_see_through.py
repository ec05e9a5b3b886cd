"""Colour pictures with an alpha channel: it is looked at where the work is done, and never while the window waits."""

import dask.array
import numpy as np
import pytest
import zarr

from napari_zeroshot.engine.run import denoise
from napari_zeroshot.widgets import denoise as dock_module
from napari_zeroshot.widgets import filling
from napari_zeroshot.widgets import noise as noise_module

pytestmark = pytest.mark.gui

SAID = "Some pixels are see-through (alpha channel); flatten the image or save it without alpha."


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    for module in (dock_module, noise_module):
        monkeypatch.setattr(module, "show_error", str)


@pytest.fixture
def colours():
    """Three opaque planes with red, green, blue and alpha."""
    planes = np.random.default_rng(4).integers(0, 255, (3, 48, 40, 4), dtype=np.uint8)
    planes[..., 3] = 255
    return planes


@pytest.fixture
def glass(colours):
    """The same with one pixel of the last plane see-through."""
    colours[2, 7, 9, 3] = 128
    return colours


class Counted:
    """A lazy picture, and which of its planes were computed so far."""

    def __init__(self, pixels) -> None:
        self.read = []

        def block(block_info=None):
            first, end = block_info[None]["array-location"][0]
            self.read.append(first)
            return pixels[first:end]

        self.array = dask.array.map_blocks(block, chunks=((1,) * len(pixels), *((size,) for size in pixels.shape[1:])), dtype=pixels.dtype)


def add(viewer, data, **look):
    return viewer.add_image(data, rgb=True, name="colours", axis_labels=("t", "y", "x"), **look)


def choose(dock, method):
    dock["method"].setCurrentIndex(dock["method"].findData(method))


@pytest.mark.parametrize("levels", [1, 2], ids=["one resolution", "multiscale"])
@pytest.mark.parametrize(("name", "slider"), [("Denoise", "param_size"), ("Tune", "tune_size"), ("Noise", None), ("Compare", None)])
def test_opening_a_dock_and_moving_a_slider_computes_nothing_beyond_the_preview(make_napari_viewer_proxy, open_dock, colours, name, slider, levels):
    viewer, counted = make_napari_viewer_proxy(), Counted(colours)
    add(viewer, counted.array if levels == 1 else [counted.array, counted.array[:, ::2, ::2]], multiscale=levels > 1)
    counted.read.clear()
    dock = open_dock(viewer, name)
    if slider:
        choose(dock, "median")
        dock[slider].setValue(5)
        dock.qtbot.wait(500)
        dock.until_quiet()
    viewer.layers["colours"].name = "renamed"
    assert set(counted.read) <= ({1} if name == "Tune" else set())  # the plane in view, of which Tune shows a piece


def test_preview_looks_at_what_it_shows_and_a_run_at_all_of_it(dock, glass):
    counted = Counted(glass)
    add(dock.viewer, counted.array)
    choose(dock, "median")
    counted.read.clear()
    dock.press("preview")
    dock.until(lambda: "Previewed" in dock.message)
    assert set(counted.read) == {1}
    dock.viewer.dims.set_current_step(0, 2)
    dock.press("preview")
    dock.until(lambda: not dock.widget._previews.running)
    assert dock.message == SAID


@pytest.mark.parametrize("lazy", [False, True], ids=["numpy", "dask"])
def test_see_through_pixels_are_told_when_run_is_pressed_and_nothing_is_made_or_lost(dock, glass, lazy, monkeypatch):
    monkeypatch.setattr(filling, "LARGE", 1)
    source = add(dock.viewer, Counted(glass).array if lazy else glass)
    kept = glass.copy()
    choose(dock, "median")
    dock.press("run")
    dock.until_over()
    assert dock.message == SAID
    assert dock.names() == ["colours"]
    assert source.visible
    np.testing.assert_array_equal(glass, kept)
    glass[..., 3] = 255
    dock.press("run")
    dock.until_over()
    np.testing.assert_array_equal(dock.viewer.layers[-1].data, denoise(glass[..., :3], "median", axes="TYXS").image)


def test_a_run_is_cancelled_while_the_alpha_channel_is_looked_at(dock, colours):
    counted = Counted(colours)
    add(dock.viewer, counted.array)
    task = dock.widget._form.value()
    counted.read.clear()
    task.source.check_opaque(task.region, lambda: bool(counted.read))
    assert counted.read == [0]


def test_noise_and_sweeps_of_see_through_pictures_are_refused_in_the_same_words(make_napari_viewer_proxy, open_dock, glass):
    viewer = make_napari_viewer_proxy()
    noise, tune = open_dock(viewer, "Noise"), open_dock(viewer, "Tune")
    add(viewer, glass)
    viewer.dims.set_current_step(0, 2)
    noise.press("read")
    noise.until(lambda: noise["read"].isEnabled())
    assert noise.message == SAID
    choose(tune, "median")
    tune.press("sweep")
    tune.until(lambda: tune["sweep"].isEnabled())
    assert tune.message == SAID


def test_colours_of_a_zarr_are_named_without_being_read(dock, colours, tmp_path):
    stored = zarr.create_array(str(tmp_path / "colours.zarr"), shape=colours.shape, chunks=(1, 48, 40, 4), dtype=colours.dtype)
    stored[:] = colours
    add(dock.viewer, stored)
    assert not isinstance(dock.widget._form.value().source.data, np.ndarray)
    choose(dock, "median")
    dock.press("run")
    dock.until_over()
    np.testing.assert_array_equal(dock.viewer.layers[-1].data, denoise(colours[..., :3], "median", axes="TYXS").image)
