"""The Tune dock in a napari window: sliders to picture, sweeps, tiles that are clicked, and what is refused."""

import csv
import threading
import time

import imageio.v3 as iio
import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QLabel, QMessageBox

from napari_zeroshot import denoise, get_method, sweep
from napari_zeroshot.engine import sweep as sweep_module
from napari_zeroshot.engine.method import Progress
from napari_zeroshot.engine.result import Result
from napari_zeroshot.widgets import tune as tune_module
from napari_zeroshot.widgets.denoise import DenoiseWidget
from napari_zeroshot.widgets.layers import SWEPT

pytestmark = pytest.mark.gui


@pytest.fixture
def dock(make_napari_viewer_proxy, open_dock):
    return open_dock(make_napari_viewer_proxy(), "Tune")


@pytest.fixture
def colours():
    return np.random.default_rng(2).integers(0, 255, (24, 20, 3), dtype=np.uint8)


@pytest.fixture
def blurred(dock, noisy):
    """The dock with the Gaussian chosen, which takes no time."""
    dock.viewer.add_image(noisy, name="noisy")
    dock["method"].setCurrentIndex(dock["method"].findData("gaussian"))
    dock.until(lambda: "Denoised" in dock.message)
    return dock


def settled(dock, image):
    """Wait until a picture is shown, and is known: reports show it before the result comes."""
    dock.until(lambda: "preview" in dock.viewer.layers and np.array_equal(dock.viewer.layers["preview"].data, image) and "Denoised" in dock.message)


def swept(dock, **typed):
    for name, text in typed.items():
        dock[name].setText(text)
    dock.press("sweep")
    dock.until(lambda: dock["sweep"].isEnabled())


def denoise_dock(dock):
    (found,) = [widget for widget in dock.viewer.window.dock_widgets.values() if isinstance(widget, DenoiseWidget)]
    return type(dock)(dock.viewer, found, dock.qtbot)


def test_dock_without_an_image_offers_a_sample(dock):
    assert not dock["preview"].isEnabled()
    assert "sample" in dock.message
    dock.press("sample")
    assert dock["preview"].isEnabled()
    assert dock.names() == ["plane truth", "noisy plane"]


def test_slider_shows_the_picture_that_its_number_gives(blurred, noisy):
    blurred["slider_sigma"].setValue(300)
    sigma = blurred["tune_sigma"].value()
    assert sigma > 1
    settled(blurred, denoise(noisy, "gaussian", sigma=sigma).image)
    blurred["tune_sigma"].setValue(1.7)
    settled(blurred, denoise(noisy, "gaussian", sigma=1.7).image)
    assert blurred.names() == ["noisy", "preview"]


@pytest.fixture
def asked(monkeypatch):
    """The options of every preview that is computed, as they come."""
    told, piece_steps = [], sweep_module.piece_steps

    def watched(*args, **options):
        told.append(options)
        return piece_steps(*args, **options)

    monkeypatch.setattr(sweep_module, "piece_steps", watched)
    return told


def test_a_network_goes_on_from_the_last_one_but_not_where_the_steps_were_moved(dock, noisy, asked):
    dock.viewer.add_image(noisy, name="noisy")
    for name, value in (("tune_steps", 5), ("tune_alpha_ie", 20.0), ("tune_steps", 7)):
        dock[name].setValue(value)
        known = len(asked)
        dock.until(lambda known=known: len(asked) == known + 1 and "Denoised" in dock.message)
    assert [options.get("start") is not None for options in asked] == [False, True, False]
    assert [options["steps"] for options in asked] == [5, 5, 7]


def test_going_back_is_instant_and_undo_goes_back(blurred, noisy, monkeypatch):
    for sigma in (1.0, 2.0):
        blurred["tune_sigma"].setValue(sigma)
        settled(blurred, denoise(noisy, "gaussian", sigma=sigma).image)
    monkeypatch.setattr(sweep_module, "piece_steps", None)
    blurred["tune_sigma"].setValue(1.0)
    np.testing.assert_array_equal(blurred.viewer.layers["preview"].data, denoise(noisy, "gaussian", sigma=1.0).image)
    assert "As before" in blurred.message
    blurred.press("undo")
    assert blurred["tune_sigma"].value() == 2.0
    blurred.press("undo")
    assert blurred["tune_sigma"].value() == 1.0


@pytest.mark.parametrize("samples", [3, 4], ids=["rgb", "rgba"])
def test_previews_of_a_colour_image_go_back_and_go_on_as_others_do(dock, colours, asked, samples):
    dock.viewer.add_image(np.pad(colours, ((0, 0), (0, 0), (0, samples - 3)), constant_values=255), rgb=True, name="colours")
    for name, value in (("tune_steps", 5), ("tune_alpha_ie", 20.0)):
        dock[name].setValue(value)
        known = len(asked)
        dock.until(lambda known=known: len(asked) == known + 1 and "Denoised" in dock.message)
    assert asked[1].get("start") is not None
    dock.press("undo")
    assert "As before" in dock.message


