"""FM2S: noise like the microscope's is added to a pre-denoised image, and a tiny network learns to take it away.

Liu et al., "FM2S: Towards Spatially-Correlated Noise Modeling in Zero-Shot Fluorescence Microscopy Image
Denoising", 2024 (arXiv 2412.10031). Where the paper and its released code differ, the published figures come
from the code, so we follow the code; docs/methods/fm2s.md lists the differences.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_zeroshot.engine.filtering import averaged_over, odd
from napari_zeroshot.engine.method import Job, Method, Planes, Steps
from napari_zeroshot.engine.noise_level import noise_deviation
from napari_zeroshot.engine.params import param, retuned
from napari_zeroshot.engine.training import PAPER, Precision, Training, Turns

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor, nn

REACH = 5
"""Pixels around one that the network sees."""
LEAST_SURROUNDED = 18
"""Pixels; of the crops that are as large, only what lies `REACH` within is answered for."""


@dataclass(frozen=True)
class FM2SParams(Training):
    """Parameters of FM2S. The default noise factors are the paper's for a confocal microscope's raw frames; the schedule is ours."""

    steps: int = param(
        250,
        "Training steps on synthetic noise (stage two); the paper's 450 samples of 5 steps are 2250.",
        low=1, high=100_000, step=50, tunable=True, log=True,
    )  # fmt: skip
    crop: int = retuned(Training, "crop", 32)
    crops: int = retuned(Training, "crops", 8)
    precision: Precision = retuned(Training, "precision", "float32")
    early_stop: bool = retuned(Training, "early_stop", False)
    turns: Turns = retuned(Training, "turns", "2")
    k_g: float = param(
        200.0,
        "Gaussian noise added where the image is bright, in grey levels of 255. Higher denoises harder and blurs more.",
        label="Gaussian noise", symbol="k_g", low=0, high=1000, step=5, tunable=True, log=True,
    )  # fmt: skip
    k_p: float = param(
        30.0,
        "Photon level of the region-wise Poisson noise. Lower adds more noise, which denoises harder.",
        label="Region photon level", symbol="k_p", low=1, high=10_000, step=5, tunable=True, log=True,
    )  # fmt: skip
    lambda_p: float = param(
        70.0,
        "Photon level of the Poisson noise added everywhere. Lower adds more noise, which denoises harder.",
        label="Overall photon level", symbol="λ_p", low=1, high=100_000, step=10, tunable=True, log=True,
    )  # fmt: skip
    stride: int = param(
        75,
        "Side of the regions within which added noise is alike. Smaller follows brightness more closely.",
        label="Region size", symbol="stride", low=1, high=1024, step=5, unit="px", tunable=True, log=True,
    )  # fmt: skip
    filter_size: int = param(
        3,
        "Side of the pre-denoising filter. Larger removes noise that neighbouring pixels share, and fine detail. An even number counts as the next odd one.",
        label="Pre-filter size", symbol="filter", low=1, high=31, step=2, unit="px", tunable=True,
    )  # fmt: skip
    amplification: int = param(
        2,
        "Copies of the image with noise of their own that the network sees at once. More is steadier; 1 suits wide-field images.",
        label="Channel amplification", symbol="λ", low=1, high=16, tunable=True,
    )  # fmt: skip
    pre_denoise: Literal["median", "gaussian", "nlm"] = param(
        "median", "The filter that makes the training target (Table 7); the median measured best.", label="Pre-denoising", advanced=True
    )  # fmt: skip
    region_noise: bool = param(
        True, "Add noise that follows the brightness of each region. Off is row (a) of Table 6.", label="Region-wise noise", advanced=True
    )  # fmt: skip
    overall_noise: bool = param(True, "Add the same Poisson noise everywhere. Off is row (b) of Table 6.", label="Overall noise", advanced=True)
    stages: Literal["both", "coarse", "fine"] = param(
        "both",
        "Learn from the raw image first (coarse), from synthetic noise (fine), or both in turn; rows (d), (e) and (f) of Table 6.",
        label="Training stages", advanced=True,
    )  # fmt: skip
    coarse_steps: int = param(5, "Training steps on the raw image (stage one).", label="Coarse steps", low=1, high=10_000, advanced=True)
    steps_per_sample: int = param(
        1, "Steps on each sample of synthetic noise before a new one is drawn.", label="Steps per sample", low=1, high=1000, advanced=True
    )
    dimmest: float = param(
        1e-5, "Regions darker than this count as this bright when noise is added (0 to 1).", label="Dimmest region", low=1e-6, high=1, advanced=True, log=True
    )  # fmt: skip
    brightest: float = param(
        0.15,
        "Regions brighter than this count as this bright when noise is added (0 to 1).",
        label="Brightest region", low=1e-3, high=1, step=0.05, advanced=True,
    )  # fmt: skip

    @property
    def recordable(self) -> bool:
        """Only where every step draws a sample of its own."""
        return self.steps_per_sample == 1


def pre_denoised(noisy: Planes, kind: str, size: int) -> Planes:
    """The training target: noisy planes through a simple filter, each channel by itself. Shape (N, C, Y, X) in and out."""
    filtered = [_filtered(plane, kind, size) for plane in noisy.reshape(-1, *noisy.shape[2:])]
    return np.stack(filtered).reshape(noisy.shape).astype(np.float32)


def _filtered(plane: Any, kind: str, size: int) -> Any:
    from scipy import ndimage  # here, for docks load this module, and it takes long

    if kind == "median":
        return ndimage.median_filter(plane, odd(size), mode="reflect")
    if kind == "gaussian":
        return ndimage.gaussian_filter(plane, size / 3)
    from skimage.restoration import denoise_nl_means

    sigma = noise_deviation(plane[np.newaxis, np.newaxis])
    return denoise_nl_means(plane, patch_size=5, patch_distance=6, h=0.8 * sigma, sigma=sigma, fast_mode=True) if sigma else plane


def region_brightness(clean: Planes, stride: int, dimmest: float, brightest: float) -> Planes:
    """The mean of each `stride` x `stride` region, spread over its pixels and kept within bounds: M in eq. (4).

    Regions at the lower and right edge may be smaller. The released code fills them up with zeros, which
    makes their noise weaker than the image's; we do not.
    """
    height, width = clean.shape[-2:]
    rows, columns = np.arange(0, height, stride), np.arange(0, width, stride)
    sums = np.add.reduceat(np.add.reduceat(clean.astype(np.float64), rows, axis=2), columns, axis=3)
    tall, wide = np.diff([*rows, height]), np.diff([*columns, width])
    means = sums / (tall[:, None] * wide)
    spread = means.repeat(tall, axis=2).repeat(wide, axis=3)
    return spread.clip(dimmest, brightest).astype(np.float32)  # type: ignore[no-any-return]


def inject_noise(
    clean: Tensor, brightness: Tensor, params: FM2SParams, rng: torch.Generator, poisson: Callable[[Tensor, torch.Generator], Tensor] | None = None
) -> Tensor:
    """`clean` with synthetic noise: region-wise Poisson and Gaussian, then overall Poisson.

    Parameters
    ----------
    clean
        Shape (N, C, Y, X), values in 0 to 1; every channel gets noise of its own.
    brightness
        Same shape, from `region_brightness`.
    poisson
        Draws Poisson numbers, where `rng` is; torch does when left out.

    Notes
    -----
    Eqs. (4) to (6): Poisson with k_p / M photons for full brightness, Gaussian with a deviation of k_g M
    grey levels of 255, then Poisson with lambda_p photons; kept within 0 to 1 after each, as the code does.
    """
    import torch

    poisson = poisson or torch.poisson
    clean, brightness, device = clean.to(rng.device), brightness.to(rng.device), clean.device  # not every GPU draws Poisson numbers
    noisy = clean
    if params.region_noise:
        photons = params.k_p / brightness
        gaussian = torch.randn(clean.shape, generator=rng, device=clean.device) * brightness * (params.k_g / 255)
        noisy = (poisson(clean * photons, rng) / photons + gaussian).clamp(0, 1)
    if params.overall_noise:
        noisy = (poisson(noisy * params.lambda_p, rng) / params.lambda_p).clamp(0, 1)
    return noisy.to(device)


def fit(noisy: Planes, params: FM2SParams, job: Job) -> Steps:
    """Train on synthetic noise added to the pre-denoised planes. The samples of an RGB image count as planes of their own."""
    import torch

    from napari_zeroshot.engine import fitting, networks
    from napari_zeroshot.engine.poisson import looked_up
    from napari_zeroshot.engine.sampling import inner

    copies = params.amplification
    inside = REACH if params.crop >= LEAST_SURROUNDED else 0
    known = _of_as_many_copies(job.start, copies)
    coarse, fine = _lengths(params, goes_on=known is not None)

    bench = fitting.Bench.set_up(noisy, job, params, coarse + fine)
    network = bench.network(networks.fm2s_network(copies), known)
    learner = networks.unpadded(network) if inside else network
    crops = bench.crops(torch.from_numpy(_views(noisy, params, inside)).to(job.device))
    poisson = looked_up if params.crop and bench.rng.device.type == "cpu" else None

    def error(clean: Tensor, seen: Tensor) -> Tensor:
        return (learner(seen) - inner(clean, inside)).square().mean()  # type: ignore[no-any-return]

    def coarse_loss() -> Tensor:
        raw, clean, _ = crops().split(1, dim=1)
        return error(_amplified(clean, copies), _amplified(raw, copies))

    def with_noise(views: Tensor) -> tuple[Tensor, Tensor]:
        _, clean, bright = (_amplified(view, copies) for view in views.split(1, dim=1))
        return clean, inject_noise(clean.clamp(0, 1), bright, params, bench.rng, poisson)

    samples = (with_noise(crops()) for _ in itertools.count())
    repeated = (sample for sample in samples for _ in range(params.steps_per_sample))
    held_out = with_noise(crops.held_out()) if crops.spared else None

    denoiser = bench.denoiser(network, lambda network, image: _averaged(network, image, copies), halo=REACH)
    optimiser = bench.optimiser(network)
    yield from fitting.train(bench, optimiser, coarse_loss, denoiser, stage="coarse training", steps=coarse, averaging=0)
    score = (lambda: error(*held_out)) if held_out else None
    taken = yield from fitting.train(bench, optimiser, lambda: error(*next(repeated)), denoiser, stage="training", steps=fine, done=coarse, score=score)
    if job.cancelled() and known is None and taken < fine / 10:
        job.note("Cancelled before the network had learnt enough; this is the pre-denoising filter's result.")
        return lambda planes: pre_denoised(planes, params.pre_denoise, params.filter_size)
    return denoiser


def _lengths(params: FM2SParams, *, goes_on: bool) -> tuple[int, int]:
    """Steps of the coarse and of the fine stage; a network that goes on from another takes those of going on, of the last stage there is."""
    coarse, fine = (0 if params.stages == "fine" else params.coarse_steps), (0 if params.stages == "coarse" else params.steps)
    if not goes_on:
        return coarse, fine
    return (0, params.warm_steps) if fine else (min(coarse, params.warm_steps), 0)


def _views(noisy: Planes, params: FM2SParams, reach: int) -> Planes:
    """Every plane and sample as it is, pre-denoised, and how bright it is there, shape (N C, 3, Y + 2 reach, X + 2 reach).

    With as much around them as the network sees, mirrored as where it is applied: their outermost pixels are learnt from like others.
    """
    grey = noisy.reshape(-1, 1, *noisy.shape[2:])
    target = pre_denoised(grey, params.pre_denoise, params.filter_size)
    brightness = region_brightness(target, params.stride, params.dimmest, params.brightest)
    return np.pad(np.concatenate((grey, target, brightness), axis=1), ((0, 0), (0, 0), (reach, reach), (reach, reach)), mode="symmetric")


def _amplified(image: Tensor, copies: int) -> Tensor:
    """The same channel so many times, shape (N, copies, Y, X)."""
    return image.expand(-1, copies, -1, -1)


def _averaged(network: nn.Module, image: Tensor, copies: int) -> Tensor:
    """Each sample of an image denoised by itself: the mean of what the network makes of its copies."""
    grey = image.reshape(-1, 1, *image.shape[2:])
    return network(_amplified(grey, copies)).mean(dim=1).view(image.shape)  # type: ignore[no-any-return]


def _of_as_many_copies(start: Any, copies: int) -> Any:
    """The network to go on from, if it takes as many copies of the image."""
    network = getattr(start, "network", None)
    return network if network is not None and network[0].in_channels == copies else None


def _table(k_g: str, k_p: str, lambda_p: str, **shared: Any) -> list[dict[str, Any]]:
    columns = zip(*(map(float, row.split()) for row in (k_g, k_p, lambda_p)), strict=True)
    return [{"k_g": g, "k_p": p, "lambda_p": overall, **shared} for g, p, overall in columns]


def _microscope_presets() -> dict[str, dict[str, Any]]:
    """Table 11: one column for the raw frames and one each for the average of 2, 4, 8 and 16 frames."""
    tables = {
        "confocal": _table("200 125 70 10 5", "30 95 195 240 650", "70 285 485 650 1400", amplification=2, stride=75, filter_size=3),
        "two-photon": _table("175 150 90 20 15", "30 85 300 185 850", "60 300 480 600 3800", amplification=2, stride=75, filter_size=3),
        "wide-field": _table("220 220 60 20 1", "45 100 650 600 1500", "2000 2500 3500 4000 4800", amplification=1, stride=75, filter_size=11),
    }
    levels = ("", "-avg2", "-avg4", "-avg8", "-avg16")
    return {name + level: column for name, table in tables.items() for level, column in zip(levels, table, strict=True)}


METHOD = Method(
    name="fm2s",
    title="FM2S",
    summary="Learns to remove microscope-like noise that it adds itself; for fluorescence images, with noise factors for each microscope.",
    citation={
        "type": "misc",
        "key": "liu2024fm2s",
        "author": "Liu, Jizhihui and Teng, Qixun and Ma, Qing and Jiang, Junjun",
        "title": "FM2S: Towards Spatially-Correlated Noise Modeling in Zero-Shot Fluorescence Microscopy Image Denoising",
        "year": "2024",
        "eprint": "2412.10031",
    },
    params=FM2SParams,
    fit=fit,
    presets={
        **_microscope_presets(),
        "base": {"amplification": 6, "stride": 5, "k_g": 60.0, "k_p": 40.0, "lambda_p": 125.0, "filter_size": 3},
        "preview": {"steps": 150, "turns": "1", "warm_steps": 80},
        "paper": {**PAPER, "steps": 2250, "learning_rate": 1e-3, "schedule": "constant", "steps_per_sample": 5},
    },
    smallest=8,
    trains=True,
    shared_noise=lambda params, report: averaged_over(params.filter_size),
)
