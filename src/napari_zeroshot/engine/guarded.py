"""A U-Net that sees a plane with those before and after it, and takes from these only what agrees with the plane.

Where a plane beside differs from the one in the middle by more than the noise explains, something has moved, or was lit for a moment: there the
plane in the middle stands in for it. That is told from what goes into the network and from nothing else. In training only one pixel of each pair
goes in, so that the other, which is to come out, has no part in it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from napari_zeroshot.engine.networks import EvenUNet, even_unet
from napari_zeroshot.engine.own_noise import OwnNoise
from napari_zeroshot.engine.sampling import blurred

SCALE = 2.0
"""Sigma of the blur under which planes are compared, in pixels: a difference of single pixels says little where there are few photons."""
REACH = int(4 * SCALE + 0.5)
"""How far that blur sees, in pixels."""
LEFT = 1 / (4 * math.pi * SCALE**2)
"""The share of the noise's variance that is left under it."""
AGREED, DIFFERENT = 3.0, 9.0
"""Squared differences, in variances of the noise under that blur, up to which a plane counts in full, and from which on not at all."""


def unet_among(channels: int, answers: int, width: int, levels: int) -> EvenUNet:
    """The U-Net of ZS-UNet: `networks.even_unet`, guarded where it sees more planes than the one that it answers for."""
    if channels == answers:
        return even_unet(channels, answers, width, levels)
    with torch.device("meta"):
        return GuardedUNet(channels, answers, width, levels)


class GuardedUNet(EvenUNet):
    """An `EvenUNet` whose neighbouring planes count where they agree with the one in the middle.

    With its weights goes the `noise` that they are compared by, in the grey levels it learns in: the least variance, the variance at 0, and how it
    grows with brightness.
    """

    noise: Tensor

    def __init__(self, channels: int, answers: int, width: int, levels: int) -> None:
        super().__init__(channels, answers, width, levels)
        self.register_buffer("noise", torch.empty(3))

    @property
    def halo(self) -> int:
        """Pixels of surroundings that an output pixel depends on, at most; a multiple of `multiple`."""
        return super().halo + -(-REACH // self.multiple) * self.multiple

    def compare_by(self, noise: OwnNoise) -> None:
        """Take planes for different by this noise, which is in the planes' own grey levels; `grey` must be known."""
        mean, deviation, _ = self.grey.tolist()
        slope, least = (noise.gain or 0.0) / deviation, (noise.read_noise / deviation) ** 2
        self.noise.copy_(torch.tensor([least, least + slope * (mean - noise.offset) / deviation, slope]))

    def forward(self, image: Tensor) -> Tensor:
        """Shape (N, (2 count + 1) C, Y, X) in, (N, C, Y, X) out."""
        with torch.autocast(image.device.type, enabled=False):  # bfloat16 would lose the differences
            agreeing = self._agreeing(image.float())
        return super().forward(agreeing)

    def agreement(self, image: Tensor) -> Tensor:
        """How much each plane counts where, 0 to 1; the one in the middle in full. Shape (N, 2 count + 1, 1, Y, X)."""
        dull = self._apart(blurred(image, SCALE))
        middle = self._middle(dull)
        least, at_zero, slope = self.noise
        variances = 2 * (at_zero + slope * (dull + middle) / 2).clamp_min(least) * LEFT
        different = ((dull - middle).square() / variances.clamp_min(torch.finfo(dull.dtype).tiny)).mean(dim=2, keepdim=True)
        return ((DIFFERENT - different) / (DIFFERENT - AGREED)).clamp(0, 1)

    def _agreeing(self, image: Tensor) -> Tensor:
        planes = self._apart(image)
        middle = self._middle(planes)
        return (middle + self.agreement(image) * (planes - middle)).flatten(1, 2)

    def _apart(self, image: Tensor) -> Tensor:
        """Shape (N, planes, C, Y, X)."""
        return image.unflatten(1, (-1, self.last.out_channels))

    @staticmethod
    def _middle(planes: Tensor) -> Tensor:
        return planes[:, planes.shape[1] // 2, None]
