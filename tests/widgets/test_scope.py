"""How much is denoised, on any layer: regions in their places, axes in any order, lazy images, what is remembered."""

import gc
import tempfile
import time
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import dask.array
import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QShortcut

from napari_zeroshot.engine.errors import DeviceMemoryError
from napari_zeroshot.engine.fitting import Bench
from napari_zeroshot.engine.method import Progress, Setup
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.engine.run import denoise
from napari_zeroshot.widgets import commands, filling, habits, pace
from napari_zeroshot.widgets import denoise as dock_module
from napari_zeroshot.widgets.task import Task

pytestmark = pytest.mark.gui
PREFERENCES_PAGE = habits._page


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(3).poisson(200, (4, 24, 20)).astype(np.uint16)


@pytest.fixture
def opened(dock, stack):
    """The dock with a stack of four times and a quick filter chosen."""
    dock.viewer.add_image(stack, name="noisy", axis_labels=("t", "y", "x"), scale=(2, 0.5, 0.25), translate=(1, 1, 1))
    choose(dock, "median")
    return dock


def choose(dock, method):
    dock["method"].setCurrentIndex(dock["method"].findData(method))


def scope(dock, name):
    dock["scope"].setCurrentIndex(dock["scope"].findData(name))


def ran(dock):
    dock.press("run")
    dock.until_over()
    return dock.viewer.layers[-1]


def test_current_plane_lies_in_its_place_and_the_source_stays(opened, stack):
    opened.viewer.dims.set_current_step(0, 2)
    scope(opened, "plane")
    assert opened["run"].text() == "Denoise this plane"
    result = ran(opened)
    source = opened.viewer.layers["noisy"]
    np.testing.assert_array_equal(result.data, denoise(stack[2:3], "median", axes="TYX").image)
    np.testing.assert_allclose(result.data_to_world((0, 3, 4)), source.data_to_world((2, 3, 4)))
    assert source.visible


def test_selected_range_is_denoised_and_said_on_the_button(opened, stack):
    scope(opened, "range")
    opened["T_from"].setValue(1)
    opened["T_to"].setValue(2)
    assert opened["run"].text() == "Denoise 2 planes"
    result = ran(opened)
    np.testing.assert_array_equal(result.data, denoise(stack[1:3], "median", axes="TYX").image)
    np.testing.assert_allclose(result.data_to_world((0, 0, 0)), opened.viewer.layers["noisy"].data_to_world((1, 0, 0)))
    assert result.metadata["napari-zeroshot"]["source"]["region"] == {"T": [1, 3]}


def test_visible_region_is_what_the_window_shows(opened):
    scope(opened, "visible")
    opened.until(lambda: "Denoise 20 × 24 px" in opened["run"].text())
    assert ran(opened).data.shape == (1, 24, 20)


@pytest.mark.parametrize("letters", [*map("".join, list(permutations("TCZYX"))[::17])])
def test_five_dimensions_come_in_any_order(dock, letters):
    sizes = {"T": 2, "C": 2, "Z": 1, "Y": 9, "X": 8}
    image = np.random.default_rng(0).poisson(90, [sizes[letter] for letter in letters]).astype(np.uint16)
    dock.viewer.add_image(image, name="noisy", axis_labels=tuple(letters.lower()))
    choose(dock, "median")
    np.testing.assert_array_equal(ran(dock).data, denoise(image, "median", axes=letters).image)


def test_six_dimensions_with_positions(dock):
    image = np.random.default_rng(0).poisson(90, (2, 1, 2, 1, 9, 8)).astype(np.uint16)
    dock.viewer.add_image(image, name="noisy")
    choose(dock, "median")
    dock.name_axes("PTCZYX")
    assert ran(dock).data.shape == image.shape


def test_axes_given_to_a_shape_are_remembered(dock, stack):
    dock.viewer.add_image(stack, name="first")
    assert dock["axes"].text() == "ZYX"
    dock.name_axes("TYX")
    dock.viewer.layers.clear()
    dock.viewer.add_image(stack, name="second")
    assert dock["axes"].text() == "TYX"


