"""Makes docs/images/denoise_*.png, noise_dock.png, compare_*.png and tune_*.png: the real napari window with each dock at work on the sample plane.

Run it with a display: ``make screenshots``, or ``xvfb-run -a -s "-screen 0 1400x900x24" python docs/make_screenshots.py``.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import napari
from qtpy.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QPushButton, QSlider, QToolButton, QWidget

from napari_zeroshot import denoise
from napari_zeroshot.engine.axes import parse
from napari_zeroshot.widgets.layers import Source, add_result
from napari_zeroshot.widgets.layout import Fold, RoomyScroll

IMAGES = Path(__file__).with_name("images")
SIZE = (1280, 840)
PATIENCE = 600


def main() -> None:
    """Make the pictures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--theme", default="dark", help="napari's theme")
    asked.add_argument("--folder", type=Path, default=IMAGES, help="where the pictures go")
    asked.add_argument("--only", choices=SHOTS, action="append", help="which pictures; all if left out")
    options = asked.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as settings:  # as on a computer on which napari was never used
        os.environ |= {"XDG_CONFIG_HOME": settings, "NAPARI_CONFIG": str(Path(settings, "napari.yaml"))}
        for name in options.only or SHOTS:
            SHOTS[name](options.theme, options.folder)


def shoot_denoise(theme: str, folder: Path) -> None:
    """Make the pictures of the Denoise dock: before, with a preview, during and after a run."""
    viewer = napari.Viewer(show=True)
    viewer.theme = theme
    viewer.window.resize(*SIZE)
    _, dock = viewer.window.add_plugin_dock_widget("napari-zeroshot", "Denoise")
    press(dock, "sample")
    shoot(viewer, folder / "denoise_before.png")

    press(dock, "preview")
    wait(lambda: "Previewed" in dock.findChild(QLabel, "message").text())
    shoot(viewer, folder / "denoise_preview.png")

    press(dock, "run")
    wait(lambda: curve_has(dock, 20) and dock.findChild(QSlider, "history").maximum() > 1)
    shoot(viewer, folder / "denoise_running.png")

    wait(lambda: dock.findChild(QPushButton, "run").isVisible())
    shoot(viewer, folder / "denoise_done.png")
    viewer.close()


def shoot_noise(theme: str, folder: Path) -> None:
    """Make the picture of the Noise dock, its part on FM2S unfolded."""
    viewer = napari.Viewer(show=True)
    viewer.theme = theme
    viewer.window.resize(SIZE[0], 1000)
    _, dock = viewer.window.add_plugin_dock_widget("napari-zeroshot", "Noise")
    press(dock, "sample")
    press(dock, "read")
    wait(lambda: dock.findChild(QPushButton, "read").isEnabled())
    for fold in dock.findChildren(Fold)[:2]:
        fold.unfold(False)
    dock.findChildren(Fold)[-1].unfold()
    scroll = dock.findChild(RoomyScroll).verticalScrollBar()
    settled = time.monotonic() + 1
    wait(lambda: time.monotonic() > settled)
    scroll.setValue(scroll.maximum())
    shoot(viewer, folder / "noise_dock.png")
    viewer.close()


def shoot_compare(theme: str, folder: Path) -> None:
    """Make the pictures of the Compare dock: a curtain with figures, and the residual of a blur."""
    viewer = napari.Viewer(show=True)
    viewer.theme = theme
    viewer.window.resize(SIZE[0], 1000)
    viewer.open_sample("napari-zeroshot", "noisy_plane")
    noisy = next(layer for layer in viewer.layers if layer.visible)
    source = Source.of(noisy, parse("YX", noisy.data.shape))
    denoised = add_result(viewer, source, denoise(noisy.data))
    blurred = add_result(viewer, source, denoise(noisy.data, "gaussian", sigma=3))
    truth = next(layer for layer in viewer.layers if layer.name.endswith("truth"))
    _, dock = viewer.window.add_plugin_dock_widget("napari-zeroshot", "Compare")
    for name, shown in (("curtain", [noisy, denoised]), ("residual", [noisy, blurred])):
        dock.set_layers(shown, truth)
        press(dock, name)
        press(dock, "measure")
        wait(lambda: dock.findChild(QPushButton, "measure").text() == "Measure")
        if name == "curtain":
            press(dock, "line")
        shoot(viewer, folder / f"compare_{name}.png")
        press(dock, "leave")
    viewer.close()


def shoot_tune(theme: str, folder: Path) -> None:
    """Make the pictures of the Tune dock: a slider moved, and a sweep."""
    viewer = napari.Viewer(show=True)
    viewer.theme = theme
    viewer.window.resize(SIZE[0], 1000)
    _, dock = viewer.window.add_plugin_dock_widget("napari-zeroshot", "Tune")
    press(dock, "sample")
    for place in (220, 250):
        dock.findChild(QSlider, "slider_alpha_ie").setValue(place)
        wait(lambda: "Denoised" in dock.findChild(QLabel, "message").text())
    shoot(viewer, folder / "tune_slider.png")

    (fold,) = (fold for fold in dock.findChildren(Fold) if fold.content().findChild(QPushButton, "sweep"))
    fold.unfold()
    dock.findChild(QLineEdit, "values_1").setText("0.1, 1, 10, 30, 100, 300")
    truth = dock.findChild(QComboBox, "truth")
    truth.setCurrentIndex(truth.findText("plane truth"))
    press(dock, "sweep")
    wait(lambda: dock.findChild(QPushButton, "png").isEnabled())
    scroll = dock.findChild(RoomyScroll).verticalScrollBar()
    settled = time.monotonic() + 1
    wait(lambda: time.monotonic() > settled)
    scroll.setValue(scroll.maximum())
    press_tile(dock, "tile_2")
    wait(lambda: time.monotonic() > settled + 1)
    scroll.setValue(scroll.maximum())
    shoot(viewer, folder / "tune_sweep.png")
    viewer.close()


def press_tile(dock: QWidget, name: str) -> None:
    """Press a tile of a sweep."""
    dock.findChild(QToolButton, name).click()


def press(dock: QWidget, button: str) -> None:
    """Press a button of the dock."""
    dock.findChild(QPushButton, button).click()


def curve_has(dock: QWidget, points: int) -> bool:
    """Whether the loss curve is there, and has some length."""
    plot = dock.findChild(QWidget, "loss")
    if plot is None:
        return False
    curve, _ = plot.listDataItems()
    return curve.xData is not None and len(curve.xData) >= points


def wait(true: Callable[[], bool]) -> None:
    """Let the window work until something is true."""
    give_up = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > give_up:
            raise TimeoutError("the dock did not get there")
        QApplication.processEvents()
        time.sleep(0.01)


def shoot(viewer: napari.Viewer, path: Path) -> None:
    """Save the whole window, once it has settled."""
    settled = time.monotonic() + 1
    wait(lambda: time.monotonic() > settled)
    viewer.window.screenshot(path, canvas_only=False, flash=False)


SHOTS = {"denoise": shoot_denoise, "noise": shoot_noise, "tune": shoot_tune, "compare": shoot_compare}


if __name__ == "__main__":
    main()
