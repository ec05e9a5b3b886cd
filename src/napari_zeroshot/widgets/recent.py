"""Pictures that were made lately, so that going back to one is instant."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

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
    """The pictures asked for last, by what they show and how they were made; the oldest are let go, and all once they are asked for of another array."""

    def __init__(self) -> None:
        self._of: Any = None
        self._known: dict[Hashable, Picture] = {}

    def get(self, of: Any, key: Hashable) -> Picture | None:
        """The picture of an array, if it is still known."""
        self._turn_to(of)
        picture = self._known.pop(key, None)
        if picture is not None:
            self._known[key] = picture
        return picture

    def put(self, of: Any, key: Hashable, picture: Picture) -> None:
        """Keep a picture of an array."""
        self._turn_to(of)
        self._known.pop(key, None)
        self._known[key] = picture
        while len(self._known) > 1 and (len(self._known) > MOST or sum(one.image.nbytes for one in self._known.values()) > MOST_BYTES):
            self._known.pop(next(iter(self._known)))

    def forget(self) -> None:
        """Let go of all, and of the array."""
        self._of, self._known = None, {}

    def _turn_to(self, of: Any) -> None:
        if of is not self._of:  # which is kept: what is told by its address alone may be another by now
            self._of, self._known = of, {}
