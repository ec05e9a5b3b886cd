"""What can be done with a result in napari: run it again, save it, copy what makes it, cite."""

import shlex
import subprocess
import sys

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QApplication, QFileDialog, QMessageBox

from napari_zeroshot import denoise, read, write
from napari_zeroshot.cli import main
from napari_zeroshot.engine.axes import parse
from napari_zeroshot.engine.image import Image
from napari_zeroshot.widgets import result_commands as commands
from napari_zeroshot.widgets.layers import METADATA, Source, add_result
from napari_zeroshot.widgets.result_actions import ResultActions

QUICK = {"steps": 20, "crop": 16, "crops": 1, "device": "cpu", "seed": 3}


@pytest.fixture
def viewer(make_napari_viewer_proxy):
    return make_napari_viewer_proxy()


@pytest.fixture
def result(viewer, noisy):
    """A result layer beside its image."""
    layer = viewer.add_image(noisy, name="noisy", scale=(0.2, 0.1), units=("um", "um"), colormap="magma")
    made = denoise(noisy, "zs-n2m", source={"name": "noisy"}, alpha_ie=3, **QUICK)
    return add_result(viewer, Source.of(layer, parse("YX", noisy.shape)), made)


@pytest.fixture
def actions(viewer, qtbot):
    widget = ResultActions(viewer)
    qtbot.addWidget(widget)
    return widget


@pytest.fixture
def said():
    """The last notification."""
    notification_manager.records.clear()
    return lambda: notification_manager.records[-1].message if notification_manager.records else ""


def button(actions, name):
    return next(found for found in actions.children() if found.objectName() == name)


def trigger(actions, name, text):
    next(entry for entry in button(actions, name).menu().actions() if entry.text() == text).trigger()


def clipboard():
    return QApplication.clipboard().text()


def test_buttons_are_for_results_only(viewer, actions, result):
    names = ("again", "save", "copy", "cite")
    assert all(button(actions, name).isEnabled() for name in names)
    viewer.layers.selection.active = viewer.layers["noisy"]
    assert not any(button(actions, name).isEnabled() for name in names)
    assert "denoised by this plugin" in button(actions, "save").toolTip()


def test_run_again_gives_the_same_pixels_in_a_new_layer(viewer, actions, result, qtbot):
    button(actions, "again").click()
    assert button(actions, "again").text() == "Cancel"
    qtbot.waitUntil(lambda: len(viewer.layers) == 3, timeout=60_000)
    qtbot.waitUntil(lambda: button(actions, "again").text() == "Run again", timeout=60_000)
    again = viewer.layers[-1]
    np.testing.assert_array_equal(again.data, result.data)
    assert (again.name, again.colormap.name) == ("noisy · ZS-N2M · α_ie 3, 20 steps, crop 16, 1 more (2)", "magma")
    np.testing.assert_allclose(again.scale, result.scale)
    assert again.metadata[METADATA]["params"] == result.metadata[METADATA]["params"]


