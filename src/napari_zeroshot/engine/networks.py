"""The tiny convolutional networks of the three papers, and the U-Net of GRD-Net."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import deepcopy
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_zeroshot.engine.errors import ParamError

CELL = 2
"""Side of the cells of pixels that the U-Net of ZS-UNet takes as channels."""


def initialise(network: nn.Module, rng: torch.Generator) -> nn.Module:
    """Give a network PyTorch's default initial weights, drawn from `rng` instead of the global state.

    The network may have been built on the meta device, without weights at all.
    """
    network.to_empty(device="cpu")
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=rng)
            reach = 1 / math.sqrt(layer.weight[0].numel())
            if layer.bias is not None:
                nn.init.uniform_(layer.bias, -reach, reach, generator=rng)
    if isinstance(network, EvenUNet):
        network.even_out()
    return network


def with_weights(network: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    """A network, which may have been built on the meta device, with weights that it had before.

    Raises
    ------
    ParamError
        If these are the weights of another network.
    """
    wanted = {name: tuple(part.shape) for name, part in network.state_dict().items()}
    if {name: tuple(part.shape) for name, part in state.items()} != wanted:
        raise ParamError("the weights are not those of a network of this method with these settings")
    network.to_empty(device="cpu")
    network.load_state_dict(dict(state))
    return network


def zs_n2n_network(channels: int, width: int = 48) -> nn.Sequential:
    """The network of ZS-N2N and MBD-Net: 3x3, 3x3, 1x1 convolutions; sees 5 x 5 pixels. 21,313 weights for one channel."""
    with torch.device("meta"):
        return nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, channels, 1),
        )


def fm2s_network(channels: int) -> nn.Sequential:
    """The network of FM2S: 5x5, 3x3, 5x5 convolutions; sees 11 x 11 pixels. 3,529 weights for one channel."""
    with torch.device("meta"):
        return nn.Sequential(
            nn.Conv2d(channels, 24, 5, padding=2),
            nn.LeakyReLU(1e-3, inplace=True),
            nn.Conv2d(24, 12, 3, padding=1),
            nn.LeakyReLU(1e-3, inplace=True),
            nn.Conv2d(12, channels, 5, padding=2),
        )


def unpadded(network: nn.Module) -> nn.Module:
    """A network of the same weights, trained with it, that answers only where it sees no zeros beyond the edge."""
    same = deepcopy(network, {id(part): part for part in network.parameters()})
    for layer in same.modules():
        if isinstance(layer, nn.Conv2d):
            layer.padding = (0, 0)
    return same


def unet(channels: int, width: int, levels: int) -> UNet:
    """A U-Net for GRD-Net; 38 wide with 4 levels has the paper's 2.7 million weights."""
    with torch.device("meta"):
        return UNet(channels, width, levels)


def even_unet(channels: int, answers: int, width: int, levels: int) -> EvenUNet:
    """The U-Net of ZS-UNet, `width` channels at every level, `channels` in and `answers` out; 24 wide with 3 levels and one of both has 58,228 weights."""
    with torch.device("meta"):
        return EvenUNet(channels, answers, width, levels)


