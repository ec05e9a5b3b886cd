"""What OME-XML says of an image, and saying it ourselves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from math import prod
from typing import Any
from xml.etree import ElementTree

import numpy as np

from napari_zeroshot.engine.axes import Axes
from napari_zeroshot.engine.image import Image, Scale

NAMESPACE = "napari-zeroshot"
"""Of the annotation that holds what OME-XML has no place for."""

STORED = {"float16": "float32", "int64": "float64", "uint64": "float64"}
"""OME-TIFF lacks these types; each is stored as one that holds its values."""

LENGTHS = frozenset({"m", "dm", "cm", "mm", "µm", "nm", "pm", "Å", "in", "ft", "pixel"})
TIMES = frozenset({"d", "h", "min", "s", "ms", "µs", "ns"})
"""The units of OME-XML that images have; sizes in any other cannot be written."""

NAMES = {"X": "PhysicalSizeX", "Y": "PhysicalSizeY", "Z": "PhysicalSizeZ", "T": "TimeIncrement"}


@dataclass(frozen=True)
class Said:
    """What a file says of its image; `axes` and `dtype` are those before writing, if we wrote it."""

    scale: Scale = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    axes: str | None = None
    dtype: str | None = None
    provenance: Mapping[str, Any] | None = None


def parse_xml(text: str) -> Said:
    """What OME-XML says of its first image; nothing if it is malformed."""
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 tifffile has parsed the same text before
    except ElementTree.ParseError:
        return Said()
    pixels = root.find("{*}Image/{*}Pixels")
    ours = {entry.get("K"): entry.text or "" for entry in root.iterfind(f"{{*}}StructuredAnnotations/{{*}}MapAnnotation[@Namespace='{NAMESPACE}']//{{*}}M")}
    if pixels is None:
        return Said()
    return Said(_scale(pixels), _channels(pixels), ours.get("axes"), ours.get("dtype"), _json(ours.get("provenance")))


def declared_sizes(text: str) -> Iterator[tuple[int, int]]:
    """How many planes, and pixels in all of them, OME-XML claims for each of its images, where it gives whole numbers."""
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 as above
    except ElementTree.ParseError:
        return
    for pixels in root.iterfind("{*}Image/{*}Pixels"):
        with suppress(ValueError):
            sizes = [max(1, int(pixels.get(f"Size{letter}", "1"))) for letter in "TCZYX"]
            yield prod(sizes[:3]), prod(sizes)


def _scale(pixels: ElementTree.Element) -> Scale:
    scale = {}
    for letter, name in NAMES.items():
        size = float(pixels.get(name, "nan"))
        if np.isfinite(size) and size > 0:
            unit = pixels.get(f"{name}Unit", "s" if letter == "T" else "µm")
            scale[letter] = (size, unit)
    return scale


def _channels(pixels: ElementTree.Element) -> tuple[str, ...]:
    names = tuple(channel.get("Name", "") for channel in pixels.iterfind("{*}Channel"))
    return names if any(names) else ()


def _json(text: str | None) -> Mapping[str, Any] | None:
    try:
        found = json.loads(text or "null")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def metadata(image: Image, axes: Axes) -> dict[str, Any]:
    """What to tell tifffile, beside the stored axes, so that the file says what `image` says."""
    told: dict[str, Any] = {"Name": "".join(letter for letter in image.name if letter.isprintable())}
    for letter, (size, unit) in image.scale.items():
        if unit in (TIMES if letter == "T" else LENGTHS) and letter in NAMES and size > 0:
            told |= {NAMES[letter]: size, f"{NAMES[letter]}Unit": unit}
    if len(image.channels) == axes.size("C"):
        told["Channel"] = {"Name": list(image.channels)}
    ours = {"axes": axes.letters, "dtype": np.dtype(image.array.dtype).name}
    if image.provenance is not None:
        ours["provenance"] = json.dumps(dict(image.provenance), default=str)
    return told | {"MapAnnotation": {"Namespace": NAMESPACE, "Value": ours}}
