"""The Compare dock in a napari window, used through its controls, the mouse and the keyboard."""

import csv

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication, QFileDialog, QWidget
from scipy import ndimage

from napari_zeroshot.engine.comparison import compare
from napari_zeroshot.engine.comparison_table import COLUMNS
from napari_zeroshot.engine.line_profile import line_profile
from napari_zeroshot.engine.phantoms import nuclei
from napari_zeroshot.engine.residual import autocorrelation
from napari_zeroshot.widgets.layers import METADATA
from napari_zeroshot.widgets.viewer_state import ViewerState

pytestmark = pytest.mark.gui

CLEAN = np.stack([50 + 400 * nuclei((96, 112), seed).astype(float) for seed in (0, 1)])
NOISY = np.random.default_rng(0).poisson(CLEAN).astype(np.uint16)
BLURRED = ndimage.gaussian_filter(NOISY.astype(np.float32), (0, 4, 4))
LOOK = {"scale": (1, 0.5, 0.5), "units": ("s", "um", "um"), "axis_labels": ("t", "y", "x")}


@pytest.fixture
def dock(make_napari_viewer_proxy, open_dock):
    return open_dock(make_napari_viewer_proxy(), "Compare")


@pytest.fixture
def pair(dock):
    """The noisy stack and what a blur made of it, opened and chosen."""
    layers = [dock.viewer.add_image(data, name=name, **LOOK) for name, data in (("noisy", NOISY), ("blurred", BLURRED))]
    dock.widget.set_layers(layers)
    return layers


@pytest.fixture
def shown_pair(make_napari_viewer, open_dock):
    """The same in a window that is shown."""
    dock = open_dock(make_napari_viewer(show=True), "Compare")
    layers = [dock.viewer.add_image(data, name=name, **LOOK) for name, data in (("noisy", NOISY), ("blurred", BLURRED))]
    dock.widget.set_layers(layers)
    return dock, layers


def measure(dock):
    dock.press("measure")
    dock.until(lambda: dock["measure"].text() == "Measure")


def cell(dock, title, image):
    """What the table says of a figure."""
    table = dock["figures"]
    rows = [table.verticalHeaderItem(line).text() for line in range(table.rowCount())]
    columns = [table.horizontalHeaderItem(place).text() for place in range(table.columnCount())]
    return table.item(rows.index(title), columns.index(image)).text()


def curves(dock, plot):
    return {curve.name(): curve.getData() for curve in dock[plot].listDataItems()}


def canvas_of(dock):
    return next(widget for widget in dock.widget.window().findChildren(QWidget) if widget.metaObject().className().startswith("CanvasBackend"))


