"""Previews in the dock: in place, one layer, quick, the newest wins; the history, and what is kept of it."""

import threading
import time

import numpy as np
import pytest
from napari.utils.notifications import notification_manager

from napari_zeroshot.engine import device, plan
from napari_zeroshot.engine.device import Device
from napari_zeroshot.engine.errors import DeviceError, DeviceLostError
from napari_zeroshot.engine.method import Progress
from napari_zeroshot.engine.run import denoise
from napari_zeroshot.widgets import denoise as dock_module
from napari_zeroshot.widgets import habits
from napari_zeroshot.widgets import result_commands as commands
from napari_zeroshot.widgets.layers import METADATA

pytestmark = pytest.mark.gui


def choose_method(dock, method):
    dock["method"].setCurrentIndex(dock["method"].findData(method))


def previewed(dock):
    dock.press("preview")
    dock.until(lambda: "Previewed" in dock.message)
    return dock.viewer.layers["preview"]


def test_preview_shows_what_is_in_view_in_one_layer(dock, noisy):
    source = dock.viewer.add_image(noisy, name="noisy", scale=(0.2, 0.1), translate=(3, 4))
    dock.quick(steps=3)
    shown = previewed(dock)
    assert shown.data.shape == noisy.shape
    np.testing.assert_allclose(shown.data_to_world((2, 3)), source.data_to_world((2, 3)))
    previewed(dock)
    assert dock.names() == ["noisy", "preview"]
    assert dock["layer"].count() == 1
    assert dock["layer"].currentText() == "noisy"


@pytest.mark.parametrize(
    "place",
    [
        pytest.param({"scale": (2, 0.5, 0.25), "translate": (1, 2, 3), "rotate": (0, 0, 30)}, id="rotated"),
        pytest.param({"affine": [[1, 0, 0, 7], [0, 0.8, 0.6, 0], [0, -0.6, 0.8, 2], [0, 0, 0, 1]], "scale": (3, 1, 2)}, id="affine"),
    ],
)
def test_preview_of_a_part_lies_on_its_place_however_the_layer_lies(dock, place, monkeypatch):
    stack = np.random.default_rng(0).poisson(100, (3, 60, 80)).astype(np.uint16)
    source = dock.viewer.add_image(stack, name="noisy", axis_labels=("t", "y", "x"), units=("s", "um", "um"), **place)
    dock.viewer.dims.set_current_step(0, 1)
    monkeypatch.setattr(habits, "preference", lambda name: 32 if name == "preview_size" else habits.DEFAULTS[name])
    dock["method"].setCurrentIndex(dock["method"].findData("median"))
    shown = previewed(dock)
    assert shown.data.shape == (1, 32, 32)
    begin = np.round(source.world_to_data(shown.data_to_world((0, 0, 0)))).astype(int)
    assert begin[0] == 1
    np.testing.assert_allclose(source.data_to_world(begin + np.array((0, 5, 7))), shown.data_to_world((0, 5, 7)), atol=1e-9)
    assert shown.units == source.units
    region = {letter: (int(first), int(first) + size) for letter, first, size in zip("TYX", begin, shown.data.shape, strict=True)}
    np.testing.assert_array_equal(shown.data, denoise(stack, "median", axes="TYX", region=region).image)


def test_colour_is_previewed_in_colour(dock):
    dock.viewer.add_image(np.random.default_rng(0).integers(0, 255, (24, 20, 3), dtype=np.uint8), rgb=True, name="noisy")
    dock.quick(steps=3)
    assert previewed(dock).rgb


def test_change_of_settings_is_previewed_by_itself_and_goes_on_from_the_last_network(dock, noisy, monkeypatch):
    asked = []

    def watched(*args, **options):
        asked.append(options)
        return denoise_steps(*args, **options)

    denoise_steps = dock_module.denoise_steps
    monkeypatch.setattr(dock_module, "denoise_steps", watched)
    dock.viewer.add_image(noisy, name="noisy")
    dock.quick(steps=3)
    dock["param_consistency"].setValue(2.0)
    dock.qtbot.wait(400)
    assert asked == []
    previewed(dock)
    dock["param_consistency"].setValue(3.0)
    dock["param_consistency"].setValue(4.0)
    dock.until(lambda: len(asked) == 2 and "Previewed" in dock.message)
    assert asked[1]["consistency"] == 4.0
    assert asked[1]["start"] is not None
    assert "start" not in asked[0]
    dock["seed"].setValue(3)
    dock["param_consistency"].setValue(5.0)
    dock.until(lambda: len(asked) == 3 and "Previewed" in dock.message)
    assert "start" not in asked[2]
    assert dock.names() == ["noisy", "preview"]


