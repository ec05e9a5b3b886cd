"""napari's sample data: noisy images with their truth, made when opened."""

from __future__ import annotations

from napari_zeroshot.engine.synthetic import Sample, sample_plane, sample_rgb, sample_stack
from napari_zeroshot.widgets.saving import LayerData, layer_data


def noisy_plane() -> list[LayerData]:
    """One confocal plane, and its truth."""
    return _layers(sample_plane())


def noisy_stack() -> list[LayerData]:
    """A stack of times, channels and slices, and its truth."""
    return _layers(sample_stack())


def noisy_rgb() -> list[LayerData]:
    """A stained tissue section in colour, and its truth."""
    return _layers(sample_rgb())


def _layers(sample: Sample) -> list[LayerData]:
    """The truth is hidden, and shown with the contrast of the noisy layer."""
    limits = {} if "S" in (sample.truth.axes or "") else {"contrast_limits": (float(sample.truth.array.min()), float(sample.truth.array.max()))}
    return [layer_data(sample.truth, visible=False, **limits), layer_data(sample.noisy, **limits)]
