"""One noisy image into several: diagonal pairs, random masks, crops, local statistics."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F


def diagonal_pair(image: Tensor) -> tuple[Tensor, Tensor]:
    """Two half-size images: the means of the two diagonals of each 2 x 2 cell.

    Shape (N, C, Y, X) to twice (N, C, Y // 2, X // 2); an odd last row or column is left out.
    ZS-N2N, eq. (3): D1 takes the anti-diagonal, D2 the main diagonal.
    """
    top_left, top_right, low_left, low_right = _of_cells(image)
    return (top_right + low_left) / 2, (top_left + low_right) / 2


def cell_mean(image: Tensor) -> Tensor:
    """The half-size image of 2 x 2 means, which is also the mean of its diagonal pair. Of few channels, torch's own pooling is ten times slower."""
    top_left, top_right, low_left, low_right = _of_cells(image)
    return (top_left + top_right + low_left + low_right) / 4


def balanced_mask(image: Tensor, rng: torch.Generator) -> Tensor:
    """A random mask of an image's shape, with as many ones as zeros in every channel.

    Shape (N, C, Y, X), float32 of 0 and 1; where Y * X is odd there is one more zero than ones.
    ZS-N2M, section 3.1: the matrix M_n.
    """
    count, channels, height, width = image.shape
    order = torch.rand(count * channels, height * width, generator=rng, device=rng.device).argsort(dim=1)
    return (order < height * width // 2).to(image.device, torch.float32).view(image.shape)


def inner(image: Tensor, rim: int) -> Tensor:
    """An image without so many pixels at each side."""
    return F.pad(image, (-rim,) * 4)


def swap(first: Tensor, second: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The two images with their pixels exchanged where `mask` is 0. ZS-N2M, section 3.1: G1 and G2."""
    return first * mask + second * (1 - mask), first * (1 - mask) + second * mask


def one_and_others(image: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two half-size images: of each 2 x 2 cell one pixel, drawn at random, and the mean of the three others.

    Whoever foretells the one from the other learns the same as from one of the three at random, from a third of its noise.
    Shape (N, C, Y, X) to twice (N, C, Y // 2, X // 2); an odd last row or column is left out. All channels take the same pixels.
    """
    cells = torch.stack(_of_cells(image), dim=4)
    place = torch.randint(4, (len(image), 1, *cells.shape[2:4], 1), generator=rng, device=rng.device)
    one = cells.gather(4, place.to(image.device).expand(*cells.shape[:4], 1))[..., 0]
    return one, (4 * cell_mean(image) - one) / 3


def _of_cells(image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Of each 2 x 2 cell the top left, top right, lower left and lower right pixel: four half-size images."""
    even = image[..., : image.shape[-2] // 2 * 2, : image.shape[-1] // 2 * 2]
    return even[..., 0::2, 0::2], even[..., 0::2, 1::2], even[..., 1::2, 0::2], even[..., 1::2, 1::2]


def lattices(image: Tensor, stride: int) -> Tensor:
    """The images that every `stride`-th pixel makes, in which noise that near pixels share is shared no longer.

    Shape (N, C, Y, X), sides multiples of `stride`, to (N * stride ** 2, C, Y // stride, X // stride).
    """
    count, channels, height, width = image.shape
    apart = F.pixel_unshuffle(image, stride).view(count, channels, stride**2, height // stride, width // stride)
    return apart.transpose(1, 2).reshape(-1, channels, height // stride, width // stride)


def joined_lattices(parts: Tensor, stride: int) -> Tensor:
    """The image of which `lattices` made the parts."""
    _, channels, height, width = parts.shape
    apart = parts.view(-1, stride**2, channels, height, width).transpose(1, 2)
    return F.pixel_shuffle(apart.reshape(-1, channels * stride**2, height, width), stride)


def turned(image: Tensor, turn: int) -> Tensor:
    """An image in one of its eight orientations: `turn` % 4 quarter turns, mirrored before from 4 on."""
    return torch.rot90(image.flip(3) if turn >= 4 else image, turn % 4, (2, 3))


def turned_back(image: Tensor, turn: int) -> Tensor:
    """The image that `turned` made into this one."""
    back = torch.rot90(image, -(turn % 4), (2, 3))
    return back.flip(3) if turn >= 4 else back


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
MOST_BATCHES = 4096
"""Places are drawn for this many batches at most, and then used again."""
HELD_OUT = 4
"""Crops kept out of training, where the planes are large enough."""
SPARED = 16
"""The planes are large enough if they hold so many times what is held out."""


class Crops:
    """Random square crops of planes; call it for the next batch.

    Places are drawn as if a crop could reach over the edge by half its side, and then moved inside:
    otherwise the edges would hardly ever be seen, and the brightness of small images be judged by their centre.
    All places are drawn at once, and lie on the planes' device: no batch waits for the CPU, and a recorded step can count on.

    Parameters
    ----------
    planes
        Shape (N, C, Y, X).
    size
        Side of a crop, at least `SMALLEST` and cut down to the image; 0 for whole planes.
    count
        Crops in a batch.
    rng
        On the CPU, whatever the planes' device.
    batches
        How many batches will be asked for.
    keep_out
        Whether to hold a few places out of training, for a score.
    members
        Into how many equal parts the planes fall that networks of their own learn from: a place is then taken from
        every part, and a batch is as many times as large, the parts' crops of a place side by side.
    """

    def __init__(self, planes: Tensor, size: int, count: int, rng: torch.Generator, *, batches: int = 1, keep_out: bool = False, members: int = 1) -> None:
        self._number, self._sides = len(planes) // members, planes.shape[2:]
        side = max(size, SMALLEST)
        height, width = self._sides
        self._size = (min(side, height), min(side, width)) if size else (height, width)
        self._at = planes.unfold(2, self._size[0], 1).unfold(3, self._size[1], 1)  # a view: plane, channel, and the crop that begins at a row and column
        count = count if size else 1
        places = self._draw(min(batches, MOST_BATCHES) * count, rng)
        room = self._number * height * width >= SPARED * HELD_OUT * self._size[0] * self._size[1]
        held_out = self._draw(HELD_OUT, rng) if keep_out and size and room else places[:0]
        self._held_out = self._of_each(held_out, members).to(planes.device)
        self._places = self._of_each(self._apart_from(held_out, places, rng), members).view(-1, count * members, 3).to(planes.device)
        self._next = torch.zeros(1, dtype=torch.int64, device=planes.device)

    def __call__(self) -> Tensor:
        """A batch of shape (count * members, C, size, size), channels last; of whole planes, shape (members, C, Y, X)."""
        batch = self._taken(self._places[self._next % len(self._places)][0])
        self._next += 1
        return batch

    @property
    def spared(self) -> bool:
        """Whether there are pixels enough for crops that training never sees."""
        return len(self._held_out) > 0

    def held_out(self) -> Tensor:
        """The crops that training never sees."""
        return self._taken(self._held_out)

    def _taken(self, places: Tensor) -> Tensor:
        plane, top, left = places.unbind(dim=1)
        return self._at[plane, :, top, left].contiguous(memory_format=torch.channels_last)

    def _draw(self, count: int, rng: torch.Generator) -> Tensor:
        plane = torch.randint(self._number, (count,), generator=rng)
        return torch.stack((plane, *(self._starts(*sides, count, rng) for sides in zip(self._sides, self._size, strict=True))), dim=1)

    def _of_each(self, places: Tensor, members: int) -> Tensor:
        """The same places in every member's planes."""
        first = (self._number * torch.arange(members)).repeat(len(places))
        return torch.column_stack((places[:, 0].repeat_interleave(members) + first, places[:, 1:].repeat_interleave(members, dim=0)))

    @staticmethod
    def _starts(length: int, size: int, count: int, rng: torch.Generator) -> Tensor:
        over = size // 2
        return (torch.randint(length - size + 1 + 2 * over, (count,), generator=rng) - over).clamp(0, length - size)

    def _apart_from(self, held_out: Tensor, places: Tensor, rng: torch.Generator) -> Tensor:
        """The places, those that touch a held-out one drawn again (a few times: where hardly any other is left, it stays)."""
        for _ in range(20 if len(held_out) else 0):
            near = (places[:, None, 1:] - held_out[None, :, 1:]).abs() < torch.tensor(self._size)
            touching = (near.all(dim=2) & (places[:, None, 0] == held_out[None, :, 0])).any(dim=1)
            places[touching] = self._draw(int(touching.sum()), rng)
        return places


def join(pair: tuple[Tensor, Tensor]) -> Tensor:
    """Both images of a pair as one batch, so that they go through a network in one pass."""
    return torch.cat(pair)


def split(batch: Tensor) -> tuple[Tensor, Tensor]:
    """The pair that `join` made into one batch."""
    first, second = batch.chunk(2)
    return first, second


def answered(answer: Callable[[Tensor], Tensor], pair: tuple[Tensor, Tensor], rim: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """A pair's answers, each smaller by `rim` at each side, and what of the pair they are answers for."""
    both = join(pair)
    return split(answer(both)), split(inner(both, rim))


def turned_at_random(batch: Tensor, rng: torch.Generator) -> Tensor:
    """The batch in one of its eight turns, channels last."""
    return turned(batch, int(torch.randint(8, (1,), generator=rng))).contiguous(memory_format=torch.channels_last)


def blurred(image: Tensor, sigma: float) -> Tensor:
    """The image under a Gaussian blur, its edges repeated. Shape (N, C, Y, X)."""
    bell = _bell(sigma, image)
    reach = len(bell) // 2
    flat = F.pad(image.flatten(0, 1)[:, None], (reach,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(flat, bell[None, None, :, None]), bell[None, None, None, :]).view(image.shape)


def brightness_around(image: Tensor, sigma: float) -> Tensor:
    """How bright the surroundings of each pixel are, without its own 3 x 3: its noise has no part in how much it counts. Shape (N, C, Y, X)."""
    bell = _bell(sigma, image)
    kernel = bell[:, None] * bell
    middle = len(bell) // 2
    kernel[middle - 1 : middle + 2, middle - 1 : middle + 2] = 0
    flat = F.pad(image.flatten(0, 1)[:, None], (middle,) * 4, mode="replicate")
    return F.conv2d(flat, (kernel / kernel.sum())[None, None]).view(image.shape)


def _bell(sigma: float, like: Tensor) -> Tensor:
    offsets = torch.arange(-int(4 * sigma + 0.5), int(4 * sigma + 0.5) + 1, device=like.device)
    bell = torch.exp(-((offsets / sigma) ** 2) / 2)
    return bell / bell.sum()
