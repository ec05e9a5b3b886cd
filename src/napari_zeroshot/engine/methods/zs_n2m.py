"""ZS-N2M: random pairs made from one image, mapped to their mean, then a second network that closes the gap.

Liu, Shi, Zhang, Li and Zhang, "Zero-Shot Noise2Mean: Gap Minimization for Efficient Denoising from a Single
Noisy Image", AAAI 2025. The equations below are that paper's. It leaves open the number of steps, the learning
rate, the constant C, the U-Net's layout and whether the networks predict the noise; docs/methods/zs-n2m.md says
what we chose.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_zeroshot.engine.filtering import odd
from napari_zeroshot.engine.method import Job, Method, Planes, Progress, Steps, own_noise_only
from napari_zeroshot.engine.params import param, retuned
from napari_zeroshot.engine.training import PAPER, Training

if TYPE_CHECKING:
    from torch import Tensor

    from napari_zeroshot.engine.denoisers import Apart, NetworkDenoiser
    from napari_zeroshot.engine.fitting import Bench

    Pair = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class ZSN2MParams(Training):
    """Parameters of ZS-N2M."""

    steps: int = retuned(Training, "steps", 550)
    learning_rate: float = retuned(Training, "learning_rate", 0.015)
    alpha_ie: float = param(
        10.0,
        "Smoothness: weight of the interactive equality loss. Higher is smoother; too high loses detail.",
        label="Smoothness", symbol="α_ie", low=0, high=1000, step=1, tunable=True, log=True,
    )  # fmt: skip
    alpha_cm: float = param(
        5.0,
        "Faithfulness: weight of the cross mapping loss, which ties the result to the noisy pixels. Higher keeps more detail and more noise.",
        label="Faithfulness", symbol="α_cm", low=0.01, high=1000, step=1, tunable=True, log=True,
    )  # fmt: skip
    alpha_id: float = param(
        10.0,
        "Flatness: weight of the interactive denoising loss, which evens out places without texture. 0 switches it off.",
        label="Flatness", symbol="α_id", low=0, high=1000, step=1, tunable=True, log=True,
    )  # fmt: skip
    window: int = param(
        5,
        "Side of the neighbourhood in which texture is judged. Larger is calmer, and less exact at edges. An even number counts as the next odd one.",
        label="Texture window", low=3, high=31, step=2, unit="px", advanced=True,
    )  # fmt: skip
    texture_constant: float = param(
        1e-5,
        "Keeps flat places from counting as texture differences; on intensities from 0 to 1. Larger evens out more.",
        label="Texture constant", symbol="C", low=1e-9, high=1, step=1e-5, advanced=True, log=True,
    )  # fmt: skip
    random_masks: bool = param(
        True,
        "Draw a new random pair at every step. Off uses the two fixed diagonals, which is less steady: the column 'w/o G' of Table 4.",
        label="Random pairs", symbol="G", advanced=True,
    )  # fmt: skip
    refine: bool = param(
        False,
        "Train a second, larger network (GRD-Net) on the first one's answers: the full ZS-N2M, sharper and slower. Off is the paper's ZS-N2M*.",
        label="Refine (GRD-Net)", symbol="h_φ",
    )  # fmt: skip
    refine_steps: int = param(
        300, "Training steps of the second network.", label="Refine steps", low=1, high=100_000, step=50, advanced=True, log=True
    )  # fmt: skip
    refine_rate: float = param(
        0.02,
        "How far each step moves the second network.",
        label="Refine learning rate", low=1e-6, high=0.5, step=1e-3, advanced=True, log=True,
    )  # fmt: skip
    refine_width: int = param(
        16,
        "Channels at the top of the second network; 38 with 4 levels is the paper's 2.7 million weights.",
        label="Refine width", low=4, high=128, step=2, advanced=True,
    )  # fmt: skip
    refine_levels: int = param(3, "Depth of the second network: how far around it sees.", label="Refine levels", low=2, high=5, advanced=True)
    refine_share: float = param(
        0.5,
        "Share of the second network in the answer; the rest is the first's. Their errors differ, so half of each is better than either; 1 is the paper's.",
        label="Refine share", low=0.01, high=1, step=0.1, advanced=True,
    )  # fmt: skip
    beta_re: float = param(
        100.0,
        "Weight of matching the first network at half size.",
        label="Reconstruction", symbol="β_re", low=0, high=10_000, step=10, advanced=True, log=True,
    )  # fmt: skip
    beta_con: float = param(
        1000.0,
        "Weight of matching the first network after halving the full-size result.",
        label="Refine consistency", symbol="β_con", low=0.01, high=100_000, step=100, advanced=True, log=True,
    )  # fmt: skip

    @property
    def side_by_side(self) -> bool:
        """Only the first network can be."""
        return not self.refine


def interactive_equality_loss(clean: Pair, pair_of_clean: Pair) -> Tensor:
    """How far denoised halves are from the halves, crossed over, of the denoised image. Eq. (2)."""
    return (clean[0] - pair_of_clean[1]).square().mean() + (clean[1] - pair_of_clean[0]).square().mean()


def cross_mapping_loss(clean: Pair, noisy: Pair) -> Tensor:
    """How far each denoised half is from the other noisy half. Eq. (3)."""
    return (clean[0] - noisy[1]).square().mean() + (clean[1] - noisy[0]).square().mean()


def interactive_denoising_loss(clean: Pair, window: int, constant: float) -> Tensor:
    """How far both denoised halves are from their local means, where their textures differ. Eq. (4).

    The target is d f + (1 - d) mean with d near 1 where both halves have the same texture, so the
    difference is (1 - d) (f - mean). The gradient flows through d and the mean, as in ZERO-IG.
    """
    from napari_zeroshot.engine.sampling import local_mean

    both = texture_similarity(clean, window, constant)
    return sum(((1 - both) * (half - local_mean(half, window))).square().mean() for half in clean)  # type: ignore[return-value]


def texture_similarity(clean: Pair, window: int, constant: float) -> Tensor:
    """d in eq. (4): 1 where both halves have the same local contrast, shape (N, 1, Y, X)."""
    from napari_zeroshot.engine.sampling import local_deviation

    first, second = (local_deviation(luminance(half), window) for half in clean)
    return 2 * first * second / (first.square() + second.square() + constant)


def luminance(image: Tensor) -> Tensor:
    """The grey image of a colour one (Rec. 601); any other number of channels is averaged."""
    if image.shape[1] != 3:
        return image.mean(dim=1, keepdim=True)
    return 0.299 * image[:, :1] + 0.587 * image[:, 1:2] + 0.114 * image[:, 2:]


def reconstruction_loss(refined: Tensor, target: Tensor) -> Tensor:
    """How far the second network's half-size answer is from the first's. Eq. (5)."""
    return (refined - target).square().mean()


def refine_consistency_loss(mean_of_refined: Tensor, target: Tensor) -> Tensor:
    """How far the halved full-size answer is from the first network's. Eq. (6)."""
    return (mean_of_refined - target).square().mean()


