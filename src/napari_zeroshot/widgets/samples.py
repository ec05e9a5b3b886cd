"""napari's sample data: noisy images with their truth, made when opened."""

from __future__ import annotations

from typing import Any

from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.synthetic import Sample, sample_plane, sample_rgb, sample_stack

LayerData = tuple[Any, dict[str, Any], str]


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
    return [_layer(sample.truth, visible=False, **limits), _layer(sample.noisy, **limits)]


def _layer(image: Image, **look: Any) -> LayerData:
    letters = (image.axes or "").replace("S", "")
    sizes = [image.scale.get(letter, (1.0, "pixel")) for letter in letters]
    told = {
        "name": image.name,
        "scale": [size for size, _ in sizes],
        "units": [unit for _, unit in sizes],
        "axis_labels": list(letters),
        "rgb": "S" in (image.axes or ""),
    }
    return image.array, {**told, **look}, "image"
