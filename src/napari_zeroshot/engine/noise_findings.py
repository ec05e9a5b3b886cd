"""What a noise report means: sentences for who took the image, each with what it says for the choice of a method."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_zeroshot.engine.noise_diagnosis import NoiseReport

FEW_PHOTONS = 10.0
"""Below, single photons show."""
STRIPED = 0.1
"""Stripes and patterns weaker than this share of the noise are not seen."""
MUCH_CUT = 0.005
"""The share of pixels at an end of the range that is worth a word of advice."""
FRAMES_SHARE = 0.15
"""Successive frames with a correlation above this share their noise."""

FAINT = "With few photons a wide blur is hard to beat: compare with the Gaussian, and trust no faint detail that a second image of the place does not show."
LIFTED = "Averages of cut values are too bright, so every method lifts the dark places a little; raise the camera's offset next time."
STRIPES = "The methods take stripes for structure and keep them; take an image in darkness and subtract it first."


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Parameters
    ----------
    topic
        A word or two.
    value
        The figure with its error and unit; empty if there is none.
    sentence
        What it is.
    advice
        What it means for the choice of a method; empty where it means nothing.
    notable
        Whether something should be done about it.
    """

    topic: str
    value: str
    sentence: str
    advice: str = ""
    notable: bool = False


def verdict(report: NoiseReport) -> str:
    """The report in one sentence."""
    light = f"About {report.photons:.2g} photons at the brightest" if report.photons is not None else "Noise that does not grow with the light"
    beside = "neighbouring pixels perhaps share noise" if report.perhaps_shared else "neighbouring pixels independent"
    if report.neighbours_share:
        beside = f"neighbouring pixels share noise ({report.neighbour_correlation:.1f})"
    cut = f"{100 * report.highest.share:.2g} %" if report.highest.cut else "nothing"
    return f"{light}, {_dark(report)} {report.read_noise:.2g} grey levels, {beside}, {cut} saturated."


def findings(report: NoiseReport) -> tuple[Finding, ...]:
    """Everything found, the most telling first."""
    parts = (_sharing(report), _light(report), _darkness(report), _ends(report), _faults(report), _stripes(report), _pattern(report), _frames(report))
    return tuple(finding for part in parts for finding in part)


def _dark(report: NoiseReport) -> str:
    return "read noise" if report.offset_known else "noise in the dark"


def _sharing(report: NoiseReport) -> Iterator[Finding]:
    row, column = (round(value, 2) + 0.0 for value in (report.correlation[0][1], report.correlation[1][0]))  # + 0: no minus before 0
    value = f"{row:.2f} beside, {column:.2f} below"
    if report.perhaps_shared:
        sentence = "Neighbouring pixels vary together, and unevenly: they share noise, or the sample has a fine texture all over."
        yield Finding("Neighbours", value, sentence, "Look at an empty place: if it is blotchy, use FM2S; if not, ZS-N2M.", notable=True)
    elif report.neighbours_share:
        advice = "ZS-N2N and ZS-N2M would take it for structure and keep it; use Auto, which learns from pixels further apart, or FM2S (preset wide-field)."
        yield Finding("Neighbours", value, "Neighbouring pixels share noise: it looks like blots, not like single grains.", advice, notable=True)
    elif report.fine_texture:
        sentence = "The sample has details as fine as single pixels, and each pixel has noise of its own."
        yield Finding("Neighbours", value, sentence, "Auto keeps such details best.")
    else:
        yield Finding("Neighbours", value, "Each pixel has noise of its own.", "Every method here can tell it from structure.")


