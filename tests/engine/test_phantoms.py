"""Phantoms are clean pictures that their seed decides."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from napari_zeroshot.engine import phantoms

PLANES = [
    phantoms.filaments,
    phantoms.nuclei,
    phantoms.puncta,
    phantoms.cells,
    phantoms.membranes,
    phantoms.tissue,
    phantoms.sparse,
    phantoms.histology,
]


@pytest.mark.parametrize("draw", PLANES, ids=lambda draw: draw.__name__)
@pytest.mark.parametrize("shape", [(16, 16), (61, 96), (128, 128)], ids=str)
def test_any_size_is_drawn_within_0_and_1(draw: Callable[..., np.ndarray], shape: tuple[int, int]) -> None:
    picture = draw(shape)
    assert (picture.shape[:2], picture.dtype) == (shape, np.float32)
    assert picture.min() >= 0
    assert 0.5 < picture.max() <= 1


@pytest.mark.parametrize("draw", PLANES, ids=lambda draw: draw.__name__)
def test_the_seed_decides_the_picture(draw: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(draw((64, 64), 3), draw((64, 64), 3))
    assert not np.allclose(draw((64, 64), 3), draw((64, 64), 4))


@pytest.mark.parametrize("draw", PLANES, ids=lambda draw: draw.__name__)
def test_pictures_are_free_of_noise(draw: Callable[..., np.ndarray]) -> None:
    picture = draw((128, 128)).reshape(128, 128, -1)[..., 0]
    assert ndimage.laplace(picture).std() < picture.std()  # white noise: 4.5 times


def test_nuclei_of_the_stack_drift_and_the_channels_differ() -> None:
    stack = phantoms.stack()
    assert stack.shape == (3, 2, 5, 96, 96)
    alike = [np.corrcoef(stack[0, 1].ravel(), stack[t, 1].ravel())[0, 1] for t in (1, 2)]
    assert 0.3 < alike[1] < alike[0] < 0.99
    assert abs(np.corrcoef(stack[0, 0].ravel(), stack[0, 1].ravel())[0, 1]) < 0.5
