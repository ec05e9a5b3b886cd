"""Real noisy images and their references, as found in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio.v3 as iio
from numpy.typing import NDArray

PRESETS = {"Confocal": "confocal", "TwoPhoton": "two-photon", "WideField": "wide-field"}


@dataclass(frozen=True)
class Pair:
    """One scene: its noisy image and the reference to compare with, both 8 bit grey."""

    name: str
    raw: NDArray[Any]
    truth: NDArray[Any]

    @property
    def microscope(self) -> str:
        """The microscope that the file's name tells, as an FM2S preset; ``base`` for other sets."""
        return PRESETS.get(self.name.split("_")[0], "base")

    def centre(self, side: int) -> Pair:
        """The central square of `side` pixels."""
        top, left = ((length - side) // 2 for length in self.raw.shape)
        inside = slice(top, top + side), slice(left, left + side)
        return Pair(self.name, self.raw[inside], self.truth[inside])


def kind_of(name: str) -> str:
    """What tells images of a set apart, as their names say: the microscope, or the channel; empty where they say nothing."""
    words = name.split("_")
    return PRESETS.get(words[0], words[-1] if words[-1].startswith("ch") else "")


def pairs(folder: Path) -> Iterator[Pair]:
    """Every ``raw/NAME.png`` of a folder with its ``gt/NAME.png``, by name; a folder without any ends the program."""
    found = sorted((folder / "raw").glob("*.png"))
    if not found:
        raise SystemExit(f"no raw/*.png in {folder}; give a folder of pairs with --data")
    for path in found:
        yield Pair(path.stem, iio.imread(path), iio.imread(folder / "gt" / path.name))
