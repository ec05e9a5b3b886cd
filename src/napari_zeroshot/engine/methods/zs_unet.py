"""ZS-UNet: our own. A small U-Net with a wide view learns from pairs of the image's pixels, then from its own answer with the image's noise put back.

Pairs of random neighbours are those of Neighbor2Neighbor (Huang et al., CVPR 2021), learnt from a single image; the second half has FM2S's
idea, with noise measured instead of set and the network's answer instead of a filter's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_zeroshot.engine.blur import SIGMAS, Blur
from napari_zeroshot.engine.errors import ImageError, ParamError
from napari_zeroshot.engine.method import Job, Method, Planes, Steps
from napari_zeroshot.engine.neighbours import Neighbours, OfMiddle, count_of, own
from napari_zeroshot.engine.params import param, retuned
from napari_zeroshot.engine.parts import middle_of, spread
from napari_zeroshot.engine.training import Training

if TYPE_CHECKING:
    from torch import Tensor, nn

    from napari_zeroshot.engine.denoisers import NetworkDenoiser
    from napari_zeroshot.engine.fitting import Bench
    from napari_zeroshot.engine.networks import EvenUNet
    from napari_zeroshot.engine.noise_diagnosis import NoiseReport
    from napari_zeroshot.engine.own_noise import OwnNoise
    from napari_zeroshot.engine.taught import Lessons

Distance = Literal["auto", "1", "2", "3", "2+3"]

MOST_READ, READ = 4, 1024
"""Planes, and the side of their middles in pixels, that tell of the noise."""
MOST_COMPARED, MOST_TURNED = 4, 2**21
"""Planes whose mean brightness is kept, and values of them that are turned for it."""
ENOUGH = 512
"""Side, in pixels, of a plane from which all steps can learn with pairs that lie apart: on 256 x 256 half of them are better, on this all."""
KNOWS_EDGES = 200
"""Steps from which on a network knows its own zeros beyond the edges, from its crops; before, bright edges come out dark unless they are mirrored."""
TOO_FAR = 0.122
"""By how much, in squares of what is taken away, the answers of pixels 3 apart may differ from those of pixels 2 apart: more is structure that is lost."""


@dataclass(frozen=True)
class ZSUNetParams(Training):
    """Parameters of ZS-UNet."""

    steps: int = retuned(Training, "steps", 600)
    learning_rate: float = retuned(Training, "learning_rate", 0.02)
    crop: int = retuned(Training, "crop", 96)
    crops: int = retuned(Training, "crops", 16)
    early_stop: bool = retuned(Training, "early_stop", False)
    turns: Literal["1", "2", "4", "8"] = retuned(Training, "turns", "4")
    warm_steps: int = retuned(Training, "warm_steps", 40)
    own_noise: float = param(
        0.5,
        "Share of the training, at its end, in which every other step learns from the network's own answer with the image's measured noise put back; "
        "0 learns from pairs of pixels only.",
        label="Own noise", low=0, high=0.95, step=0.05, tunable=True,
    )  # fmt: skip
    distance: Distance = param(
        "auto",
        "How far apart the pixels of a pair are. Further than 1 for noise that neighbours share, at the cost of detail; auto measures both.",
        label="Pair distance", unit="px", advanced=True,
    )  # fmt: skip
    neighbours: Neighbours = param(
        "auto",
        "How many planes before and after each one, in time or else in depth, are looked at with it, wherever they agree with it within the noise. "
        "How much they tell is learnt from the image; auto takes 1 in stacks, 0 looks at each plane alone.",
        label="Neighbouring planes",
    )  # fmt: skip
    smoothing: float = param(
        1.0,
        "Sigma of the blur that joins the images of pixels 3 apart; half of it joins those 2 apart, and where they are neighbours there is none.",
        label="Smoothing", low=0, high=5, step=0.1, unit="px", advanced=True,
    )  # fmt: skip
    balance: float = param(
        1.0,
        "How much less noisy places count: a difference weighs by the noise's standard deviation to the power of minus this.",
        label="Balance", low=0, high=2, step=0.1, advanced=True,
    )  # fmt: skip
    width: int = param(24, "Channels of the network; more follow finer structure, and learn the noise sooner.", label="Width", low=4, high=128, advanced=True)
    depth: int = param(
        3, "Levels of the network, the first at half the image's size; each doubles how far it sees.", label="Depth", low=1, high=6, advanced=True
    )

    @property
    def recordable(self) -> bool:
        """Steps differ: some learn from pairs, some from answers."""
        return False

    @property
    def side_by_side(self) -> bool:
        """The network is not a row of convolutions."""
        return False


def read_noise_of(planes: Planes) -> NoiseReport | None:
    """What noise the planes hold, on their scale; None where that cannot be told: too small or without noise."""
    from napari_zeroshot.engine.noise_diagnosis import diagnose

    part = _read_from(planes)
    try:
        return diagnose(part.reshape(-1, *part.shape[2:]), axes="ZYX")
    except ImageError:
        return None


def _read_from(planes: Planes) -> Planes:
    """The part of planes that tells of their noise."""
    return spread(planes, MOST_READ, READ)


def distances(wanted: Distance, report: NoiseReport | None) -> tuple[int, ...]:
    """The distances of pairs to learn from, in pixels.

    Noise that neighbours share dies out over two or three pixels: which, a single image does not tell well. Answers for both are averaged,
    unless pixels three apart turn out to miss what is as fine as that.
    """
    if wanted == "auto":
        wanted = "2+3" if report is not None and report.neighbours_share else "1"
    return tuple(map(int, wanted.split("+")))


def fit(noisy: Planes, params: ZSUNetParams, job: Job) -> Steps:
    """Read the noise, and train on pairs of the planes' pixels, then on the network's own answers."""
    report = read_noise_of(own(noisy, count_of(params))) if job.trained is None else None
    return (yield from fit_knowing(report, noisy, params, job))


def fit_knowing(report: NoiseReport | None, noisy: Planes, params: ZSUNetParams, job: Job) -> Steps:
    """Train on planes, with their neighbours if the parameters say so, whose noise is known; None if it cannot be told."""
    from napari_zeroshot.engine import fitting

    known = _of_same_shape(job.start, params, noisy.shape[1])
    steps = _steps(report, noisy, params, job) if known is None else params.warm_steps
    bench = fitting.Bench.set_up(noisy, job, params, steps)
    network = _network(known, report, noisy, bench, params)
    denoiser = _denoiser_of(network, _distances_of(network), bench, params)
    quick = replace(denoiser, turns=1)  # for snapshots, and for answers to learn from
    plain = own(noisy, count_of(params))
    lessons = _lessons(network, report, plain, quick, bench, own_from=steps - params.own_noise * steps if known is None else 0.0)
    yield from fitting.train(bench, bench.optimiser(network), lessons, quick, stage="training", steps=steps, score=lessons.score())
    if job.cancelled() and known is None and lessons.taken < steps / 10:
        job.note("Cancelled before the network had learnt enough; this is a plain blur.")
        return OfMiddle(Blur(1.0), count_of(params))
    if job.trained is not None:
        return denoiser
    network.steps += lessons.taken
    return _settled(network, report, noisy, bench, params)


def _network(known: nn.Module | None, report: NoiseReport | None, noisy: Planes, bench: Bench, params: ZSUNetParams) -> EvenUNet:
    """The network to train, or trained already. A new one is told the planes' grey levels, how far apart to learn, and by what noise neighbours differ."""
    from napari_zeroshot.engine import guarded

    plain = own(noisy, count_of(params))
    new = guarded.unet_among(noisy.shape[1], plain.shape[1], params.width, params.depth)
    network: EvenUNet = bench.network(new, known)  # type: ignore[assignment]
    if bench.job.trained is None:
        _set_up(network, plain, distances(params.distance, report))
        if known is None:
            network.steps.zero_()
        guarded.set_up(network, report, noisy, bench.job)
    return network


