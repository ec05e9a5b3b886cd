"""The Noise dock in a napari window, used through its controls."""

import numpy as np
import pytest

from napari_zeroshot.engine.fm2s_noise import fm2s_factors
from napari_zeroshot.engine.noise import add_noise
from napari_zeroshot.engine.noise_diagnosis import diagnose
from napari_zeroshot.engine.noise_findings import findings, verdict
from napari_zeroshot.engine.phantoms import cells

pytestmark = pytest.mark.gui


@pytest.fixture
def dock(make_napari_viewer_proxy, open_dock):
    return open_dock(make_napari_viewer_proxy(), "Noise")


@pytest.fixture(scope="module")
def image():
    noisy = add_noise(0.05 + 0.95 * cells((96, 112)).astype(float), "poisson", np.random.default_rng(0), photons=50)
    return np.rint(100 + 8 * 50 * noisy).astype(np.uint16)


def read(dock, image, **look):
    dock.viewer.add_image(image, name="noisy", **look)
    dock.press("read")
    dock.until(lambda: dock["read"].isEnabled())


def test_dock_without_an_image_offers_a_sample(dock):
    assert not dock.shows("read")
    assert "sample" in dock.message
    dock.press("sample")
    assert dock.shows("read")
    assert not dock.shows("found")


def test_reading_gives_the_engines_verdict_and_sentences(dock, image):
    read(dock, image)
    report = diagnose(image)
    assert dock.message == verdict(report)
    assert all(finding.sentence in dock["findings"].text().replace("&#x27;", "'") for finding in findings(report))
    assert dock.shows("transfer")
    assert dock.shows("shared")


def test_points_of_the_curve_are_the_reports(dock, image):
    read(dock, image)
    curve = diagnose(image).transfer
    drawn = dock["transfer"]._points.getData()
    np.testing.assert_allclose(drawn[1], [variance for variance, used in zip(curve.variances, curve.used, strict=True) if used])


def test_factors_are_fitted_and_synthetic_noise_follows_the_sliders(dock, image):
    read(dock, image)
    fitted = fm2s_factors(diagnose(image))
    assert dock["factor_lambda_p"].value() == pytest.approx(fitted["lambda_p"])
    before = dock["added"]._added.getData()[1].mean()
    dock["slider_lambda_p"].setValue(40)
    assert dock["factor_lambda_p"].value() < fitted["lambda_p"]
    assert dock["added"]._added.getData()[1].mean() > 1.5 * before
    dock.press("fit")
    assert dock["factor_lambda_p"].value() == pytest.approx(fitted["lambda_p"])
    dock.press("match")
    assert dock["added"]._added.getData()[1].mean() < before


def test_typed_factors_move_their_slider(dock, image):
    read(dock, image)
    dock["factor_k_g"].setValue(0)
    assert dock["slider_k_g"].value() == 0
    dock["factor_k_g"].setValue(1000)
    assert dock["slider_k_g"].value() == dock["slider_k_g"].maximum()


@pytest.mark.parametrize("opened", [True, False], ids=["open", "closed"])
def test_factors_go_to_the_denoise_dock(dock, image, opened):
    if opened:
        dock.viewer.window.add_plugin_dock_widget("napari-zeroshot", "Denoise")
    read(dock, image)
    dock["factor_k_p"].setValue(123)
    dock.press("use")
    names = [name for name in dock.viewer.window.dock_widgets if name.startswith("Denoise")]
    assert len(names) == 1
    denoise = type(dock)(dock.viewer, dock.viewer.window.dock_widgets[names[0]], dock.qtbot)
    assert denoise["method"].currentData() == "fm2s"
    assert denoise["param_k_p"].value() == 123
    assert denoise["param_lambda_p"].value() == dock["factor_lambda_p"].value()


def test_channel_in_view_is_read(dock, image):
    stack = np.stack([image, 3 * image])
    dock.viewer.add_image(stack, name="noisy", axis_labels=("c", "y", "x"))
    dock.viewer.dims.set_current_step(0, 1)
    dock.press("read")
    dock.until(lambda: dock["read"].isEnabled())
    assert dock.message == verdict(diagnose(stack, axes="CYX", channel=1))


@pytest.mark.parametrize("level", [0, 2], ids=["drawn in full", "drawn coarsely"])
def test_the_piece_shown_is_from_the_middle_of_what_is_seen(dock, image, level):
    large = np.tile(image, (10, 10)) + np.arange(960, dtype=np.uint16)[:, np.newaxis] // 96 * 1000
    layer = dock.viewer.add_image([large, large[::2, ::2], large[::4, ::4]], multiscale=True, name="noisy")
    layer.data_level = level
    layer.corner_pixels = np.array([[0, 0], [959 >> level, 1119 >> level]])
    dock.press("read")
    dock.until(lambda: dock["read"].isEnabled())
    shown = dock["real"]._item.image
    assert 4000 < np.median(shown) < 6000


def test_answer_about_an_image_that_is_no_longer_chosen_is_dropped(dock, image):
    dock.viewer.add_image(image, name="noisy")
    dock.press("read")
    dock.viewer.layers.clear()
    dock.until_quiet()
    assert not dock.shows("found")
    assert dock.shows("sample")


def test_closing_the_dock_while_it_reads_is_quiet(dock, image, capsys):
    dock.viewer.add_image(image, name="noisy")
    dock.press("read")
    dock.viewer.window.remove_dock_widget(dock.widget)
    dock.until_quiet()
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (np.full((64, 64), 7), "Every pixel holds 7"),
        (np.zeros((64, 1)), "at least 32 x 32 pixels"),
        (np.full((64, 64), np.nan), "NaN"),
        (np.zeros((64, 64), bool), "mask"),
    ],
    ids=["even", "line", "nan", "mask"],
)
def test_bad_images_get_a_sentence_and_the_dock_is_ready_again(dock, image, bad, said):
    read(dock, bad, contrast_limits=(0, 1))
    assert said in dock.message
    assert not dock.shows("found")
    assert dock.shows("details")
    dock.viewer.layers.clear()
    read(dock, image)
    assert dock.message == verdict(diagnose(image))


def test_dock_follows_the_theme(dock, image):
    read(dock, image)
    dock.viewer.theme = "light"
    assert dock["transfer"].backgroundBrush().color().lightness() > 128
