"""How weights are moved: Adam, as in the papers, or Muon, which needs half the steps or fewer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
ADAM_SHARE = 0.25
"""With Muon, the first and last layers' small weights and the biases are Adam's, with this share of the learning rate."""
SMALLEST_MATRIX = 4
"""Layers with fewer outputs have nothing to make orthogonal."""


class Optimiser:
    """One or two optimisers that share a learning rate, which the schedule moves.

    Parameters
    ----------
    network
        Whose weights are moved.
    learning_rate
        The full rate; `set_rate` takes a share of it.
    kind
        ``adam`` or ``muon``.
    members
        Networks that train side by side as groups of its convolutions.
    """

    def __init__(self, network: nn.Module, learning_rate: float, kind: str, members: int = 1) -> None:
        self.weights = list(network.parameters())
        matrices = [part for part in self.weights if kind == "muon" and _is_matrix(part, members)]
        rest = [part for part in self.weights if not any(part is matrix for matrix in matrices)]
        self._parts: list[tuple[torch.optim.Optimizer, float]] = []
        if matrices:
            self._parts.append((Muon(matrices, members), learning_rate))
        if rest:
            self._parts.append((_adam(rest), learning_rate * (ADAM_SHARE if kind == "muon" else 1)))

    def set_rate(self, share: float) -> None:
        """Learn with this share of the full rate from now on. On CUDA the rate is a tensor, so that a recorded step sees it change."""
        for optimiser, full in self._parts:
            for group in optimiser.param_groups:
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(full * share)
                else:
                    group["lr"] = full * share

    def step(self) -> None:
        """Move the weights by their gradients, and forget these."""
        for optimiser, _ in self._parts:
            optimiser.step()
        self.forget()

    def forget(self) -> None:
        """Forget gradients that the weights have not been moved by."""
        for optimiser, _ in self._parts:
            optimiser.zero_grad(set_to_none=True)


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal: every direction that a layer's weights can move in gets a step of the same length.

    K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024. A convolution counts as a
    matrix of its outputs by all that each of them sees.
    """

    def __init__(self, weights: list[nn.Parameter], members: int = 1) -> None:
        self._members = members
        shapes = {part.shape: [other for other in weights if other.shape == part.shape] for part in weights}
        self._alike = list(shapes.values())  # made orthogonal together: many small products are slower than one of many
        self._momenta: dict[int, Tensor] = {}
        super().__init__(weights, {"lr": _rate_on(weights[0].device)})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move the weights by their gradients."""
        for group in self.param_groups:
            for place, alike in enumerate(self._alike):
                steps = orthogonal(self._ahead(place, torch.cat([self._matrices(part.grad) for part in alike]))) * group["lr"]  # type: ignore[arg-type]
                for part, step in zip(alike, steps.split(self._members), strict=True):
                    part.sub_(step.reshape(part.shape))

    def _matrices(self, gradient: Tensor) -> Tensor:
        """Shape (members, outputs, all that each sees)."""
        return gradient.reshape(self._members, len(gradient) // self._members, -1)

    def _ahead(self, place: int, gradients: Tensor) -> Tensor:
        """The gradients of weights alike, with their momentum."""
        if place not in self._momenta:
            self._momenta[place] = torch.zeros_like(gradients)
        momentum = self._momenta[place].lerp_(gradients, 1 - MOMENTUM)
        return gradients.lerp(momentum, MOMENTUM)


def orthogonal(matrices: Tensor) -> Tensor:
    """Matrices with the same directions and all singular values about 1: five Newton-Schulz steps. Shape (M, rows, columns), rows <= columns."""
    x: Tensor = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-12)
    for _ in range(5):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
    return x


def _is_matrix(part: Tensor, members: int) -> bool:
    return part.ndim == 4 and SMALLEST_MATRIX <= len(part) // members <= part[0].numel()


def _adam(weights: list[nn.Parameter]) -> torch.optim.Optimizer:
    device = weights[0].device
    return torch.optim.Adam(weights, lr=_rate_on(device), fused=device.type in ("cpu", "cuda"), capturable=device.type == "cuda")


def _rate_on(device: torch.device) -> float | Tensor:
    return torch.zeros((), device=device) if device.type == "cuda" else 0.0
