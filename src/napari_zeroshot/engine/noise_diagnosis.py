"""What noise an image holds: gain, read noise, photons, ends, faulty pixels, stripes, repeating patterns, and which pixels share noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from napari_zeroshot.engine import intensity
from napari_zeroshot.engine.axes import Axes, Index, letters_of, parse
from napari_zeroshot.engine.errors import ImageError, ParamError
from napari_zeroshot.engine.noise_correlation import correlation_map, flatness, frame_correlation, noise_shape, unevenness, variance_over
from napari_zeroshot.engine.noise_level import fine_texture, finest_variance
from napari_zeroshot.engine.periodic_pattern import Pattern, periodic_pattern
from napari_zeroshot.engine.photon_transfer import PhotonTransfer, photon_transfer
from napari_zeroshot.engine.pixel_faults import End, ends, faulty_pixels, stripes
from napari_zeroshot.engine.smooth_blocks import Floats, fine, not_coarse

SMALLEST = 32
"""Least height and width, in pixels."""
MOST_PLANES = 8
"""Planes, or pairs of frames, that are read of a stack."""
MOST_FRAMES = 8
"""Successive frames that are compared."""
UNEVEN = 2.5
"""With an `unevenness` above this, what neighbours have in common is taken for structure."""
FLAT = 0.2
"""With a `flatness` above this too: real and simulated noise has 0.01 to 0.05 where neighbours share it, and 0.75 to 1.3 where they do not."""
FINEST = 0.3
"""And where the finest details of the whole image hold more than this share of the noise's variance: 0.07 to 0.13 where neighbours share noise, 0.34 and
more of photographs whose smoothest places are all of one texture."""
REGION = 75
"""Side of the regions whose brightness is noted, in pixels: FM2S's own."""
MOSTLY_COARSE = 3.0
"""Where the noise's variance is so many times the power of its finest details, coarser ones are measured too."""
SHARED = 0.2
"""Neighbours with a correlation above this share their noise."""


@dataclass(frozen=True)
class NoiseReport:
    """The noise of an image, in its own grey levels.

    Parameters
    ----------
    seen
        What was read, in words: ``one plane``, ``8 pairs of frames``.
    transfer
        The photon-transfer curve and its line.
    gain, gain_error
        Grey levels per photon, with standard error; None if the noise does not measurably grow with brightness.
    offset, offset_known
        The grey level of darkness: as given, or the darkest smooth place of the image.
    read_noise, read_noise_error
        The noise's standard deviation at `offset`. If that is not known, the true one may be lower.
    photons
        At the brightest places; None if the gain is.
    noise
        The noise's standard deviation over the whole image.
    lowest, highest
        The ends of the grey levels.
    hot, dead
        Rows and columns of faulty pixels.
    row_stripes, column_stripes
        Standard deviation of what whole rows and columns have in common.
    pattern
        The strongest wave that repeats all over the image; None if there is none.
    correlation
        Of the noise of two pixels, 4 x 4: so many rows and so many columns apart.
    texture
        Whether the correlation is, or may be, the sample's fine texture instead: noise is then read as if no pixels shared it.
    fine_texture
        Whether the sample has details as fine as single pixels.
    frame_correlation
        Of the noise of successive frames; None where there are fewer than three.
    black, white
        The grey levels that the methods take for 0 and 1.
    regions
        Mean and nearly greatest brightness of each region of 75 x 75 pixels, 0 to 1.
    """

    seen: str
    transfer: PhotonTransfer
    gain: float | None
    gain_error: float
    offset: float
    offset_known: bool
    read_noise: float
    read_noise_error: float
    photons: float | None
    noise: float
    lowest: End
    highest: End
    hot: tuple[tuple[int, int], ...]
    dead: tuple[tuple[int, int], ...]
    row_stripes: float
    column_stripes: float
    pattern: Pattern | None
    correlation: tuple[tuple[float, ...], ...]
    texture: bool
    fine_texture: bool
    frame_correlation: float | None
    black: float
    white: float
    regions: tuple[tuple[float, float], ...]

    @property
    def neighbour_correlation(self) -> float:
        """The greater of the correlations of a pixel with the one beside and the one below."""
        return max(self.correlation[0][1], self.correlation[1][0])

    @property
    def neighbours_share(self) -> bool:
        """Whether neighbouring pixels share so much noise that learning from pairs of neighbours keeps it."""
        return self.neighbour_correlation > SHARED and not self.texture

    @property
    def perhaps_shared(self) -> bool:
        """Whether what neighbouring pixels have in common may be noise or texture: only texture that fine is known for what it is."""
        return self.texture and not self.fine_texture

    @property
    def shared_two_apart(self) -> bool:
        """Whether pixels with one between them share noise too."""
        return self.neighbours_share and max(self.correlation[0][2], self.correlation[2][0]) > SHARED

    @property
    def shared_up_to(self) -> int:
        """How many pixels apart pixels share noise, 0 to 3."""
        shared = [max(self.correlation[0][apart], self.correlation[apart][0]) > SHARED for apart in range(1, len(self.correlation))]
        return 0 if self.texture else [*shared, False].index(False)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        plain: dict[str, Any] = asdict(self)
        return plain