def test_a_preview_after_one_that_failed_begins_anew(dock, noisy, monkeypatch):
    """As after a graphics card was lost, with the network on it."""
    asked = []

    def failing_on_a_known_network(*args, **options):
        asked.append(options)
        if "start" in options:
            raise DeviceLostError("the card is gone")
        return denoise_steps(*args, **options)

    denoise_steps = dock_module.denoise_steps
    monkeypatch.setattr(dock_module, "denoise_steps", failing_on_a_known_network)
    monkeypatch.setattr(dock_module, "show_error", str)
    dock.viewer.add_image(noisy, name="noisy")
    dock.quick(steps=3)
    previewed(dock)
    dock["param_consistency"].setValue(3.0)
    dock.until(lambda: "The card is gone" in dock.message)
    dock.press("preview")
    dock.until(lambda: "Previewed" in dock.message)
    assert ["start" in options for options in asked] == [False, True, False]


def test_preview_says_what_it_shows_and_is_stopped_by_its_button(dock, noisy):
    dock.viewer.add_image(noisy, name="noisy")
    dock.quick(steps=100_000)
    dock.press("preview")
    assert dock["preview"].text() == "Stop preview"
    assert "so far" in dock.message
    dock.press("preview")
    assert dock["preview"].text() == "Preview"
    assert dock.message == ""


@pytest.mark.parametrize("last_word", ["report", "result"])
def test_stale_answers_never_land(dock, noisy, monkeypatch, last_word):
    late = threading.Event()

    def constant(image, method, *, cancelled, seed, **options):
        said = Progress("training", 1, 2, 1.0, 0.1, lambda at: np.full(image.shape, seed))
        yield said
        if seed == 1:  # does not hear that it is cancelled, and comes after the other
            late.wait(60)
            if last_word == "report":
                yield said
        return denoise(np.full(image.shape, seed), "median", axes="YX", size=1)

    monkeypatch.setattr(dock_module, "denoise_steps", constant)
    dock.viewer.add_image(noisy, name="noisy")
    dock["seed"].setValue(1)
    dock.press("preview")
    dock.until(lambda: "preview" in dock.names() and (dock.viewer.layers["preview"].data == 1).all())
    dock["seed"].setValue(2)
    dock.widget._preview_again()
    dock.until(lambda: "Previewed" in dock.message)
    late.set()
    dock.until_quiet()
    assert (dock.viewer.layers["preview"].data == 2).all()


@pytest.mark.usefixtures("talkative")
def test_history_goes_back_and_keeps_what_it_shows(dock, noisy, monkeypatch):
    def counting(image, method, *, cancelled, **options):
        for step in range(1, 1_000_000):
            if cancelled():
                break
            time.sleep(0.02)
            yield Progress("training", step, 1_000_000, 1 / step, step * 0.02, lambda at, step=step: np.full((24, 20), step, np.uint16), 2 / step)
        return denoise(image, "median", axes="TYX", source=options["source"])

    monkeypatch.setattr(dock_module, "denoise_steps", counting)
    source = dock.viewer.add_image(np.stack([noisy, noisy]), name="noisy", axis_labels=("t", "y", "x"), scale=(1, 2, 3))
    dock.viewer.dims.set_current_step(0, 1)
    dock.press("run")
    dock.until(lambda: dock["history"].maximum() >= 3)
    dock["history"].setValue(1)
    shown = dock.viewer.layers["preview"].data.copy()
    dock.until(lambda: dock["history"].maximum() >= 5)
    np.testing.assert_array_equal(dock.viewer.layers["preview"].data, shown)
    dock.press("keep")
    step = int(shown[0, 0, 0])
    kept = dock.viewer.layers[dock.names()[-1]]
    assert kept.name.endswith(f"· step {step}")
    assert kept.metadata["napari-zeroshot"]["source"]["step"] == step
    assert kept.metadata["napari-zeroshot"]["losses"][-1][0] == step
    np.testing.assert_array_equal(kept.data, shown)
    np.testing.assert_allclose(kept.data_to_world((0, 1, 1)), source.data_to_world((1, 1, 1)))
    assert source.visible
    dock.press("cancel")
    dock.until_over()


def kept(dock):
    """The layer of what the preview shows, and what its button Run again then says; nothing if it runs."""
    dock.press("keep")
    layer = dock.viewer.layers[-1]
    dock.viewer.layers.selection.active = layer
    notification_manager.records.clear()
    dock.press("again")
    dock.until(lambda: not commands.RUNS)
    return layer, notification_manager.records[-1].message


def test_a_kept_preview_is_run_again_only_where_its_network_learnt_from_nothing_else(dock, noisy):
    dock.viewer.add_image(noisy, name="noisy")
    choose_method(dock, "zs-unet")
    dock["param_own_noise"].setValue(0.2)
    previewed(dock)
    first, said = kept(dock)
    assert "went on" not in said
    again = dock.viewer.layers[-1]
    assert again.name != first.name
    np.testing.assert_array_equal(again.data, first.data)
    dock["param_own_noise"].setValue(0.4)
    dock.until(lambda: dock.widget._previews.running)
    dock.until(lambda: "Previewed" in dock.message)
    second, said = kept(dock)
    assert second.name == dock.names()[-1]
    assert "it went on from another run's network" in said
    assert second.metadata[METADATA]["continued"]


