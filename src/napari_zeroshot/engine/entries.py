"""Tables that anyone may have written: each entry is given as what it has to be, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_zeroshot.engine.axes import Axes
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.region import Region

LONGEST = 200
"""Letters of a text in a record, and entries of a table: more is no record of ours."""


class Entries:
    """The entries of an unchecked table; each is given as what it has to be, or refused.

    Raises
    ------
    ParamError
        If it is no table; and, by each method, if the entry is not what it has to be.
    """

    def __init__(self, entries: Any) -> None:
        if not isinstance(entries, Mapping) or len(entries) > LONGEST:
            raise ParamError(f"a {type(entries).__name__} is no table of entries")
        self._entries = entries

    def has(self, name: str) -> bool:
        """Whether there is an entry of this name."""
        return self._entries.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A short text; `default` where there is none, if that is allowed."""
        found = self._entries.get(name, default)
        found = default if found is None else found
        if not isinstance(found, str) or len(found) > LONGEST:
            raise ParamError(f"its {name!r} is missing or no short text")
        return found

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """One of a few words; the first of them where there is none."""
        found = self.text(name, allowed[0])
        if found not in allowed:
            raise ParamError(f"its {name!r} is {found!r}; known are {', '.join(allowed)}")
        return found

    def whole(self, name: str, most: int, default: int = 0) -> int:
        """A whole number from 0 to `most`."""
        found = self._entries.get(name)
        found = default if found is None else found
        if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= most:
            raise ParamError(f"its {name!r} is no whole number from 0 to {most}")
        return found

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        found = self._entries.get(name, default)
        if not isinstance(found, bool):
            raise ParamError(f"its {name!r} is neither true nor false")
        return found

    def table(self, name: str) -> dict[str, Any]:
        """A table of further entries; empty where there is none."""
        found = self._entries.get(name, {})
        if not isinstance(found, Mapping) or len(found) > LONGEST or not all(isinstance(key, str) and len(key) <= LONGEST for key in found):
            raise ParamError(f"its {name!r} is no table of entries")
        return dict(found)

    def values(self, name: str) -> dict[str, Any]:
        """A table of what parameters can be: short texts and numbers."""
        found = self.table(name)
        if not all(_is_plain(value) for value in found.values()):
            raise ParamError(f"its {name!r} hold what is no parameter's value")
        return found

    def name(self) -> str:
        """A name that is only shown, cut to a decent length; empty where there is none."""
        found = self._entries.get("name")
        return found[:LONGEST] if isinstance(found, str) else ""

    def sizes(self, name: str) -> tuple[int, ...]:
        """The sizes of an array."""
        found = self._entries.get(name)
        if not isinstance(found, list | tuple) or not all(isinstance(size, int) and not isinstance(size, bool) and size > 0 for size in found):
            raise ParamError(f"its {name!r} is missing or no list of sizes")
        return tuple(found[:LONGEST])

    def region(self, name: str, axes: Axes) -> Region:
        """First and end index along some axes of an image."""
        found = {}
        for letter, ends in self.table(name).items():
            if letter not in axes.letters or not isinstance(ends, list | tuple) or len(ends) != 2 or not all(type(end) is int for end in ends):
                raise ParamError(f"its {name!r} is no part of an image with the axes {axes.letters}")
            start, end = ends
            if not 0 <= start < end <= axes.size(letter):
                raise ParamError(f"its {name!r} goes from {start} to {end} along {letter}, which has {axes.size(letter)}")
            found[letter] = (start, end)
        return found

    def pixel_type(self, name: str) -> str:
        """The name of a numpy type."""
        try:
            return np.dtype(self.text(name)).name
        except TypeError as error:
            raise ParamError(f"its {name!r} is no type of pixels") from error


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST
    return isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 2**63)
