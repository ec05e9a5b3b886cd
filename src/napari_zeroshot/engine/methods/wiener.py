"""Adaptive Wiener filter: flat places become their local mean, busy ones stay as they are.

Lee, "Digital image enhancement and noise filtering by use of local statistics", IEEE TPAMI 2 (1980).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_zeroshot.engine.filtering import averaged_over, filtered, odd
from napari_zeroshot.engine.method import Job, Method, Planes, Steps
from napari_zeroshot.engine.params import Params, param


@dataclass(frozen=True)
class WienerParams(Params):
    """Parameters of the adaptive Wiener filter."""

    size: int = param(
        5,
        "Side of the neighbourhood; larger smooths flat places more, and leaves more noise beside edges. An even number counts as the next odd one.",
        low=3, high=101, step=2, unit="px", tunable=True, log=True,
    )  # fmt: skip


def wiener(plane: Planes, size: int) -> Planes:
    """Local mean, plus the share of the deviation from it that is more than noise. Shape (C, Y, X).

    The noise's variance is taken to be the mean of the local variances, as in ``scipy.signal.wiener``,
    which does not reflect the edges and fails where an image is constant.
    """
    from scipy import ndimage  # here, for docks load this module, and it takes long

    exact = plane.astype(np.float64)
    mean = ndimage.uniform_filter(exact, (1, size, size))
    variance = ndimage.uniform_filter(np.square(exact), (1, size, size)) - np.square(mean)
    noise = variance.mean(axis=(1, 2), keepdims=True)
    share = np.maximum(variance - noise, 0) / np.maximum(variance, np.maximum(noise, np.finfo(float).tiny))
    clean: Planes = (mean + share * (exact - mean)).astype(np.float32)
    return clean


def fit(noisy: Planes, params: WienerParams, job: Job) -> Steps:
    """Nothing to learn."""
    return (yield from filtered(noisy, lambda plane: wiener(plane, odd(params.size)), "Wiener filter"))


METHOD = Method(
    name="wiener",
    title="Wiener",
    summary="Local mean where the image is flat, the image itself where it is not: quick, and leaves noise beside edges.",
    citation={
        "type": "article",
        "key": "lee1980digital",
        "author": "Lee, Jong-Sen",
        "title": "Digital Image Enhancement and Noise Filtering by Use of Local Statistics",
        "journal": "IEEE Transactions on Pattern Analysis and Machine Intelligence",
        "volume": "2",
        "pages": "165--168",
        "year": "1980",
        "doi": "10.1109/TPAMI.1980.4766994",
    },
    params=WienerParams,
    fit=fit,
    whole_plane=56,
    shared_noise=lambda params, report: averaged_over(params.size),
)
