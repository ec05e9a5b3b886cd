"""What comes of a sweep: a tile for each setting, and all of them with what was varied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.method import Progress
from napari_zeroshot.engine.params import Value
from napari_zeroshot.engine.region import Region
from napari_zeroshot.engine.result import Result
from napari_zeroshot.engine.variation import METHOD, Axis, Setting


@dataclass(frozen=True, eq=False)
class Tile:
    """One setting, and what came of it.

    Parameters
    ----------
    setting
        The method with its parameters, and the place along the sweep's axes.
    image
        The denoised piece, its axes Y, X and S in the image's order; None if there was a `problem`.
    seconds
        What it took; for comparison with each other only, as the first one warms the machine up.
    expected_error
        The root mean square error to be expected, in grey levels, see `expected_error`; None where it cannot be told.
    held_out
        The method's own loss on crops kept out of training; None where it is not measured. Comparable only between tiles whose loss is the same.
    psnr, ssim
        Against the truth, if there is one and the image has no gaps.
    problem
        Why there is no image, in a sentence.
    result
        As `denoise` gives it.
    """

    setting: Setting
    image: NDArray[Any] | None = field(default=None, repr=False)
    seconds: float = 0.0
    expected_error: float | None = None
    held_out: float | None = None
    psnr: float | None = None
    ssim: float | None = None
    problem: str = ""
    result: Result | None = field(default=None, repr=False)

    def row(self, axes: Sequence[Axis]) -> dict[str, Value | None]:
        """Everything but the pixels, by name: what varies first."""
        varied = {axis.name: axis.values[i] for axis, i in zip(axes, self.setting.place, strict=True)}
        told = {"seconds": round(self.seconds, 3), "expected_error": self.expected_error, "held_out": self.held_out, "psnr": self.psnr, "ssim": self.ssim}
        return {**varied, METHOD: self.setting.method.name, "preset": self.setting.preset, **told, "problem": self.problem}


@dataclass(frozen=True)
class SweepProgress(Progress):
    """A report of a sweep: as of the denoising under way, with the tiles that are done."""

    tiles: tuple[Tile, ...] = ()


@dataclass(frozen=True, eq=False)
class Sweep:
    """The tiles of a sweep.

    Parameters
    ----------
    axes
        What was varied: one or two.
    tiles
        Those that are done, in the order of the work, the last axis fastest.
    noisy, truth
        The piece itself, and what it should be, if known.
    letters
        Which axes of the image the pieces have, in its order.
    region
        Where the piece lies in the image.
    complete
        False if it was cancelled: the other tiles are missing.
    notes
        What a user should know, in sentences.
    """

    axes: tuple[Axis, ...]
    tiles: tuple[Tile, ...]
    noisy: NDArray[Any] = field(repr=False)
    truth: NDArray[Any] | None = field(repr=False)
    letters: str
    region: Region
    seed: int = 0
    complete: bool = True
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """How many values each axis has."""
        return tuple(len(axis.values) for axis in self.axes)

    @property
    def images(self) -> tuple[Tile, ...]:
        """The tiles that came to an image."""
        return tuple(tile for tile in self.tiles if tile.image is not None)

    @property
    def best(self) -> Tile | None:
        """The tile nearest to the truth or, where that cannot be told, of the least expected error; None if neither can be told."""
        judged = [tile for tile in self.images if tile.psnr is not None]
        if judged:
            return max(judged, key=lambda tile: tile.psnr or 0.0)
        told = [tile for tile in self.images if tile.expected_error is not None]
        return min(told, key=lambda tile: tile.expected_error or 0.0) if told else None

    def rows(self) -> list[dict[str, Value | None]]:
        """A row of plain values for each tile, see `Tile.row`."""
        return [tile.row(self.axes) for tile in self.tiles]

    def stack(self) -> NDArray[Any]:
        """The tiles as one array: the sweep's axes first, then the piece's. What is missing is 0."""
        stacked = np.zeros((*self.shape, *self.noisy.shape), self.noisy.dtype)
        for tile in self.images:
            stacked[tile.setting.place] = tile.image
        return stacked

    def tile_at(self, place: Sequence[int]) -> Tile | None:
        """The tile of a place along the axes; None if it is not done."""
        return next((tile for tile in self.tiles if tile.setting.place == tuple(place)), None)
