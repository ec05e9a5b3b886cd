"""The views of the Compare dock on a viewer without a window: what they show, and that they put everything back."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.key_bindings import coerce_keybinding

from napari_zeroshot.engine.axes import parse
from napari_zeroshot.widgets.alike import Alike
from napari_zeroshot.widgets.compare_views import Flip, Grid, Residual
from napari_zeroshot.widgets.curtain import Curtain
from napari_zeroshot.widgets.viewer_state import ViewerState

STACK = np.random.default_rng(0).integers(0, 1000, (3, 20, 30)).astype(np.uint16)
PLACE = {"scale": (2, 0.5, 0.5), "translate": (0, 7, 9), "axis_labels": ("t", "y", "x")}


@pytest.fixture
def viewer():
    """A viewer with two stacks, points and labels."""
    viewer = ViewerModel()
    viewer.add_image(STACK, name="noisy", contrast_limits=(0, 900), colormap="magma", **PLACE)
    viewer.add_image(STACK // 2, name="clean", contrast_limits=(0, 400), visible=False, **PLACE)
    viewer.add_points(np.ones((2, 3)), name="marks")
    viewer.add_labels(STACK > 500, name="cells", opacity=0.3)
    return viewer


def pair(viewer):
    return [viewer.layers["noisy"], viewer.layers["clean"]]


def position(layer, *place):
    return layer.data_to_world(place)


def dragged(viewer, start, *moves):
    """Press the mouse, move it, let it go; whether the picture was held still meanwhile."""
    event = SimpleNamespace(type="mouse_press", position=start)
    held = viewer.mouse_drag_callbacks[-1](viewer, event)
    if next(held, "passed on") == "passed on":
        return False
    still = not viewer.scene.camera.mouse_pan
    for place in moves:
        event.type, event.position = "mouse_move", place
        next(held)
    event.type = "mouse_release"
    next(held, None)
    return still


def test_everything_is_put_back(viewer):
    viewer.layers.selection = {viewer.layers["marks"]}
    viewer.dims.set_current_step(0, 2)
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0, 11, 12), 3.5
    viewer.canvas.overlays.text.text = "mine"
    before = ViewerState.of(viewer)
    viewer.layers.move(0, 4)
    for layer in viewer.layers:
        layer.visible = not layer.visible
    viewer.layers["noisy"].contrast_limits = (-5, 5000)
    viewer.layers["noisy"].gamma = 2
    viewer.layers["noisy"].colormap = "green"
    viewer.layers["noisy"].name_overlay.visible = True
    viewer.layers.selection.active = viewer.layers["clean"]
    viewer.dims.ndisplay, viewer.dims.order = 3, (2, 0, 1)
    viewer.dims.set_current_step(0, 1)
    viewer.canvas.grid.enabled, viewer.canvas.grid.stride = True, 2
    viewer.scene.camera.zoom = 9
    viewer.canvas.overlays.text.text, viewer.canvas.overlays.text.visible = "theirs", True
    before.restore(viewer)
    assert ViewerState.of(viewer).__dict__ == before.__dict__
    assert [layer.name for layer in viewer.layers] == ["noisy", "clean", "marks", "cells"]
    assert list(viewer.layers["noisy"].contrast_limits_range) == list(before.looks[viewer.layers["noisy"]]["contrast_limits_range"])


def test_layers_that_came_or_went_meanwhile_are_left_alone(viewer):
    before = ViewerState.of(viewer)
    viewer.layers.remove("marks")
    new = viewer.add_image(STACK[0], name="new", opacity=0.5)
    viewer.layers.move(viewer.layers.index(new), 0)
    before.restore(viewer)
    assert [layer.name for layer in viewer.layers] == ["noisy", "clean", "cells", "new"]
    assert new.opacity == 0.5


def test_curtain_shows_the_left_image_up_to_the_split_without_copying(viewer):
    curtain = Curtain(viewer, *pair(viewer), lambda: None)
    curtain.set_split(12)
    assert np.shares_memory(curtain.layer.data, STACK)
    assert np.array_equal(curtain.layer.data, STACK[..., :12])
    assert np.allclose(curtain.layer.extent.world[0], viewer.layers["noisy"].extent.world[0])
    assert viewer.layers["clean"].visible
    viewer.dims.set_point(0, 4)
    assert np.array_equal(curtain.layer.get_value(position(curtain.layer, 2, 5, 6), world=True), STACK[2, 5, 6])


@pytest.mark.parametrize(("split", "shown"), [(-3, 1), (1000, 30)])
def test_split_stays_within_the_image(viewer, split, shown):
    curtain = Curtain(viewer, *pair(viewer), lambda: None)
    curtain.set_split(split)
    assert (curtain.split, curtain.layer.data.shape[-1]) == (shown, shown)


def test_split_is_dragged_from_near_it_only(viewer):
    moved = []
    noisy, _ = pair(viewer)
    curtain = Curtain(viewer, *pair(viewer), lambda: moved.append(1))
    viewer.scene.camera.zoom = 10
    assert not dragged(viewer, position(noisy, 0, 5, 4), position(noisy, 0, 5, 20))
    assert curtain.split == 15
    assert dragged(viewer, position(noisy, 0, 5, 14.9), position(noisy, 0, 5, 17), position(noisy, 0, 5, 21.5))
    assert (curtain.split, len(moved)) == (22, 2)
    assert viewer.scene.camera.mouse_pan


def test_curtain_follows_colours_data_and_turned_axes(viewer):
    noisy, _ = pair(viewer)
    curtain = Curtain(viewer, *pair(viewer), lambda: None)
    noisy.contrast_limits, noisy.colormap = (100, 300), "green"
    assert (list(curtain.layer.contrast_limits), curtain.layer.colormap.name) == ([100, 300], "green")
    noisy.data = STACK + 1
    assert np.array_equal(curtain.layer.data, (STACK + 1)[..., :15])
    viewer.dims.order = (0, 2, 1)
    assert np.array_equal(curtain.layer.data, (STACK + 1)[:, :10])


def test_curtain_of_colour_images(viewer):
    colours = np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype(np.uint8)
    left, right = viewer.add_image(colours, rgb=True), viewer.add_image(colours // 2, rgb=True)
    assert Curtain(viewer, left, right, lambda: None).layer.data.shape == (20, 15, 3)
    (residual,) = Residual(viewer, [left, right], parse("YXS", colours.shape)).layers
    assert residual.data.shape == (20, 30)


def test_leaving_the_curtain_takes_its_layers_and_its_mouse_away(viewer):
    callbacks, names = list(viewer.mouse_drag_callbacks), [layer.name for layer in viewer.layers]
    curtain = Curtain(viewer, *pair(viewer), lambda: None)
    viewer.layers.remove(curtain.layer)
    curtain.remove()
    assert [layer.name for layer in viewer.layers] == names
    assert viewer.mouse_drag_callbacks == callbacks
    viewer.scene.camera.zoom = 5  # nothing is left that listens
    viewer.layers["noisy"].data = STACK + 1


def test_flip_shows_one_at_a_time_and_gives_its_key_back(viewer):
    mine = viewer.bind_key("F", lambda _: None) or viewer.keymap[coerce_keybinding("F")]
    flip = Flip(viewer, pair(viewer))
    assert [layer.visible for layer in pair(viewer)] == [True, False]
    viewer.keymap[coerce_keybinding("F")](viewer)
    assert [layer.visible for layer in pair(viewer)] == [False, True]
    assert viewer.canvas.overlays.text.text == "B  clean"
    flip.turn()
    assert [layer.visible for layer in pair(viewer)] == [True, False]
    flip.remove()
    assert viewer.keymap[coerce_keybinding("F")] is mine


def test_grid_has_a_named_box_for_each_image_in_order(viewer):
    for layer in viewer.layers:
        layer.visible = False
    images = [viewer.layers["clean"], viewer.layers["noisy"]]
    Grid(viewer, images)
    grid = viewer.canvas.grid
    assert grid.enabled
    assert [grid.position(viewer.layers.index(image), viewer.layers) for image in images] == [(0, 0), (0, 1)]
    assert all(image.name_overlay.visible for image in images)


def test_residual_is_the_first_less_the_other_in_symmetric_colours(viewer):
    viewer.dims.set_point(0, 2)
    residual = Residual(viewer, pair(viewer), parse("TYX", STACK.shape))
    (layer,) = residual.layers
    assert np.array_equal(np.asarray(layer.data), STACK.astype(float) - STACK // 2)
    low, high = layer.contrast_limits
    assert low == -high
    assert high == pytest.approx(np.quantile(STACK[1] - STACK[1] // 2, 0.995))
    assert np.allclose(layer.extent.world, viewer.layers["noisy"].extent.world)
    residual.remove()
    assert layer not in viewer.layers


def test_several_residuals_stand_in_a_grid(viewer):
    other = viewer.add_image(STACK // 4, name="other", **PLACE)
    residual = Residual(viewer, [*pair(viewer), other], parse("TYX", STACK.shape))
    assert [layer.name for layer in residual.layers] == ["A − B", "A − C"]
    assert viewer.canvas.grid.enabled


def test_layers_are_alike_until_the_end(viewer):
    one, other = pair(viewer)
    alike = Alike((one, other), ("contrast_limits",))
    assert list(other.contrast_limits) == [0, 900]
    other.contrast_limits = (50, 60)
    assert list(one.contrast_limits) == [50, 60]
    alike.end()
    one.contrast_limits = (1, 2)
    assert list(other.contrast_limits) == [50, 60]
