"""The sum of an image's pixels: the same for the same pixels, another for any others."""

import dask.array
import numpy as np
import pytest
import zarr

from napari_zeroshot.engine import fingerprint
from napari_zeroshot.engine.axes import parse
from napari_zeroshot.engine.run import denoise, denoise_steps

AXES = parse("TYX", (3, 5, 4))


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 999, (3, 5, 4)).astype(np.uint16)


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(lambda image: image.astype(">u2"), id="other-byte-order"),
        pytest.param(lambda image: dask.array.from_array(image, chunks=2), id="dask"),
        pytest.param(lambda image: zarr.array(image), id="zarr"),
        pytest.param(np.asfortranarray, id="other-layout"),
    ],
)
def test_sum_depends_on_values_and_not_on_how_they_are_stored(image, stored):
    assert fingerprint.of_image(stored(image), AXES) == fingerprint.of_image(image, AXES)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda image: image + (np.arange(60).reshape(3, 5, 4) == 59), id="one-pixel"),
        pytest.param(lambda image: image[::-1], id="order-of-planes"),
        pytest.param(lambda image: image.astype(np.int16), id="type"),
        pytest.param(lambda image: image.astype(np.float32), id="float"),
    ],
)
def test_any_change_changes_the_sum(image, changed):
    assert fingerprint.of_image(changed(image).astype(changed(image).dtype), AXES) != fingerprint.of_image(image, AXES)


def test_axes_order_within_the_plane_does_not_matter(image):
    assert fingerprint.of_image(image.transpose(0, 2, 1), parse("TXY", (3, 4, 5))) == fingerprint.of_image(image, AXES)


def test_a_run_takes_the_sum_without_reading_more_often(image):
    class Counted:
        """Counts how often each plane is read."""

        shape, dtype, reads = image.shape, image.dtype, 0

        def __getitem__(self, where):
            type(self).reads += 1
            return image[where]

    result = denoise(Counted(), "median", axes="TYX")
    assert result.source["pixels"] == fingerprint.of_image(image, AXES)
    assert Counted.reads == 6  # once to measure the grey levels, once to denoise


def test_the_sum_of_a_cancelled_run_is_that_of_the_whole_image(image):
    steps = denoise_steps(image, "median", axes="TYX", cancelled=lambda: True)
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value.source["pixels"] == fingerprint.of_image(image, AXES)
