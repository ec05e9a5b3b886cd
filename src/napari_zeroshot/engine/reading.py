"""The planes of an order, read: whole, with their neighbours, and as a network learns from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine import fingerprint, intensity, plan
from napari_zeroshot.engine.axes import Index
from napari_zeroshot.engine.errors import FileError, ImageError
from napari_zeroshot.engine.method import Planes
from napari_zeroshot.engine.neighbours import count_of
from napari_zeroshot.engine.order import Order
from napari_zeroshot.engine.parts import blocks
from napari_zeroshot.engine.region import lies_in_memory


@dataclass(eq=False)
class Reading:
    """What one run reads of its image, and the sums of the planes that it has read.

    Parameters
    ----------
    order
        Whose image it is.
    note
        Takes a sentence for the user, where not all of the image is learnt from.
    watchful
        Whether every plane is summed each time it is read, and refused if it is not what it was.
    """

    order: Order
    note: Callable[[str], None]
    watchful: bool
    sums: dict[Index, bytes] = field(default_factory=dict)

    def learnt_from(self, group: Sequence[Index]) -> tuple[Sequence[intensity.Scale], Planes]:
        """A grey scale for each network of a group, and the planes that they learn from."""
        scales, noisy = zip(*(self.scaled(planes) for planes in self.order.apart(group)), strict=True)
        return scales, noisy[0] if len(noisy) == 1 else np.concatenate(noisy)

    def scaled(self, planes: Sequence[Index]) -> tuple[intensity.Scale, Planes]:
        """The grey scale of planes that share a network, and what it learns from."""
        sample = self._sample(planes)
        read = [self.filled(index)[0] for index in sample]
        scale = self.order.levels or intensity.measure(self._whole(sample, read), np.dtype(self.order.image.dtype))
        seen = (self.seen(index, plane) for index, plane in zip(sample, read, strict=True))
        parts = (part for planes in seen for part in zip(*map(self._blocks, planes), strict=True))
        return scale, np.stack([scale.normalise(np.concatenate(part)) for part in parts])

    def filled(self, index: Index) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        """A plane, shape (S, Y, X), with its gaps filled, and where they were; None if it has none."""
        return intensity.fill_gaps(self.raw(index), self._where(index), allowed=self.order.fill_nan)

    def refuse_gaps(self, planes: Iterable[Index]) -> None:
        """Look through planes for gaps that may not be filled, where no file has to be read for that: before work is spent on those that have none.

        Raises
        ------
        GapsError
            If there are any.
        """
        image = self.order.image
        if self.order.fill_nan or np.dtype(image.dtype).kind != "f" or not lies_in_memory(image):
            return
        for index in planes:
            intensity.fill_gaps(self.order.axes.read(image, index), self._where(index), allowed=False)

    def seen(self, index: Index, plane: NDArray[Any]) -> list[NDArray[Any]]:
        """A plane, shape (S, Y, X), by itself or in the middle of its neighbours."""
        among = self.order.among
        if among is None:
            return [plane]
        beside = [self._given(at, among.read) if number != among.count else plane for number, at in enumerate(among.around(index))]
        return [intensity.fill_gaps(one, self._where(index), allowed=self.order.fill_nan)[0] for one in beside]

    def raw(self, index: Index) -> NDArray[Any]:
        """A plane as it is in the image, whose sum is taken on the way: that costs no pass of its own."""
        plane = self._given(index, partial(self.order.axes.read, self.order.image))
        if index not in self.sums or self.watchful:
            self.see(index, fingerprint.of_plane(plane))
        return plane

    def see(self, index: Index, noisy: bytes) -> None:
        """Note the sum of a plane that was read.

        Raises
        ------
        ImageError
            If it was another when the plane was read before.
        """
        if self.sums.setdefault(index, noisy) != noisy:
            raise ImageError(f"the image has changed since it was first read: other pixels{self._where(index)}; let it be written to its end, then begin anew")

    def _sample(self, group: Sequence[Index]) -> Sequence[Index]:
        axes = self.order.axes
        samples = axes.size("S") * (2 * count_of(self.order.params) + 1)
        most = max(1, plan.TRAINING_PIXELS // (axes.height * axes.width * samples))
        if len(group) <= most:
            return group
        self.note(f"The shared network learnt from {most} evenly spaced planes of {len(group)}.")
        return [group[i] for i in np.linspace(0, len(group) - 1, most).round().astype(int)]

    def _blocks(self, plane: NDArray[Any]) -> list[NDArray[Any]]:
        parts = blocks(plane, plan.TRAINING_PIXELS)
        if len(parts) > 1 and self.order.method.trains:
            self.note(f"The network learnt from {len(parts)} evenly spaced blocks of {parts[0].shape[1]} x {parts[0].shape[2]} pixels of each plane.")
        return parts

    def _whole(self, sample: Sequence[Index], read: Sequence[NDArray[Any]]) -> Iterable[NDArray[Any]]:
        """The planes that a region lies in; the region itself if it cuts none, or if they are too large for a look at a part of them."""
        height, width = (self.order.whole.shape[self.order.axes.letters.index(letter)] for letter in "YX")
        if (height, width) == (self.order.axes.height, self.order.axes.width) or height * width > plan.TRAINING_PIXELS:
            return read
        return (intensity.fill_gaps(self.order.axes.read(self.order.whole, index), self._where(index), allowed=True)[0] for index in sample)

    def _given(self, index: Index, read: Callable[[Index], NDArray[Any]]) -> NDArray[Any]:
        """A plane of the image, which may be read from a disk only now."""
        try:
            return read(index)
        except OSError as error:
            raise FileError(f"cannot read the pixels{self._where(index)}: {error.strerror or error}; see that the disk they lie on is there") from error

    def _where(self, index: Index) -> str:
        counted = [f"{letter}={i}" for letter, i in zip(self.order.axes.letters, index, strict=True) if i is not None]
        return f" of plane {', '.join(counted)}" if counted else ""
