"""Non-local means: each pixel becomes the mean of pixels whose surroundings look alike.

Buades, Coll and Morel, "A non-local algorithm for image denoising", CVPR 2005.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_zeroshot.engine.filtering import filtered
from napari_zeroshot.engine.method import Job, Method, Planes, Steps
from napari_zeroshot.engine.noise_level import noise_deviation
from napari_zeroshot.engine.params import Params, param


@dataclass(frozen=True)
class NLMParams(Params):
    """Parameters of non-local means."""

    strength: float = param(
        1.3,
        "How unlike surroundings may be and still count, as a multiple of the noise measured in the image. Higher is smoother.",
        symbol="h/σ", low=0.01, high=20, step=0.1, tunable=True, log=True,
    )  # fmt: skip
    patch: int = param(5, "Side of the surroundings that are compared; larger is surer and misses small structure.", low=1, high=31, step=2, unit="px")
    reach: int = param(6, "How far away alike surroundings are looked for; farther finds more and takes longer.", low=1, high=50, unit="px", advanced=True)


def non_local_means(plane: Planes, sigma: float, strength: float, patch: int, reach: int) -> Planes:
    """A plane of shape (C, Y, X) through scikit-image's filter, its noise being `sigma`; untouched where there is none."""
    from skimage.restoration import denoise_nl_means

    if sigma == 0:
        return plane
    colours_last = np.moveaxis(plane, 0, -1)
    clean = denoise_nl_means(colours_last, patch_size=patch, patch_distance=reach, h=strength * sigma, sigma=sigma, fast_mode=True, channel_axis=-1)
    return np.moveaxis(clean.reshape(colours_last.shape), -1, 0)  # a single channel comes back without its axis


def fit(noisy: Planes, params: NLMParams, job: Job) -> Steps:
    """Measure the noise, the same for all planes."""
    sigma = noise_deviation(noisy)
    return (yield from filtered(noisy, lambda plane: non_local_means(plane, sigma, params.strength, params.patch, params.reach), "non-local means"))


METHOD = Method(
    name="nlm",
    title="Non-local means",
    summary="Averages places that look alike: good for repeated structure under moderate noise, little use at low light.",
    citation={
        "type": "inproceedings",
        "key": "buades2005nonlocal",
        "author": "Buades, Antoni and Coll, Bartomeu and Morel, Jean-Michel",
        "title": "A Non-Local Algorithm for Image Denoising",
        "booktitle": "IEEE Conference on Computer Vision and Pattern Recognition (CVPR)",
        "pages": "60--65",
        "year": "2005",
        "doi": "10.1109/CVPR.2005.38",
    },
    params=NLMParams,
    fit=fit,
    whole_plane=48,
    shared_noise=lambda params, report: 2,
    held_against_gaussian=False,  # each look takes as long as the run
)
