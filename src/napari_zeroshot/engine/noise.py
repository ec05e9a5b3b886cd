"""Noise of a camera, put on a clean image: for tests and simulations with known truth."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_zeroshot.engine.errors import ParamError

Kind = Literal["gaussian", "poisson", "uniform", "poisson-gauss"]


def add_noise(
    clean: NDArray[Any],
    kind: Kind,
    rng: np.random.Generator,
    *,
    sigma: float = 25.0,
    photons: float = 30.0,
    width: float = 25.0,
    correlation: float = 0.0,
    plane: tuple[int, int] = (-2, -1),
    clip: bool = False,
) -> NDArray[np.float32]:
    """The image with noise, float32 on the scale of `clean`.

    Parameters
    ----------
    clean
        Values of 0 (dark) to 1 (full brightness).
    kind
        ``gaussian``: n ~ N(0, sigma/255), the same everywhere. ``poisson``: y = Poisson(photons x) / photons,
        whose variance is x / photons. ``uniform``: n ~ U(-width/255, width/255). ``poisson-gauss``: Poisson,
        then Gaussian, as a camera does.
    sigma
        Standard deviation in grey levels of 255, as the ZS-N2N paper gives it (read noise).
    photons
        Photons at full brightness: the lambda of the ZS-N2N paper. Fewer give a noisier image.
    width
        Half the width of uniform noise, in grey levels of 255.
    correlation
        Width (sigma of a Gaussian, in pixels) over which neighbours share their noise, as in resampled
        or compressed frames; 0 for none. The noise's variance stays what it was.
    plane
        Which two dimensions are rows and columns; others do not share noise.
    clip
        Whether values below 0 and above 1 are cut, as a saturating camera does. It biases dark regions.

    Raises
    ------
    ParamError
        If `kind` is unknown, a strength is negative, or Poisson noise is asked of negative values.
    """
    _check(kind, clean, sigma, photons, width, correlation)
    truth = np.asarray(clean, np.float64)
    noise = _noise(truth, kind, rng, sigma / 255, photons, width / 255)
    noisy = truth + (_shared(noise, correlation, plane) if correlation else noise)
    return (np.clip(noisy, 0, 1) if clip else noisy).astype(np.float32)


def _check(kind: str, clean: NDArray[Any], sigma: float, photons: float, width: float, correlation: float) -> None:
    if kind not in get_args(Kind):
        raise ParamError(f"noise {kind!r} is not known; known are {', '.join(get_args(Kind))}")
    for name, value in {"sigma": sigma, "width": width, "correlation": correlation}.items():
        if not value >= 0:
            raise ParamError(f"{name} = {value} is not allowed; it takes at least 0")
    if kind.startswith("poisson") and not (photons > 0 and np.min(clean) >= 0):
        raise ParamError(f"Poisson noise needs photons above 0 (got {photons}) and no negative values (least is {np.min(clean)})")


def _noise(clean: NDArray[np.float64], kind: Kind, rng: np.random.Generator, sigma: float, photons: float, width: float) -> NDArray[np.float64]:
    noise = np.zeros_like(clean)
    if kind.startswith("poisson"):
        noise += rng.poisson(clean * photons) / photons - clean
    if kind.endswith(("gaussian", "gauss")):
        noise += rng.normal(0.0, sigma, clean.shape)
    if kind == "uniform":
        noise += rng.uniform(-width, width, clean.shape)
    return noise


def _shared(noise: NDArray[np.float64], sigma: float, plane: tuple[int, int]) -> NDArray[np.float64]:
    """Smoothed noise of the same variance; edges wrap around, so that it is the same there too."""
    smooth, spread = noise, 1.0
    for axis in plane:
        impulse = np.zeros(noise.shape[axis])
        impulse[0] = 1.0
        spread *= float((ndimage.gaussian_filter1d(impulse, sigma, mode="wrap") ** 2).sum())
        smooth = ndimage.gaussian_filter1d(smooth, sigma, axis=axis, mode="wrap")
    return np.asarray(smooth / np.sqrt(spread))
