"""What comes out of a run: the denoised image, with everything needed to make it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_zeroshot.engine.method import Denoiser, Setup
from napari_zeroshot.engine.params import Params

if TYPE_CHECKING:
    from napari_zeroshot.engine.cautions import Caution
    from napari_zeroshot.engine.intensity import Scale
    from napari_zeroshot.engine.trained import Lesson


@dataclass(frozen=True)
class Result:
    """A denoised image, with everything needed to make it again.

    Parameters
    ----------
    image
        Shape and axes of the input.
    losses
        Pairs of (step, loss) over the whole run.
    scores
        Pairs of (step, held-out score), where it was measured.
    begun
        After how many steps each training of the run began, which tells their losses apart; not part of the provenance.
    complete
        False if the run was cancelled: `image` is then the best so far, and the planes that were
        not reached (`planes_done` < `planes`) hold the noisy input.
    notes
        What a user should know of this run, in sentences; the last are those of `cautions`.
    cautions
        Why the result should not be trusted; part of the provenance as notes only.
    source
        The image's name, shape and type, and in ``pixels`` a sum of its pixels.
    dtype, nan, tile
        As the run was told, see `denoise_steps`.
    processor
        The device as torch spells it; `device` says it in words.
    threads
        The CPU threads that trained; None where that makes no difference.
    continued
        Whether the run went on from an earlier one's network, so that nothing here could make it again.
    denoiser
        What was learned last, for a later run to go on from; not part of the provenance.
    levels
        The grey scale it was learned in; not part of the provenance either.
    lessons
        What was learned from each channel, to be used on other images; not part of the provenance either.
    network
        Which network was used, where none was trained: the image that it learnt from, and a sum of its weights.
    instead_of
        The ``tile`` and ``crops`` that were planned, where the graphics card had too little memory for them; None where it was done as planned.
    """

    image: Any
    method: str
    params: Params
    preset: str
    axes: str
    stack: str
    seed: int
    device: str
    seconds: float
    losses: tuple[tuple[int, float], ...] = ()
    complete: bool = True
    planes: int = 1
    planes_done: int = 1
    notes: tuple[str, ...] = ()
    cautions: tuple[Caution, ...] = ()
    source: Mapping[str, Any] = field(default_factory=dict)
    dtype: str = "same"
    nan: str = "refuse"
    tile: int = 1024
    processor: str = "cpu"
    threads: int | None = None
    continued: bool = False
    scores: tuple[tuple[int, float], ...] = ()
    begun: tuple[int, ...] = ()
    denoiser: Denoiser | None = field(default=None, repr=False, compare=False)
    levels: Scale | None = field(default=None, repr=False, compare=False)
    lessons: tuple[Lesson, ...] = field(default=(), repr=False, compare=False)
    network: Mapping[str, Any] | None = None
    instead_of: Mapping[str, int] | None = None

    @property
    def setup(self) -> Setup:
        """With what it was computed."""
        return Setup(self.params, self.device, self.processor, self.threads, self.tile)

    def provenance(self) -> dict[str, Any]:
        """Everything but the pixels, as plain values for a file or a layer's metadata."""
        from napari_zeroshot.engine.provenance import record

        return record(self)
