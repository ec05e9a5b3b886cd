"""How close a plane is to the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.axes import Axes
from napari_zeroshot.engine.errors import ImageError


def psnr(truth: Any, image: Any, data_range: float | None = None) -> float:
    """Peak signal-to-noise ratio in dB, 10 log10(data_range² / MSE); infinite for identical images.

    Parameters
    ----------
    data_range
        The distance from black to white. When left out: 255 for an 8-bit truth, as the papers do,
        else the truth's greatest less its least value.

    Raises
    ------
    ImageError
        If the shapes differ.
    """
    true, seen = _pair(truth, image)
    error = float(np.mean((true - seen) ** 2))
    return float("inf") if error == 0 else float(10 * np.log10(_range(truth, data_range) ** 2 / error))


def affine_psnr(truth: Any, image: Any, data_range: float | None = None) -> float:
    """PSNR of ``a · image + b`` with the a and b that fit the truth best.

    For pairs whose grey levels do not correspond, such as a short and a long exposure.
    """
    true, seen = _pair(truth, image)
    if (true == seen).all():
        return float("inf")
    true_mean, seen_mean = true.mean(), seen.mean()
    spread = float(((seen - seen_mean) ** 2).mean())
    gain = float(((seen - seen_mean) * (true - true_mean)).mean()) / spread if spread else 0.0
    return psnr(true, gain * (seen - seen_mean) + true_mean, _range(truth, data_range))


def ssim(truth: Any, image: Any, data_range: float | None = None, *, channel_axis: int | None = None) -> float:
    """Structural similarity as scikit-image computes it: 7 x 7 windows (less in tiny images), 1 for identical images.

    Parameters
    ----------
    data_range
        As in `psnr`.
    channel_axis
        The dimension of an RGB image that holds its samples.

    Raises
    ------
    ImageError
        If the shapes differ or a side is under 3 pixels.
    """
    from skimage.metrics import structural_similarity

    true, seen = _pair(truth, image)
    sides = [size for axis, size in enumerate(true.shape) if channel_axis is None or axis != channel_axis % true.ndim]
    if min(sides) < 3:
        raise ImageError(f"SSIM needs at least 3 pixels a side, the image has {true.shape}")
    window = min(7, *(side - 1 + side % 2 for side in sides))
    return float(structural_similarity(true, seen, win_size=window, data_range=_range(truth, data_range), channel_axis=channel_axis))  # type: ignore[no-untyped-call]


def whole_range(truth: Any, cut: Axes) -> float:
    """The data range of all planes of a truth, as `psnr` takes it when left out."""
    return _span([np.array([plane.min(), plane.max()]) for plane in _planes(truth, cut)])


def _pair(truth: Any, image: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    _check_shapes(truth, image)
    return np.asarray(truth, np.float64), np.asarray(image, np.float64)


def _check_shapes(truth: Any, image: Any) -> None:
    if tuple(np.shape(truth)) != tuple(np.shape(image)):
        raise ImageError(f"the truth has shape {np.shape(truth)}, the image {np.shape(image)}; only images of the same shape can be compared")


def _range(truth: Any, data_range: float | None) -> float:
    return float(data_range) if data_range is not None else _span([np.asarray(truth)])


def _planes(truth: Any, cut: Axes) -> Iterator[NDArray[Any]]:
    return (cut.read(truth, index) for index in cut.planes())


def _span(values: Sequence[NDArray[Any]]) -> float:
    """255 for 8 bits, else greatest less least; 1 for a constant image."""
    if values[0].dtype == np.uint8:
        return 255.0
    return max(float(v.max()) for v in values) - min(float(v.min()) for v in values) or 1.0
