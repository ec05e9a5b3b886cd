"""The viewer as it is, to put it back: layers, what each looks like, grid, camera, dims and text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_zeroshot.widgets.layers import camera

if TYPE_CHECKING:
    import napari

LOOKS = ("visible", "opacity", "blending", "contrast_limits_range", "contrast_limits", "gamma", "colormap")
GRID = ("stride", "shape", "spacing", "enabled")
CAMERA = ("angles", "zoom", "center", "mouse_pan", "mouse_zoom")
TEXT = ("text", "position", "visible")


def grid(viewer: napari.viewer.Viewer) -> Any:
    """The viewer's grid, wherever this napari keeps it."""
    return viewer.canvas.grid if hasattr(viewer, "canvas") else viewer.grid


def text(viewer: napari.viewer.Viewer) -> Any:
    """The text that the viewer shows over the image, wherever this napari keeps it."""
    return viewer.canvas.overlays.text if hasattr(viewer, "canvas") else viewer.text_overlay


@dataclass(frozen=True, eq=False)
class ViewerState:
    """What `of` saw; layers that came later are left alone by `restore`, and those that went stay away."""

    order: tuple[Any, ...]
    looks: Mapping[Any, Mapping[str, Any]]
    named: Mapping[Any, bool]
    selected: frozenset[Any]
    active: Any
    grid: Mapping[str, Any]
    camera: Mapping[str, Any]
    text: Mapping[str, Any]
    ndisplay: int
    dims_order: tuple[int, ...]
    point: tuple[float, ...]

    @classmethod
    def of(cls, viewer: napari.viewer.Viewer) -> ViewerState:
        """Note how the viewer is."""
        layers = tuple(viewer.layers)
        return cls(
            order=layers,
            looks={layer: _seen(layer, LOOKS) for layer in layers},
            named={layer: layer.name_overlay.visible for layer in layers if hasattr(layer, "name_overlay")},
            selected=frozenset(viewer.layers.selection),
            active=viewer.layers.selection.active,
            grid=_seen(grid(viewer), GRID),
            camera=_seen(camera(viewer), CAMERA),
            text=_seen(text(viewer), TEXT),
            ndisplay=viewer.dims.ndisplay,
            dims_order=tuple(viewer.dims.order),
            point=tuple(viewer.dims.point),
        )

    def restore(self, viewer: napari.viewer.Viewer) -> None:
        """Put it back."""
        there = [layer for layer in self.order if layer in viewer.layers]
        for place, layer in enumerate(there):
            viewer.layers.move(viewer.layers.index(layer), place)
            _set(layer, self.looks[layer])
            if layer in self.named:
                layer.name_overlay.visible = self.named[layer]
        viewer.layers.selection = {layer for layer in self.selected if layer in there}
        if self.active in there:
            viewer.layers.selection.active = self.active
        viewer.dims.ndisplay = self.ndisplay
        if viewer.dims.ndim == len(self.dims_order):
            viewer.dims.order = self.dims_order
            viewer.dims.point = self.point
        _set(grid(viewer), self.grid)
        _set(text(viewer), self.text)
        _set(camera(viewer), self.camera)

    def restore_contrast(self, layers: Iterable[Any]) -> None:
        """Give these layers the contrast back that they had."""
        for layer in layers:
            _set(layer, {name: value for name, value in self.looks.get(layer, {}).items() if name.startswith("contrast")})


def _seen(thing: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _copied(getattr(thing, name)) for name in names if hasattr(thing, name)}


def _copied(value: Any) -> Any:
    return list(value) if isinstance(value, list) else value  # a layer's limits are changed in place


def _set(thing: Any, values: Mapping[str, Any]) -> None:
    """Set what differs: setting what is there already would redraw, and emit events."""
    for name, value in values.items():
        now = getattr(thing, name)
        if now is not value and not (type(now) is type(value) and now == value):
            setattr(thing, name, value)