@dataclass(frozen=True, eq=False)
class _Read:
    """Planes of an image: as they came, and the brightness and noise in them (see `smooth_blocks.cut`)."""

    seen: str
    raws: list[Floats]
    signals: list[Floats]
    noises: list[Floats]
    frames: Floats


def diagnose(image: Any, *, axes: str | None = None, channel: int = 0, offset: float | None = None) -> NoiseReport:
    """Read the noise of a plane or, better, of a stack.

    With a time axis the noise is what successive frames differ by, so that structure does not matter;
    places that move are left out. Without one it is read from the smoothest places of each brightness.
    A stack's planes count together, up to eight of them.

    Parameters
    ----------
    axes
        A letter for each dimension; may be left out for 2D images.
    channel
        Which channel of a C axis.
    offset
        The camera's grey level in darkness, if known: makes `read_noise` exact.

    Raises
    ------
    ImageError
        If the axes do not fit, or the image is too small, even, not numeric, or holds NaN.
    ParamError
        If there is no such channel.
    """
    cut = parse(axes or letters_of(image), np.shape(image))
    intensity.check_type(image.dtype if hasattr(image, "dtype") else np.asarray(image).dtype)
    _check_size(cut)
    read = _read(image, cut, _of_channel(cut, channel))
    _check_values(read.raws)
    return _report(read, offset, np.dtype(getattr(image, "dtype", np.float64)))


def _check_size(cut: Axes) -> None:
    if min(cut.height, cut.width) < SMALLEST:
        raise ImageError(f"noise is read from planes of at least {SMALLEST} x {SMALLEST} pixels; these have {cut.height} x {cut.width}")


def _of_channel(cut: Axes, channel: int) -> list[Index]:
    if not 0 <= channel < cut.size("C"):
        raise ParamError(f"there is no channel {channel}; the image has {cut.size('C')}, counted from 0")
    return cut.channels()[channel]


def _check_values(planes: Sequence[Floats]) -> None:
    if not all(np.isfinite(plane).all() for plane in planes):
        raise ImageError("the image holds NaN or infinite values, and noise cannot be read across them; crop or mend them first")
    if all(np.ptp(plane) == 0 for plane in planes):
        raise ImageError(f"every pixel holds {planes[0].flat[0]:g}: there is no noise to read")


def _read(image: Any, cut: Axes, planes: list[Index]) -> _Read:
    pairs = _pairs(cut, planes)
    if not pairs:
        chosen = [plane for index in _spread(planes, MOST_PLANES) for plane in _samples(image, cut, index)]
        return _Read("one plane" if len(chosen) == 1 else f"{len(chosen)} planes", chosen, chosen, chosen, np.empty((0, 1, 1)))
    both = [(a, b) for first, second in _spread(pairs, MOST_PLANES) for a, b in zip(_samples(image, cut, first), _samples(image, cut, second), strict=True)]
    frames = np.stack([_samples(image, cut, index)[0] for index in _one_place(cut, planes)])
    seen = f"{len(both)} pairs of frames" if len(both) > 1 else "one pair of frames"
    return _Read(seen, [a for a, _ in both], [(a + b) / 2 for a, b in both], [(b - a) / np.sqrt(2) for a, b in both], frames)


def _samples(image: Any, cut: Axes, index: Index) -> list[Floats]:
    return list(cut.read(image, index).astype(np.float64))


def _pairs(cut: Axes, planes: list[Index]) -> list[tuple[Index, Index]]:
    """Every plane with the one at the next time."""
    if cut.size("T") < 2:
        return []
    place = cut.letters.index("T")
    later = {index: (*index[:place], (index[place] or 0) + 1, *index[place + 1 :]) for index in planes}
    return [(index, after) for index, after in later.items() if after in later]


def _one_place(cut: Axes, planes: list[Index]) -> list[Index]:
    """The first frames of the first depth."""
    place = cut.letters.index("T")
    return [index for index in planes if all(at == first for i, (at, first) in enumerate(zip(index, planes[0], strict=True)) if i != place)][:MOST_FRAMES]


def _spread(items: list[Any], most: int) -> list[Any]:
    return [items[int(place)] for place in np.linspace(0, len(items) - 1, min(most, len(items))).round()]


