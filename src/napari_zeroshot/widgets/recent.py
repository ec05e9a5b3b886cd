"""Pictures that were made lately, so that going back to one is instant."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST = 64
"""Pictures that are kept."""
MOST_BYTES = 64 * 2**20
"""What they may take together."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A denoised piece, its axes in the image's order, and what it took."""

    image: NDArray[np.generic]
    seconds: float


class Recent:
    """The pictures asked for last, by what they are of and how they were made; the oldest are let go."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Picture] = {}

    def get(self, key: Hashable) -> Picture | None:
        """The picture, if it is still known."""
        picture = self._known.pop(key, None)
        if picture is not None:
            self._known[key] = picture
        return picture

    def put(self, key: Hashable, picture: Picture) -> None:
        """Keep a picture."""
        self._known.pop(key, None)
        self._known[key] = picture
        while len(self._known) > 1 and (len(self._known) > MOST or sum(one.image.nbytes for one in self._known.values()) > MOST_BYTES):
            self._known.pop(next(iter(self._known)))
