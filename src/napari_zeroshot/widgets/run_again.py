"""A result made again in napari: finds its image among the layers, and adds a new result."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

from napari.layers import Image

from napari_zeroshot.engine.axes import parse
from napari_zeroshot.engine.errors import DenoiseError, FileError, ImageError
from napari_zeroshot.engine.method import Progress
from napari_zeroshot.engine.recorded import Recorded
from napari_zeroshot.engine.rerun import rerun_steps
from napari_zeroshot.engine.result import Result
from napari_zeroshot.widgets.layers import Source, pixels
from napari_zeroshot.widgets.run_beside import RunBeside

if TYPE_CHECKING:
    import napari


def run_again(viewer: napari.viewer.Viewer, result: Image, record: Recorded) -> RunBeside:
    """A run under way with the settings of a result.

    Raises
    ------
    ImageError
        If no open layer can be the image that the result was made from.
    """
    found: list[Source] = []
    sources = likely_sources(viewer, result, record)
    told = f"{record.method.title}: {record.name or result.name}"
    return RunBeside(viewer, told, lambda cancelled: _on_the_right_one(record, sources, found, cancelled), lambda: found[0], record.region)


def likely_sources(viewer: napari.viewer.Viewer, result: Image, record: Recorded) -> list[Source]:
    """The layers that may be the image of a record, by shape and type; the one of that name first.

    Raises
    ------
    ImageError
        If there is none.
    """
    found = [layer for layer in viewer.layers if isinstance(layer, Image) and layer != result and _is_like(layer, record)]
    if not found:
        shape = " x ".join(map(str, record.axes.shape))
        raise ImageError(f"the image that this was made from is not open; open {record.name or 'it'} first, an image of {shape} and type {record.pixel_type}")
    found.sort(key=lambda layer: layer.name != record.name)
    return [Source.of(layer, parse(record.axes.letters, pixels(layer).shape)) for layer in found]


def _is_like(layer: Image, record: Recorded) -> bool:
    try:
        record.check_form(pixels(layer))
    except ImageError:
        return False
    return True


def _on_the_right_one(record: Recorded, sources: Sequence[Source], found: list[Source], cancelled: Callable[[], bool]) -> Generator[Progress, None, Result]:
    """Run on the first source whose pixels are those of the record, which goes into `found`."""
    refusal: DenoiseError | None = None
    for source in sources:
        steps = rerun_steps(record, source.data, cancelled=cancelled)
        try:
            source.check_opaque(record.region, cancelled)
            first = next(steps)
        except (ImageError, FileError) as error:
            refusal = refusal or error
            continue
        found.append(source)
        yield first
        return (yield from steps)
    raise refusal or ImageError("there is no image to run on")
