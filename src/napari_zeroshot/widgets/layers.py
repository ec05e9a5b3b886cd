"""napari layer to engine image and back: axes, names, and everything a result takes over from its source."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.transforms import CompositeAffine
from numpy.typing import NDArray

from napari_zeroshot.engine.alpha import without_alpha
from napari_zeroshot.engine.axes import IN_PLANE, NAMES, Axes, letters_of
from napari_zeroshot.engine.method import never
from napari_zeroshot.engine.region import Region, cut
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.engine.result import Result
from napari_zeroshot.engine.sweep_files import record
from napari_zeroshot.engine.sweep_tiles import Sweep
from napari_zeroshot.widgets.naming import told_changes

if TYPE_CHECKING:
    import napari
    from napari.layers import Image

METADATA = "napari-zeroshot"
"""The key of a result's provenance in its layer's metadata."""
PLACED = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
"""Where a layer lies."""
TAKEN_OVER = (*PLACED, "gamma", "blending", "contrast_limits")
"""What a result has from its source, besides the colormap."""
SWEPT = "napari-zeroshot sweep"
"""The key of how a sweep's tiles were made in their layer's metadata."""
PREVIEW = "napari-zeroshot preview"
"""The key in the metadata of the layer that previews are shown in."""
LEAST_SEEN = 32
"""A visible region is made no smaller than this, in pixels, where the image is not."""
MOST_CHANNELS = 5
"""An unnamed axis longer than this is not taken for channels."""


def pixels(layer: Image) -> Any:
    """The layer's array, itself; of a multiscale one, its full resolution; of one with an alpha channel, a view of red, green and blue. None is read."""
    whole = _whole(layer)
    return _unread(whole)[..., :3] if layer.rgb and whole.shape[-1] > 3 else whole


def _unread(whole: Any) -> Any:
    """The array as one of which a part can be named without being read, as it would be of zarr's."""
    if isinstance(whole, np.ndarray) or hasattr(whole, "dask") or hasattr(whole, "dims"):
        return whole
    import dask.array  # here, for it takes long

    return dask.array.from_array(whole, name=False)


def _whole(layer: Image) -> Any:
    return layer.data[0] if layer.multiscale else layer.data


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
    whole: Any
    """The layer's own array, with its alpha channel if it has one: the same one for as long as the layer has these pixels."""

    @classmethod
    def of(cls, layer: Image, axes: Axes) -> Source:
        """Note what a run on this layer needs; its pixels are looked at later, by `check_opaque`."""
        look = {name: getattr(layer, name) for name in TAKEN_OVER} | {"rgb": layer.rgb, "multiscale": False}
        if not layer.rgb:
            look["colormap"] = layer.colormap
        return cls(layer, layer.name, pixels(layer), axes, look, _whole(layer))

    def check_opaque(self, region: Region | None = None, cancelled: Callable[[], bool] = never) -> None:
        """Look through the alpha channel of a region, or of all, plane by plane: not in the window's thread, which would stand still meanwhile.

        Raises
        ------
        FileError
            If some pixels are see-through.
        """
        if not self.look["rgb"] or self.whole.shape[-1] != 4:
            return
        letters = self.axes.letters
        alpha = cut(self.whole, Axes(letters, self.whole.shape), {**(region or {}), letters[-1]: (3, 4)})
        planes = Axes(letters, alpha.shape)
        for index in planes.planes():
            if cancelled():
                return
            without_alpha(planes.read(alpha, index), 0)

    def place(self, start: Sequence[int]) -> NDArray[Any]:
        """The translation of a layer that begins at this pixel: the source's affine comes on top."""
        turned = CompositeAffine(self.look["scale"], self.look["translate"], rotate=self.look["rotate"], shear=self.look["shear"])
        return np.asarray(turned(list(start)[: len(self.look["scale"])]))

    def start(self, region: Region) -> list[int]:
        """The first pixel of a region."""
        return [region.get(letter, (0, 0))[0] for letter in self.axes.letters]

    def visible(self, viewer: napari.Viewer, most: int | None = None) -> dict[str, tuple[int, int]]:
        """The part of the plane in view that can be seen, no more than `most` pixels along Y and X, about the middle of the view."""
        middle = np.asarray(viewer.dims.point, float)
        shown = list(viewer.dims.displayed)
        middle[shown] = camera(viewer).center[-len(shown) :]
        middle = np.asarray(self.layer.world_to_data(middle))
        seen = self._seen()
        region = {letter: (at, at + 1) for letter, at in self.plane_in_view(viewer).items()}
        return region | {letter: _about(middle[self.axes.letters.index(letter)], *seen[letter], self.axes.size(letter), most) for letter in "YX"}

    def _seen(self) -> dict[str, tuple[int, int]]:
        """What of Y and X is on the screen, as far as napari has drawn it; the whole before that."""
        factors = self.layer.downsample_factors[self.layer.data_level] if self.layer.multiscale else np.ones(self.layer.ndim)
        low, high = (self.layer.corner_pixels * factors).astype(int)
        ends = zip(self.axes.letters, low, high, strict=False)
        return {letter: (int(first), int(last) + 1) if last > first else (0, self.axes.size(letter)) for letter, first, last in ends}

    def plane_in_view(self, viewer: napari.Viewer) -> dict[str, int]:
        """Which of the image's planes the viewer's sliders point at."""
        return plane_in_view(self.layer, self.axes, viewer)


