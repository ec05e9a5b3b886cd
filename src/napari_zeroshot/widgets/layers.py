"""napari layer to engine image and back: axes, names, and everything a result takes over from its source."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.alpha import without_alpha
from napari_zeroshot.engine.axes import IN_PLANE, NAMES, Axes, letters_of
from napari_zeroshot.engine.method import Result
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.widgets.naming import told_changes

if TYPE_CHECKING:
    import napari
    from napari.layers import Image

METADATA = "napari-zeroshot"
"""The key of a result's provenance in its layer's metadata."""
TAKEN_OVER = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels", "gamma", "blending", "contrast_limits")
"""What a result has from its source, besides the colormap."""
MOST_CHANNELS = 5
"""An unnamed axis longer than this is not taken for channels."""


def pixels(layer: Image) -> Any:
    """The layer's array; of a multiscale one, its full resolution; of a colour one, red, green and blue."""
    full = layer.data[0] if layer.multiscale else layer.data
    return full[..., :3] if layer.rgb else full


def named_axes(layer: Image) -> str:
    """A letter for each dimension that the layer names, a space for each that it does not."""
    known = letters_of(pixels(layer))
    if known:
        return known
    letters = "".join(NAMES.get(str(label).lower(), " ") for label in layer.axis_labels)
    twice = any(letters.count(letter) > 1 for letter in letters if letter != " ")
    return (" " * len(letters) if twice else letters) + ("S" if layer.rgb else "")


def likely_axes(layer: Image) -> str:
    """The layer's own axes, and for unnamed ones the likeliest letters: a proposal for the user to check."""
    letters = list(named_axes(layer))
    for place in reversed(range(len(letters))):
        if letters[place] == " ":
            few = pixels(layer).shape[place] <= MOST_CHANNELS
            free = [letter for letter in ("XYZCT" if few else "XYZTC") if letter not in letters]
            letters[place] = free[0] if free else " "
    return "".join(letters).strip()


def axes_are_named(layer: Image) -> bool:
    """Whether nothing in `likely_axes` is a guess worth checking."""
    return " " not in named_axes(layer) or pixels(layer).ndim - bool(layer.rgb) == 2


@dataclass(frozen=True, eq=False)
class Source:
    """An image to denoise, as it is when the run begins; the layer may be renamed or deleted meanwhile."""

    layer: Image
    name: str
    data: Any
    axes: Axes
    look: Mapping[str, Any]

    @classmethod
    def of(cls, layer: Image, axes: Axes) -> Source:
        """Note what a run on this layer needs.

        Raises
        ------
        FileError
            If the layer has see-through pixels.
        """
        if layer.rgb and layer.data.shape[-1] == 4:
            without_alpha(layer.data[0] if layer.multiscale else layer.data, -1)
        look = {name: getattr(layer, name) for name in TAKEN_OVER} | {"rgb": layer.rgb, "multiscale": False}
        if not layer.rgb:
            look["colormap"] = layer.colormap
        return cls(layer, layer.name, pixels(layer), axes, look)

    def plane_in_view(self, viewer: napari.Viewer) -> dict[str, int]:
        """Which of the image's planes the viewer's sliders point at."""
        place = self.layer.world_to_data(viewer.dims.point)
        return {
            letter: int(np.clip(round(float(along)), 0, self.axes.size(letter) - 1))
            for letter, along in zip(self.axes.letters, place, strict=False)
            if letter not in IN_PLANE
        }


def result_size(source: Source, *, as_float32: bool) -> int:
    """Bytes of a result."""
    return math.prod(source.axes.shape) * (4 if as_float32 else np.dtype(source.data.dtype).itemsize)


def add_result(viewer: napari.Viewer, source: Source, result: Result) -> Image:
    """A new layer with the result, selected; the source is hidden."""
    metadata = {**source.layer.metadata, METADATA: result.provenance()}
    name = unique_name(result_name(source.name, result), [layer.name for layer in viewer.layers])
    added = viewer.add_image(result.image, name=name, metadata=metadata, **source.look)
    if source.layer in viewer.layers:
        source.layer.visible = False
    return added  # type: ignore[return-value]


def result_name(source: str, result: Result) -> str:
    """``noisy · ZS-N2M real · α_ie 30, 300 steps``: the source, the method with its preset, and what differs from it."""
    method = get_method(result.method)
    changes = result.params.changed_from(method.settings(result.preset))
    preset = "" if result.preset == "default" else f" {result.preset}"
    return " · ".join(part for part in (source, f"{method.title}{preset}", told_changes(method, changes)) if part)


def unique_name(name: str, taken: Collection[str]) -> str:
    """The name, or with `` (2)``, `` (3)`` and so on if it is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free


class Preview:
    """The one layer that shows a run's image so far: only the plane in view, where it lies in the source.

    Once the user deletes it, it stays away for the rest of the run.
    """

    def __init__(self, viewer: napari.Viewer, source: Source) -> None:
        self._viewer, self._source = viewer, source
        self._layer: Image | None = None

    @property
    def wanted(self) -> bool:
        """Whether the user has not deleted it."""
        return self._layer is None or self._layer in self._viewer.layers

    def show(self, plane: NDArray[Any], at: Mapping[str, int]) -> None:
        """Show a plane, Y, X and S in the image's order, in its place."""
        if not self.wanted:
            return
        data = plane[tuple(slice(None) if letter in IN_PLANE else np.newaxis for letter in self._source.axes.letters)]
        translate = self._place(at)
        if self._layer is None:
            selected = set(self._viewer.layers.selection)
            self._layer = self._viewer.add_image(data, name="preview", **{**self._source.look, "translate": translate})
            self._viewer.layers.selection = selected
        else:
            self._layer.data = data
            self._layer.translate = translate

    def _place(self, at: Mapping[str, int]) -> NDArray[Any]:
        """The translation that puts the plane where it lies in the source, whose affine comes on top."""
        layer = self._source.layer
        start = [at.get(letter, 0) for letter in self._source.axes.letters[: layer.ndim]]
        return np.asarray(layer.affine.inverse(layer.data_to_world(start)))

    def remove(self) -> None:
        """Take the layer away, if it is still there."""
        if self._layer is not None and self._layer in self._viewer.layers:
            self._viewer.layers.remove(self._layer)
        self._layer = None
