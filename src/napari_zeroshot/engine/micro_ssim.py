"""MicroSSIM, where its package is installed: structural similarity that forgives the offset and the range of microscope images.

Ashesh, Deschamps and Jug, "MicroSSIM: improved structural similarity for comparing microscopy data", ECCV workshops (2024).
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import numpy as np

from napari_zeroshot.engine.errors import MissingPackageError
from napari_zeroshot.engine.smooth_blocks import Floats

WINDOW = 7


def is_installed() -> bool:
    """Whether the package microssim is there."""
    return find_spec("microssim") is not None


def micro_ssim(truth: Floats, image: Floats) -> float | None:
    """MicroSSIM of two planes of shape (Y, X), its offset and range fitted to these; None if either is constant or narrower than its window of 7 pixels.

    Raises
    ------
    MissingPackageError
        If the package is not there, or cannot be loaded.
    """
    if min(truth.shape) < WINDOW or np.ptp(truth) == 0 or np.ptp(image) == 0:
        return None
    try:
        package = import_module("microssim")
    except ImportError as error:
        raise MissingPackageError(f"the package microssim cannot be loaded ({error}): pip install 'napari-zeroshot[microssim]', or uninstall it") from error
    return float(package.micro_structural_similarity(truth, image))
