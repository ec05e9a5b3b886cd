"""Gaussian blur, as wide as the image's own noise asks for: the plainest filter, and hard to beat at low light.

Mallows, "Some comments on Cp", Technometrics 15 (1973); Stein, "Estimation of the mean of a multivariate normal
distribution", Ann. Statist. 9 (1981).
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_zeroshot.engine.blur import Blur, best_sigma
from napari_zeroshot.engine.filtering import filtered
from napari_zeroshot.engine.method import FAR, Job, Method, Planes, Steps
from napari_zeroshot.engine.params import Params, param


@dataclass(frozen=True)
class GaussianParams(Params):
    """Parameters of the Gaussian blur."""

    sigma: float = param(
        0.0,
        "Width of the blur; wider removes more noise and more detail. 0 chooses it from the image, without knowing the truth.",
        symbol="σ", low=0, high=100, step=0.1, unit="px", tunable=True, log=True,
    )  # fmt: skip


def fit(noisy: Planes, params: GaussianParams, job: Job) -> Steps:
    """Choose the width if it is not given, the same for all planes."""
    sigma = params.sigma or best_sigma(noisy)
    if not params.sigma:
        job.note(f"A sigma of {sigma:.2g} px was chosen from the image's own noise.")
    reach = int(4 * sigma + 0.5)  # where scipy cuts the bell off
    return (yield from filtered(noisy, Blur(sigma), f"Gaussian, sigma {sigma:.2g} px", reach))


METHOD = Method(
    name="gaussian",
    title="Gaussian",
    summary="A plain blur whose width is chosen from the image's own noise; what any other method has to beat.",
    citation={
        "type": "article",
        "key": "mallows1973some",
        "author": "Mallows, Colin L.",
        "title": "Some Comments on Cp",
        "journal": "Technometrics",
        "volume": "15",
        "number": "4",
        "pages": "661--675",
        "year": "1973",
        "doi": "10.1080/00401706.1973.10489103",
    },
    params=GaussianParams,
    fit=fit,
    shared_noise=lambda params, report: FAR if params.sigma else 2,  # the width that is chosen allows for so much
    held_against_gaussian=False,
)