def _light(report: NoiseReport) -> Iterator[Finding]:
    if report.gain is None or report.photons is None:
        sentence = "Noise does not measurably grow with brightness, so photons cannot be counted: it comes from the camera, or all places are equally bright."
        yield Finding("Photons", "unknown", sentence, "Methods for even noise, ZS-N2M or the Gaussian, fit well.")
        return
    yield Finding("Gain", f"{_measured(report.gain, report.gain_error)} grey levels per photon", "So many grey levels does one photon make.")
    few = report.photons < FEW_PHOTONS
    sentence = "The brightest places hold so few photons that single ones show." if few else "So many photons reach a pixel at the brightest places."
    advice = FAINT if few else ""
    yield Finding("Photons", f"about {report.photons:.2g}", sentence, advice, notable=few)


def _darkness(report: NoiseReport) -> Iterator[Finding]:
    known = report.offset_known
    where = "The camera's level in darkness, as given." if known else "The darkest smooth place; the camera's own darkness may lie lower."
    yield Finding("Darkness", f"{report.offset:.4g} grey levels", where)
    what = "Noise that is there without any light." if known else "Noise in the darkest places; the camera's read noise is this or less."
    yield Finding(_dark(report).capitalize(), f"{_measured(report.read_noise, report.read_noise_error)} grey levels", what)


def _ends(report: NoiseReport) -> Iterator[Finding]:
    if report.highest.cut:
        sentence = f"{100 * report.highest.share:.2g} % of the pixels are at the greatest value: how bright they were is lost."
        advice = "No method brings it back; use less light or a shorter exposure next time." if report.highest.share > MUCH_CUT else ""
        yield Finding("Saturated", f"at {report.highest.level:g}", sentence, advice, notable=bool(advice))
    if report.lowest.cut:
        sentence = f"{100 * report.lowest.share:.2g} % of the pixels are at the lowest value: the dark end is cut off, or no photon came."
        advice = LIFTED if report.lowest.share > MUCH_CUT else ""
        yield Finding("Cut off", f"at {report.lowest.level:g}", sentence, advice, notable=bool(advice))
    if not report.highest.cut and not report.lowest.cut:
        yield Finding("Range", f"{report.lowest.level:g} to {report.highest.level:g}", "Nothing is cut off at either end.")


def _faults(report: NoiseReport) -> Iterator[Finding]:
    for topic, places, how in (("Hot pixels", report.hot, "brighter"), ("Dead pixels", report.dead, "darker")):
        if places:
            sentence = f"Single pixels far {how} than all around them, the first at row {places[0][0]}, column {places[0][1]}."
            yield Finding(topic, f"{len(places)}", sentence, "Run the median filter (size 3) first if they spread in the result.", notable=len(places) > 3)


def _stripes(report: NoiseReport) -> Iterator[Finding]:
    for what, level in (("Row", report.row_stripes), ("Column", report.column_stripes)):
        if level > STRIPED * report.noise:
            sentence = f"Whole {what.lower()}s are brighter or darker than those beside them."
            yield Finding(f"{what} pattern", f"{level:.2g} grey levels", sentence, STRIPES, notable=True)


def _pattern(report: NoiseReport) -> Iterator[Finding]:
    pattern = report.pattern
    if pattern is None or pattern.amplitude <= STRIPED * report.noise:
        return
    value = f"every {pattern.period:.3g} px, ± {pattern.amplitude:.2g} grey levels"
    sentence = f"Stripes at {pattern.angle:.0f}° to the rows repeat all over the image: interference, or the sample's own order."
    advice = "The methods take it for structure and keep it; if it is interference, look for its source in the electronics or the light."
    yield Finding("Periodic pattern", value, sentence, advice, notable=True)


def _frames(report: NoiseReport) -> Iterator[Finding]:
    between = report.frame_correlation
    if between is None:
        return
    if between > FRAMES_SHARE:
        advice = "Averaging frames, and methods that learn from pairs of frames, gain less than they should."
        yield Finding("Frames", f"{between:.2f}", "Successive frames share noise.", advice, notable=True)
    else:
        yield Finding("Frames", f"{between:.2f}", "Each frame has noise of its own.", "Frames of a still sample can be averaged.")


def _measured(value: float, error: float) -> str:
    return f"{value:.3g} ± {error:.1g}"
