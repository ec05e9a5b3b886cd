"""Trained networks in napari: a result's network for other layers, saved, and loaded again."""

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtWidgets import QFileDialog

from napari_zeroshot import denoise, load_network, save_network
from napari_zeroshot.engine import running
from napari_zeroshot.engine.methods import gaussian
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.engine.trained import Lesson
from napari_zeroshot.widgets import network_commands as networks
from napari_zeroshot.widgets import result_commands as commands
from napari_zeroshot.widgets.adopt import adopt
from napari_zeroshot.widgets.filling import Filling
from napari_zeroshot.widgets.layers import METADATA
from napari_zeroshot.widgets.task import Recipe


@pytest.fixture
def trained(dock, noisy):
    """The dock after a run on the plane in view of a stack, with the result selected."""
    stack = np.stack([noisy, noisy[::-1], noisy])
    dock.viewer.add_image(stack, name="noisy", axis_labels=("t", "y", "x"), scale=(1, 2, 3))
    dock.quick(steps=5)
    dock["scope"].setCurrentIndex(dock["scope"].findData("plane"))
    dock.press("run")
    dock.until_over()
    assert len(dock.names()) == 2, dock.message
    return dock


@pytest.fixture
def said():
    notification_manager.records.clear()
    return lambda: notification_manager.records[-1].message if notification_manager.records else ""


def entries(dock, *path):
    """The entries of the network button's menu, or of a menu in it."""
    menu = dock["network"].menu()
    menu.aboutToShow.emit()
    for text in path:
        menu = next(action.menu() for action in menu.actions() if action.text() == text)
    return {action.text(): action for action in menu.actions()}


def test_network_of_a_plane_denoises_the_rest_of_its_stack(trained):
    first = trained.viewer.layers[-1]
    entries(trained, "Apply to")["noisy"].trigger()
    trained.until(lambda: len(trained.names()) == 3 and not commands.RUNS)
    whole = trained.viewer.layers[-1]
    assert whole.name.endswith("network of noisy")
    np.testing.assert_array_equal(whole.data[int(first.translate[0])], first.data[0])
    np.testing.assert_array_equal(whole.data[0], whole.data[2])
    np.testing.assert_allclose(whole.scale, (1, 2, 3))
    assert whole.metadata[METADATA]["losses"] == []


def test_network_can_be_used_while_its_result_is_selected(trained):
    assert entries(trained)["Save network…"].isEnabled()
    trained.viewer.layers.selection.active = trained.viewer.layers["noisy"]
    assert not entries(trained)["Save network…"].isEnabled()
    assert entries(trained)["Apply a saved network to"].isEnabled()


def test_saved_network_is_applied_to_the_selected_image(trained, noisy, tmp_path, monkeypatch, said):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "cells"), ""))
    entries(trained)["Save network…"].trigger()
    trained.until(lambda: "Saved" in said())
    assert load_network(tmp_path / "cells.safetensors").name == "noisy"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "cells.safetensors"), ""))
    trained.viewer.add_image(noisy * 20, name="brighter")
    networks.apply_saved_network(trained.viewer)
    trained.until(lambda: len(trained.names()) == 4 and not commands.RUNS)
    assert "the network learnt from" in said()
    trained.press("cite")


def test_what_was_made_with_a_network_is_not_run_again_and_says_why(trained, said):
    entries(trained, "Apply to")["noisy"].trigger()
    trained.until(lambda: len(trained.names()) == 3 and not commands.RUNS)
    assert commands.run_again(trained.viewer) is None
    assert "use that network again" in said()


@pytest.mark.parametrize("content", [b"", b"\xff" * 64], ids=["empty", "noise"])
def test_a_file_that_is_no_network_is_refused(dock, noisy, tmp_path, monkeypatch, said, content):
    (tmp_path / "odd.safetensors").write_bytes(content)
    dock.viewer.add_image(noisy)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "odd.safetensors"), ""))
    assert networks.apply_saved_network(dock.viewer) is None
    assert "holds no networks of ours" in said()


def test_a_network_for_colours_is_refused_for_a_grey_image(dock, noisy, tmp_path, monkeypatch, said):
    colour = denoise(np.stack([noisy] * 3, axis=-1), "zs-n2n", axes="YXS", steps=2)
    path = save_network(tmp_path / "colour.safetensors", colour)
    dock.viewer.add_image(noisy)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    networks.apply_saved_network(dock.viewer)
    dock.until(lambda: not commands.RUNS)
    assert "for colour images, and this one is grey" in said()