class UNet(nn.Module):
    """Two 3x3 convolutions a level, max pooling, transposed convolutions up, skips joined; the output is the image itself.

    It is not added to the input: GRD-Net's losses do not see differences within a 2 x 2 cell, so what an
    addition lets through stays, noise and all. Sides need not be multiples of ``2 ** (levels - 1)``: the lower and right edges are extended and cut off again.
    """

    def __init__(self, channels: int, width: int, levels: int) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(levels)]
        self.multiple: int = 2 ** (levels - 1)
        self.down = nn.ModuleList(_two_convolutions(before, after) for before, after in zip([channels, *widths], widths, strict=False))
        self.rise = nn.ModuleList(nn.ConvTranspose2d(below, here, 2, stride=2) for here, below in pairwise(widths))
        self.up = nn.ModuleList(_two_convolutions(2 * here, here) for here in widths[:-1])
        self.last = nn.Conv2d(width, channels, 1)

    @property
    def halo(self) -> int:
        """Pixels of surroundings that an output pixel depends on, at most; a multiple of `multiple`."""
        return 10 * self.multiple

    def forward(self, image: Tensor) -> Tensor:
        """Shape (N, C, Y, X) in and out."""
        height, width = image.shape[-2:]
        padded = F.pad(image, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate")
        return self._levels(padded)[..., :height, :width]

    def _levels(self, x: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for level, block in enumerate(self.down):
            x = block(self._halved(x) if level else x)
            skips.append(x)
        skips.pop()
        for rise, block in zip(reversed(self.rise), reversed(self.up), strict=True):
            x = block(torch.cat((skips.pop(), rise(x)), dim=1))
        with torch.autocast(x.device.type, enabled=False):  # bfloat16 tells no more than 256 grey levels apart
            return self.last(x.to(self.last.weight.dtype))  # type: ignore[no-any-return]

    @staticmethod
    def _halved(x: Tensor) -> Tensor:
        return F.max_pool2d(x, 2)


class EvenUNet(UNet):
    """A U-Net at half the image's size, whose cells of 2 x 2 pixels go in and come out as channels, with the same few channels at every level.

    These are averaged on the way down and repeated on the way up. It sees as far as a large U-Net, has too few weights to learn one image's noise
    by heart, and spends no time at full size. With its weights go the `grey` levels it
    learnt in (mean, deviation, and by how much its answers are too bright), the `distances` of the pixels of its pairs (0 for none), how many `steps`
    it learnt for, and how much of a `gaussian` goes into the answer (its share, and its sigma in pixels).
    """

    grey: Tensor
    distances: Tensor
    steps: Tensor
    gaussian: Tensor

    def __init__(self, channels: int, answers: int, width: int, levels: int) -> None:
        super().__init__(CELL**2 * answers, width, 1)
        self.channels, self.answers = channels, answers
        self.multiple = CELL * 2 ** (levels - 1)
        self.register_buffer("grey", torch.empty(3))
        self.register_buffer("distances", torch.empty(2))
        self.register_buffer("steps", torch.empty(1))
        self.register_buffer("gaussian", torch.empty(2))
        self.down = nn.ModuleList(_two_convolutions(before, width) for before in [CELL**2 * channels, *[width] * (levels - 1)])
        self.rise = nn.ModuleList(nn.Upsample(scale_factor=2) for _ in range(levels - 1))
        self.up = nn.ModuleList(_two_convolutions(2 * width, width) for _ in range(levels - 1))

    @torch.no_grad()
    def even_out(self) -> None:
        """Give the pixels of a cell the same answer, to begin with: else they differ where nothing does (Aitken et al., 2017)."""
        for part in self.last.parameters():
            part.copy_(part[:: CELL**2].repeat_interleave(CELL**2, dim=0))

    def standard(self, image: Tensor) -> Tensor:
        """An image in the grey levels that the network learns in."""
        return (image - self.grey[0]) / self.grey[1]

    def apart(self, noisy: Tensor, wanted: Tensor, weights: float | Tensor = 1.0) -> Tensor:
        """How far the answer for a noisy image is from a wanted one: the mean of their squared differences, weighed."""
        squares: Tensor = (self(self.standard(noisy)) - self.standard(wanted)).square() * weights
        return squares.mean()

    def restored(self, answer: Tensor) -> Tensor:
        """An answer in the image's grey levels."""
        return answer * self.grey[1] + self.grey[0] - self.grey[2]

    def _levels(self, x: Tensor) -> Tensor:
        cells = F.pixel_unshuffle(x, CELL).contiguous(memory_format=torch.channels_last)
        return F.pixel_shuffle(super()._levels(cells), CELL)

    @staticmethod
    def _halved(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 2)


def _two_convolutions(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1),
        nn.LeakyReLU(0.1, inplace=True),
        nn.Conv2d(after, after, 3, padding=1),
        nn.LeakyReLU(0.1, inplace=True),
    )


class SideBySide(nn.Module):
    """Copies of a network as the groups of one: each takes every `members`-th image of a batch, and a step moves them all.

    Parameters
    ----------
    network
        Convolutions and activations in a row, with the weights that all members begin with.
    members
        How many.
    """

    def __init__(self, network: nn.Sequential, members: int) -> None:
        super().__init__()
        self.members = members
        self.grouped = nn.Sequential(*(_repeated(layer, members) for layer in network))

    def forward(self, images: Tensor) -> Tensor:
        """Shape (N * members, C, Y, X) in and out; image n * members + i goes through network i."""
        answers = self.grouped(images.reshape(len(images) // self.members, -1, *images.shape[2:]))
        return answers.reshape(len(images), -1, *answers.shape[2:])  # type: ignore[no-any-return]


def taken_apart(network: SideBySide) -> list[nn.Sequential]:
    """The networks that are trained side by side, each by itself; their weights stay those of the whole, and are trained on with it."""
    return [nn.Sequential(*(_member(layer, number, network.members) for layer in network.grouped)) for number in range(network.members)]


def _repeated(layer: nn.Module, members: int) -> nn.Module:
    if not isinstance(layer, nn.Conv2d):
        return layer
    grouped = _bare(layer, members * layer.in_channels, members * layer.out_channels, groups=members)
    return _with(grouped, layer.weight.detach().repeat(members, 1, 1, 1), layer.bias.detach().repeat(members) if layer.bias is not None else None)


def _member(layer: nn.Module, number: int, members: int) -> nn.Module:
    if not isinstance(layer, nn.Conv2d):
        return layer
    alone = _bare(layer, layer.in_channels // members, layer.out_channels // members)
    bias = layer.bias.detach().chunk(members)[number] if layer.bias is not None else None
    return _with(alone, layer.weight.detach().chunk(members)[number], bias)


def _bare(like: nn.Conv2d, before: int, after: int, groups: int = 1) -> nn.Conv2d:
    with torch.device("meta"):
        return nn.Conv2d(before, after, like.kernel_size, padding=like.padding, groups=groups, bias=like.bias is not None)  # type: ignore[arg-type]


def _with(layer: nn.Conv2d, weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    layer.weight = nn.Parameter(weight)
    layer.bias = nn.Parameter(bias) if bias is not None else None
    return layer