@pytest.mark.parametrize(("stack", "again"), [("shared", False), ("warm", False), ("plane", True)])
def test_a_moment_kept_of_a_run_is_run_again_only_if_its_network_learnt_from_that_plane_alone(dock, noisy, stack, again):
    dock.viewer.add_image(np.stack([noisy, noisy[::-1]]), name="noisy", axis_labels=("t", "y", "x"))
    dock.quick(steps=5)
    dock["stack"].setCurrentIndex(dock["stack"].findData(stack))
    dock.press("run")
    dock.until_over()
    _, said = kept(dock)
    assert ("it went on from another run's network" in said) is not again


@pytest.fixture
def card(monkeypatch):
    """What is computed is computed on a card of the name cpu:0; called, it is gone."""

    def gone(wish):
        raise DeviceError(f"device {wish!r} was asked for, but it stopped working")

    monkeypatch.setattr(plan, "choose", lambda wish: Device("cpu:0", "Model cpu:0"))
    return lambda: [monkeypatch.setattr(module, "choose", gone) for module in (device, plan)]


def test_what_was_learnt_on_a_card_that_was_lost_since_can_still_be_kept_and_says_which_it_was(dock, noisy, card):
    dock.viewer.add_image(noisy, name="noisy")
    dock.quick(steps=5)
    shown = previewed(dock).data.copy()
    card()
    dock.press("keep")
    kept = dock.viewer.layers[-1]
    np.testing.assert_array_equal(kept.data, shown)
    assert "· step 5" in dock.names()[-1]
    assert (kept.metadata[METADATA]["processor"], kept.metadata[METADATA]["device"]) == ("cpu:0", "Model cpu:0")


HOW = ("processor", "device", "threads", "tile", "params")


@pytest.mark.parametrize("place", ["cpu", "card"])
def test_a_moment_kept_of_a_run_says_with_what_the_run_computes(dock, noisy, request, place):
    if place == "card":
        request.getfixturevalue("card")
    dock.viewer.add_image(noisy, name="noisy")
    dock.quick(steps=5)
    dock["memory"].setValue(0.1)  # GB, for which tiles have to be smaller than usual
    dock.press("run")
    dock.until_over()
    result = dock.viewer.layers[-1].metadata[METADATA]
    dock.press("keep")
    kept = dock.viewer.layers[-1].metadata[METADATA]
    assert {name: kept[name] for name in HOW} == {name: result[name] for name in HOW}
    assert kept["processor"] == ("cpu" if place == "cpu" else "cpu:0")
    assert kept["tile"] < 1024
    assert kept["params"]["precision"] != "auto"


def test_a_filters_moment_is_run_again(dock, noisy):
    dock.viewer.add_image(np.stack([noisy, noisy[::-1]]), name="noisy", axis_labels=("t", "y", "x"))
    choose_method(dock, "median")
    dock.press("run")
    dock.until_over()
    layer, _ = kept(dock)
    again = dock.viewer.layers[-1]
    assert again.name != layer.name
    np.testing.assert_array_equal(again.data, layer.data)


def test_preview_of_a_deleted_layer_goes_with_it(dock, noisy):
    dock.viewer.add_image(noisy, name="noisy")
    dock.quick(steps=3)
    previewed(dock)
    dock.viewer.layers.remove("noisy")
    assert dock.names() == []
    assert not dock["keep"].isEnabled()


def steps_of(dock):
    """The step of each moment of the history, as it is shown."""
    slider = dock["history"]
    shown = []
    for place in range(slider.maximum() + 1):
        slider.setValue(place)
        shown.append(int(dock["step"].text().removeprefix("step ")))
    return shown


def test_history_counts_the_steps_of_the_training_and_nothing_else(dock, noisy):
    dock.viewer.add_image(np.stack([noisy, noisy + 1]), name="noisy", axis_labels=("c", "y", "x"))
    dock.quick(steps=300)
    dock.viewer.dims.set_current_step(0, 1)
    dock.press("run")
    dock.until_over()
    assert 0 < max(steps_of(dock)) <= 300


def test_each_training_has_a_line_of_its_own(dock, noisy):
    dock.viewer.add_image(np.stack([noisy, noisy + 1, noisy]), name="noisy", axis_labels=("c", "y", "x"))
    dock.quick(steps=30)
    dock.press("run")
    dock.until_over()
    curve = dock["loss"].getPlotItem().listDataItems()[0]
    assert len(curve.xData) == 90
    assert list(np.flatnonzero(np.logical_not(curve.opts["connect"]))) == [29, 59, 89]


def test_preview_follows_other_axes_and_none_is_left_of_wrong_ones(dock, noisy):
    dock.viewer.add_image(np.stack([noisy, noisy + 50]), name="noisy", axis_labels=("t", "y", "x"))
    dock.quick(steps=3)
    previewed(dock)
    dock.name_axes("CYX")
    dock.until(lambda: dock.widget._watch.task.source.axes.letters == "CYX" and "Previewed" in dock.message)
    dock["param_steps"].setValue(100_000)
    dock.press("preview")
    dock.name_axes("YYX")
    assert not dock.widget._previews.running
    assert "twice" in dock.message
