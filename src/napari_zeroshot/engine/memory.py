"""How much memory a run takes beside the image and its result, and how large its tiles may be within a bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_zeroshot.engine.axes import Axes
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.method import Method
from napari_zeroshot.engine.neighbours import count_of
from napari_zeroshot.engine.params import Params
from napari_zeroshot.engine.parts import PART

GIGABYTE = 1e9
SMALLEST_TILE, LARGEST_TILE = 16, 1024
"""Sides in pixels; larger tiles are no quicker."""
LEAST_UNASKED = 256
"""Without a bound, tiles are not made smaller than this: they would be all halo, and what they take is not what is short."""
SHARE_OF_FREE = 0.5
"""What a run without a bound may take of the free memory."""

PART_BYTES = 24
"""For each value of the part of a plane that is worked on: as it was, noisy, clean, and restored."""
SAMPLE_BYTES = 48
"""For each value that is learnt from: its copies, filtered copies and their brightness, or its spectrum."""
STEP_BYTES = 2000
"""For each value that a training step sees: what layers of at most `USUAL_WIDTH` channels keep for the way back."""
TILE_BYTES = 600
"""For each value of a tile on its way through them."""
USUAL_WIDTH = 24
"""Of GRD-Net at its top; the small networks take no more than that."""


@dataclass(frozen=True)
class Need:
    """What a run takes beside the image and its result, in bytes: `fixed`, and `per_pixel` of a tile."""

    fixed: float
    per_pixel: float

    @property
    def least(self) -> float:
        """Gigabytes with the smallest tiles, rounded up to hundredths."""
        return math.ceil(self._with_tile(SMALLEST_TILE) / GIGABYTE * 100) / 100

    def tile(self, gigabytes: float) -> int:
        """The side of the largest tile, in pixels, that keeps a run within its bound."""
        room = max(gigabytes * GIGABYTE - self.fixed, 0)
        return min(max(int(math.sqrt(room / self.per_pixel)), SMALLEST_TILE), LARGEST_TILE)

    def _with_tile(self, side: int) -> float:
        return self.fixed + self.per_pixel * side**2


def need(method: Method, params: Params, axes: Axes, training_pixels: int, members: int = 1) -> Need:
    """What a method takes on an image, estimated with some reserve.

    Parameters
    ----------
    training_pixels
        The most pixels that are learnt from.
    members
        How many networks are trained side by side.
    """
    samples, plane, among = axes.size("S"), axes.height * axes.width, 2 * count_of(params) + 1
    part = plane if method.whole_plane else min(axes.height, PART) * min(axes.width, PART)
    learnt = _learnt(axes, among, training_pixels, members)
    fixed = part * samples * among * max(PART_BYTES, method.whole_plane) + learnt * SAMPLE_BYTES
    if not method.trains:
        return Need(fixed, PART_BYTES)
    wide = _wide(params)
    step = members * samples * seen(params, min(plane, training_pixels)) * STEP_BYTES * wide
    return Need(fixed + step, TILE_BYTES * wide * samples)


def _learnt(axes: Axes, among: int, training_pixels: int, members: int) -> int:
    """The values that are learnt from, at most: of planes, each `among` so many, as `reading` chooses them, or of blocks of a larger one."""
    plane = axes.height * axes.width
    if plane > training_pixels:
        return training_pixels * among
    each = plane * axes.size("S") * among
    return each * min(len(axes.planes()), max(members, training_pixels // each))


def seen(params: Params, plane: int) -> int:
    """The pixels of which a network's training step sees so many."""
    crop = getattr(params, "crop", 0)
    return min(crop**2, plane) * int(getattr(params, "crops", 1)) if crop else plane


def _wide(params: Params) -> float:
    """How many times as wide as usual the widest network is; 1 at least."""
    refining = float(getattr(params, "refine_width", 0)) if getattr(params, "refine", False) else 0.0
    return max(refining / USUAL_WIDTH, float(getattr(params, "width", 0)) / USUAL_WIDTH, 1.0)


def tile_side(needed: Need, bound: float | None, device: str, what: str) -> int:
    """The side of a run's tiles in pixels.

    Parameters
    ----------
    bound
        Gigabytes; None takes what is free for the measure.
    device
        Where the tiles will be, as torch spells it.
    what
        The work, for the error: ``ZS-N2M on planes of 512 x 512``.

    Raises
    ------
    ParamError
        If the bound is no positive number, or too small for even the smallest tiles.
    """
    if bound is None:
        return max(needed.tile(SHARE_OF_FREE * free(device)), LEAST_UNASKED)
    if isinstance(bound, bool) or not isinstance(bound, int | float) or not 0 < bound < math.inf:
        raise ParamError(f"memory = {bound!r} is not allowed; it takes a number of gigabytes above 0, or None to go by what is free")
    if bound < needed.least:
        raise ParamError(f"memory = {bound:g} GB is too little for {what}; give {needed.least:g} GB or more, or leave it out")
    return needed.tile(bound)


def free(device: str) -> float:
    """Gigabytes that nobody uses, where `free_and_all` looks."""
    return free_and_all(device)[0] / GIGABYTE


def free_and_all(device: str) -> tuple[int, int]:
    """Bytes that nobody uses, and bytes altogether: of the card on CUDA, else of the machine. A card that is full raises torch's `RuntimeError`."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.mem_get_info(device)
    import psutil

    machine = psutil.virtual_memory()
    return int(machine.available), int(machine.total)