def test_run_again_of_a_part_runs_on_the_same_part_of_the_image(viewer, noisy, qtbot):
    """As of a visible region, a plane, or a moment that was kept of a run."""
    stack = np.stack([noisy, noisy[::-1], noisy // 2])
    layer = viewer.add_image(stack, name="stack", axis_labels=("t", "y", "x"), scale=(1, 0.5, 0.5))
    region = {"T": (1, 2), "Y": (3, 19), "X": (2, 18)}
    made = denoise(stack, "zs-n2n", axes="TYX", region=region, source={"name": "stack"}, **QUICK)
    part = add_result(viewer, Source.of(layer, parse("TYX", stack.shape)), made, region)
    viewer.layers.selection.active = part
    commands.run_again(viewer)
    qtbot.waitUntil(lambda: not commands.RUNS, timeout=60_000)
    again = viewer.layers[-1]
    assert again is not part
    np.testing.assert_array_equal(again.data, part.data)
    np.testing.assert_allclose(again.data_to_world((0, 4, 4)), layer.data_to_world((1, 7, 6)))
    assert again.metadata[METADATA]["source"]["region"] == part.metadata[METADATA]["source"]["region"]
    assert layer.visible


def test_run_again_finds_its_image_by_its_pixels_and_not_by_its_name(viewer, result, noisy, qtbot):
    viewer.layers["noisy"].data = noisy[::-1]
    viewer.add_image(noisy, name="renamed")
    viewer.layers.selection.active = result
    commands.run_again(viewer)
    qtbot.waitUntil(lambda: len(viewer.layers) == 4, timeout=60_000)
    qtbot.waitUntil(lambda: not commands.RUNS, timeout=60_000)
    assert viewer.layers[-1].name.startswith("renamed · ")
    np.testing.assert_array_equal(viewer.layers[-1].data, result.data)


def test_run_again_passes_over_see_through_pictures_of_that_form(viewer, qtbot):
    colours = np.random.default_rng(1).integers(1, 255, (24, 20, 3), dtype=np.uint8)
    source = viewer.add_image(colours, rgb=True, name="colours")
    made = denoise(colours, "median", axes="YXS", source={"name": "another name"})
    result = add_result(viewer, Source.of(source, parse("YXS", colours.shape)), made)
    viewer.add_image(np.concatenate((colours, colours[..., :1]), axis=-1), rgb=True, name="another name")
    viewer.layers.selection.active = result
    commands.run_again(viewer)
    qtbot.waitUntil(lambda: not commands.RUNS, timeout=60_000)
    np.testing.assert_array_equal(viewer.layers[-1].data, result.data)
    assert len(viewer.layers) == 4


def test_run_again_in_a_later_session_from_files(viewer, result, noisy, tmp_path, qtbot):
    raw = write(tmp_path / "noisy.ome.tif", noisy)
    saved = tmp_path / "clean.ome.tif"
    write(saved, commands.image_of(result))
    viewer.layers.clear()
    viewer.open(str(raw), plugin="napari")
    viewer.open(str(saved), plugin="napari")
    pixels = viewer.layers[-1].data.copy()
    commands.run_again(viewer)
    qtbot.waitUntil(lambda: len(viewer.layers) == 3, timeout=60_000)
    qtbot.waitUntil(lambda: not commands.RUNS, timeout=60_000)
    np.testing.assert_array_equal(viewer.layers[-1].data, pixels)


def test_without_its_image_the_user_is_told_which_one_to_open(viewer, result, said):
    viewer.layers.remove("noisy")
    viewer.layers.selection.active = result
    assert commands.run_again(viewer) is None
    assert "open noisy first, an image of 24 x 20 and type uint16" in said()


def test_another_image_of_that_shape_is_refused(viewer, result, noisy, said, qtbot):
    viewer.layers["noisy"].data = noisy[::-1]
    viewer.layers.selection.active = result
    commands.run_again(viewer)
    qtbot.waitUntil(lambda: not commands.RUNS, timeout=60_000)
    assert "the pixels are not" in said()
    assert len(viewer.layers) == 2


def test_a_run_can_be_cancelled_and_abandoned(viewer, actions, noisy, qtbot):
    layer = viewer.add_image(noisy, name="noisy")
    made = denoise(noisy, "zs-n2n", **QUICK)
    record = made.provenance() | {"params": made.params.replace(steps=100_000).to_dict()}
    viewer.add_image(made.image, name="slow", metadata={METADATA: record})
    button(actions, "again").click()
    button(actions, "again").click()
    assert not button(actions, "again").isEnabled()
    qtbot.waitUntil(lambda: not commands.RUNS, timeout=60_000)
    viewer.layers.selection.active = viewer.layers["slow"]
    count = len(viewer.layers)
    button(actions, "again").click()
    actions.abandon()
    qtbot.waitUntil(lambda: not commands.RUNS, timeout=60_000)
    assert len(viewer.layers) == count
    assert layer in viewer.layers


@pytest.fixture
def opened(viewer, noisy, tmp_path):
    """A result of an image that was opened from a file whose name needs quoting."""
    path = write(tmp_path / "my 'noisy' cells.ome.tif", Image(noisy, "YX", {"X": (0.1, "µm"), "Y": (0.1, "µm")}))
    layer = viewer.open(str(path), plugin="napari")[0]
    made = denoise(noisy, "zs-n2m", preset="preview", source={"name": layer.name}, refine=True, refine_steps=5, **QUICK)
    return add_result(viewer, Source.of(layer, parse("YX", noisy.shape)), made)


def test_copied_python_makes_the_same_pixels(actions, opened, tmp_path, monkeypatch):
    trigger(actions, "copy", "as Python")
    subprocess.run([sys.executable, "-c", clipboard()], check=True, cwd=tmp_path)  # noqa: S603
    again = read(tmp_path / "my 'noisy' cells-denoised.ome.tif")
    np.testing.assert_array_equal(again.array, opened.data)
    assert again.scale == {"X": (0.1, "µm"), "Y": (0.1, "µm")}


def test_copied_command_line_makes_the_same_pixels(actions, opened, tmp_path, monkeypatch):
    trigger(actions, "copy", "as command line")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(shlex.split(clipboard())[1:])
    np.testing.assert_array_equal(read("my 'noisy' cells-denoised.ome.tif").array, opened.data)


def test_cite_copies_the_paper_and_the_program(actions, result, said):
    trigger(actions, "cite", "Copy BibTeX")
    assert clipboard().startswith("@inproceedings{liu2025zeroshot,")
    assert "@software{napari_zeroshot," in clipboard()
    assert said() == "Copied the citation of ZS-N2M, as BibTeX."


def test_the_paper_opens_in_the_browser(actions, result, monkeypatch):
    asked = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: asked.append(url))
    trigger(actions, "cite", "Open the paper")
    assert asked == [QUrl("https://github.com/Doyle59217/ZS-N2M")]


@pytest.mark.parametrize(("chosen", "name"), [("OME-TIFF (*.ome.tif)", "clean.ome.tif"), ("OME-Zarr (*.ome.zarr)", "clean.ome.zarr")])
def test_save_writes_what_was_chosen_with_size_and_record(actions, result, tmp_path, monkeypatch, said, qtbot, chosen, name):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "clean"), chosen))
    button(actions, "save").click()
    qtbot.waitUntil(lambda: "Saved" in said(), timeout=60_000)
    image = read(tmp_path / name)
    assert image.scale == {"Y": (0.2, "µm"), "X": (0.1, "µm")}
    assert image.provenance["params"]["alpha_ie"] == 3
    np.testing.assert_array_equal(image.array, result.data)