def mouse(canvas, kind, place, button=Qt.MouseButton.NoButton, held=Qt.MouseButton.NoButton):
    event = QMouseEvent(kind, place, canvas.mapToGlobal(place), button, held, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(canvas, event)


def test_dock_without_images_offers_a_sample_and_compares_it(dock):
    assert "sample" in dock.message
    assert not dock["curtain"].isEnabled()
    assert not dock["line"].isEnabled()
    dock.press("sample")
    assert not dock.shows("sample")
    dock.press("curtain")
    assert "curtain" in dock.names()
    dock.press("grid")
    assert [dock[f"image_{letter}"].currentText() for letter in "AB"] == ["noisy plane", "plane truth"]
    dock.viewer.add_image(np.zeros((8, 8)), name="of another shape")
    assert [dock[f"image_{letter}"].currentText() for letter in "AB"] == ["noisy plane", "plane truth"]
    dock.press("leave")
    assert dock.names() == ["plane truth", "noisy plane", "of another shape"]


def test_split_is_dragged_on_the_canvas_and_the_picture_stays(shown_pair):
    dock, _ = shown_pair
    dock.press("curtain")
    canvas, camera = canvas_of(dock), dock.viewer.scene.camera
    dock.until(lambda: canvas.isVisible() and canvas.width() > 100)
    left, centre = Qt.MouseButton.LeftButton, tuple(camera.center)

    def at(column):
        return QPointF(canvas.width() / 2 + (0.5 * column - camera.center[2]) * camera.zoom, canvas.height() / 2)

    mouse(canvas, QEvent.Type.MouseButtonPress, at(55.5), left, left)
    for column in (60, 70, 79.5):
        mouse(canvas, QEvent.Type.MouseMove, at(column), held=left)
        dock.qtbot.wait(60)  # napari leaves out moves that come too fast
    mouse(canvas, QEvent.Type.MouseButtonRelease, at(79.5), left)
    assert dock["split"].value() == pytest.approx(80, abs=1)
    assert dock.viewer.layers["curtain"].data.shape[-1] == dock["split"].value()
    assert tuple(camera.center) == centre


def test_slider_moves_the_split_and_the_curtain_follows_time(dock, pair):
    dock.press("curtain")
    dock["split"].setValue(30)
    curtain = dock.viewer.layers["curtain"]
    assert np.array_equal(curtain.data, NOISY[..., :30])
    dock.viewer.dims.set_current_step(0, 1)
    assert curtain.get_value(curtain.data_to_world((1, 8, 9)), world=True) == NOISY[1, 8, 9]


def test_key_flips_between_the_images(dock, pair):
    shown = lambda: [layer.visible for layer in pair]  # noqa: E731
    dock.press("flip")
    assert shown() == [True, False]
    dock.qtbot.keyClick(canvas_of(dock), Qt.Key.Key_F)
    assert shown() == [False, True]
    dock.press("flip")
    assert not dock["leave"].isEnabled()


def test_images_share_the_contrast_of_the_first_until_told_otherwise(dock, pair):
    own = list(pair[1].contrast_limits)
    dock.press("grid")
    pair[0].contrast_limits = (60, 300)
    assert list(pair[1].contrast_limits) == [60, 300]
    dock["same_contrast"].setChecked(False)
    assert list(pair[1].contrast_limits) == own


def test_residual_shows_what_its_neighbours_share(dock, pair):
    dock.press("residual")
    dock.viewer.dims.set_current_step(0, 1)
    expected = autocorrelation(NOISY[1].astype(float) - BLURRED[1])
    assert f"{expected[8, 9]:.2f}" in dock["shared_residual"].text()
    assert dock.shows("autocorrelation")
    assert "A − B" in dock.names()


@pytest.mark.parametrize("how", ["leave", "again", "close"])
def test_leaving_puts_the_viewer_back(dock, pair, how):
    viewer = dock.viewer
    viewer.add_labels(NOISY > 300, name="cells", **LOOK)
    pair[0].contrast_limits, pair[1].visible = (10, 400), False
    viewer.dims.ndisplay = 3
    viewer.scene.camera.zoom, viewer.scene.camera.angles = 7.5, (10, 20, 30)
    before = ViewerState.of(viewer)
    for view in ("curtain", "flip", "grid", "residual", "curtain"):
        dock.press(view)
        viewer.dims.set_current_step(0, 1)
        viewer.scene.camera.zoom = 3
    dock.press("line")
    if how == "close":
        viewer.window.remove_dock_widget(dock.widget)
    else:
        dock.press("leave" if how == "leave" else "curtain")
    assert ViewerState.of(viewer).__dict__ == before.__dict__


def test_deleting_a_compared_image_or_a_layer_of_the_view_leaves(dock, pair):
    dock.press("curtain")
    dock.viewer.layers.remove("curtain")
    assert dock.names() == ["noisy", "blurred"]
    dock.press("residual")
    dock.viewer.layers.remove("blurred")
    assert dock.names() == ["noisy"]
    assert "sample" in dock.message


def test_another_image_is_shown_in_the_same_view(dock, pair):
    other = dock.viewer.add_image(NOISY + 5, name="other", **LOOK)
    dock.press("curtain")
    dock["image_A"].setCurrentIndex(dock["image_A"].findText("other"))
    assert np.array_equal(dock.viewer.layers["curtain"].data, other.data[..., :56])


def test_profile_follows_the_line_and_time_in_world_units(dock, pair):
    dock.press("line")
    line = dock.viewer.layers["profile line"]
    line.data = [[[10, 5], [10, 25]]]  # µm: half a pixel each
    dock.viewer.dims.set_current_step(0, 1)
    drawn = curves(dock, "profile")
    expected = line_profile(BLURRED[1:2], (20, 10), (20, 50))[1]
    np.testing.assert_allclose(drawn["B"][1], expected, rtol=1e-6)
    assert drawn["A"][0][[0, -1]].tolist() == pytest.approx([0, 20])
    assert "20 µm long" in dock["profile_message"].text()
    line.add_lines([[0, 0], [0, 10]])
    assert curves(dock, "profile")["A"][0][-1] == pytest.approx(10)
    dock.press("line")
    assert dock.names() == ["noisy", "blurred"]


def test_lines_without_a_profile_are_explained(dock, pair):
    dock.press("line")
    line = dock.viewer.layers["profile line"]
    for data, said in (([[[1, 1], [1, 1.1]]], "shorter than a pixel"), ([[[900, 1], [900, 50]]], "outside the image"), ([], "no line")):
        line.data = data
        assert said in dock["profile_message"].text()
        assert not dock.shows("profile")
    line.data = [[[1, 1], [1, 9]]]
    dock.viewer.dims.order = (1, 0, 2)
    assert "turn the viewer's axes back" in dock["profile_message"].text()


def test_figures_are_the_engines_with_the_gaussian_and_the_verdict(dock, pair):
    truth = dock.viewer.add_image(CLEAN, name="truth", **LOOK)
    dock.widget.set_layers(pair, truth)
    dock["scope"].setCurrentIndex(1)
    measure(dock)
    found = compare({"A": NOISY, "B": BLURRED}, raw=NOISY, truth=CLEAN, axes="TYX", gaussian=True)
    told = {column.name: column for column in COLUMNS}
    assert cell(dock, "PSNR", "B") == told["psnr"].write(found.images[1].mean.psnr)
    assert cell(dock, "noise left", "Gaussian") == told["noise_left"].write(found.gaussian.mean.noise_left)
    assert cell(dock, "verdict", "B") == "✗ worse"
    assert "The Gaussian does better" in dock["told"].text()
    assert curves(dock, "over_planes")["B"][1] == pytest.approx([plane.psnr for plane in found.images[1].planes])
    dock["figures"].setCurrentCell(3, 0)
    assert curves(dock, "over_planes")["B"][1] == pytest.approx([plane.structure for plane in found.images[1].planes])
    dock["gaussian"].setChecked(False)
    dock.until(lambda: dock["measure"].text() == "Measure")
    assert dock["figures"].columnCount() == 2


def test_plane_in_view_is_measured_and_exported(dock, pair, monkeypatch, tmp_path):
    dock.viewer.dims.set_current_step(0, 1)
    measure(dock)
    assert dock["over_planes"] is None
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "figures"), ""))
    dock.press("csv")
    lines = list(csv.DictReader((tmp_path / "figures.csv").open()))
    assert [(line["image"], line["plane"]) for line in lines] == [("A noisy", "T=1"), ("B blurred", "T=1"), ("Gaussian", "T=1")]
    assert float(lines[1]["structure"]) == compare({"B": BLURRED}, raw=NOISY, axes="TYX", at={"T": 1}).images[0].mean.structure