def test_no_picture_is_shown_of_another_image(dock, colours, monkeypatch):
    """An array may lie where another lay before it."""
    monkeypatch.setattr(tune_module, "id", lambda _: 1, raising=False)
    dock["method"].setCurrentIndex(dock["method"].findData("gaussian"))
    dock.viewer.add_image(colours, rgb=True, name="colours")
    dock["tune_sigma"].setValue(2.0)
    axes = {"axes": "YXS", "sigma": 2.0}
    settled(dock, denoise(colours, "gaussian", **axes).image)
    dock.viewer.add_image(255 - colours, rgb=True, name="others")
    dock.press("preview")
    settled(dock, denoise(255 - colours, "gaussian", **axes).image)


def test_double_click_and_reset_go_back_to_the_preset(dock, noisy, qtbot):
    dock.viewer.add_image(noisy, name="noisy")
    dock["method"].setCurrentIndex(dock["method"].findData("fm2s"))
    dock["preset"].setCurrentText("wide-field")
    dock["tune_k_p"].setValue(300)
    assert dock["reset"].isEnabled()
    qtbot.mouseDClick(dock["slider_k_p"], Qt.MouseButton.LeftButton)
    assert dock["tune_k_p"].value() == 45
    dock["tune_k_g"].setValue(3)
    dock.press("reset")
    assert dock["tune_k_g"].value() == 220


def test_stale_answers_are_dropped(dock, noisy, monkeypatch):
    """Whatever comes late: only the picture of the last number is shown in the end."""
    late = threading.Event()

    def slowly(image, method, *, cancelled, axes, region, **options):
        sigma = options["sigma"]
        shown = np.full(image.shape, sigma, image.dtype)
        yield Progress("training", 1, 2, None, 0.0, lambda at=None: shown)
        if sigma != 9:
            late.wait(60)
        return Result(shown, method, get_method(method).settings(changes={"sigma": sigma}), "default", axes, "shared", 0, "CPU", 1.0)

    dock.viewer.add_image(noisy, name="noisy")
    monkeypatch.setattr(sweep_module, "piece_steps", slowly)
    dock["method"].setCurrentIndex(dock["method"].findData("gaussian"))
    dock["tune_sigma"].setValue(3)
    dock.until(lambda: "preview" in dock.viewer.layers)
    dock["tune_sigma"].setValue(9)
    settled(dock, np.full_like(noisy, 9))
    late.set()
    dock.until_quiet()
    assert (dock.viewer.layers["preview"].data == 9).all()


def test_deleted_preview_stays_away_until_asked_for(blurred):
    blurred.viewer.layers.remove("preview")
    blurred["tune_sigma"].setValue(3)
    blurred.qtbot.wait(400)
    assert blurred.names() == ["noisy"]
    blurred.press("preview")
    blurred.until(lambda: "preview" in blurred.viewer.layers)


def test_region_follows_the_view_unless_it_is_pinned(dock, monkeypatch):
    stack = np.random.default_rng(0).poisson(100, (3, 60, 80)).astype(np.uint16)
    dock.viewer.add_image(stack, name="noisy", axis_labels=("t", "y", "x"))
    dock["method"].setCurrentIndex(dock["method"].findData("median"))
    settled(dock, denoise(stack[1], "median").image[np.newaxis])
    dock.viewer.dims.set_current_step(0, 2)
    settled(dock, denoise(stack[2], "median").image[np.newaxis])
    dock["pin"].setChecked(True)
    dock.viewer.dims.set_current_step(0, 0)
    dock.qtbot.wait(600)
    np.testing.assert_array_equal(dock.viewer.layers["preview"].data[0], denoise(stack[2], "median").image)
    dock.viewer.add_labels(np.zeros((4, 4), int))
    assert "pinned, 80 × 60" in dock["region"].text()
    dock.viewer.add_image(stack[0], name="another")
    dock["layer"].setCurrentIndex(dock["layer"].findText("another"))
    assert "in view" in dock["region"].text()


def test_sheet_fills_with_the_engines_tiles_and_tells_their_scores(blurred, noisy):
    assert "tiles" in blurred["sweep"].text()
    swept(blurred, values_1="0.5, 1, 4")
    done = sweep(noisy, "gaussian", vary={"sigma": [0.5, 1, 4]})
    for number, tile in enumerate(done.tiles):
        assert blurred[f"tile_{number}"].isEnabled()
        assert tile.setting.title in blurred[f"tile_{number}"].text()
    blurred["tile_2"].click()
    np.testing.assert_array_equal(blurred.viewer.layers["preview"].data, done.tiles[2].image)


