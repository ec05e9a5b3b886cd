"""The sample data opens in napari with names, scale and units."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("napari")

from napari.layers import Layer

from napari_zeroshot.widgets import samples

SAMPLES = {
    "plane": (samples.noisy_plane, ("Y", "X"), ["micrometer"] * 2, (0.11, 0.11)),
    "stack": (samples.noisy_stack, tuple("TCZYX"), ["second", "pixel", "micrometer", "micrometer", "micrometer"], (30, 1, 0.4, 0.16, 0.16)),
    "rgb": (samples.noisy_rgb, ("Y", "X"), ["micrometer"] * 2, (0.5, 0.5)),
}


@pytest.mark.parametrize(("make", "labels", "units", "scale"), SAMPLES.values(), ids=SAMPLES.keys())
def test_noisy_layer_lies_over_its_truth(make, labels, units, scale) -> None:
    truth, noisy = (Layer.create(*data) for data in make())
    for layer in (truth, noisy):
        assert (layer.axis_labels, [str(unit) for unit in layer.units]) == (labels, units)
        np.testing.assert_allclose(layer.scale, scale)
    assert (noisy.visible, truth.visible) == (True, False)
    assert noisy.name.startswith("noisy")
    assert truth.name.endswith("truth")
    assert noisy.data.shape == truth.data.shape
    assert noisy.rgb == (make is samples.noisy_rgb)
