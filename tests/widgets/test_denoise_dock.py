"""The Denoise dock in a napari window, used through its controls."""

import gc
import subprocess
import sys
import time
from importlib.util import find_spec

import numpy as np
import pytest
from napari.utils import progress
from qtpy.QtCore import QThreadPool
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QApplication

from napari_zeroshot.engine.method import Progress
from napari_zeroshot.engine.registry import all_methods
from napari_zeroshot.engine.run import denoise
from napari_zeroshot.widgets import denoise as dock_module

pytestmark = pytest.mark.gui


def test_dock_without_an_image_offers_a_sample(dock):
    assert dock.shows("sample")
    assert not dock.shows("run")
    assert "sample" in dock.message
    dock.press("sample")
    assert dock.shows("run")
    noisy = dock.viewer.layers[dock["layer"].currentText()]
    assert noisy.visible
    assert dock["axes"].text() == "YX"


def test_run_gives_a_new_layer_and_hides_the_source(dock, noisy):
    source = dock.viewer.add_image(noisy, name="noisy", colormap="green", scale=(0.2, 0.1))
    dock.quick()
    dock.press("run")
    assert dock.shows("cancel")
    dock.until_over()
    assert dock.names() == ["noisy", "noisy · ZS-N2N · 20 steps"]
    result = dock.viewer.layers[1]
    assert (result.data.shape, result.data.dtype) == (noisy.shape, noisy.dtype)
    assert result.colormap.name == "green"
    assert tuple(result.scale) == (0.2, 0.1)
    assert not source.visible
    assert dock.viewer.layers.selection.active == result
    assert "noisy · ZS-N2N · 20 steps" in dock.message
    np.testing.assert_array_equal(source.data, noisy)


def test_stack_comes_back_whole_and_with_the_pixels_that_python_gives(dock):
    stack = np.random.default_rng(3).poisson(200, (2, 2, 2, 16, 18)).astype(np.uint16)
    labels, units, scale = ("t", "c", "z", "y", "x"), ("s", "pixel", "um", "um", "um"), (5, 1, 0.5, 0.1, 0.1)
    dock.viewer.add_image(stack, name="stack", axis_labels=labels, units=units, scale=scale)
    assert dock["axes"].text() == "TCZYX"
    assert dock["run"].text() == "Denoise 8 planes"
    dock.quick(steps=8)
    dock["seed"].setValue(7)
    dock["device"].setCurrentText("cpu")
    dock.press("run")
    dock.until_over()
    result = dock.viewer.layers[-1]
    assert tuple(result.axis_labels) == labels
    assert [str(unit) for unit in result.units] == [str(unit) for unit in dock.viewer.layers[0].units]
    assert tuple(result.scale) == scale
    assert result.data.dtype == np.uint16
    np.testing.assert_array_equal(result.data, denoise(stack, "zs-n2n", axes="TCZYX", seed=7, steps=8, device="cpu").image)


@pytest.mark.parametrize("method", [name for name in all_methods() if name != "bm3d" or find_spec("bm3d")])
def test_every_method_runs_from_the_dock(dock, noisy, method):
    dock.viewer.add_image(noisy, name="noisy")
    dock["method"].setCurrentIndex(dock["method"].findData(method))
    dock["preset"].setCurrentText("preview")
    if dock["param_steps"] is not None:
        dock["param_steps"].setValue(10)
    dock.press("run")
    dock.until_over()
    assert len(dock.names()) == 2, dock.message


def slowly(result_after=1_000_000, pause=0.005):
    """An engine that takes its time, hours if it is let: reports until cancelled, then gives the best so far by the real one."""

    def steps(image, method, *, cancelled, **options):
        for step in range(1, result_after):
            if cancelled():
                break
            time.sleep(pause)
            yield Progress("training", step, result_after, 1 / step, step * pause, lambda at: image[tuple(at.values())])
        return denoise(image, "median", axes=options["axes"], source=options["source"])

    return steps


@pytest.fixture
def slow(dock, noisy, monkeypatch, talkative):
    """The dock amid a long run on a stack of three planes."""
    monkeypatch.setattr(dock_module, "denoise_steps", slowly())
    dock.viewer.add_image(np.stack([noisy, noisy + 1, noisy + 2]), name="noisy", axis_labels=("t", "y", "x"))
    dock.press("run")
    dock.until(lambda: "preview" in dock.names())
    return dock