def fit(noisy: Planes, params: ZSN2MParams, job: Job) -> Steps:
    """Train MBD-Net on random pairs, then GRD-Net on its answers if asked for."""
    from napari_zeroshot.engine import denoisers, fitting

    steps, refine_steps = _stages(params, job)
    bench = fitting.Bench.set_up(noisy, job, params, steps + refine_steps)
    mean_based = yield from _fit_mean_based(bench, params, steps)
    if not params.refine or job.cancelled() or isinstance(mean_based, denoisers.Apart):
        return mean_based
    return (yield from _fit_gap_refinement(bench, params, mean_based, refine_steps))


def _stages(params: ZSN2MParams, job: Job) -> tuple[int, int]:
    """The steps of both networks; those that go on from earlier ones take as many each."""
    first = params.steps if job.start is None else params.warm_steps
    refined_before = getattr(job.start, "first", None) is not None
    second = params.warm_steps if refined_before else params.refine_steps
    return first, second if params.refine else 0


def _fit_mean_based(bench: Bench, params: ZSN2MParams, steps: int) -> Generator[Progress, None, NetworkDenoiser | Apart]:
    from napari_zeroshot.engine import fitting, networks, sampling

    start = getattr(bench.job.start, "first", None) or bench.job.start
    network = bench.network(networks.zs_n2n_network(bench.planes.shape[1]), getattr(start, "network", None))
    crops = bench.crops(bench.planes)
    denoiser = bench.residual_denoiser(network, halo=2)
    answer, rim = bench.residual_learner(network, reach=2)
    window = odd(params.window)

    def loss() -> Tensor:
        batch = crops()
        halves, halves_of_clean = sampling.diagonal_pair(batch), sampling.diagonal_pair(sampling.inner(answer(batch), rim))
        if params.random_masks:
            mask = bench.mask(halves[0])
            halves, halves_of_clean = sampling.swap(*halves, mask), sampling.swap(*halves_of_clean, sampling.inner(mask, rim))
        clean, noisy = sampling.answered(answer, halves, rim)
        equality, mapping = interactive_equality_loss(clean, halves_of_clean), cross_mapping_loss(clean, noisy)
        flatness = interactive_denoising_loss(clean, window, params.texture_constant) if params.alpha_id else 0
        return params.alpha_ie * equality + params.alpha_cm * mapping + params.alpha_id * flatness

    def score() -> Tensor:
        return cross_mapping_loss(*sampling.answered(answer, sampling.diagonal_pair(crops.held_out()), rim))

    yield from fitting.train(bench, bench.optimiser(network), loss, denoiser, stage="training", steps=steps, score=score if crops.spared else None)
    return denoiser


