"""One noisy image into several: diagonal pairs, random masks, crops, local statistics."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


def diagonal_pair(image: Tensor) -> tuple[Tensor, Tensor]:
    """Two half-size images: the means of the two diagonals of each 2 x 2 cell.

    Shape (N, C, Y, X) to twice (N, C, Y // 2, X // 2); an odd last row or column is left out.
    ZS-N2N, eq. (3): D1 takes the anti-diagonal, D2 the main diagonal.
    """
    even = image[..., : image.shape[-2] // 2 * 2, : image.shape[-1] // 2 * 2]
    top_left, top_right = even[..., 0::2, 0::2], even[..., 0::2, 1::2]
    low_left, low_right = even[..., 1::2, 0::2], even[..., 1::2, 1::2]
    return (top_right + low_left) / 2, (top_left + low_right) / 2


def cell_mean(image: Tensor) -> Tensor:
    """The half-size image of 2 x 2 means, which is also the mean of its diagonal pair."""
    return F.avg_pool2d(image, 2)


def balanced_mask(image: Tensor, rng: torch.Generator) -> Tensor:
    """A random mask of an image's shape, with as many ones as zeros in every channel.

    Shape (N, C, Y, X), float32 of 0 and 1; where Y * X is odd there is one more zero than ones.
    ZS-N2M, section 3.1: the matrix M_n.
    """
    count, channels, height, width = image.shape
    order = torch.rand(count * channels, height * width, generator=rng, device=rng.device).argsort(dim=1)
    return (order < height * width // 2).to(image.device, torch.float32).view(image.shape)


def swap(first: Tensor, second: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The two images with their pixels exchanged where `mask` is 0. ZS-N2M, section 3.1: G1 and G2."""
    return first * mask + second * (1 - mask), first * (1 - mask) + second * mask


def local_mean(image: Tensor, window: int) -> Tensor:
    """Mean over a `window` x `window` neighbourhood, edges reflected (repeated where too small to reflect)."""
    reach = window // 2
    mode = "reflect" if min(image.shape[-2:]) > reach else "replicate"
    return F.avg_pool2d(F.pad(image, (reach,) * 4, mode=mode), window, stride=1)


def local_deviation(image: Tensor, window: int) -> Tensor:
    """Standard deviation over a `window` x `window` neighbourhood."""
    mean = local_mean(image, window)
    variance = local_mean(image.square(), window) - mean.square()
    return (variance.clamp_min(0) + 1e-9).sqrt()  # the root's slope is infinite at 0


SMALLEST = 8
"""Pixels; a smaller crop has no room for halves and neighbourhoods."""


@dataclass(frozen=True, eq=False)
class Crops:
    """Random square crops of planes; call it for the next batch.

    Places are drawn as if a crop could reach over the edge by half its side, and then moved inside:
    otherwise the edges would hardly ever be seen, and the brightness of small images be judged by their centre.

    Parameters
    ----------
    planes
        Shape (N, C, Y, X).
    size
        Side of a crop, at least `SMALLEST` and cut down to the image; 0 for whole planes.
    count
        Crops in a batch.
    rng
        On the CPU, whatever the planes' device: places are drawn without waiting for a GPU.
    """

    planes: Tensor
    size: int
    count: int
    rng: torch.Generator

    def __call__(self) -> Tensor:
        """A batch of shape (count, C, size, size); of whole planes, shape (1, C, Y, X)."""
        number, _, height, width = self.planes.shape
        if self.size == 0:
            plane = self._draw(number, 1)[0]
            return self.planes[plane : plane + 1]
        size = max(self.size, SMALLEST)
        tall, wide = min(size, height), min(size, width)
        places = zip(self._draw(number, self.count), self._starts(height, tall), self._starts(width, wide), strict=True)
        return torch.stack([self.planes[n, :, y : y + tall, x : x + wide] for n, y, x in places])

    def _starts(self, length: int, size: int) -> list[int]:
        over = size // 2
        return [min(max(start - over, 0), length - size) for start in self._draw(length - size + 1 + 2 * over, self.count)]

    def _draw(self, below: int, count: int) -> list[int]:
        return torch.randint(below, (count,), generator=self.rng).tolist()


def join(pair: tuple[Tensor, Tensor]) -> Tensor:
    """Both images of a pair as one batch, so that they go through a network in one pass."""
    return torch.cat(pair)


def split(batch: Tensor) -> tuple[Tensor, Tensor]:
    """The pair that `join` made into one batch."""
    first, second = batch.chunk(2)
    return first, second