def test_an_earlier_result_of_that_name_is_kept_unless_the_user_says_otherwise(actions, result, tmp_path, monkeypatch):
    (tmp_path / "clean.ome.tif").write_text("earlier")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "clean"), ""))
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.No)
    monkeypatch.setattr(commands, "save_to", None)
    button(actions, "save").click()
    assert (tmp_path / "clean.ome.tif").read_text() == "earlier"


def test_save_that_fails_says_why(viewer, result, tmp_path, said, qtbot):
    commands.save_to(result, tmp_path / "missing" / "a.ome.tif")
    qtbot.waitUntil(lambda: "there is no folder" in said(), timeout=60_000)


def test_saved_results_open_with_size_and_record(viewer, result, tmp_path, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(write(tmp_path / "a.ome.tif", commands.image_of(result))), ""))
    commands.open_result(viewer)
    opened = viewer.layers[-1]
    np.testing.assert_allclose(opened.scale, (0.2, 0.1))
    assert opened.metadata[METADATA]["method"] == "zs-n2m"


def test_commands_on_other_layers_say_what_to_select(viewer, noisy, said):
    viewer.add_image(noisy)
    for command in (commands.run_again, commands.save_result, commands.copy_python, commands.copy_command_line, commands.cite, commands.open_paper):
        notification_manager.records.clear()
        assert command(viewer) is None
        assert "was not denoised by this plugin" in said()


def test_palette_runs_a_command_on_the_viewer_in_front(viewer, result):
    from napari._app_model import get_app_model

    QApplication.clipboard().clear()
    get_app_model().commands.execute_command("napari-zeroshot.cite")
    assert "liu2025zeroshot" in clipboard()


def test_palette_offers_what_can_be_done_with_the_selected_layer(viewer):
    from napari._app_model import get_app_model

    commands_by_id = {item.command.id: item.command for item in get_app_model().menus.get_menu("_command_pallet_")}
    for name in ("run_again", "save_result", "copy_python", "copy_command_line", "cite", "open_paper"):
        enablement = commands_by_id[f"napari-zeroshot.{name}"].enablement
        assert enablement.eval({"active_layer_type": "image"})
        assert not enablement.eval({"active_layer_type": "labels"})
    assert not commands_by_id["napari-zeroshot.save_layer"].enablement.eval({})  # napari calls it with a layer's data