def test_figures_of_pixels_that_were_replaced_are_marked_and_measured_anew(dock, pair):
    measure(dock)
    dock.viewer.dims.set_current_step(0, 1)
    pair[1].scale = (1, 0.2, 0.2)
    assert dock["figures"].isEnabled()
    pair[1].data = NOISY + BLURRED
    assert not dock["figures"].isEnabled()
    assert not dock["csv"].isEnabled()
    assert "press Measure" in dock.message
    measure(dock)
    assert dock["figures"].isEnabled()
    expected = compare({"B": NOISY + BLURRED}, raw=NOISY, axes="TYX", at={"T": 1}).images[0].mean.drift_share
    assert cell(dock, "mean drift", "B") == next(column for column in COLUMNS if column.name == "drift_share").write(expected)


def test_pixels_changed_in_place_are_shown_once_the_layer_is_refreshed(dock, pair):
    pair[1].data = NOISY.astype(np.float32)
    dock.press("line")
    dock.viewer.layers["profile line"].data = [[[10, 5], [10, 25]]]
    dock.press("residual")
    assert "nothing to correlate" in dock["shared_residual"].text()
    pair[1].visible = True
    measure(dock)
    pair[1].data[:] = BLURRED
    pair[1].refresh()
    assert "correlate by" in dock["shared_residual"].text()
    assert np.asarray(dock.viewer.layers["A − B"].data[0]).any()
    np.testing.assert_allclose(curves(dock, "profile")["B"][1], line_profile(BLURRED[:1], (20, 10), (20, 50))[1], rtol=1e-6)
    assert "press Measure" in dock.message
    pair[1].visible = False  # then napari tells only that a layer is given an array, be it its own
    pair[1].data[:] = NOISY
    pair[1].data = pair[1].data
    assert "nothing to correlate" in dock["shared_residual"].text()


