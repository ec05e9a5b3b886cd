"""ZS-UNet: our own. A small U-Net with a wide view learns from pairs of the image's pixels, then from its own answer with the image's noise put back.

Pairs of random neighbours are those of Neighbor2Neighbor (Huang et al., CVPR 2021), learnt from a single image; the second half has FM2S's
idea, with noise measured instead of set and the network's answer instead of a filter's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_zeroshot.engine.errors import ImageError, ParamError
from napari_zeroshot.engine.method import Job, Method, Planes, Steps
from napari_zeroshot.engine.neighbours import Neighbours, count_of, mirrored_around, own
from napari_zeroshot.engine.params import param, retuned
from napari_zeroshot.engine.training import Training

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from napari_zeroshot.engine.fitting import Bench, NetworkDenoiser
    from napari_zeroshot.engine.networks import EvenUNet
    from napari_zeroshot.engine.noise_diagnosis import NoiseReport
    from napari_zeroshot.engine.own_noise import OwnNoise

Distance = Literal["auto", "1", "2", "3", "2+3"]

MOST_ANSWERED = 2**20
"""Pixels of the planes whose answers are learnt from in the second half, at most."""
REFRESHES = 5
"""How often the answers learnt from are made anew."""
MOST_COMPARED = 4
"""Planes whose mean brightness is kept."""
LEAST_NOISE = 1e-3
"""Of the range, so that no place without noise counts for everything."""
LIKELY = 2.0
"""Sigma of the blur that tells, before anything is learnt, how bright a place is and so how noisy."""


@dataclass(frozen=True)
class ZSUNetParams(Training):
    """Parameters of ZS-UNet."""

    steps: int = retuned(Training, "steps", 600)
    learning_rate: float = retuned(Training, "learning_rate", 0.02)
    crop: int = retuned(Training, "crop", 96)
    crops: int = retuned(Training, "crops", 8)
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
        "How far apart the pixels of a pair are. Further than 1 for noise that neighbours share, at the cost of detail; auto measures that.",
        label="Pair distance", unit="px", advanced=True,
    )  # fmt: skip
    neighbours: Neighbours = param(
        "auto",
        "How many planes before and after each one, in time or else in depth, are looked at with it. How much they tell is learnt from the image, "
        "so that what moves is not smeared; auto takes 1 in stacks.",
        label="Neighbouring planes",
    )  # fmt: skip
    smoothing: float = param(
        1.0,
        "Sigma of the blur that joins the images of pixels further apart than 1; not used where they are neighbours.",
        label="Smoothing", low=0, high=5, step=0.1, unit="px", advanced=True,
    )  # fmt: skip
    balance: float = param(
        1.0,
        "How much less noisy places count: a difference weighs by the noise's standard deviation to the power of minus this.",
        label="Balance", low=0, high=2, step=0.1, advanced=True,
    )  # fmt: skip
    width: int = param(16, "Channels of the network; more follow finer structure, and learn the noise sooner.", label="Width", low=4, high=128, advanced=True)
    depth: int = param(4, "Levels of the network; each doubles how far it sees.", label="Depth", low=1, high=6, advanced=True)

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

    part = planes[: min(len(planes), 4), :, :1024, :1024].reshape(-1, *planes[0, :, :1024, :1024].shape[1:])
    try:
        return diagnose(part, axes="ZYX")
    except ImageError:
        return None


def distances(wanted: Distance, report: NoiseReport | None) -> tuple[int, ...]:
    """The distances of pairs to learn from, in pixels.

    Noise that neighbours share dies out over two or three pixels: which, a single image does not tell well. Answers for both are averaged.
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
    from napari_zeroshot.engine import fitting, networks
    from napari_zeroshot.engine.own_noise import OwnNoise

    known = _of_same_shape(job.start, params, noisy.shape[1])
    steps = params.steps if known is None else params.warm_steps
    bench = fitting.Bench.set_up(noisy, job, params, steps)
    count = count_of(params)
    plain = own(noisy, count)
    new = networks.even_unet(noisy.shape[1], plain.shape[1], params.width, params.depth)
    network: EvenUNet = bench.network(new, known)  # type: ignore[assignment]
    if job.trained is None:
        _set_up(network, plain, distances(params.distance, report))
    apart = _distances_of(network)
    denoiser = _denoiser_of(network, apart, bench, params)

    noise = OwnNoise.of(report) if report is not None and apart == (1,) else None
    pairs = [_Pairs(bench, distance, noise) for distance in apart]
    from_answers = params.own_noise * steps if known is None else steps - 1.0  # not the first step, whose loss is told
    quick = replace(denoiser, turns=1)
    answers = _Answers(bench, noise, quick, int(from_answers / 2)) if noise and params.own_noise else None
    taken, of_pairs = 0, bench.planes.new_zeros(())

    def loss() -> Tensor:
        nonlocal taken, of_pairs
        taken += 1
        if answers is not None and taken % 2 and taken > steps - from_answers:
            dirty, clean = answers()
            of_answers = (network(network.standard(dirty)) - network.standard(own(clean, count))).square().mean()
            return of_answers + (of_pairs - of_answers).detach()  # type: ignore[no-any-return]  # told is what pairs last had: one curve of one thing
        first, second, weights = pairs[taken // 2 % len(pairs)]()
        value = ((network(network.standard(first)) - network.standard(second)).square() * weights).mean()
        of_pairs = value.detach()
        return value  # type: ignore[no-any-return]

    score = pairs[0].score(network) if pairs[0].spared else None
    yield from fitting.train(bench, bench.optimiser(network), loss, quick, stage="training", steps=steps, score=score)  # snapshots take one turn
    if job.cancelled() and known is None and taken < steps / 10:
        from scipy import ndimage

        job.note("Cancelled before the network had learnt enough; this is a plain blur.")
        return lambda planes: ndimage.gaussian_filter(own(planes, count), (0, 0, 1, 1))
    if job.trained is None:
        _keep_mean(network, denoiser, noisy[:MOST_COMPARED], count)
    return denoiser


def _set_up(network: EvenUNet, planes: Planes, apart: tuple[int, ...]) -> None:
    """Tell a network the grey levels and the distances it is to learn in."""
    import torch

    deviation = float(planes.std(dtype=np.float64)) or 1.0
    network.grey.copy_(torch.tensor([float(planes.mean(dtype=np.float64)), deviation, 0.0]))
    network.distances.copy_(torch.tensor([*map(float, apart), 0.0][:2]))


def _distances_of(network: EvenUNet) -> tuple[int, ...]:
    apart = tuple(int(distance) for distance in network.distances.tolist() if distance)
    if not apart or not set(apart) <= {1, 2, 3}:
        raise ParamError(f"the network learnt from pixels {network.distances.tolist()} apart; 1, 2 and 3 are allowed")
    return apart


def _denoiser_of(network: EvenUNet, apart: tuple[int, ...], bench: Bench, params: ZSUNetParams) -> NetworkDenoiser:
    infer = partial(_answer, apart=apart, smoothing=params.smoothing)
    halo = network.halo * max(apart) + int(4 * params.smoothing + 0.5)
    return replace(bench.denoiser(network, infer, halo=halo), multiple=network.multiple * int(np.lcm.reduce(apart)))  # type: ignore[arg-type,return-value]


def _keep_mean(network: EvenUNet, denoiser: NetworkDenoiser, planes: Planes, count: int) -> None:
    """Have a network take off its answers by how much they are brighter than planes it learnt from, on the whole."""
    network.grey[2] += float((replace(denoiser, turns=1)(planes) - own(planes, count)).mean(dtype=np.float64))


def _answer(network: EvenUNet, noisy: Tensor, *, apart: tuple[int, ...], smoothing: float) -> Tensor:
    """The mean of what the network makes of the images of pixels `apart` from one another."""
    answers = [_on_lattices(network, network.standard(noisy), distance) for distance in apart]
    mean = network.restored(sum(answers) / len(answers))  # type: ignore[arg-type]
    return _blurred(mean, smoothing) if max(apart) > 1 and smoothing else mean


def _on_lattices(network: nn.Module, image: Tensor, distance: int) -> Tensor:
    from torch.nn import functional as F

    from napari_zeroshot.engine.sampling import joined_lattices, lattices

    height, width = image.shape[-2:]
    padded = F.pad(image, (0, -width % distance, 0, -height % distance), mode="replicate")
    return joined_lattices(network(lattices(padded, distance)), distance)[..., :height, :width]


def _blurred(image: Tensor, sigma: float) -> Tensor:
    from torch.nn import functional as F

    bell = _bell(sigma, image)
    reach = len(bell) // 2
    flat = F.pad(image.flatten(0, 1)[:, None], (reach,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(flat, bell[None, None, :, None]), bell[None, None, None, :]).view(image.shape)


def _bell(sigma: float, like: Tensor) -> Tensor:
    import torch

    offsets = torch.arange(-int(4 * sigma + 0.5), int(4 * sigma + 0.5) + 1, device=like.device)
    bell = torch.exp(-((offsets / sigma) ** 2) / 2)
    return bell / bell.sum()


def brightness_around(image: Tensor) -> Tensor:
    """How bright the surroundings of each pixel are, without its own 3 x 3: its noise has no part in how much it counts. Shape (N, C, Y, X)."""
    from torch.nn import functional as F

    bell = _bell(LIKELY, image)
    kernel = bell[:, None] * bell
    middle = len(bell) // 2
    kernel[middle - 1 : middle + 2, middle - 1 : middle + 2] = 0
    flat = F.pad(image.flatten(0, 1)[:, None], (middle,) * 4, mode="replicate")
    return F.conv2d(flat, (kernel / kernel.sum())[None, None]).view(image.shape)


class _Pairs:
    """Batches of pairs of pixels, the first of each with those of the planes beside it, and how much each pair counts."""

    def __init__(self, bench: Bench, distance: int, noise: OwnNoise | None) -> None:
        import torch

        from napari_zeroshot.engine.sampling import lattices

        height, width = (size // distance * distance for size in bench.planes.shape[-2:])
        views = lattices(bench.planes[..., :height, :width], distance)
        self._count = count_of(bench.knobs)
        middle = own(views, self._count)
        weights = torch.ones_like(middle)
        if noise is not None and bench.knobs.balance:  # type: ignore[attr-defined]
            weights = noise.deviation(brightness_around(middle)).clamp_min(LEAST_NOISE) ** -bench.knobs.balance  # type: ignore[attr-defined]
        self._bench, self._channels = bench, views.shape[1]
        self._crops = bench.crops(torch.cat((views, weights / weights.mean()), dim=1))

    def __call__(self) -> tuple[Tensor, Tensor, Tensor]:
        return self._drawn(_turned_at_random(self._crops(), self._bench.places))

    @property
    def spared(self) -> bool:
        """Whether crops are held out."""
        return self._crops.spared

    def score(self, network: EvenUNet) -> Any:
        """What tells how far pairs that are held out are from one another."""
        first, second, weights = self._drawn(self._crops.held_out())
        return lambda: ((network(network.standard(first)) - network.standard(second)).square() * weights).mean()

    def _drawn(self, batch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        from napari_zeroshot.engine.sampling import cell_mean, random_pair

        first, second = random_pair(batch[:, : self._channels], self._bench.rng)
        return first, own(second, self._count), cell_mean(batch[:, self._channels :])


class _Answers:
    """Batches of the network's own answers, with noise and without. The answers are made anew as the network learns."""

    def __init__(self, bench: Bench, noise: OwnNoise, denoiser: NetworkDenoiser, batches: int) -> None:
        from napari_zeroshot.engine.parts import blocks

        planes = bench.planes.cpu().numpy()
        parts = [part for plane in planes for part in blocks(plane, MOST_ANSWERED)]
        few = max(1, MOST_ANSWERED // parts[0].size)
        self._noisy = np.stack([parts[int(place)] for place in np.linspace(0, len(parts) - 1, min(few, len(parts))).round()])
        self._bench, self._noise, self._denoiser = bench, noise, denoiser
        self._fresh, self._count = max(1, batches // REFRESHES), count_of(bench.knobs)
        self._left = 0

    def __call__(self) -> tuple[Tensor, Tensor]:
        if self._left == 0:
            self._crops, self._left = self._answered(), self._fresh
        self._left -= 1
        clean = _turned_at_random(self._crops(), self._bench.places)
        return self._noise.on(clean, self._bench.rng), clean

    def _answered(self) -> Any:
        import torch

        from napari_zeroshot.engine.sampling import Crops

        knobs = self._bench.knobs
        around = (mirrored_around(self._noisy, place, self._count) for place in range(2 * self._count + 1))
        answers = torch.from_numpy(np.concatenate([self._denoiser(seen) for seen in around], axis=1)).to(self._bench.job.device)
        return Crops(answers, knobs.crop // 2, knobs.crops, self._bench.places, batches=self._fresh)


def _turned_at_random(batch: Tensor, rng: torch.Generator) -> Tensor:
    import torch

    from napari_zeroshot.engine.sampling import turned

    return turned(batch, int(torch.randint(8, (1,), generator=rng))).contiguous(memory_format=torch.channels_last)


def _of_same_shape(start: Any, params: ZSUNetParams, channels: int) -> Any:
    """The network to go on from, if it has the wanted width and levels, and sees as many channels."""
    network = getattr(start, "network", None)
    shape = (channels, params.depth, params.width)
    fits = network is not None and (network.down[0][0].in_channels, len(network.down), network.last.in_channels) == shape
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
        "preview": {"steps": 120, "crop": 64, "turns": "1", "warm_steps": 30},
    },
    smallest=8,
    trains=True,
)
