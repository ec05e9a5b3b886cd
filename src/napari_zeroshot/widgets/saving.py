"""Layers to files and back with pixel size, axes and provenance, which napari's own ways lose."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import napari.layers

from napari_zeroshot.engine.axes import Axes, parse
from napari_zeroshot.engine.errors import DenoiseError, ImageError
from napari_zeroshot.engine.image import Image, Scale
from napari_zeroshot.widgets.layers import METADATA, likely_axes, pixels

LayerData = tuple[Any, dict[str, Any], str]


def save_layer(path: str, data: Any, told: dict[str, Any]) -> list[str]:
    """napari's File > Save for one image layer: an OME-TIFF or OME-Zarr. napari has asked before about replacing a file."""
    from napari_zeroshot.engine.files import write  # here and below, for docks load this module, and it takes long

    layer = napari.layers.Layer.create(data, told, "image")
    write(path, image_of(layer), overwrite=True)  # type: ignore[arg-type]
    return [path]


def image_of(layer: napari.layers.Image) -> Image:
    """A layer's pixels with what the layer says of them."""
    axes, record = axes_of(layer), record_of(layer)
    return Image(pixels(layer), axes.letters, scale_of(layer, axes), name=layer.name, provenance=record)


def axes_of(layer: napari.layers.Image) -> Axes:
    """The axes that a result was made with; of other layers, the likeliest."""
    try:
        return parse(str((record_of(layer) or {}).get("axes")), pixels(layer).shape)
    except ImageError:
        return parse(likely_axes(layer), pixels(layer).shape)


def scale_of(layer: napari.layers.Image, axes: Axes) -> Scale:
    """The size of a step along each axis; a pixel that is one pixel says nothing."""
    along = zip(axes.letters.replace("S", ""), layer.scale, layer.units, strict=True)
    return {letter: (float(size), str(unit)) for letter, size, unit in along if letter != "C" and (float(size), str(unit)) != (1.0, "pixel")}


def record_of(layer: Any) -> Mapping[str, Any] | None:
    """How a layer was made: from its metadata or, where another reader has dropped it, from the file that the layer was read from."""
    record = layer.metadata.get(METADATA)
    if isinstance(record, Mapping):
        return record
    path = layer.source.path
    return _record_in(str(path), Path(path).stat().st_mtime_ns) if path and Path(path).exists() else None


@lru_cache(maxsize=64)
def _record_in(path: str, changed: int) -> Mapping[str, Any] | None:
    """The record in a file as it was when it was last `changed`."""
    from napari_zeroshot.engine.files import read_provenance

    try:
        return read_provenance(path)
    except DenoiseError:
        return None


def layers_of(path: str | Path) -> list[LayerData]:
    """A file as a layer, with pixel size, axis labels and provenance."""
    from napari_zeroshot.engine.files import read

    return [layer_data(read(path))]


def layer_data(image: Image, **look: Any) -> LayerData:
    """An image as napari takes layers from plugins."""
    letters = parse(image.axes, image.array.shape).letters if image.axes or image.array.ndim == 2 else ""
    named = letters.replace("S", "")
    sizes = [image.scale.get(letter, (1.0, "pixel")) for letter in named]
    told: dict[str, Any] = {"name": image.name, "rgb": "S" in letters}
    if named:
        told |= {"scale": [size for size, _ in sizes], "units": [unit for _, unit in sizes], "axis_labels": list(named)}
    if image.provenance is not None:
        told["metadata"] = {METADATA: dict(image.provenance)}
    return image.array, {**told, **look}, "image"
