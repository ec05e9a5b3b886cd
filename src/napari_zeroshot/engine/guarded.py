"""A U-Net that sees a plane with those before and after it, and takes from these only what agrees with the plane.

Where a plane beside differs from the one in the middle by more than the noise explains, something has moved, or was lit for a moment: there the
plane in the middle stands in for it. That is told from what goes into the network and from nothing else. In training only one pixel of each pair
goes in, so that the other, which is to come out, has no part in it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from napari_zeroshot.engine.method import Job, Planes
from napari_zeroshot.engine.neighbours import own
from napari_zeroshot.engine.networks import EvenUNet, even_unet
from napari_zeroshot.engine.noise_diagnosis import NoiseReport
from napari_zeroshot.engine.noise_level import noise_deviation
from napari_zeroshot.engine.own_noise import OwnNoise
from napari_zeroshot.engine.parts import middle_of, rounded_up
from napari_zeroshot.engine.sampling import blurred

SCALE = 2.0
"""Sigma of the blur under which planes are compared, in pixels: a difference of single pixels says little where there are few photons."""
REACH = int(4 * SCALE + 0.5)
"""How far that blur sees, in pixels."""
LEFT = 1 / (4 * math.pi * SCALE**2)
"""The share of the noise's variance that is left under it."""
AGREED, DIFFERENT = 4.0, 9.0
"""Squared differences, in variances of the noise under that blur, up to which a plane counts in full, and from which on not at all."""
HARDLY, MOSTLY = 0.1, 0.5
"""If planes agree with those beside them at less than this share of the places, that is told."""


def unet_among(channels: int, answers: int, width: int, levels: int) -> EvenUNet:
    """The U-Net of ZS-UNet: `networks.even_unet`, guarded where it sees more planes than the one that it answers for."""
    if channels == answers:
        return even_unet(channels, answers, width, levels)
    with torch.device("meta"):
        return GuardedUNet(channels, answers, width, levels)


def set_up(network: EvenUNet, report: NoiseReport | None, planes: Planes, job: Job) -> None:
    """Tell a guarded network, which knows their `grey`, the noise of planes that come with their neighbours; and the user, if these are of little use."""
    if not isinstance(network, GuardedUNet):
        return
    part = middle_of(planes)
    network.compare_by(OwnNoise.of(report) if report is not None else OwnNoise.even(noise_deviation(own(part, network.count))))
    share = network.share_agreeing(torch.from_numpy(part).to(job.device))
    if share < HARDLY:
        job.note("The planes before and after each one differ from it nearly everywhere by more than the noise, and were hardly used.")
    elif share < MOSTLY:
        job.note("The planes before and after each one differ from it at most places by more than the noise, and were used elsewhere only.")


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
        return super().halo + rounded_up(REACH, self.multiple)

    @property
    def count(self) -> int:
        """How many planes are seen on each side."""
        return self.channels // self.answers // 2

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
        squares: Tensor = (dull - middle).square() / variances.clamp_min(torch.finfo(dull.dtype).tiny)
        different = squares.mean(dim=2, keepdim=True)
        return ((DIFFERENT - different) / (DIFFERENT - AGREED)).clamp(0, 1)

    def share_agreeing(self, planes: Tensor) -> float:
        """At which share of the places planes agree with those beside them."""
        with torch.inference_mode():
            mean = float(self.agreement(self.standard(planes)).mean())
        return mean - (1 - mean) / (2 * self.count)  # the one in the middle agrees with itself

    def _agreeing(self, image: Tensor) -> Tensor:
        planes = self._apart(image)
        middle = self._middle(planes)
        return (middle + self.agreement(image) * (planes - middle)).flatten(1, 2)

    def _apart(self, image: Tensor) -> Tensor:
        """Shape (N, planes, C, Y, X)."""
        return image.reshape(len(image), -1, self.answers, *image.shape[2:])

    @staticmethod
    def _middle(planes: Tensor) -> Tensor:
        return planes[:, planes.shape[1] // 2, None]
