"""The viewer while images are compared: one view at a time, and everything as it was on leaving."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari_zeroshot.widgets.alike import Alike
from napari_zeroshot.widgets.choice import Choice
from napari_zeroshot.widgets.compare_views import Flip, Grid, Residual, say
from napari_zeroshot.widgets.curtain import Curtain
from napari_zeroshot.widgets.viewer_state import ViewerState, text

if TYPE_CHECKING:
    import napari

VIEWS = ("curtain", "flip", "grid", "residual")


class Stage:
    """Shows a choice of images in one of the `VIEWS`; `leave` puts the viewer back.

    Parameters
    ----------
    on_moved
        Told that the curtain's split was dragged.
    on_left
        Told that the viewer was put back because a layer of the view was deleted.
    """

    def __init__(self, viewer: napari.viewer.Viewer, *, on_moved: Callable[[], None], on_left: Callable[[], None]) -> None:
        self._viewer, self._on_moved, self._on_left = viewer, on_moved, on_left
        self._before: ViewerState | None = None
        self._alike: Alike | None = None
        self._kept: tuple[Any, ...] = ()
        self.name: str | None = None
        self.view: Curtain | Flip | Grid | Residual | None = None

    def show(self, name: str, choice: Choice, *, same_contrast: bool, kept: tuple[Any, ...] = ()) -> None:
        """Show the images; other layers are hidden meanwhile, but for those that are `kept`."""
        self._take_down()
        self.remember()
        self._viewer.dims.ndisplay = 2
        text(self._viewer).visible = False
        for layer in self._viewer.layers:
            layer.visible = layer in kept and name != "grid"
        self.set_same_contrast(choice, same_contrast)
        self.name, self.view = name, self._made(name, choice)
        self._viewer.layers.events.removed.connect(self._on_removed)

    @property
    def entered(self) -> bool:
        """Whether there is something to go back to."""
        return self._before is not None

    def remember(self) -> None:
        """Note how the viewer is, to go back to, unless that is noted already."""
        if self._before is None:
            self._before = ViewerState.of(self._viewer)

    def set_same_contrast(self, choice: Choice, wanted: bool) -> None:
        """Give all images the first one's contrast from now on, or each its own again."""
        if self._alike is not None:
            self._alike.end()
            self._alike = None
        if self._before is None or choice.images[0].rgb:
            return
        if wanted:
            self._alike = Alike(choice.images, ("contrast_limits",))
        else:
            self._before.restore_contrast(choice.images)

    def redraw(self) -> None:
        """Show what the images hold now, if a view is shown."""
        if self.view is not None:
            self.view.redraw()

    def leave(self) -> None:
        """Put the viewer back as it was before the first view."""
        self._take_down()
        if self._before is not None:
            before, self._before = self._before, None
            before.restore(self._viewer)

    @property
    def layers(self) -> tuple[Any, ...]:
        """The layers that the view has added."""
        return self.view.layers if self.view is not None else ()

    def _made(self, name: str, choice: Choice) -> Curtain | Flip | Grid | Residual:
        if name == "curtain":
            left, right = choice.images[:2]
            say(self._viewer, f"{left.name}  |  {right.name}")
            return Curtain(self._viewer, left, right, self._on_moved)
        if name == "flip":
            return Flip(self._viewer, choice.images)
        if name == "grid":
            return Grid(self._viewer, choice.images)
        return Residual(self._viewer, choice.images, choice.axes)

    def _take_down(self) -> None:
        if self.view is not None:
            self._viewer.layers.events.removed.disconnect(self._on_removed)
            view, self.view, self.name = self.view, None, None
            view.remove()
        if self._alike is not None:
            self._alike.end()
            self._alike = None

    def _on_removed(self, event: Any) -> None:
        if event.value in self.layers:
            self.leave()
            self._on_left()
