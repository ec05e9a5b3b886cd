"""ZS-N2N: a pair of half-size images made from one, each learning to predict the other.

Mansour and Heckel, "Zero-Shot Noise2Noise: Efficient Image Denoising without any Data", CVPR 2023.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_zeroshot.engine.method import Job, Method, Planes, Steps, own_noise_only
from napari_zeroshot.engine.params import param, retuned
from napari_zeroshot.engine.training import PAPER, Training

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ZSN2NParams(Training):
    """Parameters of ZS-N2N."""

    steps: int = retuned(Training, "steps", 550)
    consistency: float = param(
        1.0,
        "Weight of agreement between denoising the halves and halving the denoised image; more keeps the full-size result truer, less denoises harder.",
        label="Consistency", symbol="L_cons", low=0, high=100, step=0.1, tunable=True, log=True,
    )  # fmt: skip
    random_masks: bool = param(
        False,
        "Draw a new random pair at every step instead of the two fixed diagonals: ZS-N2M's sampler, the column '+ G' of its Table 4.",
        label="Random pairs", symbol="G", advanced=True,
    )  # fmt: skip


def residual_loss(clean: tuple[Tensor, Tensor], noisy: tuple[Tensor, Tensor]) -> Tensor:
    """How far each denoised half is from the other noisy half. Eq. (5)."""
    return ((clean[0] - noisy[1]).square().mean() + (clean[1] - noisy[0]).square().mean()) / 2


def consistency_loss(clean: tuple[Tensor, Tensor], halves_of_clean: tuple[Tensor, Tensor]) -> Tensor:
    """How far the denoised halves are from the halves of the denoised image. Eq. (6)."""
    return ((clean[0] - halves_of_clean[0]).square().mean() + (clean[1] - halves_of_clean[1]).square().mean()) / 2


def fit(noisy: Planes, params: ZSN2NParams, job: Job) -> Steps:
    """Train on the planes' own halves; the network predicts the noise."""
    from napari_zeroshot.engine import fitting, networks, sampling

    steps = params.steps if job.start is None else params.warm_steps
    bench = fitting.Bench.set_up(noisy, job, params, steps)
    network = bench.network(networks.zs_n2n_network(noisy.shape[1]), getattr(job.start, "network", None))
    crops = bench.crops(bench.planes)
    denoiser = bench.residual_denoiser(network, halo=2)
    answer, rim = bench.residual_learner(network, reach=2)

    def loss() -> Tensor:
        batch = crops()
        pair, halves = sampling.diagonal_pair(batch), sampling.diagonal_pair(sampling.inner(answer(batch), rim))
        if params.random_masks:
            mask = bench.mask(pair[0])
            pair, halves = sampling.swap(*pair, mask), sampling.swap(*halves, sampling.inner(mask, rim))
        clean, noisy_pair = sampling.answered(answer, pair, rim)
        return residual_loss(clean, noisy_pair) + params.consistency * consistency_loss(clean, halves)

    def score() -> Tensor:
        return residual_loss(*sampling.answered(answer, sampling.diagonal_pair(crops.held_out()), rim))

    yield from fitting.train(bench, bench.optimiser(network), loss, denoiser, stage="training", steps=steps, score=score if crops.spared else None)
    return denoiser


METHOD = Method(
    name="zs-n2n",
    title="ZS-N2N",
    summary="Learns from two half-size copies of the image; fast, for noise that neighbouring pixels do not share.",
    citation={
        "type": "inproceedings",
        "key": "mansour2023zeroshot",
        "author": "Mansour, Youssef and Heckel, Reinhard",
        "title": "Zero-Shot Noise2Noise: Efficient Image Denoising without any Data",
        "booktitle": "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
        "pages": "14018--14027",
        "year": "2023",
        "eprint": "2303.11253",
    },
    params=ZSN2NParams,
    fit=fit,
    presets={
        "preview": {"steps": 100, "crops": 2, "warm_steps": 40},
        "paper": {**PAPER, "steps": 2000, "learning_rate": 1e-3, "schedule": "step"},
    },
    smallest=8,
    trains=True,
    shared_noise=own_noise_only,
)
