"""Muon and Adam."""

import pytest
import torch

from napari_zeroshot.engine.networks import initialise, zs_n2n_network
from napari_zeroshot.engine.optimiser import Optimiser, orthogonal


def network(seed=0):
    return initialise(zs_n2n_network(1), torch.Generator().manual_seed(seed))


def test_orthogonal_matrices_have_singular_values_about_one():
    matrices = torch.randn(3, 8, 20, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonal(matrices))
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_orthogonal_matrices_keep_their_directions():
    u, _, v = torch.linalg.svd(torch.randn(5, 9, generator=torch.Generator().manual_seed(1)), full_matrices=False)
    turned = orthogonal((u @ torch.diag(torch.tensor([3.0, 2.0, 1.5, 1.0, 0.7])) @ v)[None])[0]
    along = u.T @ turned @ v.T
    torch.testing.assert_close(along, torch.diag(along.diag()), atol=1e-3, rtol=0)


def test_no_gradient_moves_nothing_far():
    assert torch.equal(orthogonal(torch.zeros(1, 4, 9)), torch.zeros(1, 4, 9))


@pytest.mark.parametrize("kind", ["adam", "muon"])
def test_every_weight_is_moved_and_gradients_are_forgotten(kind):
    net = network()
    before = [part.clone() for part in net.parameters()]
    optimiser = Optimiser(net, 0.01, kind)
    optimiser.set_rate(0.5)
    net(torch.rand(1, 1, 8, 8)).square().mean().backward()
    optimiser.step()
    assert all(not torch.equal(old, new) for old, new in zip(before, net.parameters(), strict=True))
    assert all(part.grad is None for part in net.parameters())


@pytest.mark.parametrize("kind", ["adam", "muon"])
def test_at_rate_nothing_the_weights_stay(kind):
    net = network()
    before = [part.clone() for part in net.parameters()]
    optimiser = Optimiser(net, 0.01, kind)
    optimiser.set_rate(0.0)
    net(torch.rand(1, 1, 8, 8)).square().mean().backward()
    optimiser.step()
    assert all(torch.equal(old, new) for old, new in zip(before, net.parameters(), strict=True))


def test_adam_is_torchs_own():
    ours, theirs = network(), network()
    optimiser, reference = Optimiser(ours, 0.01, "adam"), torch.optim.Adam(theirs.parameters(), lr=0.01)
    image = torch.rand(1, 1, 12, 12)
    optimiser.set_rate(1.0)
    for _ in range(3):
        for net in (ours, theirs):
            net(image).square().mean().backward()
        optimiser.step()
        reference.step()
        reference.zero_grad()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)
