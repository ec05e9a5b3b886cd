"""Why a result should not be trusted, told from one part of the noisy image and what became of it: sentences, each with what to do.

Nothing here stops a run or changes a pixel. A warning on a good result is worse than none: what each was held against is in docs/reliability.md.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.axes import Axes, Index
from napari_zeroshot.engine.errors import ImageError
from napari_zeroshot.engine.method import Denoiser, Method
from napari_zeroshot.engine.neighbours import amid, own
from napari_zeroshot.engine.params import Params
from napari_zeroshot.engine.parts import middle_of

if TYPE_CHECKING:
    from napari_zeroshot.engine.intensity import Scale
    from napari_zeroshot.engine.noise_diagnosis import NoiseReport

SIDE, JUDGED = 320, 192
"""Of the part that is looked at, in pixels, at most; and of its middle, which is denoised again to compare with a Gaussian. Half of that judges worse."""
LEFT_OUT = frozenset({"Neighbours"})
"""Topics of a noise report that are told of the method instead."""
OF_COUNTS = frozenset({"Cut off", "Hot pixels", "Dead pixels"})
"""Those that mean nothing where single photons are counted: a zero is a count, and so is a lone one."""
FEW_LEVELS = 2.0
"""Noise of fewer grey levels, in whole numbers, is taken for counted photons."""
NEARER, BY_NOISE = 0.1, 0.01
"""The Gaussian is told to be nearer the truth if its squared error is expected to be less by these shares, of itself and of the noise's variance."""

DETAIL_LOST = "What was taken away holds structure, not noise alone: fine detail was lost."
LOOK = "See the residual in the Compare dock before measuring small things."
PLAIN_IS_NEARER = "A plain Gaussian is expected to be nearer the truth than this result."
TAKE_PLAIN = "Use the Gaussian (method gaussian) instead, or Auto, which uses as much of it as helps."
PERHAPS = "Neighbouring pixels vary together, and unevenly: they share noise, which stays in the result, or the sample has a fine texture all over."
LOOK_AT_EMPTY = "Look at an empty place of the result: if it is blotchy, use FM2S (preset wide-field) instead."
KEPT = "Neighbouring pixels share noise, and {title} with these settings leaves it in the result."
OTHERS = "Use Auto, which learns from pixels further apart, or FM2S (preset wide-field)."
KEPT_FAR = "Pixels {apart} apart still share noise, more than {title} with these settings can tell from structure: blots of it stay in the result."
EARLIER = "Denoise before the image is resampled, registered or compressed; where that is too late, trust no detail of the blots' size."


@dataclass(frozen=True)
class Caution:
    """One reason not to trust a result.

    Parameters
    ----------
    topic
        A word or two.
    sentence, advice
        What is the matter, and what to do.
    where
        The channel that it is about, as a note begins with it; empty where there is only one.
    """

    topic: str
    sentence: str
    advice: str
    where: str = ""

    @property
    def note(self) -> str:
        """All of it."""
        return f"{self.where}{self.topic}: {self.sentence} {self.advice}"

    @property
    def brief(self) -> str:
        """The same without what differs from image to image."""
        return f"{self.topic}: {self.advice}"