def test_truth_gives_decibels_and_a_star(dock):
    dock.press("sample")
    dock["method"].setCurrentIndex(dock["method"].findData("gaussian"))
    dock["truth"].setCurrentIndex(dock["truth"].findText("plane truth"))
    swept(dock, values_1="0.3:8:4")
    texts = [dock[f"tile_{number}"].text() for number in range(4)]
    assert all("dB" in text for text in texts)
    assert sum("★" in text for text in texts) == 1
    assert "The best is" in dock.message


@pytest.mark.parametrize("opened", [True, False], ids=["open", "closed"])
def test_click_on_a_tile_adopts_its_settings_here_and_in_the_denoise_dock(blurred, opened):
    if opened:
        blurred.viewer.window.add_plugin_dock_widget("napari-zeroshot", "Denoise")
    swept(blurred, values_1="0.5, 2")
    blurred["tile_1"].click()
    denoising = denoise_dock(blurred)
    assert denoising["method"].currentData() == "gaussian"
    assert denoising["param_sigma"].value() == 2
    assert blurred["tune_sigma"].value() == 2
    assert blurred["tile_1"].isChecked()
    assert "Denoise dock now has Gaussian with σ 2" in blurred.message
    blurred["tune_sigma"].setValue(3)
    blurred.press("use")
    assert denoising["param_sigma"].value() == 3


def test_slider_goes_through_what_was_trained_and_says_what_is_nearest(blurred, noisy):
    assert not blurred.shows("trained")
    swept(blurred, values_1="1, 10")
    blurred["trained"].setValue(120)
    assert "nearest trained, σ 1" in blurred["nearest"].text()
    np.testing.assert_array_equal(blurred.viewer.layers["preview"].data, denoise(noisy, "gaussian", sigma=1).image)
    blurred["trained"].setValue(280)
    np.testing.assert_array_equal(blurred.viewer.layers["preview"].data, denoise(noisy, "gaussian", sigma=10).image)


def test_methods_side_by_side(blurred):
    blurred["vary_1"].setCurrentIndex(blurred["vary_1"].findData("method"))
    assert "ZS-N2M" in blurred["values_1"].text()
    swept(blurred, values_1="Gaussian, median")
    assert blurred["tile_1"].text().startswith("Median")
    assert not blurred.shows("trained")
    blurred["tile_1"].click()
    assert blurred["method"].currentData() == "median"


def test_two_parameters_make_a_table_with_headings(blurred):
    blurred["method"].setCurrentIndex(blurred["method"].findData("nlm"))
    blurred["vary_2"].setCurrentIndex(blurred["vary_2"].findData("patch"))
    swept(blurred, values_1="0.5, 1", values_2="3, 5, 7")
    assert blurred["tile_1_2"].isEnabled()
    headings = {label.text().replace("\n", " ") for label in blurred["tile_1_2"].parentWidget().findChildren(QLabel)}
    assert {"h/σ 0.5", "h/σ 1", "patch 3", "patch 5", "patch 7"} <= headings
    assert not blurred.shows("trained")


def test_cancel_keeps_the_finished_tiles(dock, noisy, monkeypatch):
    sweep_steps = sweep_module.sweep_steps

    def waits_after_the_first(*args, **options):
        steps = sweep_steps(*args, **options)
        while True:
            try:
                report = next(steps)
            except StopIteration as end:
                return end.value
            yield report
            while len(report.tiles) == 1 and not options["cancelled"]():
                time.sleep(0.01)
                yield report

    monkeypatch.setattr(sweep_module, "sweep_steps", waits_after_the_first)
    dock.viewer.add_image(noisy, name="noisy")
    dock["tune_steps"].setValue(3)
    dock["values_1"].setText("1, 10, 100")
    dock.press("sweep")
    dock.until(lambda: dock["tile_0"].isEnabled())
    assert not dock["tune_steps"].isEnabled()
    dock.press("cancel")
    dock.until(lambda: dock["sweep"].isEnabled())
    assert "1 of 3 tiles are done" in dock.message
    assert [dock[f"tile_{number}"].isEnabled() for number in range(3)] == [True, False, False]
    assert dock["tune_steps"].isEnabled()
    dock["tile_0"].click()
    assert denoise_dock(dock)["param_alpha_ie"].value() == 1


