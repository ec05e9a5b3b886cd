"""Images of one sample beside one another: every figure of every plane, against the truth, the noisy image, or both."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_zeroshot.engine import intensity, metrics, places
from napari_zeroshot.engine.axes import Axes, Index, letters_of, named, parse
from napari_zeroshot.engine.blur import best_sigma
from napari_zeroshot.engine.errors import DenoiseError, ImageError, ParamError
from napari_zeroshot.engine.fourier_ring import SMALLEST, sharpness
from napari_zeroshot.engine.method import finished
from napari_zeroshot.engine.micro_ssim import is_installed, micro_ssim
from napari_zeroshot.engine.noise_diagnosis import diagnose
from napari_zeroshot.engine.residual import noise_left, structure, whiteness
from napari_zeroshot.engine.smooth_blocks import Floats

GAUSSIAN = "Gaussian"
"""The name of the yardstick."""


@dataclass(frozen=True)
class Figures:
    """What was measured of one plane, or the mean over planes; None for what was not, or could not be.

    Parameters
    ----------
    at
        Which plane: ``{"T": 0, "C": 1}``; empty for a single plane and for the mean.
    psnr, ssim, affine_psnr, micro_ssim
        Against the truth, see `metrics`; MicroSSIM if the package microssim is installed.
    structure
        The share of what was removed in structured places that is detail, see `residual.structure`.
    noise_left
        The noise's deviation beside the noisy image's, see `residual.noise_left`.
    whiteness
        Of what was removed, see `residual.whiteness`.
    sharpness
        See `fourier_ring.sharpness`.
    drift, drift_share
        By how much the mean grew: in grey levels, and as a share of the noisy image's mean.
    """

    at: Mapping[str, int] = field(default_factory=dict)
    psnr: float | None = None
    ssim: float | None = None
    affine_psnr: float | None = None
    micro_ssim: float | None = None
    structure: float | None = None
    noise_left: float | None = None
    whiteness: float | None = None
    sharpness: float | None = None
    drift: float | None = None
    drift_share: float | None = None

    @property
    def where(self) -> str:
        """Which plane, in words: ``T=0, C=1``."""
        return named(self.at)

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the plane in words, then every figure."""
        return {"where": self.where, **{name: value for name, value in asdict(self).items() if name != "at"}}


FIGURES = tuple(one.name for one in fields(Figures) if one.name != "at")
"""The names of all figures."""


