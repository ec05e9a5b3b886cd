"""MicroSSIM, where its package is installed: structural similarity that forgives the offset and the range of microscope images.

Ashesh, Deschamps and Jug, "MicroSSIM: improved structural similarity for comparing microscopy data", ECCV workshops (2024).
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import numpy as np

from napari_zeroshot.engine.smooth_blocks import Floats

WINDOW = 7


def is_installed() -> bool:
    """Whether the package microssim is there."""
    return find_spec("microssim") is not None


def micro_ssim(truth: Floats, image: Floats) -> float | None:
    """MicroSSIM of two planes of shape (Y, X), its offset and range fitted to these; None if either is constant or narrower than its window of 7 pixels."""
    if min(truth.shape) < WINDOW or np.ptp(truth) == 0 or np.ptp(image) == 0:
        return None
    return float(import_module("microssim").micro_structural_similarity(truth, image))