def _lessons(network: EvenUNet, report: NoiseReport | None, plain: Planes, quick: NetworkDenoiser, bench: Bench, *, own_from: float) -> Lessons:
    """What is learnt of plain planes: pairs, and from step `own_from` on the network's own answers too, where each pixel has noise of its own."""
    from napari_zeroshot.engine.taught import Answers, Lessons, Pairs

    apart = _distances_of(network)
    noise, diagonal = None, False
    if report is not None and apart == (1,):
        part = _read_from(plain)
        diagonal = part.shape[1] > 1 or _is_textured(report, bench.job)
        noise = _own_noise(report, part, diagonal)
    pairs = [Pairs(bench, distance, noise, diagonal=diagonal) for distance in apart]
    own_from = max(own_from, 1.0)  # not the first step, whose loss is told
    answers = Answers(bench, noise, quick, int((bench.total - own_from) / 2)) if noise and bench.knobs.own_noise else None  # type: ignore[attr-defined]
    return Lessons(network, pairs, answers, own_from)


def _settled(network: EvenUNet, report: NoiseReport | None, noisy: Planes, bench: Bench, params: ZSUNetParams) -> NetworkDenoiser:
    """What is made of a network that has learnt: without pixels three apart, if they turn out to miss structure; and with the planes' mean brightness."""
    count, apart = count_of(params), _distances_of(network)
    denoiser = _denoiser_of(network, apart, bench, params)
    if params.distance == "auto" and _too_far(network, report, denoiser, middle_of(noisy), count):
        bench.job.note("Structure is nearly as fine as the noise's grain: the answers of pixels three apart, which blur it, were left out.")
        _tell_distances(network, apart[:1])
        denoiser = _denoiser_of(network, apart[:1], bench, params)
    _keep_mean(network, denoiser, noisy[:MOST_COMPARED], count)
    return denoiser