@dataclass(frozen=True, eq=False)
class Sight:
    """The middle of a plane as it was, and as it became, in the image's grey levels.

    Parameters
    ----------
    seen
        Shape (1, C, Y, X): the noisy plane, in the middle of those that it was denoised with.
    count
        How many those are on each side.
    clean
        Shape (S, Y, X).
    scale, denoiser
        By which it was made.
    corner
        Row and column of its first pixel in the plane.
    """

    seen: NDArray[Any]
    count: int
    clean: NDArray[Any]
    scale: Scale
    denoiser: Denoiser
    corner: tuple[int, int]

    @classmethod
    def of(cls, seen: Sequence[NDArray[Any]], clean: NDArray[Any], scale: Scale, denoiser: Denoiser) -> Sight:
        """Of whole planes of shape (S, Y, X)."""
        parts = [middle_of(plane[np.newaxis], SIDE) for plane in (*seen, clean)]
        row, column = ((whole - part) // 2 for whole, part in zip(clean.shape[1:], parts[-1].shape[2:], strict=True))
        return cls(np.concatenate(parts[:-1], axis=1), len(seen) // 2, parts[-1][0], scale, denoiser, (row, column))

    @property
    def noisy(self) -> NDArray[Any]:
        """Shape (S, Y, X)."""
        noisy: NDArray[Any] = own(self.seen, self.count)[0]
        return noisy


def middles(axes: Axes, done: Container[Index]) -> frozenset[Index]:
    """The planes by which a result is judged: of each channel the one nearest the middle of those that are not done; none if planes are too small."""
    from napari_zeroshot.engine.noise_diagnosis import SMALLEST

    if min(axes.height, axes.width) < SMALLEST:
        return frozenset()
    missing = [[(number, index) for number, index in enumerate(channel) if index not in done] for channel in axes.channels()]
    middle = len(axes.planes()) // axes.size("C") // 2
    return frozenset(min(channel, key=lambda at: abs(at[0] - middle))[1] for channel in missing if channel)


def cautions(sight: Sight, method: Method, params: Params) -> Iterator[Caution]:
    """Why what was made with a method and these parameters should not be trusted; nothing where the noise cannot be read."""
    report = _report(sight)
    if report is None:
        return
    yield from _of_noise(report, sight.noisy.dtype)
    yield from _of_sharing(report, method, params)
    if _detail_was_lost(sight):
        yield Caution("Residual", DETAIL_LOST, LOOK)
    if method.held_against_gaussian and not report.neighbours_share and not report.texture and _gaussian_is_nearer(sight, report):
        yield Caution("Gaussian", PLAIN_IS_NEARER, TAKE_PLAIN)


def _report(sight: Sight) -> NoiseReport | None:
    """The noise; None where it cannot be read, as of a part that is even, or has gaps that were filled for the work."""
    from napari_zeroshot.engine.noise_diagnosis import diagnose

    if not np.isfinite(sight.clean).all():
        return None
    try:
        report = diagnose(sight.noisy, axes="SYX")
    except ImageError:
        return None
    row, column = sight.corner
    hot, dead = (tuple((row + y, column + x) for y, x in places) for places in (report.hot, report.dead))
    return replace(report, hot=hot, dead=dead)


def _of_noise(report: NoiseReport, dtype: np.dtype[Any]) -> Iterator[Caution]:
    from napari_zeroshot.engine.noise_findings import findings

    counts = np.issubdtype(dtype, np.integer) and report.noise < FEW_LEVELS
    untold = LEFT_OUT | OF_COUNTS if counts else LEFT_OUT
    yield from (Caution(found.topic, found.sentence, found.advice) for found in findings(report) if found.notable and found.topic not in untold)


def _of_sharing(report: NoiseReport, method: Method, params: Params) -> Iterator[Caution]:
    handled = method.shared_noise(params, report)
    if report.perhaps_shared and not handled:
        yield Caution("Neighbours", PERHAPS, LOOK_AT_EMPTY)
    elif report.shared_up_to > handled:
        apart = "two" if report.shared_up_to == 2 else "three"
        sentence, advice = (KEPT, OTHERS) if not handled else (KEPT_FAR, EARLIER)
        yield Caution("Neighbours", sentence.format(title=method.title, apart=apart), advice)


def _detail_was_lost(sight: Sight) -> bool:
    from napari_zeroshot.engine.residual import MUCH_DETAIL, structure

    noisy, clean = (planes.mean(axis=0, dtype=np.float64) for planes in (sight.noisy, sight.clean))
    return (structure(noisy, noisy - clean) or 0.0) > MUCH_DETAIL


def _gaussian_is_nearer(sight: Sight, report: NoiseReport) -> bool:
    """By Stein's estimate, which knows nothing of how a method works; it holds where pixels share no noise."""
    from napari_zeroshot.engine.blur import Blur, best_sigma
    from napari_zeroshot.engine.expected_error import error_meter

    seen = middle_of(sight.seen, JUDGED)
    meter = error_meter(own(seen, sight.count)[0], sight.scale, report, looks=1)
    ours = meter.squared(amid(sight.denoiser, sight.scale.normalise(seen[0])[np.newaxis], sight.count))
    plain = meter.squared(Blur(best_sigma(meter.noisy)))
    return ours - plain > max(NEARER * plain, BY_NOISE * float(meter.variance.mean(dtype=np.float64)))
