"""The automatic choice: reads the image's noise, chooses how to denoise, looks at the answer, and says why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_zeroshot.engine.method import Denoiser, Job, Method, Planes, Steps, finished, unheard
from napari_zeroshot.engine.methods import zs_unet
from napari_zeroshot.engine.parts import middle_of

if TYPE_CHECKING:
    from napari_zeroshot.engine.noise_diagnosis import NoiseReport

JUDGED_FROM = 200
"""Steps; a shorter training is a preview or a trial, and its answer is shown as it is."""


@dataclass(frozen=True)
class AutoParams(zs_unet.ZSUNetParams):
    """Parameters of the automatic choice: those of ZS-UNet, with which it begins. How far apart pairs are is its to decide."""


def fit(noisy: Planes, params: AutoParams, job: Job) -> Steps:
    """ZS-UNet, from pairs as far apart as the noise demands; but the Gaussian where it is expected to be nearer the truth."""
    if job.trained is not None:
        return (yield from zs_unet.fit(noisy, params, job))
    report = zs_unet.read_noise_of(noisy)
    for sentence in reasons(report):
        job.note(sentence)
    denoiser = yield from zs_unet.fit_knowing(report, noisy, params, job)
    if report is None or job.start is not None or job.cancelled() or params.steps < JUDGED_FROM:
        return denoiser
    return _the_better(denoiser, report, noisy, job)


def reasons(report: NoiseReport | None) -> Iterator[str]:
    """Why this is done, and what the image's noise warns of, in sentences."""
    from napari_zeroshot.engine.noise_findings import findings

    if report is None:
        yield "The image is too small, or too even, for its noise to be read: ZS-UNet learnt from neighbouring pixels alone."
        return
    light = f"About {report.photons:.2g} photons at the brightest" if report.photons is not None else "Noise that does not grow with the light"
    if report.neighbours_share:
        yield f"{light}, and noise that neighbouring pixels share: ZS-UNet learnt from pixels two and three apart, at the cost of the finest detail."
    else:
        yield f"{light}, and noise of its own for each pixel: ZS-UNet learnt from neighbouring pixels, and from its own answer with this noise."
    yield from (f"{finding.topic}: {finding.sentence}" for finding in findings(report) if finding.notable and finding.topic != "Neighbours")


def _the_better(denoiser: Denoiser, report: NoiseReport, noisy: Planes, job: Job) -> Denoiser:
    """The denoiser, or the Gaussian if that is expected to be nearer the truth; with a word where detail was lost."""
    from napari_zeroshot.engine.methods import gaussian
    from napari_zeroshot.engine.residual import MUCH_DETAIL, structure

    plain = finished(gaussian.fit(noisy, gaussian.GaussianParams(), replace(job, note=unheard)))
    part = middle_of(noisy)[0]
    if not report.neighbours_share and _expected_error(plain, part, report) < _expected_error(denoiser, part, report):
        job.note("A Gaussian is expected to be nearer the truth than what was learnt, and was used instead.")
        return plain
    removed = part[0].astype(np.float64) - denoiser(part[np.newaxis])[0, 0]
    if (structure(part[0].astype(np.float64), removed) or 0) > MUCH_DETAIL:
        job.note(
            "What was taken away holds structure, not noise alone: fine detail was lost. See the residual in the Compare dock before measuring small things."
        )
    return denoiser


def _expected_error(denoiser: Denoiser, part: Planes, report: NoiseReport) -> float:
    from napari_zeroshot.engine.expected_error import error_meter
    from napari_zeroshot.engine.intensity import Scale

    return error_meter(part, Scale(0.0, 1.0), report).error(denoiser)


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
)