@dataclass(frozen=True)
class Measured:
    """An image with its figures: the mean, and those of each plane. `note` says how it was made, of a yardstick."""

    name: str
    mean: Figures
    planes: tuple[Figures, ...]
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Parameters
    ----------
    images
        In the order given.
    gaussian
        The yardstick: the noisy image blurred as widely as its own noise asks for; None if not asked for.
    data_range
        What PSNR and SSIM were taken against; None without a truth.
    untold
        Figures that could not be told of any image, with the reason.
    """

    images: tuple[Measured, ...]
    gaussian: Measured | None
    data_range: float | None
    untold: Mapping[str, str]

    @property
    def rows(self) -> tuple[Measured, ...]:
        """The images, and the yardstick if there is one."""
        return (*self.images, self.gaussian) if self.gaussian else self.images


@dataclass(frozen=True)
class Compared:
    """A report on the way: so many planes of so many are done."""

    step: int
    total: int


def compare(
    images: Mapping[str, Any],
    *,
    raw: Any = None,
    truth: Any = None,
    axes: str | None = None,
    data_range: float | None = None,
    gaussian: bool = False,
    at: Mapping[str, int] | None = None,
) -> Comparison:
    """Measure images of one sample, plane by plane: against the truth, against the noisy image that they were made from, or both.

    Parameters
    ----------
    images
        Arrays of one shape by name; read plane by plane, so they may be lazy.
    raw
        The noisy image: gives `structure`, `noise_left`, `whiteness`, `sharpness` and `drift`.
    truth
        The image without noise: gives `psnr`, `ssim`, `affine_psnr` and, where microssim is installed, `micro_ssim`.
    axes
        A letter for each dimension; may be left out for 2D images.
    data_range
        The distance from black to white, see `metrics.psnr`.
    gaussian
        Whether to measure the tuned Gaussian of the noisy image too.
    at
        Only the plane at ``{"T": 3, "C": 1}``; letters left out mean 0. All planes when left out.

    Raises
    ------
    ImageError
        If the images differ in shape, the axes do not fit, or a plane holds NaN.
    ParamError
        If there is nothing to compare with, or the Gaussian is asked for without a noisy image.

    Examples
    --------
    >>> compare({"ours": result.image}, raw=stack, axes="TYX", gaussian=True).images[0].mean.noise_left  # doctest: +SKIP
    0.21
    """
    steps = compare_steps(images, raw=raw, truth=truth, axes=axes, data_range=data_range, gaussian=gaussian, at=at)
    return finished(steps)


def compare_steps(
    images: Mapping[str, Any],
    *,
    raw: Any = None,
    truth: Any = None,
    axes: str | None = None,
    data_range: float | None = None,
    gaussian: bool = False,
    at: Mapping[str, int] | None = None,
) -> Generator[Compared, None, Comparison]:
    """As `compare`, as a generator of reports that returns the comparison; what is wrong with the arguments is raised by this call."""
    if not isinstance(images, Mapping):
        raise ParamError(f"images are given by name, as in {{'result': image}}; this is {type(images).__name__}")
    if raw is None and truth is None:
        raise ParamError("there is nothing to compare with; give the noisy image (raw), the image without noise (truth), or both")
    if gaussian and raw is None:
        raise ParamError("the Gaussian is made from the noisy image; give it (raw)")
    first = raw if raw is not None else truth
    cut = parse(axes or letters_of(first), np.shape(first))
    for name, image in {"the noisy image": raw, "the truth": truth, **images}.items():
        if image is not None:
            _check(name, image, cut)
    planes = cut.planes() if at is None else [cut.index_of(at)]
    return _steps(images, raw, truth, cut, data_range, gaussian, planes)


def _check(name: str, image: Any, cut: Axes) -> None:
    if tuple(np.shape(image)) != cut.shape:
        raise ImageError(f"{name} has shape {tuple(np.shape(image))}, not {cut.shape}; only images of the same shape can be compared")
    intensity.check_type(image.dtype if hasattr(image, "dtype") else np.asarray(image).dtype)


def _steps(
    images: Mapping[str, Any], raw: Any, truth: Any, cut: Axes, data_range: float | None, gaussian: bool, planes: Sequence[Index]
) -> Generator[Compared, None, Comparison]:
    known = None if truth is None else _range(truth, cut, data_range)
    untold = {} if raw is None else _untold(raw, cut)
    found: dict[str, list[Figures]] = {name: [] for name in images}
    yardstick: list[Figures] = []
    sigmas: list[float] = []
    for done, index in enumerate(planes):
        noisy, true = (None if image is None else _read(image, cut, index, name) for image, name in ((raw, "the noisy image"), (truth, "the truth")))
        for name, image in images.items():
            found[name].append(_figures(_read(image, cut, index, name), noisy, true, known, cut.at(index), untold))
        if gaussian and noisy is not None:
            blurred, sigma = tuned_gaussian(noisy)
            sigmas.append(sigma)
            yardstick.append(_figures(blurred, noisy, true, known, cut.at(index), untold))
        yield Compared(done + 1, len(planes))
    measured = tuple(Measured(name, _mean(figures), tuple(figures)) for name, figures in found.items())
    plain = Measured(GAUSSIAN, _mean(yardstick), tuple(yardstick), _told(sigmas)) if yardstick else None
    if raw is not None:
        untold |= _not_found([row.mean for row in measured], cut)
    return Comparison(measured, plain, known, untold)


def _range(truth: Any, cut: Axes, data_range: float | None) -> float:
    """The data range given, else the truth's own."""
    return metrics.whole_range(truth, cut) if data_range is None else float(data_range)


