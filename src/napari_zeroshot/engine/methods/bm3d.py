"""BM3D: alike blocks are stacked and cleaned together. Needs the package ``bm3d``, free for non-commercial use only.

Dabov, Foi, Katkovnik and Egiazarian, "Image denoising by sparse 3-D transform-domain collaborative filtering",
IEEE TIP 16 (2007).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from napari_zeroshot.engine.errors import MissingPackageError
from napari_zeroshot.engine.filtering import filtered
from napari_zeroshot.engine.method import Job, Method, Planes, Steps
from napari_zeroshot.engine.noise_level import noise_deviation
from napari_zeroshot.engine.params import Params, param


@dataclass(frozen=True)
class BM3DParams(Params):
    """Parameters of BM3D."""

    strength: float = param(
        1.0,
        "The noise to remove, as a multiple of the noise measured in the image. Higher is smoother.",
        low=0.01, high=20, step=0.1, tunable=True, log=True,
    )  # fmt: skip


def fit(noisy: Planes, params: BM3DParams, job: Job) -> Steps:
    """Measure the noise, the same for all planes. The samples of an RGB image are cleaned one by one."""
    package = _package()
    sigma = params.strength * noise_deviation(noisy)

    def collaborative(plane: Planes) -> Planes:
        return np.stack([package.bm3d(channel, sigma) for channel in plane]) if sigma else plane

    return (yield from filtered(noisy, collaborative, "BM3D"))


def _package() -> ModuleType:
    try:
        import bm3d
    except ImportError as error:
        raise MissingPackageError(
            "BM3D needs the package bm3d, whose licence allows non-commercial use only, so it is not installed by default; "
            'if that suits you: pip install "napari-zeroshot[bm3d]"'
        ) from error
    return bm3d  # type: ignore[no-any-return]


METHOD = Method(
    name="bm3d",
    title="BM3D",
    summary="Cleans stacks of alike blocks together: strong on even noise. Needs the package bm3d, free for non-commercial use only.",
    citation={
        "type": "article",
        "key": "dabov2007image",
        "author": "Dabov, Kostadin and Foi, Alessandro and Katkovnik, Vladimir and Egiazarian, Karen",
        "title": "Image Denoising by Sparse 3-D Transform-Domain Collaborative Filtering",
        "journal": "IEEE Transactions on Image Processing",
        "volume": "16",
        "pages": "2080--2095",
        "year": "2007",
        "doi": "10.1109/TIP.2007.901238",
    },
    params=BM3DParams,
    fit=fit,
    whole_plane=64,
    held_against_gaussian=False,  # each look takes as long as the run
    smallest=16,  # version 4.0.3 kills Python at 8 x 8
)
