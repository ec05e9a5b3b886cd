"""Layers as file openers make them: each goes from its layer to a result that lies on it and looks like it, read plane by plane."""

import dask.array
import numpy as np
import pytest
import zarr
from napari.layers import Image

from napari_zeroshot.engine.run import denoise

pytestmark = pytest.mark.gui

TURNED = np.array([[1, 0, 0, 5], [0, 0.8, 0.6, 1], [0, -0.6, 0.8, 2], [0, 0, 0, 1]])
PLACED = ("scale", "translate", "rotate", "shear")
LOOK = ("axis_labels", "units", "gamma", "blending", "contrast_limits")


class Watched:
    """An array on a slow disk: notes what is read of it, and refuses to be read whole."""

    def __init__(self, array) -> None:
        self.array, self.shape, self.dtype, self.ndim, self.size = array, array.shape, array.dtype, array.ndim, array.size
        self.read = []

    def __getitem__(self, index):
        part = self.array[index]
        self.read.append(part.size)
        return part

    def __array__(self, *_, **__):
        raise AssertionError("the whole was read")


@pytest.fixture
def stack():
    return np.random.default_rng(5).poisson(200, (3, 24, 20)).astype(np.uint16)


def in_zarr(stack, folder):
    array = zarr.create_array(str(folder / "stack.zarr"), shape=stack.shape, chunks=(1, 24, 20), dtype=stack.dtype)
    array[:] = stack
    return array


def in_xarray(stack, folder):
    return pytest.importorskip("xarray").DataArray(stack, dims=("t", "y", "x"))


OPENED = {
    "numpy": lambda stack, folder: stack,
    "dask": lambda stack, folder: dask.array.from_array(stack, chunks=(1, 24, 20)),
    "zarr": in_zarr,
    "xarray": in_xarray,
    "watched": lambda stack, folder: Watched(stack),
    "multiscale": lambda stack, folder: [stack, stack[:, ::2, ::2]],
    "multiscale dask": lambda stack, folder: [dask.array.from_array(level, chunks=(1, -1, -1)) for level in (stack, stack[:, ::2, ::2])],
}


def run_on(dock, data, **look):
    """The source's layer and the result's."""
    source = dock.viewer.add_image(data, name="noisy", **look)
    dock["method"].setCurrentIndex(dock["method"].findData("median"))
    dock["scope"].setCurrentIndex(0)
    dock.press("run")
    dock.until_over()
    result = dock.viewer.layers[-1]
    assert result is not source, dock.message
    return source, result


def test_every_kind_of_array_gives_the_same_result_in_its_place(dock, stack, tmp_path):
    look = {"scale": (2, 0.5, 0.25), "translate": (1, 2, 3), "rotate": (0, 0, 30), "affine": TURNED, "units": ("s", "um", "um")}
    look |= {"axis_labels": ("t", "y", "x"), "colormap": "magma", "contrast_limits": (20, 600), "gamma": 0.8, "blending": "additive"}
    expected = denoise(stack, "median", axes="TYX").image
    for kind, opened in OPENED.items():
        data = opened(stack, tmp_path)
        source, result = run_on(dock, data, multiscale="multiscale" in kind, **look)
        np.testing.assert_array_equal(result.data, expected, err_msg=kind)
        for corner in ((0, 0, 0), (2, 23, 19)):
            np.testing.assert_allclose(result.data_to_world(corner), source.data_to_world(corner), err_msg=kind)
        assert all(np.array_equal(getattr(result, name), getattr(source, name)) for name in PLACED), kind
        assert all(getattr(result, name) == getattr(source, name) for name in LOOK), kind
        assert result.colormap.name == "magma", kind
        assert not result.multiscale
        if kind == "watched":
            dock.quick(steps=2)
            dock.press("preview")
            dock.until(lambda: "Previewed" in dock.message)
            dock.press("run")
            dock.until_over()
            assert max(data.read) <= stack[0].size
        dock.viewer.layers.clear()


def test_two_to_six_dimensions_and_colour_come_back_in_their_shape(dock):
    rng = np.random.default_rng(0)
    for letters in ("YX", "ZYX", "TZYX", "TCZYX", "PTCZYX"):
        image = rng.poisson(90, [2] * (len(letters) - 2) + [9, 8]).astype(np.float32)
        labels = ["other" if letter == "P" else letter.lower() for letter in letters]
        _, result = run_on(dock, image, axis_labels=labels)
        np.testing.assert_array_equal(result.data, denoise(image, "median", axes=letters).image, err_msg=letters)
        assert list(result.axis_labels) == labels
        dock.viewer.layers.clear()
    for letters, shape in (("YXS", (16, 18, 3)), ("TYXS", (2, 16, 18, 3))):
        image = rng.integers(0, 255, shape, dtype=np.uint8)
        source, result = run_on(dock, image, rgb=True, scale=(2.0,) * (len(letters) - 1), axis_labels=letters[:-1].lower())
        np.testing.assert_array_equal(result.data, denoise(image, "median", axes=letters).image)
        assert result.rgb
        assert tuple(result.scale) == tuple(source.scale)
        dock.viewer.layers.clear()


def test_part_of_a_multiscale_image_is_of_its_full_resolution_and_in_place(dock, stack):
    source = dock.viewer.add_image([stack, stack[:, ::2, ::2]], name="noisy", multiscale=True, axis_labels=("t", "y", "x"), scale=(1, 0.5, 0.5))
    dock["method"].setCurrentIndex(dock["method"].findData("median"))
    dock["scope"].setCurrentIndex(dock["scope"].findData("plane"))
    dock.viewer.dims.set_point(0, 2)
    dock.press("run")
    dock.until_over()
    result = dock.viewer.layers[-1]
    assert isinstance(result, Image)
    np.testing.assert_array_equal(result.data, denoise(stack[2:], "median", axes="TYX").image)
    np.testing.assert_allclose(result.data_to_world((0, 5, 7)), source.data_to_world((2, 5, 7)))