def _steps(report: NoiseReport | None, noisy: Planes, params: ZSUNetParams, job: Job) -> int:
    """How many steps to take: fewer where pairs are far apart and pixels few, for there the noise is soon learnt by heart."""
    learns_far = job.trained is None and distances(params.distance, report) != (1,)
    share = min(1.0, noisy[:, 0].size ** 0.5 / ENOUGH) if learns_far else 1.0
    if share < 1:
        job.note(f"The image is small for pairs of pixels that lie apart: {share:.0%} of the steps were taken, before the noise is learnt by heart.")
    return max(1, round(share * params.steps))


def _is_textured(report: NoiseReport, job: Job) -> bool:
    """Whether grey planes have details as fine as their pixels; that is told."""
    if report.fine_texture:
        job.note("The sample has details as fine as single pixels: pairs were taken along the diagonals of 2 x 2 pixels, which keeps them.")
    return report.fine_texture


def _own_noise(report: NoiseReport, part: Planes, textured: bool) -> OwnNoise:
    """The noise of planes; of fine texture no more than its finest details hold, unless neighbours share it: those hold less of that."""
    from napari_zeroshot.engine.own_noise import OwnNoise

    noise = OwnNoise.of(report)
    return noise.within(part) if textured and not report.neighbours_share else noise


def _set_up(network: EvenUNet, planes: Planes, apart: tuple[int, ...]) -> None:
    """Tell a network the grey levels and the distances it is to learn in, and that its answers are its own."""
    import torch

    deviation = float(planes.std(dtype=np.float64)) or 1.0
    network.grey.copy_(torch.tensor([float(planes.mean(dtype=np.float64)), deviation, 0.0]))
    network.gaussian.zero_()
    _tell_distances(network, apart)


def _tell_distances(network: EvenUNet, apart: tuple[int, ...]) -> None:
    import torch

    network.distances.copy_(torch.tensor([*map(float, apart), 0.0][:2]))


def _distances_of(network: EvenUNet) -> tuple[int, ...]:
    apart = tuple(int(distance) for distance in network.distances.tolist() if distance)
    if not apart or not set(apart) <= {1, 2, 3}:
        raise ParamError(f"the network learnt from pixels {network.distances.tolist()} apart; 1, 2 and 3 are allowed")
    return apart


def _denoiser_of(network: EvenUNet, apart: tuple[int, ...], bench: Bench, params: ZSUNetParams) -> NetworkDenoiser:
    from napari_zeroshot.engine.tiling import MIRRORED

    smoothing = params.smoothing * (max(apart) - 1) / 2
    share, sigma = network.gaussian.tolist()
    if not (0 <= share <= 1 and 0 <= sigma <= SIGMAS[-1]):
        raise ParamError(f"{share:g} of the network's answer is a Gaussian's of {sigma:g} px; shares of 0 to 1 and up to {SIGMAS[-1]:g} px are allowed")
    infer = partial(_answer, apart=apart, smoothing=smoothing, share=share, sigma=sigma)
    halo = network.halo * max(apart) + int(4 * max(smoothing, sigma) + 0.5)
    multiple = network.multiple * int(np.lcm.reduce(apart))
    mirrored = 0 if network.steps >= KNOWS_EDGES else MIRRORED
    return replace(bench.denoiser(network, infer, halo=halo), multiple=multiple, mirrored=mirrored)  # type: ignore[arg-type,return-value]