def test_nan_in_the_image_is_filled_as_the_dock_says(trained, noisy, said):
    gaps = noisy.astype(np.float32)
    gaps[3, 4] = np.nan
    trained.viewer.add_image(gaps, name="gaps")
    network = trained.viewer.layers[1]
    for ticked in (False, True):
        trained["nan"].setChecked(ticked)
        trained.viewer.layers.selection.active = network
        networks.apply_network(trained.viewer, trained.viewer.layers["gaps"])
        trained.until(lambda: not commands.RUNS)
        assert ("Fill NaN under Reproducibility" in said()) is not ticked
    result = trained.viewer.layers[-1]
    assert result.name.startswith("gaps · ")
    np.testing.assert_array_equal(np.isnan(result.data), np.isnan(gaps))
    assert result.metadata[METADATA]["nan"] == "fill"


def test_planes_finished_before_a_network_fails_on_the_others_become_a_layer(trained, monkeypatch, said):
    done, put = [], Filling.__setitem__

    def fail_at_the_third(filling, index, plane):
        if len(done) == 2:
            raise MemoryError("Unable to allocate 9 GiB")
        done.append(index)
        put(filling, index, plane)

    monkeypatch.setattr(Filling, "__setitem__", fail_at_the_third)
    networks.apply_network(trained.viewer, trained.viewer.layers["noisy"])
    trained.until(lambda: not commands.RUNS)
    assert "2 of 3 planes are denoised, the others are empty" in said()
    assert [bool(plane.any()) for plane in trained.viewer.layers[-1].data] == [True, True, False]


def test_a_network_that_cannot_be_copied_from_its_card_does_not_take_the_result_along(dock, noisy, monkeypatch):
    def lost(_):
        raise RuntimeError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(Lesson, "learned", lost)
    dock.viewer.add_image(noisy, name="noisy")
    dock.quick(steps=5)
    dock.press("run")
    dock.until_over()
    assert dock.names() == ["noisy", "noisy · ZS-N2N · 5 steps"]
    assert dock.message.startswith("Done in")
    assert "Its network cannot be used again" in dock.message
    assert not entries(dock)["Save network…"].isEnabled()


@pytest.mark.parametrize(("channels", "kept"), [({1, 2}, False), ({2}, True)], ids=["in both channels", "in one of two"])
def test_where_a_gaussian_was_taken_in_the_place_of_every_network_the_message_says_that_there_is_none(dock, noisy, monkeypatch, channels, kept):
    trainings, calmer = [], running.calmer

    def train(fit, job):
        trainings.append(job)
        return gaussian.fit(fit.args[0], gaussian.GaussianParams(), job) if len(trainings) in channels else calmer(fit, job)

    monkeypatch.setattr(running, "calmer", train)
    dock.viewer.add_image(np.stack([noisy, noisy[::-1]]), name="noisy", axis_labels=("c", "y", "x"))
    dock.quick(steps=5)
    dock.press("run")
    dock.until_over()
    assert ("There is no network to use again: a filter was used in its place, a Gaussian" in dock.message) is not kept
    assert entries(dock)["Save network…"].isEnabled() is kept


@pytest.mark.parametrize("command", [networks.save_active_network, commands.save_result], ids=["network", "result"])
def test_what_could_not_be_saved_is_still_there_to_be_saved_elsewhere(trained, tmp_path, monkeypatch, said, command):
    layer, pixels = trained.viewer.layers[-1], trained.viewer.layers[-1].data.copy()
    for folder, told in (("missing", "there is no folder"), ("", "Saved")):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, folder=folder: (str(tmp_path / folder / "a"), ""))
        trained.viewer.layers.selection.active = layer
        command(trained.viewer)
        trained.until(lambda told=told: told in said())
    np.testing.assert_array_equal(layer.data, pixels)


def test_dock_adopts_a_method_with_its_parameters(dock, noisy):
    dock.viewer.add_image(noisy)
    method = get_method("zs-n2m")
    adopt(dock.viewer, Recipe(method, "real", method.settings("real", {"steps": 33, "alpha_ie": 4})))
    assert dock["method"].currentData() == "zs-n2m"
    assert dock["param_steps"].value() == 33
    assert dock["param_alpha_ie"].value() == 4
