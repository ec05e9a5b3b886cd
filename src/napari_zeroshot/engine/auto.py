"""The automatic choice: reads the image's noise, chooses how to denoise, looks at the answer, and says why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.blur import Blur, best_sigma
from napari_zeroshot.engine.method import Denoiser, Job, Method, Planes, Steps, finished, unheard
from napari_zeroshot.engine.methods import gaussian, zs_unet
from napari_zeroshot.engine.neighbours import OfMiddle, count_of, own
from napari_zeroshot.engine.parts import middle_of, squares

if TYPE_CHECKING:
    from napari_zeroshot.engine.denoisers import NetworkDenoiser
    from napari_zeroshot.engine.noise_diagnosis import NoiseReport

JUDGED_FROM = 300
"""Steps; a shorter training is a preview or a trial, and its answer is shown as it is."""
TRIALS, HIDDEN, SURE = 8, 0.05, 0.04
"""Drawings of hidden pixels by which the answer is judged, at most; the share of all that each hides; and the standard error that is small enough."""
JUDGED, BIN = 4, 8
"""Squares of the planes that are judged, those with most structure: the most means of so many pixels a side differ."""
LEAST, MIXED, WHOLE = 0.1, 0.7, 0.8
"""Of a share of the answer below the first nothing is used; up to the second as much as was found; between that and the third up to all of it.
Where light is plenty too little is found: pixels that are hidden are unlike those that the network learnt from."""
TAKEN = 1.12
"""So many times the noise may be taken away where neighbours share it, in squares: 0.8 to 1.10 times were where that was right, 1.14 to 3.1 where not."""
AROUND = np.array([[[[1, 1, 1], [1, 0, 1], [1, 1, 1]]]]) / 8
"""How a hidden pixel is made of those around it."""


@dataclass(frozen=True)
class AutoParams(zs_unet.ZSUNetParams):
    """Parameters of the automatic choice: those of ZS-UNet, with which it begins. How far apart pairs are is its to decide."""


def fit(noisy: Planes, params: AutoParams, job: Job) -> Steps:
    """ZS-UNet, from pairs as far apart as the noise demands; with as much of a Gaussian in its answer as brings that nearer the truth."""
    if job.trained is not None:
        return (yield from zs_unet.fit(noisy, params, job))
    report = zs_unet.read_noise_of(own(noisy, count_of(params)))
    for sentence in reasons(report, count_of(params)):
        job.note(sentence)
    denoiser = yield from zs_unet.fit_knowing(report, noisy, params, job)
    if report is None or job.cancelled() or params.steps < JUDGED_FROM:
        return denoiser
    return _the_better(denoiser, report, noisy, count_of(params), job)  # type: ignore[arg-type]


def reasons(report: NoiseReport | None, count: int = 0) -> Iterator[str]:
    """Why this is done, and with how many neighbours each plane is seen, in sentences."""
    if report is None:
        yield "The image is too small, or too even, for its noise to be read: ZS-UNet learnt from neighbouring pixels alone."
        return
    light = f"About {report.photons:.2g} photons at the brightest" if report.photons is not None else "Noise that does not grow with the light"
    if report.neighbours_share:
        yield f"{light}, and noise that neighbouring pixels share: ZS-UNet learnt from pixels two and three apart, at the cost of the finest detail."
    elif report.perhaps_shared:
        yield f"{light}, and noise that is perhaps each pixel's own, perhaps shared: ZS-UNet learnt from neighbouring pixels, as if it were their own."
    else:
        yield f"{light}, and noise of its own for each pixel: ZS-UNet learnt from neighbouring pixels, and from its own answer with this noise."
    if count:
        many = "one" if count == 1 else str(count)
        yield f"Each plane was seen with the {many} before and the {many} after it; what they tell was learnt from the stack."


def _the_better(denoiser: NetworkDenoiser, report: NoiseReport, noisy: Planes, count: int, job: Job) -> Denoiser:
    """The denoiser, or a mean of it and the Gaussian, or the Gaussian: what is expected to be nearest the truth."""
    parts = middle_of(noisy) if report.neighbours_share else _liveliest(noisy, count)
    sigma = best_sigma(own(parts, count))
    if report.neighbours_share:
        share = 1.0 if _takes_no_more(denoiser(parts), report, own(parts, count), sigma) else 0.0
    else:
        share = _used(_share_of(replace(denoiser, turns=1), parts, sigma, count, job.seed))
    if share == 1:
        return denoiser
    if share:
        most = f"about {10 * round(10 * share)} % of the result is ZS-UNet's, the rest a Gaussian blur's"
        job.note(f"Noise is strong: {most}; together they foretell hidden pixels best.")
        return zs_unet.mixed_with_gaussian(denoiser, 1 - share, sigma)
    job.note("A Gaussian is expected to be nearer the truth than what was learnt, and was used instead.")
    plain = finished(gaussian.fit(own(noisy, count), gaussian.GaussianParams(), replace(job, note=unheard)))
    return OfMiddle(plain, count) if count else plain


def _liveliest(noisy: Planes, count: int) -> Planes:
    """The squares with most structure, each with its neighbours: what is empty tells little of how well structure is kept."""
    every = squares(noisy)
    liveliness = [_structure(own(square[np.newaxis], count)) for square in every]
    return np.stack([every[place] for place in np.argsort(liveliness, kind="stable")[: -JUDGED - 1 : -1]])


def _structure(planes: Planes) -> float:
    """How much means over a few pixels differ, where noise counts for little."""
    height, width = (max(1, size // BIN) for size in planes.shape[2:])
    cells = planes[..., : height * BIN, : width * BIN].reshape(*planes.shape[:2], height, -1, width, min(BIN, planes.shape[3]))
    return float(cells.mean(axis=(3, 5), dtype=np.float64).var(axis=(2, 3)).sum())


def _takes_no_more(answer: Planes, report: NoiseReport, plane: Planes, sigma: float) -> bool:
    """Whether no more is taken away than the noise, as it was read or as a Gaussian of that sigma takes it away: what is more than that is structure.

    Pixels that share their noise foretell it of one another, so that nothing is learnt from hiding some.
    """
    import torch

    from napari_zeroshot.engine.own_noise import OwnNoise

    taken, blurred = (float(np.square(clean - plane).mean(dtype=np.float64)) for clean in (answer, Blur(sigma)(plane)))
    return taken <= TAKEN * max(OwnNoise.of(report).variance_in(torch.from_numpy(plane)), blurred)


def _used(share: float) -> float:
    """How much of the answer is used, of how much was found to be best."""
    if share < LEAST:
        return 0.0
    return share if share <= MIXED else float(np.interp(share, (MIXED, WHOLE), (MIXED, 1.0)))


def _share_of(denoiser: Denoiser, parts: Planes, sigma: float, count: int, seed: int) -> float:
    """The share of the denoiser's answer that foretells hidden pixels best, the rest being a Gaussian's of that sigma: no noise need be known.

    With x what was hidden, a the answer and g the Gaussian's, it is the share that has the least squares of x - g - share (a - g).
    Pixels are hidden, in one part after the other, until it is certain enough. Where nothing can be told all of the answer is used.
    """
    blur = OfMiddle(Blur(sigma), count)
    along, square, spread, share = 0.0, 0.0, 0.0, 1.0
    for number, trial in enumerate(_hidden(parts, count, seed), start=1):
        plain = blur(trial.seen)[trial.hidden].astype(np.float64)
        apart, missed = denoiser(trial.seen)[trial.hidden] - plain, trial.plane[trial.hidden] - plain
        along, square = along + float(apart @ missed), square + float(apart @ apart)
        share = along / square if square else 1.0
        spread += float(np.square(apart * (missed - share * apart)).sum())
        if number >= len(parts) and spread**0.5 < SURE * square:
            break
    return share


@dataclass(frozen=True, eq=False)
class _Trial:
    """A plane some of whose pixels are the mean of those around them, with the planes beside it; what it was, shape (1, C, Y, X); and where they are."""

    seen: Planes
    plane: Planes
    hidden: NDArray[np.bool_]


def _hidden(parts: Planes, count: int, seed: int) -> Iterator[_Trial]:
    """Each is hidden behind a mean, about what can be known of it: behind a single neighbour, in fine texture, who trusts pixels most would miss most."""
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    for number in range(TRIALS):
        part = parts[number % len(parts), np.newaxis]
        plane = own(part, count)
        around = ndimage.convolve(plane, AROUND, mode="mirror")
        hidden = np.broadcast_to(rng.random(plane.shape[2:]) < HIDDEN, plane.shape)
        seen = part.copy()
        own(seen, count)[hidden] = around[hidden]
        yield _Trial(seen, plane, hidden)


METHOD = Method(
    name="auto",
    title="Auto",
    summary="Reads the image's noise, chooses how to denoise, mixes in a Gaussian where that helps, and says why. Start here.",
    citation=zs_unet.METHOD.citation,
    params=AutoParams,
    fit=fit,
    presets={name: values for name, values in zs_unet.METHOD.presets.items() if name not in ("default", "paper")},
    smallest=8,
    trains=True,
    shared_noise=zs_unet.METHOD.shared_noise,
    held_against_gaussian=False,  # it does that itself, and takes as much of the Gaussian as helps
)