def plane_in_view(layer: Image, axes: Axes, viewer: napari.Viewer) -> dict[str, int]:
    """Which plane of a layer with these axes the viewer's sliders point at; no pixel is looked at."""
    place = layer.world_to_data(viewer.dims.point)
    return {
        letter: int(np.clip(round(float(along)), 0, axes.size(letter) - 1))
        for letter, along in zip(axes.letters, place, strict=False)
        if letter not in IN_PLANE
    }


def camera(viewer: napari.Viewer) -> Any:
    """The viewer's camera, wherever this napari keeps it."""
    return viewer.scene.camera if hasattr(viewer, "scene") else viewer.camera


def _about(middle: float, first: int, end: int, size: int, most: int | None) -> tuple[int, int]:
    """A stretch about the middle of what is seen, within the image, neither tiny nor longer than `most`."""
    length = min(max(end - first, LEAST_SEEN), size, most or size)
    start = round(float(middle) - length / 2) if length < end - first else (first + end - length) // 2
    start = min(max(start, 0), size - length)
    return start, start + length


def result_size(source: Source, shape: Sequence[int], *, as_float32: bool) -> int:
    """Bytes of a result of this shape."""
    return math.prod(shape) * (4 if as_float32 else np.dtype(source.data.dtype).itemsize)


def add_result(viewer: napari.Viewer, source: Source, result: Result, region: Region | None = None, preview: Preview | None = None) -> Image:
    """A layer with the result, in the place of its region, selected; the source is hidden if all of it is denoised.

    It is the layer of the `preview`, if that is given and still there: to take one away and add another holds the window up.
    """
    name = unique_name(result_name(source.name, result), [layer.name for layer in viewer.layers])
    metadata = {**source.layer.metadata, METADATA: result.provenance()}
    shown = preview.handed_over(source) if preview is not None else None
    if shown is None:
        added = add_layer(viewer, source, result.image, region or {}, name=name, metadata=metadata)
    else:
        added = shown
        _put(added, source, result.image, source.start(region or {}))
        added.metadata, added.name, added.visible = metadata, name, True
        viewer.layers.selection.active = added
    if source.layer in viewer.layers and not region:
        source.layer.visible = False
    return added


def add_layer(viewer: napari.Viewer, source: Source, data: Any, region: Region, **told: Any) -> Image:
    """A new layer that looks like its source and lies on its region of it."""
    return viewer.add_image(data, **{**source.look, "translate": source.place(source.start(region)), **told})  # type: ignore[return-value]


def add_sweep(viewer: napari.Viewer, source: Source, sweep: Sweep) -> Image:
    """A new layer with a sweep's tiles as a stack, in the place of its region, with an axis for each thing that was varied."""
    labels = [axis.name for axis in sweep.axes]
    varied = "; ".join(axis.told for axis in sweep.axes)
    name = unique_name(f"{source.name} · sweep · {varied}", [layer.name for layer in viewer.layers])
    look = {**source.look, **_place_of_planes(source, source.start(sweep.region), labels)}
    return viewer.add_image(sweep.stack(), name=name, metadata={SWEPT: record(sweep)}, **look)  # type: ignore[return-value]


