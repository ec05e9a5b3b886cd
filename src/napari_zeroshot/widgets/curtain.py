"""The curtain: one image left of a split, another right of it; the split is dragged on the canvas."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_zeroshot.widgets.alike import Alike
from napari_zeroshot.widgets.canvas_line import CanvasLine
from napari_zeroshot.widgets.layers import PLACED, PREVIEW, camera, pixels

if TYPE_CHECKING:
    import napari

REACH = 12
"""The split is taken hold of from so far, in pixels of the screen."""
SHARED = ("contrast_limits", "gamma", "colormap")


class Curtain:
    """Shows `left` over `right`, as far as the split.

    What is shown of `left` is a layer of its own, a view of its array cut off at the split: it follows the viewer's
    sliders as any layer does, and no pixel is copied. The user's layers are not touched.

    Parameters
    ----------
    on_moved
        Told that the split was dragged.
    """

    def __init__(self, viewer: napari.viewer.Viewer, left: Image, right: Image, on_moved: Callable[[], None]) -> None:
        self._viewer, self._left, self._on_moved = viewer, left, on_moved
        self._split = max(1, self.size // 2)
        selected = set(viewer.layers.selection)
        look = {name: getattr(left, name) for name in (*PLACED, "opacity", "gamma")}
        if not left.rgb:
            look |= {"colormap": left.colormap, "contrast_limits": left.contrast_limits}
        told = {"name": "curtain", "metadata": {PREVIEW: True}, "rgb": left.rgb, "multiscale": False}
        right.visible = True
        self.layer: Image = viewer.add_image(self._cut(), **look, **told)  # type: ignore[assignment]
        self._alike = Alike((left, self.layer), () if left.rgb else SHARED)
        self._line = CanvasLine(viewer, left, self._ends(), name="split", colour="white", width=2)
        self._line.layer.editable = False
        viewer.layers.selection = selected
        viewer.mouse_drag_callbacks.append(self._on_drag)
        viewer.dims.events.order.connect(self._on_order)
        left.events.data.connect(self._on_data)

    @property
    def layers(self) -> tuple[Any, ...]:
        """The layers that it has added."""
        return self.layer, self._line.layer

    @property
    def size(self) -> int:
        """How many columns, or what else lies from left to right, there are to split."""
        return int(pixels(self._left).shape[self._axis])

    @property
    def split(self) -> int:
        """How many columns of the left image are shown."""
        return self._split

    def set_split(self, split: int) -> None:
        """Show so many columns of the left image; from 1 to all."""
        split = min(max(split, 1), self.size)
        if split != self._split:
            self._split = split
            self.redraw()

    def remove(self) -> None:
        """Take its layers away."""
        self._viewer.mouse_drag_callbacks.remove(self._on_drag)
        self._viewer.dims.events.order.disconnect(self._on_order)
        self._left.events.data.disconnect(self._on_data)
        self._alike.end()
        self._line.remove()
        if self.layer in self._viewer.layers:
            self._viewer.layers.remove(self.layer)

    @property
    def _axis(self) -> int:
        """The image's axis that the screen shows from left to right."""
        return int(self._viewer.dims.displayed[-1]) - self._viewer.dims.ndim + self._left.ndim

    def _cut(self) -> Any:
        cut = [slice(None)] * pixels(self._left).ndim
        cut[self._axis] = slice(0, self._split)
        return pixels(self._left)[tuple(cut)]

    def redraw(self) -> None:
        """Show what the left image holds now, as far as the split."""
        self.layer.data = self._cut()
        self._line.move(self._ends())

    def _ends(self) -> NDArray[Any]:
        """Where the split lies, in the world's last two axes: along the plane in view, from edge to edge."""
        ends = np.array([np.zeros(self._left.ndim), np.array(pixels(self._left).shape[: self._left.ndim]) - 1.0])
        ends[:, self._axis] = self._split
        ends -= 0.5 * (np.arange(self._left.ndim) == self._axis)
        return np.array([self._left.data_to_world(end)[-2:] for end in ends])

    def _on_order(self, _event: Any = None) -> None:
        self._split = max(1, self.size // 2)
        self.redraw()
        self._on_moved()

    def _on_data(self, _event: Any = None) -> None:
        self.redraw()

    def _on_drag(self, viewer: Any, event: Any) -> Generator[None, None, None]:
        """Drag the split, if the mouse is pressed near it; the picture then stays where it is."""
        if not self._near(event.position):
            return
        view = camera(viewer)
        pans, view.mouse_pan = view.mouse_pan, False
        yield
        while event.type == "mouse_move":
            self.set_split(round(self._place(event.position)[self._axis] + 0.5))
            self._on_moved()
            yield
        view.mouse_pan = pans

    def _place(self, position: Any) -> NDArray[Any]:
        return np.asarray(self._left.world_to_data(np.asarray(position)[-self._left.ndim :]))

    def _near(self, position: Any) -> bool:
        here = self._place(position)
        there = here.copy()
        there[self._axis] = self._split - 0.5
        apart = np.subtract(self._left.data_to_world(here), self._left.data_to_world(there))
        return bool(np.linalg.norm(apart) * camera(self._viewer).zoom < REACH)
