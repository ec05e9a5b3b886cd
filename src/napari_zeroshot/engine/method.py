"""What a denoising method is, and what it says while it runs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine import citation
from napari_zeroshot.engine.citation import Citation
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.params import Params, check_names, describe
from napari_zeroshot.engine.training import Training

if TYPE_CHECKING:
    from napari_zeroshot.engine.noise_diagnosis import NoiseReport
    from napari_zeroshot.engine.trained import State

Value = TypeVar("Value")

Planes = NDArray[np.float32]
"""Shape (N, C, Y, X): N planes of C jointly denoised channels (1, or the samples of an RGB image), values about 0 to 1."""

Denoiser = Callable[[Planes], Planes]
"""What a method has learned: noisy planes in, clean planes of the same shape out.

One with an attribute `halo`, the pixels around a place on which its answer there depends, is given large
planes in overlapping parts, which begin at multiples of its `multiple`, if it has one; any other is given them whole.
"""


@dataclass(frozen=True)
class Setup:
    """With what a run computes, as the record of what is kept of it has to say.

    Parameters
    ----------
    params
        With everything decided that was left to ``auto``.
    device, processor, threads, tile
        As `Result` has them.
    """

    params: Params
    device: str
    processor: str
    threads: int | None
    tile: int


@dataclass(frozen=True)
class Progress:
    """One report of a running method.

    Parameters
    ----------
    stage
        What is being done, in words a user reads.
    step, total
        Steps done and steps in all, over every stage.
    loss
        Training loss of this step; None where nothing is trained.
    seconds
        Time since the start.
    snapshot
        Gives the denoised image so far, computed only when called. Call it before asking for the
        next report: afterwards it shows the later state. It stays valid after the run has ended.
    score
        Loss on parts of the image that are kept out of training, when it was just measured; None otherwise.
    training
        Which of the run's trainings `loss` is of: each has a number, and several may go on side by side.
    setup
        With what the run computes; None where it says nothing of that, as methods by themselves do not.
    """

    stage: str
    step: int
    total: int
    loss: float | None
    seconds: float
    snapshot: Callable[..., NDArray[Any]]
    score: float | None = None
    training: int = 0
    setup: Setup | None = None


Steps = Generator[Progress, None, Denoiser]
"""A method at work: yields `Progress`, returns the `Denoiser`."""


def unheard(said: Any) -> None:
    """Where notes and reports go that nobody reads."""


def finished(steps: Generator[Any, None, Value], hear: Callable[[Any], None] = unheard) -> Value:
    """What a generator returns in the end; `hear` is told what it says on the way."""
    while True:
        try:
            hear(next(steps))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def never() -> bool:
    """The cancel flag of a run that nobody can cancel."""
    return False


@dataclass(frozen=True)
class Job:
    """What a method is given beside the planes and its parameters.

    Parameters
    ----------
    seed
        Decides every random number of the run.
    device
        Where to compute, as torch spells it: ``cpu``, ``cuda:0``, ``mps``.
    cancelled
        Asked at every step; once true, the method returns what it has learned so far.
    start
        A denoiser of the same method to go on from, instead of from new weights.
    tile
        Largest side of an image part that is inferred at once, in pixels.
    note
        Takes a sentence that the user should read with the result, such as what was chosen.
    members
        Into how many equal parts the planes fall that get a network each, trained side by side. The denoiser then has as
        many `members`, one for each part in turn. More than 1 only where the parameters say that they can be trained `side_by_side`.
    trained
        The weights of the networks that `fit` would train, in that order: they are taken instead, and no step is made. None to train.
    rate_share
        The share of its learning rates that a training takes; less than 1 once it went astray, see `calmer`.
    """

    seed: int = 0
    device: str = "cpu"
    cancelled: Callable[[], bool] = never
    start: Denoiser | None = None
    tile: int = 1024
    note: Callable[[str], None] = unheard
    members: int = 1
    trained: Iterator[State] | None = None
    rate_share: float = 1.0


Fit = Callable[[Planes, Any, Job], Steps]

FAR = 4
"""Noise that is shared so many pixels apart is not told from a single image, see `noise_correlation.LAGS`."""


def any_noise(params: Any, report: NoiseReport) -> int:
    """What a method says of `shared_noise` that does as well whichever pixels share theirs."""
    return FAR


def own_noise_only(params: Any, report: NoiseReport) -> int:
    """The same of one that takes all that neighbouring pixels share for structure."""
    return 0


@dataclass(frozen=True)
class Method:
    """A zero-shot denoiser or a baseline filter.

    Parameters
    ----------
    name
        As typed: ``zs-n2m``.
    title
        As shown: ``ZS-N2M``.
    summary
        What it is and when to use it, in one sentence.
    citation
        The paper to cite, as BibTeX fields: ``bibtex``, ``reference`` and ``link`` are made from it.
    params
        The class of its parameters.
    fit
        Learns from noisy planes: a generator of `Progress` that returns a `Denoiser`.
    presets
        Named changes to the defaults; `preview` among them is the cheapest useful setting.
    smallest
        Least height and width of an image, in pixels.
    trains
        Whether it trains a network, and so has a use for a seed and a GPU.
    whole_plane
        Bytes that it takes for each pixel of a plane, if it cannot work on a plane in parts; 0 if it can.
    shared_noise
        Up to how many pixels apart pixels may share noise that is still told from structure, with given parameters in an image with a given report;
        0 if each must have its own.
    held_against_gaussian
        Whether a result is compared with a Gaussian's in the end; not where the method is the Gaussian, or has done so itself, or takes long for each look.
    """

    name: str
    title: str
    summary: str
    citation: Citation
    params: type[Params]
    fit: Fit
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    smallest: int = 4
    trains: bool = False
    whole_plane: int = 0
    shared_noise: Callable[[Any, NoiseReport], int] = any_noise
    held_against_gaussian: bool = True

    def __post_init__(self) -> None:
        presets = {"default": {}, "preview": {}, "paper": {}, **self.presets}
        object.__setattr__(self, "presets", MappingProxyType(presets))

    @property
    def reference(self) -> str:
        """Whom to cite, in one line."""
        return citation.line(self.citation)

    @property
    def bibtex(self) -> str:
        """Whom to cite, as a BibTeX entry."""
        return citation.bibtex(self.citation)

    @property
    def link(self) -> str | None:
        """Where the paper is found, if that is known."""
        return citation.link(self.citation)

    @property
    def preview(self) -> Params:
        """The cheapest useful setting, for live previews and tests."""
        return self.settings("preview")

    def quick(self, params: Params) -> Params:
        """The cheapest useful setting that shows what these parameters do.

        How long and how fast is learnt is the preview's, unless fewer steps are asked for; all else is as given.
        """
        if not self.trains:
            return params
        cheap, asked = self.preview.to_dict(), params.to_dict()
        pace = {knob.name for knob in describe(Training)} | set(self.presets["preview"])
        fewest = min(int(cheap["steps"]), int(asked["steps"]))
        return params.replace(**{name: cheap[name] for name in pace} | {"steps": fewest})

    def settings(self, preset: str | None = None, changes: Mapping[str, Any] | None = None) -> Params:
        """The parameters of a preset, with changes on top.

        Parameters
        ----------
        preset
            A name in `presets`, or several joined by ``+`` (``wide-field+paper``), later ones
            winning. None means the defaults.
        changes
            Single parameters by name.

        Raises
        ------
        ParamError
            If a name is unknown or a value out of bounds.
        """
        values: dict[str, Any] = {}
        for name in (preset or "default").split("+"):
            values |= self._preset(name)
        check_names(self.params, dict(changes or {}))
        return self.params(**(values | dict(changes or {})))

    def _preset(self, name: str) -> Mapping[str, Any]:
        if name not in self.presets:
            raise ParamError(f"{self.name} has no preset {name!r}; it has {', '.join(self.presets)}")
        return self.presets[name]
