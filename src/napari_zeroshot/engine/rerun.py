"""A provenance record run again: the same settings and, on the same image, the same pixels."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_zeroshot.engine.agreement import agreement
from napari_zeroshot.engine.axes import Axes
from napari_zeroshot.engine.device import ASKED
from napari_zeroshot.engine.errors import DenoiseError, ImageError
from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.method import Progress, finished, never
from napari_zeroshot.engine.recorded import Recorded, recorded
from napari_zeroshot.engine.region import cut
from napari_zeroshot.engine.result import Result
from napari_zeroshot.engine.run import denoise_steps


def rerun(result: Any, image: Any, *, device: str | None = None, out: Any = None) -> Result:
    """Denoise an image again with the settings of an earlier result.

    Parameters
    ----------
    result, image, device, out
        As for `rerun_steps`.

    Returns
    -------
    Result
        On a CPU its pixels are those of the earlier result, bit for bit, elsewhere within `agreement.TOLERANCE`. ``notes`` say where they
        may differ and, where `result` holds pixels too, whether they do.

    Examples
    --------
    >>> rerun("cells-denoised.ome.tif", read("cells.ome.tif"))  # doctest: +SKIP
    """
    steps = rerun_steps(result, image, device=device, out=out)
    return finished(steps)


def rerun_steps(
    result: Any, image: Any, *, device: str | None = None, cancelled: Callable[[], bool] = never, out: Any = None, source: Mapping[str, Any] | None = None
) -> Generator[Progress, None, Result]:
    """As `rerun`, step by step: a generator of `Progress` that returns a `Result`.

    Parameters
    ----------
    result
        A `Result`, its ``provenance()``, an `Image` or a path of a file written by `write`, or a napari layer's metadata.
    image
        The image that it was made from: an array of any kind, or an `Image`.
    device
        As for `denoise_steps`. Left out, it is the CPU if the earlier run was on one, else ``auto``.
    cancelled, out, source
        As for `denoise_steps`.

    Raises
    ------
    ParamError
        If there is no provenance record, or one that cannot be run again.
    ImageError
        If the image is not the one of the record. Shape and type are checked by this call; the sum of
        the pixels, which takes one pass over the image, before the first report.
    """
    record = recorded(result)
    pixels = image.array if isinstance(image, Image) else image
    if not hasattr(pixels, "shape") or not hasattr(pixels, "dtype"):
        raise ImageError(f"a {type(pixels).__name__} is not an image; give an array, or what `read` gives")
    record.check_form(pixels)
    steps = denoise_steps(
        pixels, record.method.name, axes=record.axes.letters, device=device or record.device,
        cancelled=cancelled, out=out, source={"name": record.name, **(source or {})}, **record.options(),
    )  # fmt: skip
    return _checked(record, _pixels_of(result, record), pixels, steps if device else _on_the_first_device(steps))


def _on_the_first_device(steps: Generator[Progress, None, Result]) -> Generator[Progress, None, Result]:
    """A run on a CPU that nobody has asked for, since the first was on one."""
    result = yield from steps
    return replace(result, device=result.device.replace(ASKED, ", as in the first run"))


def _pixels_of(result: Any, record: Recorded) -> Any:
    """Those of the earlier result; None where only its record was given."""
    if isinstance(result, Result):
        return result.image
    if isinstance(result, str | Path):
        from napari_zeroshot.engine.files import read  # here, for docks load this module, and it takes long

        result = read(result, axes=record.axes.letters)
    return result.array if isinstance(result, Image) and result.axes == record.axes.letters else None


def _checked(record: Recorded, first: Any, pixels: Any, steps: Generator[Progress, None, Result]) -> Generator[Progress, None, Result]:
    record.check(pixels)
    result = yield from steps
    compared = record.complete and result.complete and np.shape(first) == np.shape(result.image)
    told = (_compared(first, result.image, cut(pixels, record.axes, record.region), record.axes.letters),) if compared else ()
    return replace(result, notes=(*record.notes(), *result.notes, *told))


def _compared(first: Any, again: Any, noisy: Any, letters: str) -> str:
    """How far apart the results are, in a sentence: what was done again is not lost if the first one's file is damaged or gone by now."""
    from napari_zeroshot.engine.files import BROKEN  # here, as above

    try:
        return agreement(first, again, noisy, Axes(letters, noisy.shape)).sentence()
    except (DenoiseError, *BROKEN) as error:
        return f"The pixels could not be compared with the first result's: {error}"
