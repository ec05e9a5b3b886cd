"""Planes beside another count where they agree with it, and nowhere else."""

import numpy as np
import pytest
import torch

from napari_zeroshot.engine.guarded import GuardedUNet, unet_among
from napari_zeroshot.engine.networks import initialise
from napari_zeroshot.engine.own_noise import OwnNoise

GAIN, OFFSET, READ = 0.01, 0.1, 0.02


@pytest.fixture
def network():
    network = initialise(unet_among(3, 1, 4, 2), torch.Generator().manual_seed(0))
    network.grey.copy_(torch.tensor([0.3, 0.2, 0.0]))
    network.compare_by(OwnNoise(OFFSET, GAIN, READ, (-np.inf, np.inf)))
    return network


def seen(network, light, seed=0):
    """Three noisy planes of some light in photons, shape (3, Y, X), as the network gets them."""
    rng = np.random.default_rng(seed)
    noisy = OFFSET + GAIN * rng.poisson(light) + rng.normal(0, READ, light.shape)
    return network.standard(torch.from_numpy(noisy.astype(np.float32))[None])


@pytest.mark.parametrize("photons", [0, 2, 100])
def test_planes_that_differ_by_noise_alone_count_nearly_everywhere(network, photons):
    agreement = network.agreement(seen(network, np.full((3, 64, 64), float(photons))))[0, :, 0]
    assert agreement.shape == (3, 64, 64)
    assert agreement.mean() > 0.9
    assert agreement[1].min() == 1  # the one in the middle


def test_a_spot_that_is_lit_in_one_plane_only_is_seen_in_no_other(network):
    light = np.full((3, 64, 64), 5.0)
    light[0, 28:34, 28:34] = 30.0
    agreement = network.agreement(seen(network, light))[0, :, 0]
    assert agreement[0, 28:34, 28:34].max() == 0
    assert agreement[2, 28:34, 28:34].mean() > 0.7


def test_where_nothing_agrees_the_answer_is_that_for_the_middle_plane_alone(network):
    light = np.full((3, 64, 64), 5.0)
    light[[0, 2]] = 40.0
    jumping = seen(network, light)
    torch.testing.assert_close(network(jumping), network(jumping[:, 1:2].repeat(1, 3, 1, 1)))


def test_colours_agree_together(network):
    colours = initialise(unet_among(9, 3, 4, 2), torch.Generator().manual_seed(0))
    colours.grey.copy_(network.grey)
    colours.compare_by(OwnNoise(OFFSET, GAIN, READ, (-np.inf, np.inf)))
    light = np.full((9, 64, 64), 5.0)
    light[0, 28:34, 28:34] = 60.0  # the first colour of the plane before
    agreement = colours.agreement(seen(colours, light))[0]
    assert agreement.shape == (3, 1, 64, 64)
    assert agreement[0, 0, 28:34, 28:34].max() == 0
    assert colours(seen(colours, light)).shape == (1, 3, 64, 64)


def test_a_plane_by_itself_has_nothing_to_guard():
    assert not isinstance(unet_among(3, 3, 4, 2), GuardedUNet)
