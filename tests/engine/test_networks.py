"""The networks: sizes as published, and what one pixel can reach."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_zeroshot.engine.device import random_numbers
from napari_zeroshot.engine.networks import SideBySide, fm2s_network, initialise, unet, unpadded, zs_n2n_network

CASES = [(lambda: zs_n2n_network(1), 2), (lambda: fm2s_network(2), 5)]
IDS = ["zs-n2n", "fm2s"]


def weights(network):
    return sum(part.numel() for part in network.parameters())


@pytest.mark.parametrize(
    ("network", "number"),
    [(zs_n2n_network(1), 21_313), (zs_n2n_network(3), 22_275), (fm2s_network(1), 3_529), (fm2s_network(2), 4_430), (fm2s_network(6), 8_034)],
    ids=["zs-n2n grey", "zs-n2n RGB", "fm2s", "fm2s amplified twice", "fm2s amplified 6 times"],
)
def test_networks_have_as_many_weights_as_published(network, number):
    assert weights(network) == number


def test_grd_net_has_about_2_7_million_weights():
    assert weights(unet(3, 38, 4)) == pytest.approx(2.7e6, rel=0.02)


def convolved(image, weight, bias):
    """A convolution layer with zeros beyond the edge, in numpy: image (C, Y, X), weight (K, C, y, x)."""
    sums = [sum(ndimage.correlate(channel, kernel, mode="constant") for channel, kernel in zip(image, kernels, strict=True)) for kernels in weight]
    return np.stack(sums) + bias[:, None, None]


@pytest.mark.parametrize(("make", "slope"), [(lambda: zs_n2n_network(2), 0.2), (lambda: fm2s_network(2), 1e-3)], ids=IDS)
def test_networks_are_three_convolutions_with_leaky_relu_between(make, slope):
    network = initialise(make(), random_numbers(0, "cpu")).double()
    image = np.random.default_rng(0).random((2, 9, 11))
    expected = image
    layers = [layer for layer in network if isinstance(layer, torch.nn.Conv2d)]
    for number, layer in enumerate(layers):
        expected = convolved(expected, layer.weight.detach().numpy(), layer.bias.detach().numpy())
        expected = np.where(expected > 0, expected, slope * expected) if number < len(layers) - 1 else expected
    with torch.no_grad():
        np.testing.assert_allclose(network(torch.from_numpy(image)[None])[0].numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("make", "reach"), CASES, ids=IDS)
def test_an_output_pixel_sees_just_its_halo(make, reach):
    network = initialise(make(), random_numbers(3, "cpu")).double()
    channels = network[0].in_channels
    image = torch.rand(1, channels, 31, 31, dtype=torch.float64, requires_grad=True)
    network(image)[0, 0, 15, 15].backward()
    seen = np.argwhere(image.grad[0, 0].numpy())
    assert seen.min(axis=0).tolist() == [15 - reach] * 2
    assert seen.max(axis=0).tolist() == [15 + reach] * 2


@pytest.mark.parametrize(("make", "reach"), CASES, ids=IDS)
def test_without_padding_the_answers_are_those_away_from_the_edges(make, reach):
    network = initialise(make(), random_numbers(3, "cpu"))
    image = torch.rand(2, network[0].in_channels, 17, 19)
    torch.testing.assert_close(unpadded(network)(image), network(image)[..., reach:-reach, reach:-reach])
    assert network(image).shape == image.shape


def test_what_is_learnt_without_padding_is_learnt_by_the_network_itself():
    whole = SideBySide(initialise(fm2s_network(1), random_numbers(0, "cpu")), 2)
    answer = unpadded(whole)(torch.rand(4, 1, 15, 15))
    answer.square().mean().backward()
    assert all(part.grad is not None for part in whole.parameters())


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_an_output_pixel_of_the_unet_sees_no_more_than_its_halo(levels):
    network = initialise(unet(1, 4, levels), random_numbers(3, "cpu")).double()
    size = 2 * network.halo + 4 * network.multiple
    for place in (size // 2, size // 2 + 1, size // 2 + network.multiple - 1):
        image = torch.rand(1, 1, size, size, dtype=torch.float64, requires_grad=True)
        network(image)[0, 0, place, place].backward()
        seen = np.argwhere(image.grad[0, 0].numpy())
        assert place - seen.min() <= network.halo
        assert seen.max() - place <= network.halo


@pytest.mark.parametrize("shape", [(8, 8), (9, 23), (17, 31)])
def test_unet_takes_sides_of_any_length(shape):
    network = initialise(unet(2, 4, 4), random_numbers(0, "cpu"))
    assert network(torch.rand(1, 2, *shape)).shape == (1, 2, *shape)


def test_first_weights_follow_the_seed_and_pytorchs_own_rule():
    first, again, other = (initialise(zs_n2n_network(1), random_numbers(seed, "cpu"))[2].weight.detach().numpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    bound = 1 / np.sqrt(48 * 9)  # kaiming_uniform with a = sqrt(5), as nn.Conv2d.reset_parameters does
    assert np.abs(first).max() <= bound
    assert np.abs(first).mean() == pytest.approx(bound / 2, rel=0.05)
