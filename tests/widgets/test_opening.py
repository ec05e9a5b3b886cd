"""Opening the docks: what a person does not need at first sight is loaded later."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.gui

OPENING = """
import sys, napari
viewer = napari.Viewer(show=False)
before = set(sys.modules)
for name in ("Denoise", "Tune", "Noise", "Compare"):
    viewer.window.add_plugin_dock_widget("napari-zeroshot", name)
print(*set(sys.modules) - before, flush=True)
before = set(sys.modules)
viewer.add_image(__import__("numpy").zeros((16, 16)))
print(*set(sys.modules) - before, flush=True)
__import__("os")._exit(0)
"""
HEAVY = {"torch", "scipy", "skimage", "dask", "pyqtgraph", "tifffile", "imageio", "zarr", "matplotlib"}
"""What takes longer to load than a dock to open; napari itself needs some of it for images."""


def test_neither_docks_nor_their_image_load_what_is_not_needed_at_first_sight():
    """Computing, plots and files come when they are asked for: so a dock opens in less than 0.3 s of the processor, see tools/opening_time.py."""
    ended = subprocess.run([sys.executable, "-c", OPENING], capture_output=True, text=True, timeout=120, check=True)  # noqa: S603
    docks, image = ({name.partition(".")[0] for name in line.split()} for line in ended.stdout.splitlines()[-2:])
    assert "napari_zeroshot" in docks
    assert not docks & HEAVY
    assert not image & {"torch", "pyqtgraph", "tifffile"}
