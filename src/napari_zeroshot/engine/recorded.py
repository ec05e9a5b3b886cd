"""What a provenance record says, checked: it may come out of anyone's file, so nothing in it is believed before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from napari_zeroshot.engine import fingerprint, provenance
from napari_zeroshot.engine.axes import Axes, parse
from napari_zeroshot.engine.entries import LONGEST, Entries
from napari_zeroshot.engine.errors import DenoiseError, ImageError, ParamError
from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.method import Method
from napari_zeroshot.engine.params import Params
from napari_zeroshot.engine.plan import Stack
from napari_zeroshot.engine.region import Region
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.engine.result import Result
from napari_zeroshot.engine.threads import MOST as MOST_THREADS

KEY = "napari-zeroshot"
"""Under which a napari layer's metadata hold the record."""
NUMERIC = ("napari-zeroshot", "torch", "numpy", "scipy", "scikit-image", "bm3d")
"""Packages whose versions may change a result a little."""


@dataclass(frozen=True)
class Recorded:
    """What a provenance record says of a run, checked.

    Parameters
    ----------
    axes
        Letters and shape of the image.
    region
        The part of it that was denoised, first and end index along some axes; empty for all of it.
    processor
        ``cpu``, ``cuda:0`` and so on; ``auto`` if the record does not say.
    threads
        The CPU threads that trained, as another number gives slightly different pixels; None if it makes no difference or is not known.
    name, pixel_type, pixels
        Of the image: its name, its type, and the sum of its pixels, None in records that have none.
    complete
        False if the run was ended early.
    versions
        Of the packages it ran on.
    """

    method: Method
    preset: str
    params: Params
    axes: Axes
    region: Region
    stack: str
    seed: int
    dtype: str
    nan: str
    tile: int
    processor: str
    threads: int | None
    name: str
    pixel_type: str
    pixels: str | None
    complete: bool
    versions: Mapping[str, str]

    @property
    def device(self) -> str:
        """Where to run it again: on the CPU if it was there, for only that gives the same pixels; else where it is quickest."""
        return "cpu" if self.processor == "cpu" else "auto"

    def changes(self) -> dict[str, Any]:
        """The parameters that differ from the preset's."""
        return self.params.changed_from(self.method.settings(self.preset))

    def options(self) -> dict[str, Any]:
        """Everything that `denoise_steps` needs beside the image, the method, the axes and the device."""
        run = {"preset": self.preset, "seed": self.seed, "stack": self.stack, "dtype": self.dtype, "nan": self.nan, "tile": self.tile}
        run |= {"threads": self.threads} if self.threads else {}
        return {**run, **({"region": self.region} if self.region else {}), **self.params.to_dict()}

    def check(self, image: Any) -> None:
        """Raise `ImageError` if the array is not the image of the record. Reads it once, plane by plane."""
        self.check_form(image)
        if self.pixels is not None and fingerprint.of_image(image, self.axes, self.region) != self.pixels:
            raise ImageError(
                f"this is not the image of the record{self._called()}: shape and type are the same, the pixels are not; "
                "give the image it was made from, or denoise this one with the same parameters"
            )

    def check_form(self, image: Any) -> None:
        """Raise `ImageError` if shape or type are not those of the record."""
        found, wanted = _form(image.shape, image.dtype), _form(self.axes.shape, self.pixel_type)
        if found != wanted:
            raise ImageError(f"this is not the image of the record{self._called()}, which is {wanted}; this one is {found}")

    def _called(self) -> str:
        return f" ({self.name})" if self.name else ""

    def notes(self) -> tuple[str, ...]:
        """Why the pixels may come out otherwise than they did, in sentences."""
        now = provenance.versions()
        others = [f"{name} {self.versions[name]}" for name in NUMERIC if name in self.versions and self.versions[name] != now.get(name)]
        told = [
            f"The first run had {', '.join(others)}; pixels may differ a little." if others else "",
            "The first run was ended early; this one went to its end." if not self.complete else "",
            f"The first run was on {self.processor}: only a CPU gives the same pixels again." if self.processor not in ("cpu", "auto") else "",
            "The record has no sum of the image's pixels, so that only shape and type could be compared." if self.pixels is None else "",
        ]
        return tuple(sentence for sentence in told if sentence)


def _form(shape: Any, dtype: Any) -> str:
    return f"{np.dtype(dtype).name} {tuple(int(size) for size in shape)}"


def recorded(what: Any, *, again: bool = True) -> Recorded:
    """What a provenance record says, checked.

    Parameters
    ----------
    what
        A `Result`, its ``provenance()``, an `Image` or a path of a file written by `write`, or a napari layer's metadata.
    again
        Whether it is to be run again, so that one that lacks what that takes is refused.

    Raises
    ------
    ParamError
        If there is no record, or if it is not one of a denoising that can be run again.
    """
    if isinstance(what, Recorded):
        return what
    record = _record_of(what)
    if record is None:
        where = f"{what} holds" if isinstance(what, str | Path) else "there is"
        raise ParamError(f"{where} no provenance record: this was not denoised by napari-zeroshot, or another program dropped the record")
    try:
        return _read(record, again)
    except DenoiseError as error:
        raise ParamError(f"the provenance record cannot be run again: {error}") from error


def _record_of(what: Any) -> Any:
    if isinstance(what, Result):
        return what.provenance()
    if isinstance(what, Image):
        return what.provenance
    if isinstance(what, str | Path):
        from napari_zeroshot.engine.files import read_provenance  # here, for docks load this module, and it takes long

        return read_provenance(what)
    return what.get(KEY, what) if isinstance(what, Mapping) else what


def _read(record: Any, again: bool) -> Recorded:
    entries = Entries(record)
    if again and entries.flag("continued", False):
        raise ParamError("it went on from another run's network, which the record does not hold")
    if again and entries.has("network"):
        raise ParamError("nothing was trained for it, and the network that it was made with is not in the record; use that network again instead")
    method = get_method(entries.text("method"))
    source = Entries(entries.table("source"))
    axes = parse(entries.text("axes"), source.sizes("shape"))
    return Recorded(
        method=method,
        preset=entries.text("preset", "default"),
        params=method.settings(entries.text("preset", "default"), entries.values("params")),
        axes=axes,
        region=source.region("region", axes),
        stack=entries.choice("stack", get_args(Stack)),
        seed=entries.whole("seed", 2**63 - 1),
        dtype=entries.choice("dtype", ("same", "float32")),
        nan=entries.choice("nan", ("refuse", "fill")),
        tile=entries.whole("tile", 2**31, 1024),
        processor=entries.text("processor", "auto"),
        threads=entries.whole("threads", MOST_THREADS) or None,
        name=source.name(),
        pixel_type=source.pixel_type("dtype"),
        pixels=source.text("pixels", "") or None,
        complete=entries.flag("complete", True),
        versions={name: version for name, version in entries.table("versions").items() if isinstance(version, str) and len(version) <= LONGEST},
    )