def _place_of_planes(source: Source, start: Sequence[int], labels: Sequence[str]) -> dict[str, Any]:
    """Where planes of a source lie that are stacked along other axes than its own."""
    inside = [source.axes.letters.index(letter) for letter in source.axes.letters if letter in "YX"]
    more, ndim = len(labels), len(source.look["scale"])
    shear = np.eye(ndim)
    shear[np.triu_indices(ndim, 1)] = source.look["shear"]
    affine = np.asarray(source.look["affine"])

    def grown(matrix: NDArray[Any]) -> NDArray[Any]:
        whole = np.eye(more + len(inside))
        whole[more:, more:] = matrix[np.ix_(inside, inside)]
        return whole

    def vector(values: Any, rest: Any) -> list[Any]:
        return [*(rest for _ in labels), *(values[place] for place in inside)]

    world = np.eye(more + len(inside) + 1)
    world[:-1, :-1], world[:-1, -1] = grown(affine[:-1, :-1]), vector(affine[:-1, -1], 0.0)
    return {
        "scale": vector(source.look["scale"], 1.0),
        "translate": vector(source.place(start), 0.0),
        "rotate": grown(np.asarray(source.look["rotate"])),
        "shear": grown(shear),
        "affine": world,
        "units": vector(source.look["units"], "pixel"),
        "axis_labels": [*labels, *(source.look["axis_labels"][place] for place in inside)],
    }


def _put(layer: Image, source: Source, data: Any, start: Sequence[int]) -> None:
    """Have a layer of the same source show other data, which begins at this pixel."""
    layer.data = data
    for name, value in {**source.look, "translate": source.place(start)}.items():
        if name in PLACED and not np.array_equal(getattr(layer, name), value):
            setattr(layer, name, value)


def result_name(source: str, result: Result) -> str:
    """``noisy · ZS-N2M real · α_ie 30, 300 steps``: the source, the method with its preset, and what differs from it."""
    method = get_method(result.method)
    usual = method.settings(result.preset)
    decided = {name for name, value in usual.to_dict().items() if value == "auto"}  # by the run, not by the user
    changes = {name: value for name, value in result.params.changed_from(usual).items() if name not in decided}
    preset = "" if result.preset == "default" else f" {result.preset}"
    network = f"network of {result.network['name'] or 'another image'}" if result.network else ""
    return " · ".join(part for part in (source, f"{method.title}{preset}", told_changes(method, changes), network) if part)


def unique_name(name: str, taken: Collection[str]) -> str:
    """The name, or with `` (2)``, `` (3)`` and so on if it is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free


def limits_of(layer: Any) -> tuple[float, float]:
    """The levels that a layer shows as black and white."""
    low, high = layer.contrast_limits
    return float(low), float(high)


class Preview:
    """The one layer that shows an image so far: only the plane in view, where it lies in the source.

    Once the user deletes it, it stays away until the next preview or run.

    Parameters
    ----------
    region
        The part of the source that is denoised; the planes shown, and where they are, are counted within it.
    earlier
        The last preview, whose layer is taken over if it was of the same source.
    """

    def __init__(self, viewer: napari.Viewer, source: Source, region: Region | None = None, earlier: Preview | None = None) -> None:
        self._viewer, self._source, self._region = viewer, source, region or {}
        self._layer: Image | None = None
        if earlier is not None:
            self._layer = earlier.handed_over(source)

    def handed_over(self, source: Source) -> Image | None:
        """Its layer, which it has no more, for something else of the same source; if that is of another, the layer is removed."""
        if self._source.layer is not source.layer or self._source.axes != source.axes:
            self.remove()
        layer = self._layer if self.shown else None
        self._layer = None
        return layer

    @property
    def wanted(self) -> bool:
        """Whether the user has not deleted it."""
        return self._layer is None or self._layer in self._viewer.layers

    @property
    def shown(self) -> bool:
        """Whether there is a layer."""
        return self._layer is not None and self.wanted

    def show(self, plane: NDArray[Any], at: Mapping[str, int]) -> None:
        """Show a plane, Y, X and S in the image's order, in its place."""
        if not self.wanted:
            return
        data = plane[tuple(slice(None) if letter in IN_PLANE else np.newaxis for letter in self._source.axes.letters)]
        start = [first + at.get(letter, 0) for letter, first in zip(self._source.axes.letters, self._source.start(self._region), strict=True)]
        if self._layer is None:
            self._add(data, start)
        else:
            _put(self._layer, self._source, data, start)

    def _add(self, data: NDArray[Any], start: Sequence[int]) -> None:
        selected = set(self._viewer.layers.selection)
        told = {"name": "preview", "translate": self._source.place(start), "metadata": {PREVIEW: True}}
        self._layer = self._viewer.add_image(data, **{**self._source.look, **told})  # type: ignore[assignment]
        self._viewer.layers.selection = selected

    def remove(self) -> None:
        """Take the layer away, if it is still there."""
        if self._layer is not None and self._layer in self._viewer.layers:
            self._viewer.layers.remove(self._layer)
        self._layer = None