def _report(read: _Read, offset: float | None, dtype: np.dtype[Any]) -> NoiseReport:
    lowest, highest = ends(read.raws)
    shape = noise_shape(read.signals, read.noises)
    correlation, between = correlation_map(shape), frame_correlation(read.frames)
    doubtful = bool(max(correlation[0, 1], correlation[1, 0]) > SHARED) and not read.frames.size
    transfer = _transfer(read, shape, between, lowest, highest)
    sharp = not doubtful or flatness(shape) > FLAT or _finest(read.raws) > FINEST * _overall(transfer, read.signals) ** 2
    texture = doubtful and (sharp or unevenness(read.raws) > UNEVEN)
    if texture:
        transfer = _transfer(read, np.ones_like(shape), between, lowest, highest)
    dark = _darkness(transfer) if offset is None else offset
    read_noise, read_noise_error = _read_noise(transfer, dark)
    gain = transfer.slope if transfer.slope_is_known else None
    noise = _overall(transfer, read.signals)
    hot, dead = faulty_pixels(read.raws, stabilised=lambda plane: _stabilised(plane, transfer, noise), deviation=lambda plane: _deviation(plane, transfer))
    scale = intensity.measure([plane[np.newaxis] for plane in read.raws], dtype)
    return NoiseReport(
        seen=read.seen,
        transfer=transfer,
        gain=gain,
        gain_error=transfer.slope_error,
        offset=dark,
        offset_known=offset is not None,
        read_noise=read_noise,
        read_noise_error=read_noise_error,
        photons=max(0.0, (_brightest(read.signals) - dark) / gain) if gain else None,
        noise=noise,
        lowest=lowest,
        highest=highest,
        hot=tuple(hot),
        dead=tuple(dead),
        row_stripes=stripes(read.noises),
        column_stripes=stripes([noise.T for noise in read.noises]),
        pattern=periodic_pattern(read.raws),
        correlation=tuple(tuple(row) for row in correlation.tolist()),
        texture=texture,
        fine_texture=sharp and bool(np.mean([fine_texture(raw) for raw in read.raws]) > 0.5),
        frame_correlation=between,
        black=scale.low,
        white=scale.high,
        regions=tuple(region for signal in read.signals for region in _regions(scale, signal)),
    )


def _transfer(read: _Read, shape: Floats, between: float | None, lowest: End, highest: End) -> PhotonTransfer:
    """The photon-transfer curve, from noise with a spectrum of this shape of which successive frames have the share `between` in common."""
    band = not_coarse if read.frames.size or variance_over(shape, fine) > MOSTLY_COARSE else fine
    return photon_transfer(
        read.signals,
        read.noises,
        band=band,
        of_band=variance_over(shape, band) / (1 - max(0.0, between or 0.0)),
        of_means=float(shape[0, 0]) / (2 if read.frames.size else 1),
        ends=(lowest.level if lowest.cut else -np.inf, highest.level if highest.cut else np.inf),
        raws=read.raws,
    )


def _finest(raws: Sequence[Floats]) -> float:
    return float(np.mean([finest_variance(raw) for raw in raws]))


def _brightest(signals: Sequence[Floats]) -> float:
    """Means of 3 x 3 pixels, all but one in a thousand of which are darker."""
    return float(np.mean([np.quantile(ndimage.uniform_filter(signal, 3), 0.999) for signal in signals]))


def _darkness(transfer: PhotonTransfer) -> float:
    """The darkest smooth place, but not where the line says that the noise's variance would be below 0."""
    darkest = transfer.means[0]
    return max(darkest, transfer.pivot - transfer.height / transfer.slope) if transfer.slope_is_known else darkest


def _read_noise(transfer: PhotonTransfer, dark: float) -> tuple[float, float]:
    variance, error = transfer.variance(dark), transfer.variance_error(dark)
    deviation = float(np.sqrt(variance))
    return deviation, min(error / (2 * deviation) if deviation else np.inf, float(np.sqrt(error)))


def _overall(transfer: PhotonTransfer, signals: Sequence[Floats]) -> float:
    return float(np.sqrt(np.mean([transfer.variance(float(signal.mean())) for signal in signals])))


def _stabilised(plane: Floats, transfer: PhotonTransfer, noise: float) -> Floats:
    """Grey levels in multiples of the noise's deviation, as Anscombe's transform gives them where the noise grows with brightness."""
    gain = transfer.slope
    if not transfer.slope_is_known:
        return plane / (noise or 1.0)
    floor = transfer.height - gain * transfer.pivot + 0.375 * gain**2
    return np.asarray(2 / gain * np.sqrt(np.maximum(gain * plane + floor, 0)))


def _deviation(plane: Floats, transfer: PhotonTransfer) -> Floats:
    """The line's, but no less than was measured anywhere."""
    return np.sqrt(np.maximum(transfer.height + transfer.slope * (plane - transfer.pivot), min(transfer.variances)))


def _regions(scale: intensity.Scale, signal: Floats) -> list[tuple[float, float]]:
    plane = scale.normalise(signal).astype(np.float64)
    rows, columns = (range(0, size, REGION) for size in plane.shape)
    parts = [plane[y : y + REGION, x : x + REGION] for y in rows for x in columns]
    return [(float(part.mean()), float(np.quantile(part, 0.95))) for part in parts]