def _fit_gap_refinement(bench: Bench, params: ZSN2MParams, mean_based: NetworkDenoiser, steps: int) -> Generator[Progress, None, NetworkDenoiser]:
    import torch

    from napari_zeroshot.engine import denoisers, fitting, networks, sampling

    channels = bench.planes.shape[1]
    unet = networks.unet(channels, params.refine_width, params.refine_levels)
    refined_before = getattr(bench.job.start, "first", None) is not None
    network = bench.network(unet, getattr(bench.job.start, "network", None) if refined_before else None)
    first_answer = torch.from_numpy(mean_based(bench.planes.cpu().numpy())).to(bench.job.device)
    crops = bench.crops(torch.cat((bench.planes, first_answer), dim=1))

    def infer(noisy: Tensor) -> Tensor:
        return torch.lerp(mean_based.infer(noisy).float(), network(noisy).float(), params.refine_share)

    denoiser = denoisers.NetworkDenoiser(network, infer, bench.job.device, bench.job.tile, unet.halo, unet.multiple, first=mean_based)

    def loss() -> Tensor:
        noisy, answer = crops().split(channels, dim=1)
        target = sampling.cell_mean(answer)
        again = reconstruction_loss(network(sampling.cell_mean(noisy)), target)
        same = refine_consistency_loss(sampling.cell_mean(network(noisy)), target)
        return params.beta_re * again + params.beta_con * same

    yield from fitting.train(bench, bench.optimiser(network, params.refine_rate), loss, denoiser, stage="refining", steps=steps, done=bench.total - steps)
    return mean_based if bench.job.cancelled() else denoiser  # a U-Net half trained is worse than none


METHOD = Method(
    name="zs-n2m",
    title="ZS-N2M",
    summary="Learns the mean of random half-size pairs of the image; smoother than ZS-N2N, with a knob for smoothness.",
    citation={
        "type": "inproceedings",
        "key": "liu2025zeroshot",
        "author": "Liu, Duo and Shi, Yiqi and Zhang, Guoyin and Li, Sizhao and Zhang, Liguo",
        "title": "Zero-Shot Noise2Mean: Gap Minimization for Efficient Denoising from a Single Noisy Image",
        "booktitle": "AAAI Conference on Artificial Intelligence",
        "year": "2025",
        "url": "https://github.com/Doyle59217/ZS-N2M",
    },
    params=ZSN2MParams,
    fit=fit,
    presets={
        "synthetic": {"alpha_ie": 1.0},
        "real": {"alpha_ie": 10.0},
        "full": {"refine": True, "crop": 64},
        "preview": {"steps": 100, "learning_rate": 0.03, "crops": 2, "refine_steps": 50, "warm_steps": 25},
        "paper": {
            **PAPER,
            "steps": 2000,
            "learning_rate": 1e-3,
            "schedule": "step",
            "refine": True,
            "refine_steps": 1000,
            "refine_rate": 1e-3,
            "refine_share": 1.0,
            "refine_width": 38,
            "refine_levels": 4,
        },
    },
    smallest=8,
    trains=True,
    shared_noise=own_noise_only,
)