def test_dask_is_read_plane_by_plane(dock, stack):
    read = []

    def block(block_info=None):
        read.append(block_info[None]["array-location"][0])
        first, end = block_info[None]["array-location"][0]
        return stack[first:end]

    lazy = dask.array.map_blocks(block, chunks=((1,) * 4, (24,), (20,)), dtype=np.uint16)
    dock.viewer.add_image(lazy, name="noisy", axis_labels=("t", "y", "x"), contrast_limits=(0, 400))
    choose(dock, "median")
    scope(dock, "plane")
    read.clear()
    dock.viewer.dims.set_current_step(0, 3)
    ran(dock)
    assert set(read) <= {(0, 1), (3, 4)}


def test_large_result_of_a_lazy_layer_fills_on_disk_and_is_cleaned_up(dock, stack, monkeypatch, tmp_path):
    monkeypatch.setattr(filling, "LARGE", 1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dock.viewer.add_image(dask.array.from_array(stack, chunks=(1, 24, 20)), name="noisy", axis_labels=("t", "y", "x"))
    choose(dock, "median")
    result = ran(dock)
    assert type(result.data).__module__.startswith("zarr")
    np.testing.assert_array_equal(result.data[:], denoise(stack, "median", axes="TYX").image)
    assert result.metadata["napari-zeroshot"]["method"] == "median"
    assert list(Path(tmp_path).glob("napari-zeroshot-*"))
    dock.viewer.layers.clear()
    del result
    dock.until(lambda: gc.collect() >= 0 and not list(Path(tmp_path).glob("napari-zeroshot-*")))


def endless(image, method, *, cancelled, out, **options):
    """A run that finishes one plane and then waits for ever, even when cancelled."""
    out[0] = np.full(image.shape[1:], 7)
    while True:
        time.sleep(0.01)
        yield Progress("denoising", 1, 9, None, 1.0, lambda at: np.full(image.shape[1:], 3, np.uint16))


def test_end_now_waits_for_nothing_and_keeps_finished_planes(opened, monkeypatch):
    monkeypatch.setattr(dock_module, "denoise_steps", endless)
    opened.press("run")
    opened.until(lambda: "preview" in opened.names())
    assert not opened["end"].isEnabled()
    opened.press("cancel")
    opened.press("end")
    assert opened.shows("run")
    assert "1 of 4 planes" in opened.message
    assert (opened.viewer.layers[-1].data[0] == 7).all()
    assert "preview" not in opened.names()


def test_planes_kept_of_a_run_that_was_ended_at_once_say_with_what_they_were_computed(opened, monkeypatch):
    def on_a_card(image, method, **options):
        setup = Setup(get_method(method).settings(), "Model cuda:0", "cuda:0", None, 512)
        yield from (replace(report, setup=setup) for report in endless(image, method, **options))

    monkeypatch.setattr(dock_module, "denoise_steps", on_a_card)
    opened.press("run")
    opened.until(lambda: "preview" in opened.names())
    opened.press("cancel")
    opened.press("end")
    record = opened.viewer.layers[-1].metadata["napari-zeroshot"]
    assert (record["device"], record["processor"], record["tile"]) == ("Model cuda:0", "cuda:0", 512)


def test_two_presses_of_cancel_in_the_palette_end_the_run(opened, monkeypatch):
    monkeypatch.setattr(dock_module, "denoise_steps", endless)
    commands.run(opened.viewer)
    opened.until(lambda: "preview" in opened.names())
    commands.cancel(opened.viewer)
    assert opened.shows("cancel")
    commands.cancel(opened.viewer)
    assert opened.shows("run")


def test_graphics_card_out_of_memory_is_given_less_at_once(dock, stack, monkeypatch):
    def short(planes, job, *more):
        if job.tile > 256:
            raise DeviceMemoryError("cuda:0 has too little free memory")
        return set_up(planes, job, *more)

    set_up = Bench.set_up
    monkeypatch.setattr(Bench, "set_up", short)
    dock.viewer.add_image(stack[0], name="noisy")
    dock.quick(steps=3)
    ran(dock)
    assert "tiles of 256 px and learnt from 1 crop at a step" in dock.message


def test_run_on_the_cpu_is_offered_when_nothing_fits(dock, stack, monkeypatch):
    def short(image, method, **options):
        if options["device"] != "cpu":
            raise DeviceMemoryError("cuda:0 has too little free memory")
        return denoise_steps(image, method, **options)

    denoise_steps = dock_module.denoise_steps
    monkeypatch.setattr(dock_module, "denoise_steps", short)
    monkeypatch.setattr(dock_module, "show_error", lambda message: None)
    dock.viewer.add_image(stack[0], name="noisy")
    dock.quick(steps=3)
    assert not dock.shows("on_cpu")
    dock.press("run")
    dock.until_over()
    assert "too little free memory" in dock.message
    dock.press("on_cpu")
    dock.until_over()
    assert len(dock.names()) == 2
    assert not dock.shows("on_cpu")


def test_last_settings_are_there_in_the_next_session(make_napari_viewer_proxy, open_dock, stack):
    first = open_dock(make_napari_viewer_proxy())
    first.viewer.add_image(stack[0], name="noisy")
    first.quick(steps=3)
    first["device"].setCurrentText("cpu")
    first["dtype"].setCurrentIndex(1)
    first["memory"].setValue(2.5)
    ran(first)
    second = open_dock(make_napari_viewer_proxy())
    assert second["method"].currentData() == "zs-n2n"
    assert second["param_steps"].value() == 3
    assert (second["device"].currentText(), second["dtype"].currentData(), second["memory"].value()) == ("cpu", "float32", 2.5)


def test_preferences_of_napari_hold_the_defaults(plugin_settings, npe2pm, monkeypatch):
    from npe2 import PluginManifest

    monkeypatch.setattr(habits, "_page", PREFERENCES_PAGE)
    npe2pm.register(PluginManifest.from_file(Path(dock_module.__file__).parents[1] / "napari.yaml"))
    assert {name: habits.preference(name) for name in habits.DEFAULTS} == habits.DEFAULTS
    habits.prefer("output_type", "float32")
    assert habits.preference("output_type") == "float32"


def test_estimate_tells_seconds_once_the_method_was_run(opened):
    assert "About" not in opened["estimate"].text()
    ran(opened)
    assert "About" in opened["estimate"].text()


def test_estimate_follows_how_networks_are_shared_and_the_bound_of_memory(dock, stack):
    dock.viewer.add_image(stack, name="noisy", axis_labels=("t", "y", "x"))
    choose(dock, "zs-n2n")
    habits.Notebook("pace").put(pace._key(dock.widget._form.value()), {"step": 1.0, "pixel": 0.0, "start": 0.0, "seen": 1})
    dock["param_steps"].setValue(60)
    assert dock["estimate"].text().startswith("About 60 s ·")
    dock["stack"].setCurrentIndex(dock["stack"].findData("plane"))
    assert dock["estimate"].text().startswith("About 4 min ·")
    dock["memory"].setValue(0.001)
    assert "memory up to 1 MB" in dock["estimate"].text()


@pytest.mark.usefixtures("rest")
def test_first_user_is_told_seconds_after_a_moment_of_rest(dock, stack):
    dock.viewer.add_image(stack[0], name="noisy")
    for method in ("auto", "zs-n2n"):
        choose(dock, method)
        assert "About" not in dock["estimate"].text()
        dock.until(lambda: "About" in dock["estimate"].text())
    assert "memory up to" in dock["estimate"].text()
    dock.until_quiet()
    assert dock.names() == ["noisy"]


def test_shortcuts_press_the_buttons_and_are_listed_in_the_help(opened):
    shortcuts = {found.key().toString(): found for found in opened.widget.findChildren(QShortcut)}
    assert all(keys in opened["help"].text() for keys in shortcuts)
    assert all(found.context() == Qt.ShortcutContext.WidgetWithChildrenShortcut for found in shortcuts.values())
    shortcuts["Ctrl+Return"].activated.emit()
    opened.until(lambda: len(opened.names()) == 2)


def test_task_counts_planes_within_its_region(opened):
    whole = opened.widget._form.value()
    part = Task(whole.source, {"T": (1, 3)}, whole.method, whole.preset, whole.params, whole.options)
    assert part.planes == 2
    assert part.within({"T": 2}) == {"T": 1}
    assert part.within({"T": 3}) is None
    assert part.where({"T": 1}) == {"T": (2, 3)}
