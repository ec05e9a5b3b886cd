"""An image that is denoised where one looks: networks are trained at once, planes denoised when they are sliced."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from typing import Any, Literal
from uuid import uuid4

import dask.array
import numpy as np
from dask.utils import SerializableLock
from numpy.typing import NDArray

from napari_zeroshot.engine.axes import IN_PLANE
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.method import Progress, finished, never
from napari_zeroshot.engine.result import Result
from napari_zeroshot.engine.run import denoise_steps
from napari_zeroshot.engine.so_far import OnDemand


def denoise_lazy(image: Any, method: str = "auto", **options: Any) -> dask.array.Array:
    """A dask array of the denoised image, with a chunk for each plane, which is denoised whenever it is sliced.

    A network for each channel is trained before this returns, on evenly spaced planes, as by ``denoise(image, stack="shared")``: the pixels are the
    same. So a series larger than memory can be looked at denoised, and be written with `write` without ever being in memory as a whole.

    Parameters
    ----------
    image, method, options
        As for `lazy_steps`, which gives a `Result` with the provenance too.

    Examples
    --------
    >>> clean = denoise_lazy(series, "zs-n2n", axes="TYX")  # doctest: +SKIP
    >>> clean[700].compute()  # doctest: +SKIP
    """
    steps = lazy_steps(image, method, **options)
    return finished(steps).image  # type: ignore[no-any-return]


def lazy_steps(
    image: Any,
    method: str = "auto",
    *,
    axes: str | None = None,
    preset: str | None = None,
    device: str = "auto",
    seed: int = 0,
    threads: int | None = None,
    dtype: Literal["same", "float32"] = "same",
    nan: Literal["refuse", "fill"] = "refuse",
    memory: float | None = None,
    cancelled: Callable[[], bool] = never,
    source: Mapping[str, Any] | None = None,
    **params: Any,
) -> Generator[Progress, None, Result]:
    """Train step by step: a generator of `Progress` that returns a `Result` whose image is a dask array, see `denoise_lazy`.

    Parameters
    ----------
    image, method, axes, preset, device, seed, threads, dtype, nan, memory, cancelled, source, params
        As for `denoise_steps`. One plane is denoised at a time, so that `memory` holds however many are asked for at once.

    Raises
    ------
    ParamError, ImageError, DeviceError
        As by `denoise_steps`.
    """
    if params.pop("stack", "shared") != "shared":
        raise ParamError("a lazy result has a shared network for each channel; leave stack out, or denoise the whole")
    steps = denoise_steps(
        image, method, axes=axes, preset=preset, device=device, seed=seed, threads=threads, dtype=dtype, nan=nan, memory=memory,
        cancelled=cancelled, source=source, on_demand=True, **params,
    )  # fmt: skip
    return _in_dask(steps)


def _in_dask(steps: Generator[Progress, None, Result]) -> Generator[Progress, None, Result]:
    result = yield from steps
    return replace(result, image=_chunked(result.image))


def _chunked(image: OnDemand) -> dask.array.Array:
    axes = image.axes
    chunks = tuple((size,) if letter in IN_PLANE else (1,) * size for letter, size in zip(axes.letters, axes.shape, strict=True))
    name, meta = f"denoised-{uuid4().hex}", np.empty((0,) * len(chunks), image.dtype)
    return dask.array.map_blocks(_chunk_of(image), chunks=chunks, dtype=image.dtype, meta=meta, name=name)  # type: ignore[no-any-return]


def _chunk_of(image: OnDemand) -> Callable[..., NDArray[Any]]:
    """A function that gives one plane as a chunk of the image's dimensions; one at a time, for the sake of memory."""
    letters, lock = image.axes.letters, SerializableLock()

    def chunk(block_id: tuple[int, ...]) -> NDArray[Any]:
        with lock:
            plane = image.plane(tuple(None if letter in IN_PLANE else int(at) for letter, at in zip(letters, block_id, strict=True)))
        return plane[tuple(slice(None) if letter in IN_PLANE else np.newaxis for letter in letters)]

    return chunk
