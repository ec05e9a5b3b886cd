"""The see-through channel of pictures, which is no light that was measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_zeroshot.engine.errors import FileError


def without_alpha(pixels: Any, axis: int) -> tuple[Any, tuple[str, ...]]:
    """The pixels without the last sample along `axis`, and a note of it.

    Raises
    ------
    FileError
        If some pixels are see-through.
    """
    samples = np.moveaxis(pixels, axis, -1)
    opaque = np.iinfo(pixels.dtype).max if pixels.dtype.kind in "iu" else 1.0
    if not bool((samples[..., -1] == opaque).all()):
        raise FileError("some pixels are see-through (alpha channel); flatten the image or save it without alpha")
    colours = samples[..., :-1]
    grey = colours.shape[-1] == 1
    return colours[..., 0] if grey else np.moveaxis(colours, -1, axis), ("The alpha channel was opaque everywhere and was dropped.",)
