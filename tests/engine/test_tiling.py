"""Tiles give what the plane in one piece gives."""

import numpy as np
import pytest

from napari_zeroshot.engine.device import random_numbers
from napari_zeroshot.engine.networks import fm2s_network, initialise, unet, zs_n2n_network
from napari_zeroshot.engine.run import denoise
from napari_zeroshot.engine.tiling import MIRRORED, apply_in_tiles

SHAPES = [(8, 8), (17, 23), (40, 64), (61, 35)]


def in_tiles(network, shape, tile, **kinds):
    planes = np.random.default_rng(4).random((2, 1, *shape), np.float32)
    return apply_in_tiles(network, planes, "cpu", tile=tile, **kinds)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("tile", [1, 7, 16, 33])
@pytest.mark.parametrize(("make", "halo"), [(zs_n2n_network, 2), (fm2s_network, 5)], ids=["zs-n2n", "fm2s"])
def test_small_networks_leave_no_seam(make, halo, tile, shape):
    if tile == 1 and shape != (17, 23):
        tile = 5
    network = initialise(make(1), random_numbers(0, "cpu"))
    np.testing.assert_allclose(in_tiles(network, shape, tile, halo=halo), in_tiles(network, shape, 1024, halo=halo), atol=2e-6)


@pytest.mark.parametrize("shape", [(17, 23), (61, 35), (150, 121)], ids=str)
@pytest.mark.parametrize("tile", [10, 32])
@pytest.mark.parametrize(("levels", "mirrored"), [(2, MIRRORED), (3, MIRRORED), (3, 0)])
def test_unet_leaves_no_seam(levels, mirrored, tile, shape):
    network = initialise(unet(1, 4, levels), random_numbers(0, "cpu"))
    kinds = {"halo": network.halo, "multiple": network.multiple, "mirrored": mirrored}
    np.testing.assert_allclose(in_tiles(network, shape, tile, **kinds), in_tiles(network, shape, 1024, **kinds), atol=2e-6)


def test_too_small_a_halo_would_be_noticed():
    network = initialise(fm2s_network(1), random_numbers(0, "cpu"))
    seams = np.abs(in_tiles(network, (61, 35), 16, halo=3) - in_tiles(network, (61, 35), 1024, halo=3))
    assert seams.max() > 1e-4


def test_tile_size_does_not_change_a_run(trained, noisy, quick):
    whole, tiled = (denoise(noisy[:47, :61], trained.name, tile=tile, device="cpu", dtype="float32", **quick(trained)).image for tile in (1024, 16))
    np.testing.assert_allclose(tiled, whole, atol=2e-3)


def test_tile_size_does_not_change_a_refined_run(noisy):
    options = {"steps": 10, "crop": 24, "refine": True, "refine_steps": 5, "refine_width": 4, "device": "cpu", "dtype": "float32"}
    whole, tiled = (denoise(noisy[:47, :61], "zs-n2m", tile=tile, **options).image for tile in (1024, 16))
    np.testing.assert_allclose(tiled, whole, atol=2e-3)
