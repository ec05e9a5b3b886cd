"""The Denoise dock when a run fails amid its planes: what was finished is kept, and the next run works."""

import numpy as np
import pytest

from napari_zeroshot.widgets import denoise as dock_module
from napari_zeroshot.widgets.filling import Filling

pytestmark = pytest.mark.gui
ERRORS = {"card": RuntimeError("CUDA error: unspecified launch failure"), "memory": MemoryError("Unable to allocate 9 GiB")}


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
    kept = dock.viewer.layers[-1]
    assert kept.name.startswith("noisy · Median")
    assert kept.data[:2].any(axis=(1, 2)).all()
    assert not kept.data[2:].any()
    assert not kept.metadata["napari-zeroshot"]["complete"]
    dock.press("run")
    dock.until_over()
    assert dock.viewer.layers[-1].data.any(axis=(1, 2)).all()