def mixed_with_gaussian(denoiser: NetworkDenoiser, share: float, sigma: float) -> NetworkDenoiser:
    """The denoiser, so much of whose answers is the noisy planes under a blur; its network keeps how much that is."""
    import torch

    denoiser.network.gaussian.copy_(torch.tensor([share, sigma]))  # type: ignore[operator]
    infer = partial(denoiser.infer, share=share, sigma=sigma)  # type: ignore[call-arg]
    return replace(denoiser, infer=infer, halo=denoiser.halo + int(4 * sigma + 0.5))


def _too_far(network: EvenUNet, report: NoiseReport | None, denoiser: NetworkDenoiser, part: Planes, count: int) -> bool:
    """Whether pixels three apart miss what those two apart see: those differ by more than the noise that is left, if pixels two apart share hardly any."""
    apart = _distances_of(network)
    if len(apart) == 1 or report is None or report.shared_two_apart:
        return False
    near, both = (replace(denoiser, infer=partial(_answer, network, apart=some, smoothing=0.5), turns=1)(part) for some in (apart[:1], apart))
    missed, taken = 4 * np.square(near - both).mean(), np.square(own(part, count) - both).mean()  # both are the mean of near and far
    return bool(missed > TOO_FAR * taken)


def _keep_mean(network: EvenUNet, denoiser: NetworkDenoiser, planes: Planes, count: int) -> None:
    """Have a network take off its answers by how much they are brighter than planes it learnt from, on the whole; large ones are looked at in one turn."""
    seen = denoiser if planes.size <= MOST_TURNED else replace(denoiser, turns=1)
    network.grey[2] += float((seen(planes) - own(planes, count)).mean(dtype=np.float64))


def _answer(network: EvenUNet, noisy: Tensor, *, apart: tuple[int, ...], smoothing: float, share: float = 0.0, sigma: float = 0.0) -> Tensor:
    """The mean of what the network makes of the images of pixels `apart` from one another, and a share of what a blur of width sigma makes of the planes."""
    from napari_zeroshot.engine.sampling import blurred

    answers = [_on_lattices(network, network.standard(noisy), distance) for distance in apart]
    mean = network.restored(sum(answers) / len(answers))  # type: ignore[arg-type]
    clean = blurred(mean, smoothing) if smoothing else mean
    return clean.lerp(blurred(own(noisy, network.channels // network.answers // 2), sigma), share) if share and sigma else clean


def _on_lattices(network: nn.Module, image: Tensor, distance: int) -> Tensor:
    from torch.nn import functional as F

    from napari_zeroshot.engine.sampling import joined_lattices, lattices

    height, width = image.shape[-2:]
    padded = F.pad(image, (0, -width % distance, 0, -height % distance), mode="replicate")
    return joined_lattices(network(lattices(padded, distance)), distance)[..., :height, :width]


def _of_same_shape(start: Any, params: ZSUNetParams, channels: int) -> Any:
    """The network to go on from, if it has the wanted width and levels, and sees as many channels."""
    network = getattr(start, "network", None)
    shape = (channels, params.depth, params.width)
    fits = network is not None and (network.channels, len(network.down), network.last.in_channels) == shape
    return network if fits else None


METHOD = Method(
    name="zs-unet",
    title="ZS-UNet",
    summary="Learns from pairs of the image's pixels, then from its own answer with the measured noise put back; slower, and the best on microscope images.",
    citation={
        "type": "inproceedings",
        "key": "huang2021neighbor2neighbor",
        "author": "Huang, Tao and Li, Songjiang and Jia, Xu and Lu, Huchuan and Liu, Jianzhuang",
        "title": "Neighbor2Neighbor: Self-Supervised Denoising from Single Noisy Images",
        "booktitle": "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
        "pages": "14781--14790",
        "year": "2021",
        "eprint": "2101.02824",
    },
    params=ZSUNetParams,
    fit=fit,
    presets={
        "fast": {"steps": 300},
        "best": {"steps": 1500, "turns": "8"},
        "preview": {"steps": 120, "crop": 64, "crops": 8, "turns": "1", "warm_steps": 30},
    },
    smallest=8,
    trains=True,
    shared_noise=lambda params, report: max(distances(params.distance, report)) - 1,
)
