"""Patterns that repeat all over an image: interference of the electronics, scan lines, blocks of a compression. They stand alone in its Fourier spectrum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

from napari_zeroshot.engine.smooth_blocks import Floats

MOST_PIXELS = 1024
"""Side of the part of a plane that is looked at."""
SLOWEST = 8
"""A pattern repeats at least so often across the image; slower ones cannot be told from structure, and peaks are not compared with shading."""
LOBE, RING = 2, 12
"""So many bins of the spectrum around a peak belong to it, and so many more are compared with it."""
ALONE = 10.0
"""How many times as strong as any bin of its ring a peak is."""
CANDIDATES = 32
"""Peaks that are looked at, strongest first."""


@dataclass(frozen=True)
class Pattern:
    """The strongest pattern.

    Parameters
    ----------
    period
        Pixels from one crest to the next.
    angle
        Degrees by which the crests are turned from the rows, above -90 up to 90: 0 for stripes along rows, 90 along columns.
    amplitude
        Of its wave, in grey levels: half of what is between crest and trough.
    """

    period: float
    angle: float
    amplitude: float


def periodic_pattern(planes: Sequence[Floats]) -> Pattern | None:
    """The strongest wave of planes of one shape; None if none stands alone in their spectrum.

    Structure has its power spread over many waves, or along a line of them where it has an edge or a direction. Only what
    is far above everything around it, in every direction, counts; so does a sample that is itself ordered like a grid.
    """
    parts = [_middle(plane) for plane in planes]
    window = np.outer(*(np.hanning(size) for size in parts[0].shape))
    power = np.mean([np.square(np.abs(fft.fft2((part - part.mean()) * window))) for part in parts], axis=0)
    place = _strongest(power)
    if place is None:
        return None
    down, right = (float(fft.fftfreq(size)[at]) for size, at in zip(power.shape, place, strict=True))
    angle = math.degrees(math.atan2(right, down)) % 180
    return Pattern(1 / math.hypot(down, right), angle - 180 if angle > 90 else angle, _amplitude(power, place, float(np.square(window).sum())))


def _amplitude(power: Floats, place: tuple[int, int], weight: float) -> float:
    lobe, ring = _around(power, place)
    of_wave = max(0.0, float(lobe.sum() - lobe.size * ring.mean())) / (power.size * weight)
    its_own_mirror = all(2 * at in (0, size) for at, size in zip(place, power.shape, strict=True))
    return math.sqrt(of_wave) * (1 if its_own_mirror else 2)


def _middle(plane: Floats) -> Floats:
    cut = (slice((size - MOST_PIXELS) // 2, (size + MOST_PIXELS) // 2) if size > MOST_PIXELS else slice(None) for size in plane.shape)
    return np.asarray(plane[tuple(cut)], np.float64)


def _strongest(power: Floats) -> tuple[int, int] | None:
    """The bin of the peak that is furthest above its surroundings, out of those that stand alone."""
    cycles = np.hypot(*np.meshgrid(*(fft.fftfreq(size, 1 / size) for size in power.shape), indexing="ij"))
    compared = np.where(cycles >= SLOWEST / 2, power, 0.0)
    around = ndimage.uniform_filter(compared, 2 * RING + 1, mode="wrap")
    height = np.where(cycles >= SLOWEST, power / np.maximum(around, np.finfo(float).tiny), 0.0)
    most = np.argpartition(height, -CANDIDATES, axis=None)[-CANDIDATES:]
    for flat in most[np.argsort(height.flat[most])][::-1]:
        place = tuple(int(at) for at in np.unravel_index(flat, power.shape))
        if power[place] > ALONE * _around(compared, place)[1].max():
            return place[0], place[1]
    return None


def _around(power: Floats, place: tuple[int, ...]) -> tuple[Floats, Floats]:
    """The bins of a peak, and those of the ring around it without the peak's own mirror image."""
    reach = LOBE + RING
    offsets = np.arange(-reach, reach + 1)
    rows, columns = ((at + offsets) % size for at, size in zip(place, power.shape, strict=True))
    inner = np.maximum.outer(np.abs(offsets), np.abs(offsets)) <= LOBE
    mirror = np.logical_and.outer(*((bins + at + LOBE) % size <= 2 * LOBE for bins, at, size in zip((rows, columns), place, power.shape, strict=True)))
    square = power[np.ix_(rows, columns)]
    return square[inner], square[~inner & ~mirror]
