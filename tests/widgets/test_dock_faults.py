"""The Denoise dock when a run fails amid its planes or at its start: what was finished is kept, and the next run works."""

import dask.array as da
import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_zeroshot.widgets import denoise as dock_module
from napari_zeroshot.widgets import filling
from napari_zeroshot.widgets.filling import Filling

pytestmark = pytest.mark.gui
ERRORS = {
    "card": RuntimeError("CUDA error: unspecified launch failure"),
    "memory": MemoryError("Unable to allocate 9 GiB"),
    "unforeseen": ValueError("damaged chunk"),
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_planes_finished_before_a_failure_become_a_layer_and_the_dock_is_usable_again(dock, noisy, monkeypatch, error):
    planes, told, put = [], [], Filling.__setitem__

    def fail_at_the_third(filling, *arguments):
        planes.append(1)
        if len(planes) == 3:
            raise error
        put(filling, *arguments)

    monkeypatch.setattr(dock_module, "show_error", told.append)
    monkeypatch.setattr(Filling, "__setitem__", fail_at_the_third)
    dock.viewer.add_image(np.stack([noisy] * 4), name="noisy", axis_labels=("t", "y", "x"))
    dock["method"].setCurrentIndex(dock["method"].findData("median"))
    dock.press("run")
    dock.until_over()
    dock.viewer.layers["noisy"].visible = True
    assert len(told) == 1
    assert str(error) in told[0]
    assert "2 of 4 planes are denoised, the others are empty" in dock.message
    dock.press("details")
    assert "Traceback" in QApplication.clipboard().text()
    kept = dock.viewer.layers[-1]
    assert kept.name.startswith("noisy · Median")
    assert kept.data[:2].any(axis=(1, 2)).all()
    assert not kept.data[2:].any()
    assert not kept.metadata["napari-zeroshot"]["complete"]
    dock.press("run")
    dock.until_over()
    assert dock.viewer.layers[-1].data.any(axis=(1, 2)).all()


def test_no_empty_layer_is_left_of_a_run_that_failed_before_its_first_plane(dock, noisy, monkeypatch):
    monkeypatch.setattr(dock_module, "show_error", str)
    monkeypatch.setattr(filling, "LARGE", 0)
    gaps = noisy.astype(np.float32)
    gaps[3, 4] = np.nan
    source = dock.viewer.add_image(da.from_array(gaps), name="gaps", contrast_limits=(0, 400))
    dock["method"].setCurrentIndex(dock["method"].findData("median"))
    dock.press("run")
    dock.until_over()
    assert "row 3, column 4" in dock.message
    assert dock.names() == ["gaps"]
    assert source.visible


def full(*_, **__):
    raise OSError(28, "No space left on device")


def short(*_, **__):
    raise MemoryError("Unable to allocate 90 GiB")


@pytest.mark.parametrize(
    ("least_on_disk", "where", "error", "said"),
    [(0, "mkdtemp", full, "make room there"), (2**40, "zeros", short, "close other programs"), (0, "device", None, "cuda:99")],
    ids=["disk", "memory", "device"],
)
def test_a_run_that_cannot_begin_says_why_and_the_dock_is_usable_again(dock, noisy, monkeypatch, least_on_disk, where, error, said):
    pytest.importorskip("torch")  # what knows which devices there are
    with monkeypatch.context() as begun:
        begun.setattr(filling, "LARGE", least_on_disk)
        begun.setattr(dock_module, "show_error", str)
        dock.viewer.add_image(da.from_array(noisy), name="noisy")
        dock.quick(steps=5)
        if where == "device":
            dock["device"].setCurrentText("cuda:99")
        else:
            begun.setattr(filling.tempfile if where == "mkdtemp" else filling.np, where, error)
        dock.press("run")
        dock.until_over()
        assert said in dock.message
        assert dock.names() == ["noisy"]
        assert dock["progress"].maximum() == 1  # no bar moves
    dock["device"].setCurrentText("cpu")
    dock.press("run")
    dock.until_over()
    assert dock.viewer.layers[-1].name.startswith("noisy · ZS-N2N")