def test_tiles_become_a_stack_in_their_place(dock, noisy):
    source = dock.viewer.add_image(noisy, name="noisy", scale=(0.2, 0.1), translate=(3, 4), rotate=30)
    dock["method"].setCurrentIndex(dock["method"].findData("gaussian"))
    dock["vary_2"].setCurrentIndex(dock["vary_2"].findData("sigma"))
    dock["vary_1"].setCurrentIndex(dock["vary_1"].findData("method"))
    dock["vary_2"].setCurrentIndex(0)
    swept(dock, values_1="gaussian, median, wiener")
    dock.press("add")
    added = dock.viewer.layers[-1]
    assert added.data.shape == (3, *noisy.shape)
    assert added.name == "noisy · sweep · Gaussian, Median, Wiener"
    assert added.axis_labels[0] == "method"
    np.testing.assert_allclose(np.array(added.data_to_world((1, 5, 7)))[1:], source.data_to_world((5, 7)))
    assert added.metadata[SWEPT]["tiles"][1]["method"] == "median"


def test_sheet_and_table_are_saved(blurred, tmp_path, monkeypatch):
    swept(blurred, values_1="0.5, 2")
    for name, button in (("sheet", "png"), ("table", "csv")):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, name=name: (str(tmp_path / name), ""))
        blurred.press(button)
    assert iio.imread(tmp_path / "sheet.png").size
    assert [row["sigma"] for row in csv.DictReader((tmp_path / "table.csv").open())] == ["0.5", "2.0"]


@pytest.mark.parametrize(("button", "name"), [("png", "sheet.png"), ("csv", "table.csv")])
def test_what_is_there_is_kept_unless_the_user_says_otherwise(blurred, tmp_path, monkeypatch, button, name):
    swept(blurred, values_1="0.5, 2")
    (tmp_path / name).write_text("earlier")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / name.partition(".")[0]), ""))
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.No)
    blurred.press(button)
    assert (tmp_path / name).read_text() == "earlier"
    assert "Saved" not in blurred.message


@pytest.mark.parametrize(
    ("bad", "said"),
    [(np.full((24, 20), 7, np.uint8), "Every pixel of the piece holds 7"), (np.full((24, 20), np.nan), "NaN"), (np.zeros((24, 3)), "too small for ZS-N2M")],
    ids=["even", "nan", "line"],
)
def test_bad_images_get_a_sentence_and_the_dock_is_ready_again(dock, noisy, bad, said):
    dock.viewer.add_image(bad, name="bad", contrast_limits=(0, 1))
    if dock["preview"].isEnabled():
        dock.press("preview")
    dock.until(lambda: said in dock.message)
    if dock["sweep"].isEnabled():
        swept(dock)
        assert said in dock.message
    dock.viewer.layers.clear()
    dock.viewer.add_image(noisy, name="noisy")
    assert said not in dock.message
    dock["method"].setCurrentIndex(dock["method"].findData("median"))
    dock.until(lambda: "Denoised" in dock.message)


def test_nan_is_filled_as_the_denoise_dock_says_which_is_what_the_refusal_advises(blurred, noisy):
    gaps = noisy.astype(np.float32)
    gaps[3, 4] = np.nan
    blurred.viewer.add_image(gaps, name="gaps")
    blurred["layer"].setCurrentIndex(blurred["layer"].findText("gaps"))
    blurred["tune_sigma"].setValue(2.0)
    blurred.until(lambda: "Fill NaN under Reproducibility of the Denoise dock" in blurred.message)
    blurred.viewer.window.add_plugin_dock_widget("napari-zeroshot", "Denoise")
    fill = denoise_dock(blurred)["nan"]
    fill.setChecked(True)
    blurred.press("preview")
    blurred.until(lambda: "Denoised" in blurred.message)
    np.testing.assert_array_equal(blurred.viewer.layers["preview"].data, denoise(gaps, "gaussian", sigma=2.0, nan="fill").image)
    swept(blurred, values_1="0.5, 2")
    assert blurred["tile_1"].isEnabled()
    fill.setChecked(False)
    blurred.press("preview")
    blurred.until(lambda: "Fill NaN under Reproducibility of the Denoise dock" in blurred.message)


@pytest.mark.parametrize(("text", "said"), [("1, many", "not 'many'"), ("", "not ''"), ("0.1:100:lin500", "at most 100 tiles")])
def test_values_that_make_no_sense_get_a_sentence(blurred, text, said):
    swept(blurred, values_1=text)
    assert said in blurred.message


def test_closing_the_dock_ends_a_sweep_quietly_and_takes_the_preview_along(blurred, capsys):
    blurred["values_1"].setText("0.5:8:60")
    blurred.press("sweep")
    blurred.viewer.window.remove_dock_widget(blurred.widget)
    blurred.until_quiet()
    assert blurred.names() == ["noisy"]
    assert "Traceback" not in capsys.readouterr().err