def test_cancel_keeps_the_partial_result(dock, noisy):
    dock.viewer.add_image(noisy, name="noisy")
    dock.quick(steps=100_000)
    dock.press("run")
    dock.until(lambda: "preview" in dock.names())
    dock.press("cancel")
    assert dock["cancel"].text() == "Cancelling…"
    assert not dock["cancel"].isEnabled()
    dock.until_over()
    assert dock.names()[-1] == "noisy · ZS-N2N · 100000 steps"
    assert "Cancelled" in dock.message
    assert not dock.viewer.layers[-1].metadata["napari-zeroshot"]["complete"]


def test_preview_is_one_layer_that_goes_when_the_result_comes(slow):
    assert slow.names().count("preview") == 1
    slow.press("cancel")
    slow.until_over()
    assert "preview" not in slow.names()


def test_preview_follows_the_slider(slow):
    slow.viewer.dims.set_current_step(0, 2)
    slow.until(lambda: slow.viewer.layers["preview"].translate[0] == 2)
    np.testing.assert_array_equal(slow.viewer.layers["preview"].data[0], slow.viewer.layers["noisy"].data[2])
    slow.press("cancel")
    slow.until_over()


def test_form_rests_while_running_and_progress_is_told(slow):
    assert not slow["method"].isEnabled()
    assert "left" in slow["progress"].text()
    slow.press("cancel")
    slow.until_over()
    assert slow["method"].isEnabled()


def test_nothing_of_the_window_moves_by_itself_during_a_run(slow):
    """As napari's activity dock would: its spinner has the whole window drawn twenty times a second, and training wait for it."""
    assert len(progress._all_instances) == 0


@pytest.mark.parametrize("name", ["noisy", "preview"])
def test_layer_deleted_meanwhile_does_not_lose_the_result(slow, name):
    slow.viewer.layers.remove(name)
    slow.qtbot.wait(300)
    assert name not in slow.names()
    slow.press("cancel")
    slow.until_over()
    assert any(found.startswith("noisy · ") for found in slow.names())


def test_closing_the_dock_ends_the_run(slow):
    slow.viewer.window.remove_dock_widget(slow.widget)
    slow.until_quiet()
    assert slow.names() == ["noisy"]


def test_closing_the_window_ends_the_run(slow):
    slow.viewer.close()
    slow.until_quiet()


@pytest.mark.parametrize("error", [RuntimeError("CUDA error: out of memory"), ValueError("broken")], ids=["runtime", "value"])
def test_error_gives_a_message_and_a_usable_form(dock, noisy, monkeypatch, error):
    def fail(*args, **options):
        raise error
        yield

    told = []
    monkeypatch.setattr(dock_module, "show_error", told.append)
    dock.viewer.add_image(noisy, name="noisy")
    dock.quick()
    with monkeypatch.context() as patch:
        patch.setattr(dock_module, "denoise_steps", fail)
        dock.press("run")
        dock.until_over()
    assert str(error) in dock.message
    assert told == [dock.message]
    dock.press("details")
    assert "Traceback" in QGuiApplication.clipboard().text()
    dock.press("run")
    dock.until_over()
    assert len(dock.names()) == 2


def test_what_the_engine_refuses_is_said_in_its_words(dock, monkeypatch):
    monkeypatch.setattr(dock_module, "show_error", lambda message: None)
    image = np.ones((16, 16), np.float32)
    image[3, 4] = np.nan
    dock.viewer.add_image(image, name="gaps")
    dock.quick()
    dock.press("run")
    dock.until_over()
    assert "row 3, column 4" in dock.message
    dock["nan"].setChecked(True)
    dock.press("run")
    dock.until_over()
    assert np.isnan(dock.viewer.layers[-1].data[3, 4])


@pytest.mark.parametrize(("letters", "said"), [("?YX", "Dimension 1 of 3 has no name"), ("TTX", "twice"), ("TZX", "lack Y"), ("YXS", "S holds 20 samples")])
def test_wrong_axes_are_said_before_run(dock, noisy, letters, said):
    dock.viewer.add_image(np.stack([noisy, noisy]), name="stack")
    dock.name_axes(letters)
    assert said in dock.message
    assert not dock["run"].isEnabled()
    assert not dock["preview"].isEnabled()
    dock.name_axes("TYX")
    assert dock.message == ""
    assert dock["run"].text() == "Denoise 2 planes"


def test_what_came_of_one_image_is_not_said_of_another(dock, noisy):
    dock.viewer.add_image(noisy, name="other")
    dock.viewer.add_image(noisy, name="noisy")
    dock["method"].setCurrentIndex(dock["method"].findData("median"))
    dock.press("run")
    dock.until_over()
    assert dock.message.startswith("Done in")
    dock["layer"].setCurrentText("other")
    assert dock.message == ""
    assert not dock["details"].isEnabled()
    dock.press("run")
    dock.until_over()
    assert "“other · Median" in dock.message