def test_images_that_come_to_fit_by_other_pixels_are_compared(dock, pair):
    dock.press("curtain")
    pair[1].data = BLURRED[:, 1:]
    assert "B has shape (2, 95, 112)" in dock.message
    assert not dock["curtain"].isEnabled()
    pair[1].data = BLURRED
    dock.press("curtain")
    assert "curtain" in dock.names()


def test_see_through_pictures_are_compared_by_their_colours(dock):
    colours = np.random.default_rng(1).integers(1, 255, (64, 64, 4), dtype=np.uint8)
    layers = [dock.viewer.add_image(picture, rgb=True, name=name) for picture, name in ((colours, "a"), (colours // 2, "b"))]
    dock.widget.set_layers(layers)
    for view in ("residual", "curtain"):
        dock.press(view)
        assert dock[view].isChecked()
    measure(dock)
    assert dock["figures"].rowCount()
    dock.press("line")
    assert set(curves(dock, "profile")) == {"A", "B"}


def test_up_to_six_images_are_compared(dock, pair):
    for place in range(4):
        dock.viewer.add_image(BLURRED + place, name=f"other {place}", **LOOK)
        dock.press("more")
        menu = dock[f"image_{'CDEF'[place]}"]
        menu.setCurrentIndex(menu.findText(f"other {place}"))
    assert not dock.shows("more")
    dock.press("grid")
    assert sum(layer.visible for layer in dock.viewer.layers) == 6
    measure(dock)
    assert dock["figures"].columnCount() == 7


def test_measuring_can_be_stopped(dock, pair):
    dock.press("measure")
    assert dock["measure"].text() == "Stop measuring"
    dock.press("measure")
    assert dock["measure"].text() == "Measure"
    dock.until_quiet()
    assert not dock.shows("figures")


def test_newest_result_is_compared_with_its_image_as_it_comes(dock):
    noisy = dock.viewer.add_image(NOISY, name="noisy", **LOOK)
    dock.viewer.add_image(CLEAN, name="stack truth", visible=False, **LOOK)
    dock.press("curtain")
    result = dock.viewer.add_image(BLURRED, name="noisy · Gaussian", metadata={METADATA: {}}, **LOOK)
    assert [dock[f"image_{name}"].currentText() for name in ("A", "B", "truth")] == [noisy.name, result.name, "stack truth"]
    assert np.array_equal(dock.viewer.layers["curtain"].data, NOISY[..., :56])
    assert result.visible
    dock.press("leave")
    assert dock.names() == ["noisy", "stack truth", "noisy · Gaussian"]


def test_answer_about_images_that_are_no_longer_chosen_is_dropped(dock, pair):
    dock.press("measure")
    dock.viewer.layers.remove("blurred")
    dock.until_quiet()
    assert not dock.shows("figures")
    assert not dock["measure"].isEnabled()


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (NOISY[:, 1:], "B has shape (2, 95, 112), A (2, 96, 112)"),
        (None, "same image"),
        (np.where(np.arange(112) == 5, np.nan, BLURRED), "B blurred holds 96 values that are NaN"),
        (NOISY > 100, "mask"),
    ],
    ids=["shape", "twice", "nan", "mask"],
)
def test_images_that_do_not_fit_get_a_sentence(dock, pair, bad, said):
    if bad is None:
        dock["image_B"].setCurrentIndex(dock["image_A"].currentIndex())
    else:
        pair[1].data = bad
        dock["image_truth"].setCurrentIndex(0)
        dock.widget.set_layers(pair)
    if dock["measure"].isEnabled():
        measure(dock)
    assert said in dock.message
    assert not dock.shows("figures")
    pair[1].data = BLURRED
    dock.widget.set_layers(pair)
    measure(dock)
    assert dock.shows("figures")


@pytest.mark.parametrize("flat", [np.full((64, 64), 7.0), np.zeros((64, 1))], ids=["constant", "one pixel wide"])
def test_even_and_tiny_images_are_shown_and_said_to_tell_nothing(dock, flat):
    dock.widget.set_layers([dock.viewer.add_image(flat, name=name) for name in ("one", "two")])
    for view in ("curtain", "flip", "grid", "residual"):
        dock.press(view)
    assert "nothing to correlate" in dock["shared_residual"].text()
    measure(dock)
    assert cell(dock, "mean drift" if flat.any() else "mean drift (grey levels)", "B") == ("0.00 %" if flat.any() else "0")
    assert "cannot be told" in dock["told"].text()


def test_dock_follows_the_theme(dock, pair):
    dock.press("line")
    dock.viewer.theme = "light"
    assert dock["profile"].backgroundBrush().color().lightness() > 128
