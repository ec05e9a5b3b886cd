"""Median filter: each pixel becomes the middle value of its neighbourhood."""

from __future__ import annotations

from dataclasses import dataclass

from napari_zeroshot.engine.filtering import averaged_over, filtered, odd
from napari_zeroshot.engine.method import Job, Method, Planes, Steps
from napari_zeroshot.engine.params import Params, param


@dataclass(frozen=True)
class MedianParams(Params):
    """Parameters of the median filter."""

    size: int = param(
        3,
        "Side of the neighbourhood; larger removes more noise, and lines and dots thinner than half of it. An even number counts as the next odd one.",
        low=1, high=101, step=2, unit="px", tunable=True, log=True,
    )  # fmt: skip


def fit(noisy: Planes, params: MedianParams, job: Job) -> Steps:
    """Nothing to learn."""
    from scipy import ndimage  # here, for docks load this module, and it takes long

    size = odd(params.size)
    return (yield from filtered(noisy, lambda plane: ndimage.median_filter(plane, (1, size, size)), "median filter", halo=size // 2))


METHOD = Method(
    name="median",
    title="Median",
    summary="The middle value of each neighbourhood: removes single wild pixels and keeps edges, but not fine lines.",
    citation={
        "type": "book",
        "key": "tukey1977exploratory",
        "author": "Tukey, John W.",
        "title": "Exploratory Data Analysis",
        "publisher": "Addison-Wesley",
        "year": "1977",
    },
    params=MedianParams,
    fit=fit,
    shared_noise=lambda params, report: averaged_over(params.size),
)