def _untold(raw: Any, cut: Axes) -> dict[str, str]:
    """Why the sharpness cannot be told, if so."""
    if min(cut.height, cut.width) < SMALLEST:
        return {"sharpness": f"planes of at least {SMALLEST} x {SMALLEST} pixels are needed; these have {cut.height} x {cut.width}"}
    for channel in range(cut.size("C")):
        try:
            report = diagnose(raw, axes=cut.letters, channel=channel)
        except DenoiseError as error:
            return {"sharpness": str(error)}
        if report.neighbours_share:
            correlation = report.neighbour_correlation
            return {"sharpness": f"neighbouring pixels share noise ({correlation:.1f}), by which the halves of the image would agree without any detail"}
    return {}


def _not_found(means: Sequence[Figures], cut: Axes) -> dict[str, str]:
    """Why what flat and structured places tell is missing from all images, if so."""
    small = min(cut.height, cut.width) < places.SMALLEST
    too_small = f"planes of at least {places.SMALLEST} x {places.SMALLEST} pixels are needed; these have {cut.height} x {cut.width}"
    reasons = {
        "structure": too_small if small else "the noisy image holds no noise to compare with",
        "noise_left": too_small if small else "no place is flat enough to show noise alone",
    }
    return {name: reason for name, reason in reasons.items() if all(getattr(mean, name) is None for mean in means)}


def _read(image: Any, cut: Axes, index: Index, name: str) -> Floats:
    """A plane of shape (S, Y, X); raises `ImageError` if it holds NaN."""
    plane = cut.read(image, index).astype(np.float64)
    gaps = int((~np.isfinite(plane)).sum())
    if gaps:
        where = named(cut.at(index))
        raise ImageError(f"{name} holds {gaps} values that are NaN or infinite{f' at {where}' if where else ''}; mend them, or choose another plane or image")
    return plane


def tuned_gaussian(noisy: Floats) -> tuple[Floats, float]:
    """A plane of shape (S, Y, X) blurred as widely as its own noise asks for, and how wide that is, in pixels."""
    sigma = best_sigma((noisy - noisy.mean())[np.newaxis].astype(np.float32))
    return ndimage.gaussian_filter(noisy, (0, sigma, sigma)), sigma


def _told(sigmas: Sequence[float]) -> str:
    low, high = (f"{value:.2g}" for value in (min(sigmas), max(sigmas)))
    return f"sigma {low} px" if low == high else f"sigma {low} to {high} px"


def _figures(seen: Floats, noisy: Floats | None, true: Floats | None, data_range: float | None, at: Mapping[str, int], untold: Mapping[str, str]) -> Figures:
    """All that can be measured of a plane of shape (S, Y, X)."""
    found: dict[str, float | None] = {}
    if true is not None:
        found |= {
            "psnr": metrics.psnr(true, seen, data_range),
            "ssim": metrics.ssim(true, seen, data_range, channel_axis=0),
            "affine_psnr": metrics.affine_psnr(true, seen, data_range),
            "micro_ssim": _each(micro_ssim, true, seen) if is_installed() else None,
        }
    if noisy is not None:
        drift, mean = float(seen.mean() - noisy.mean()), float(noisy.mean())
        found |= {
            "structure": _each(structure, noisy, noisy - seen),
            "noise_left": _each(noise_left, noisy, seen),
            "whiteness": _each(lambda _, residual: whiteness(residual), noisy, noisy - seen),
            "sharpness": None if "sharpness" in untold else _each(sharpness, noisy, seen),
            "drift": drift,
            "drift_share": drift / abs(mean) if mean else None,
        }
    return Figures(at, **found)


def _each(figure: Callable[[NDArray[Any], NDArray[Any]], float | None], one: Floats, other: Floats) -> float | None:
    """The mean over samples (red, green, blue) of those that could be told."""
    return _mean_of([figure(first, second) for first, second in zip(one, other, strict=True)])


def _mean(figures: Sequence[Figures]) -> Figures:
    return Figures({}, **{name: _mean_of([getattr(plane, name) for plane in figures]) for name in FIGURES})


def _mean_of(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
