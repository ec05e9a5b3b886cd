"""What a comparison means: sentences on one image, and whether it beats the Gaussian."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_zeroshot.engine.comparison_table import COLUMNS

if TYPE_CHECKING:
    from napari_zeroshot.engine.comparison import Comparison, Figures, Measured

DRIFTED = 0.01
"""Above this share of the mean, a drift is worth a sentence."""
BLURRED = 0.8
"""Below this sharpness, detail that stands out of the noise is lost."""
LITTLE = 0.02
"""Shares of noise or detail that differ by less count as the same."""
ALIKE = 0.05
"""PSNR that differ by less, in dB, count as the same."""


@dataclass(frozen=True)
class Standing:
    """Beside the Gaussian: `beats` is None where neither is better, or it cannot be told."""

    beats: bool | None
    sentence: str


def sentences(row: Measured) -> tuple[str, ...]:
    """What the means of an image say, the most telling first."""
    return tuple(_sentences(row.mean))


def refusals(comparison: Comparison) -> tuple[str, ...]:
    """What could not be told of any image, and why."""
    titles = {column.name: column.title for column in COLUMNS}
    return tuple(f"{titles[name].capitalize()} cannot be told: {reason}." for name, reason in comparison.untold.items())


def _sentences(mean: Figures) -> Iterator[str]:
    from napari_zeroshot.engine.residual import MUCH_DETAIL  # here, for docks load this module, and scipy takes long

    if mean.structure is not None and mean.whiteness is not None:
        if mean.structure > MUCH_DETAIL:
            share = f"at least {mean.structure:.0%}".replace("%", " %")
            yield f"The residual contains structure: detail was removed ({share} of what was taken from structured places)."
        else:
            yield "No structure was found in the residual: it looks like noise alone."
    if mean.sharpness is not None and mean.sharpness < BLURRED:
        yield "It is blurred: detail that stands out of the noise is weakened to less than half."
    if mean.drift_share is not None and abs(mean.drift_share) > DRIFTED:
        yield f"Brightness changed: the mean by {mean.drift_share:+.1%}.".replace("%", " %")


def standing(row: Measured, gaussian: Measured) -> Standing:
    """How an image stands beside the Gaussian: by PSNR where there is a truth, else by noise left and detail removed."""
    ours, plain = row.mean, gaussian.mean
    if ours.psnr is not None and plain.psnr is not None:
        return _by_truth(ours.psnr, plain.psnr)
    if None in (ours.noise_left, ours.structure, plain.noise_left, plain.structure):
        return Standing(None, "Whether it beats the Gaussian cannot be told without a truth here.")
    return _by_residual(ours.noise_left - plain.noise_left, ours.structure - plain.structure)  # type: ignore[operator]


def _by_truth(ours: float, plain: float) -> Standing:
    gain = 0.0 if ours == plain else ours - plain  # both may be infinite
    if abs(gain) < ALIKE:
        return Standing(None, "As close to the truth as the Gaussian.")
    if gain > 0:
        return Standing(True, f"{gain:.2f} dB closer to the truth than the Gaussian.")
    return Standing(False, f"The Gaussian does better: it is {-gain:.2f} dB closer to the truth.")


def _by_residual(noise: float, detail: float) -> Standing:
    """From how much more noise was left and how much more detail was removed than by the Gaussian."""
    noise, detail = (0.0 if abs(value) < LITTLE else value for value in (noise, detail))
    if noise == detail == 0:
        return Standing(None, "Noise left and detail removed are the Gaussian's.")
    if noise <= 0 and detail <= 0:
        return Standing(True, "Better than the Gaussian: " + _and(noise < 0 and "less noise is left", detail < 0 and "less detail was removed"))
    if noise >= 0 and detail >= 0:
        return Standing(False, "The Gaussian does better: " + _and(noise > 0 and "it leaves less noise", detail > 0 and "it removes less detail"))
    more, less = ("less noise is left", "more detail was removed") if noise < 0 else ("less detail was removed", "more noise is left")
    return Standing(None, f"Neither better nor worse than the Gaussian: {more}, but {less}.")


def _and(*parts: str | bool) -> str:
    return " and ".join(part for part in parts if isinstance(part, str)) + "."
