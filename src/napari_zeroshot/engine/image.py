"""An image with what a file or a layer says of it: axes, pixel size, names, how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from napari_zeroshot.engine.axes import letters_of, parse
from napari_zeroshot.engine.result import Result

Scale = Mapping[str, tuple[float, str]]
"""The size of one step along an axis: ``{"X": (0.1, "µm"), "Z": (0.5, "µm"), "T": (2.0, "s")}``."""

IN_MEMORY = 1 << 30
"""Files of more bytes are read from the disk when sliced."""

UNITS = {
    "um": "µm", "μm": "µm", "\\u00b5m": "µm", "micron": "µm", "microns": "µm", "micrometer": "µm", "micrometre": "µm",
    "nanometer": "nm", "nanometre": "nm", "millimeter": "mm", "millimetre": "mm", "centimeter": "cm", "meter": "m", "metre": "m",
    "angstrom": "Å", "inch": "in", "pixels": "pixel", "px": "pixel",
    "sec": "s", "second": "s", "seconds": "s", "msec": "ms", "millisecond": "ms", "us": "µs", "microsecond": "µs",
    "minute": "min", "minutes": "min", "hour": "h", "hours": "h",
}  # fmt: skip
"""What programs call the units, in lower case, and how OME-TIFF writes them."""


@dataclass(frozen=True, eq=False)
class Image:
    """Pixels, and what is known of them.

    Parameters
    ----------
    array
        Any array that can be sliced; large files give one that reads from the disk when sliced.
    axes
        A letter for each dimension; None if the file does not say and the user has to.
    scale
        Pixel size, slice distance and time interval, for the axes that have one.
    name
        Of the file without its ending, or of the layer.
    channels
        The channels' names, or nothing.
    provenance
        How a denoised image was made, see `Result.provenance`.
    notes
        What a user should know of the reading, in sentences.
    """

    array: Any = field(repr=False)
    axes: str | None = None
    scale: Scale = field(default_factory=dict)
    name: str = ""
    channels: tuple[str, ...] = ()
    provenance: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        known = {letter: (float(size), unit(name)) for letter, (size, name) in self.scale.items()}
        object.__setattr__(self, "scale", known)


def unit(name: str) -> str:
    """A unit as OME-TIFF writes it (``micrometer`` gives ``µm``); others stay as they are."""
    return UNITS.get(name.lower(), name)


def image_of(what: Any, *, axes: str | None = None, like: Image | None = None) -> Image:
    """An `Image` of a `Result`, an array or an image, with the names and pixel sizes of `like`.

    Raises
    ------
    ImageError
        If nothing says what the axes of a stack are, or if they do not fit.
    """
    known = what if isinstance(what, Image) else like or Image(None)
    if isinstance(what, Result):
        made = replace(known, array=what.image, axes=what.axes, provenance=what.provenance())
    elif isinstance(what, Image):
        made = what
    else:
        made = replace(known, array=what, axes=letters_of(what) or known.axes, provenance=None)
    return replace(made, axes=parse(axes or made.axes, made.array.shape).letters)