def test_layers_that_come_go_and_change_names_are_followed(dock, noisy):
    dock.viewer.add_labels(np.zeros((8, 8), int))
    assert dock.shows("sample")
    first = dock.viewer.add_image(noisy, name="a")
    dock.viewer.add_image(noisy, name="b")
    assert dock["layer"].currentText() == "b"
    dock["layer"].setCurrentText("a")
    dock["layer"].activated.emit(0)
    dock.viewer.add_image(noisy, name="newest")
    assert dock["layer"].currentText() == "a"
    first.name = "c"
    assert [dock["layer"].itemText(i) for i in range(3)] == ["c", "b", "newest"]
    dock.viewer.layers.remove(first)
    assert dock["layer"].currentText() == "newest"


def test_method_that_uses_no_gpu_says_so(dock, noisy):
    dock.viewer.add_image(noisy)
    dock["method"].setCurrentIndex(dock["method"].findData("median"))
    assert "uses no GPU" in dock["estimate"].text()


def test_light_theme_reaches_the_curve(dock, noisy):
    dock.viewer.add_image(noisy)
    dock.quick(steps=2)
    dock.press("run")
    dock.until_over()
    before = dock["loss"].backgroundBrush().color()
    dock.viewer.theme = "light"
    assert dock["loss"].backgroundBrush().color() != before


def test_nothing_is_left_behind(make_napari_viewer, open_dock, qtbot, noisy):
    before = set(QApplication.topLevelWidgets())
    viewer = make_napari_viewer()
    viewer.add_image(noisy)
    dock = open_dock(viewer)
    dock.quick(steps=10)
    dock.press("run")
    dock.until_over()
    viewer.close()
    del viewer, dock
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() == 0, timeout=60_000)

    def only_canvases_are_left():
        gc.collect()
        assert {type(left).__name__ for left in set(QApplication.topLevelWidgets()) - before} <= {"CanvasBackendDesktop"}

    qtbot.waitUntil(only_canvases_are_left, timeout=60_000)


REPLACING = """
import napari, numpy
from qtpy.QtTest import QTest
viewer = napari.Viewer(show=True)
viewer.window.add_plugin_dock_widget("napari-zeroshot", "Denoise")
QTest.qWait(500)
for _ in range(3):
    for name in ("noisy", "preview"):
        layer = viewer.add_image(numpy.arange(2304).reshape(48, 48), name=name)
        QTest.qWait(50)
    for _ in range(3):
        layer.data = layer.data + 1
        QTest.qWait(50)
    viewer.layers.clear()  # and the next ones come before the window is drawn
print("drawn", flush=True)
__import__("os")._exit(0)
"""


def test_layers_replaced_in_one_moment_do_not_crash_the_window():
    """As they do in napari 0.9.2 without the dock, at the next drawing: it frees textures in the wrong OpenGL context."""
    ended = subprocess.run([sys.executable, "-c", REPLACING], capture_output=True, text=True, timeout=120, check=True)  # noqa: S603
    assert ended.stdout.split() == ["drawn"]


def test_memory_is_automatic_until_a_bound_is_given(dock, noisy):
    dock.viewer.add_image(noisy, name="noisy")
    dock.quick()
    assert dock["memory"].text() == "automatic"
    dock["memory"].setValue(0.00001)
    dock.press("run")
    dock.until_over()
    assert "Memory = 1e-05 GB is too little for ZS-N2N" in dock.message
    dock["memory"].setValue(0)
    dock.press("run")
    dock.until_over()
    assert len(dock.names()) == 2, dock.message


def test_pixels_and_labels_that_change_in_a_layer_are_followed_and_other_letters_are_the_users_word(dock, noisy):
    layer = dock.viewer.add_image(noisy, name="noisy")
    layer.data = np.stack([noisy, noisy, noisy])
    assert dock["sizes"].text().startswith("Z 3 · Y 24 · X 20")
    layer.axis_labels = ("time", "y", "x")
    assert dock["sizes"].text() == "T 3 · Y 24 · X 20"
    layer.data = np.stack([noisy, noisy])
    assert dock["sizes"].text() == "T 2 · Y 24 · X 20"
    dock.name_axes("ZYX")
    assert dock["sizes"].text() == "Z 2 · Y 24 · X 20 (the layer says TYX)"
    dock.name_axes("TYX")
    dock["method"].setCurrentIndex(dock["method"].findData("median"))
    dock.press("run")
    dock.until_over()
    assert dock.viewer.layers[-1].data.shape == (2, 24, 20)
