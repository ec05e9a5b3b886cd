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
from napari_zeroshot.engine.parts import middle_of

if TYPE_CHECKING:
    from napari_zeroshot.engine.noise_diagnosis import NoiseReport

JUDGED_FROM = 300
"""Steps; a shorter training is a preview or a trial, and its answer is shown as it is."""
TRIALS, HIDDEN = 3, 0.05
"""Drawings of hidden pixels by which the answer is judged, and the share of all that each hides."""
LEEWAY = 1.015
"""So much of the Gaussian's misses is allowed: nearly all of them are noise, and the network never learnt from pixels that are hidden."""
TAKEN = 1.12
"""So many times the noise may be taken away where neighbours share it, in squares: 0.8 to 1.10 times were where that was right, 1.14 to 3.1 where not."""
AROUND = np.array([[[[1, 1, 1], [1, 0, 1], [1, 1, 1]]]]) / 8
"""How a hidden pixel is made of those around it."""
SIGMAS = np.geomspace(0.5, 8, 8)
"""Of the Gaussians that it is held against, in pixels."""


@dataclass(frozen=True)
class AutoParams(zs_unet.ZSUNetParams):
    """Parameters of the automatic choice: those of ZS-UNet, with which it begins. How far apart pairs are is its to decide."""


def fit(noisy: Planes, params: AutoParams, job: Job) -> Steps:
    """ZS-UNet, from pairs as far apart as the noise demands; but the Gaussian where it is expected to be nearer the truth."""
    if job.trained is not None:
        return (yield from zs_unet.fit(noisy, params, job))
    report = zs_unet.read_noise_of(own(noisy, count_of(params)))
    for sentence in reasons(report, count_of(params)):
        job.note(sentence)
    denoiser = yield from zs_unet.fit_knowing(report, noisy, params, job)
    if report is None or job.start is not None or job.cancelled() or params.steps < JUDGED_FROM:
        return denoiser
    return _the_better(denoiser, report, noisy, count_of(params), job)


def reasons(report: NoiseReport | None, count: int = 0) -> Iterator[str]:
    """Why this is done, and with how many neighbours each plane is seen, in sentences."""
    if report is None:
        yield "The image is too small, or too even, for its noise to be read: ZS-UNet learnt from neighbouring pixels alone."
        return
    light = f"About {report.photons:.2g} photons at the brightest" if report.photons is not None else "Noise that does not grow with the light"
    if report.neighbours_share:
        yield f"{light}, and noise that neighbouring pixels share: ZS-UNet learnt from pixels two and three apart, at the cost of the finest detail."
    elif report.texture:
        yield f"{light}, and noise that is perhaps each pixel's own, perhaps shared: ZS-UNet learnt from neighbouring pixels, as if it were their own."
    else:
        yield f"{light}, and noise of its own for each pixel: ZS-UNet learnt from neighbouring pixels, and from its own answer with this noise."
    if count:
        many = "one" if count == 1 else str(count)
        yield f"Each plane was seen with the {many} before and the {many} after it; what they tell was learnt from the stack."


def _the_better(denoiser: Denoiser, report: NoiseReport, noisy: Planes, count: int, job: Job) -> Denoiser:
    """The denoiser, or the Gaussian if that is expected to be nearer the truth."""
    part = middle_of(noisy)
    plane, answer = own(part, count), denoiser(part)
    better = _takes_no_more(answer, report, plane) if report.neighbours_share else _foretells_better(denoiser, part, count, job.seed)
    if better:
        return denoiser
    job.note("A Gaussian is expected to be nearer the truth than what was learnt, and was used instead.")
    plain = finished(gaussian.fit(own(noisy, count), gaussian.GaussianParams(), replace(job, note=unheard)))
    return OfMiddle(plain, count) if count else plain


def _takes_no_more(answer: Planes, report: NoiseReport, plane: Planes) -> bool:
    """Whether no more is taken away than the noise, as it was read or as the Gaussian that suits it takes it away: what is more than that is structure.

    Pixels that share their noise foretell it of one another, so that nothing is learnt from hiding some.
    """
    import torch

    from napari_zeroshot.engine.own_noise import OwnNoise

    taken, blurred = (float(np.square(clean - plane).mean(dtype=np.float64)) for clean in (answer, Blur(best_sigma(plane))(plane)))
    return taken <= TAKEN * max(OwnNoise.of(report).variance_in(torch.from_numpy(plane)), blurred)


def _foretells_better(denoiser: Denoiser, part: Planes, count: int, seed: int) -> bool:
    """Whether pixels that are hidden are foretold about as well as by the Gaussian that does it best, or better: no noise need be known."""
    trials = list(_hidden(part, count, seed))
    least = min(_misses(OfMiddle(Blur(float(sigma)), count), trials) for sigma in SIGMAS)
    return _misses(denoiser, trials) <= LEEWAY * least


@dataclass(frozen=True, eq=False)
class _Trial:
    """A plane some of whose pixels are the mean of those around them, with the planes beside it; what it was, shape (1, C, Y, X); and where they are."""

    seen: Planes
    plane: Planes
    hidden: NDArray[np.bool_]


def _hidden(part: Planes, count: int, seed: int) -> Iterator[_Trial]:
    """Each is hidden behind a mean, about what can be known of it: behind a single neighbour, in fine texture, who trusts pixels most would miss most."""
    from scipy import ndimage

    plane, rng = own(part, count), np.random.default_rng(seed)
    around = ndimage.convolve(plane, AROUND, mode="mirror")
    for _ in range(TRIALS):
        hidden = np.broadcast_to(rng.random(plane.shape[2:]) < HIDDEN, plane.shape)
        seen = part.copy()
        own(seen, count)[hidden] = around[hidden]
        yield _Trial(seen, plane, hidden)


def _misses(denoiser: Denoiser, trials: list[_Trial]) -> float:
    return float(np.mean([np.square(denoiser(trial.seen) - trial.plane)[trial.hidden].mean(dtype=np.float64) for trial in trials]))


METHOD = Method(
    name="auto",
    title="Auto",
    summary="Reads the image's noise, chooses how to denoise, compares with a Gaussian, and says why. Start here.",
    citation=zs_unet.METHOD.citation,
    params=AutoParams,
    fit=fit,
    presets={name: values for name, values in zs_unet.METHOD.presets.items() if name not in ("default", "paper")},
    smallest=8,
    trains=True,
    shared_noise=zs_unet.METHOD.shared_noise,
    held_against_gaussian=False,  # it does that itself, and takes the Gaussian where that is nearer
)
