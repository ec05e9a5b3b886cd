"""Image in, image out: the engine's door."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from napari_zeroshot.engine import intensity
from napari_zeroshot.engine.axes import Axes, letters_of, told_otherwise
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.fallback import LastingLedger, with_less_memory
from napari_zeroshot.engine.method import Denoiser, Method, Progress, finished, never
from napari_zeroshot.engine.neighbours import Among, count_of
from napari_zeroshot.engine.order import Order
from napari_zeroshot.engine.plan import Plan, Stack, checked_axes, one_of, planned, whole_number
from napari_zeroshot.engine.region import Region, cut, planes_around
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.engine.result import Result
from napari_zeroshot.engine.running import Ledger, Run, shares_memory
from napari_zeroshot.engine.trained import Trained
from napari_zeroshot.engine.weights import trained_of


class Elsewhere(Protocol):
    """Where a run is done, if not in this process."""

    def planned(self, method: str, axes: Axes, **how: Any) -> Plan:
        """As `plan.planned`, decided there."""

    def steps(self, image: Any, order: Order, out: Any, ledger: Ledger | None) -> Generator[Progress, None, Result]:
        """As `Run.steps`; `image` is the whole of which the order may want a region."""


def denoise(
    image: Any,
    method: str = "auto",
    *,
    axes: str | None = None,
    preset: str | None = None,
    device: str = "auto",
    seed: int = 0,
    **options: Any,
) -> Result:
    """The denoised image, with its provenance.

    Parameters
    ----------
    image, method, axes, preset, device, seed, options
        As for `denoise_steps`, which takes single parameters of the method too.

    Returns
    -------
    Result
        ``result.image`` has the input's shape, axes, type and intensity scale.

    Examples
    --------
    >>> result = denoise(stack, "fm2s", axes="TCYX", preset="confocal", seed=1)  # doctest: +SKIP
    >>> result.image.shape == stack.shape  # doctest: +SKIP
    True
    """
    steps = denoise_steps(image, method, axes=axes, preset=preset, device=device, seed=seed, **options)
    return finished(steps)


def denoise_steps(
    image: Any,
    method: str = "auto",
    *,
    axes: str | None = None,
    preset: str | None = None,
    device: str = "auto",
    seed: int = 0,
    threads: int | None = None,
    stack: Stack = "shared",
    dtype: Literal["same", "float32"] = "same",
    nan: Literal["refuse", "fill"] = "refuse",
    memory: float | None = None,
    tile: int | None = None,
    out: Any = None,
    cancelled: Callable[[], bool] = never,
    source: Mapping[str, Any] | None = None,
    start: Denoiser | None = None,
    region: Region | None = None,
    levels: intensity.Scale | None = None,
    trained: Trained | Result | str | Path | None = None,
    ledger: LastingLedger | None = None,
    on_demand: bool = False,
    where: Elsewhere | None = None,
    lessen: bool = True,
    cautions: bool = True,
    **params: Any,
) -> Generator[Progress, None, Result]:
    """Denoise step by step: a generator of `Progress` that returns a `Result`.

    What is wrong with the arguments is raised by this call; nothing is computed before the first ``next()``.

    Parameters
    ----------
    image
        Any array that can be sliced (numpy, dask, zarr, xarray): whole numbers or floats, 2D or more. Read plane by plane.
    method
        A name from `all_methods`.
    axes
        A letter for each dimension out of T, Z, C, Y, X, S, such as ``TCZYX``. May be left out for 2D images and for xarray images whose dimensions say it.
    preset
        A named setting of the method; several joined by ``+``.
    device
        ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    seed
        Decides every random number; on the CPU the same seed, with as many threads, gives the same pixels.
    threads
        How many CPU threads train; PyTorch's own number when left out. Another number gives slightly different pixels.
    stack
        ``shared``: one network for each channel, learnt from all its planes. ``plane``: a new network
        for every plane. ``warm``: every plane goes on from the last one's network.
    dtype
        ``same`` as the input (rounded and clipped), or ``float32``; grey levels are the input's in both.
    nan
        ``refuse`` an image with NaN or infinity, or ``fill`` the gaps for the work and give them back as NaN.
    memory
        Gigabytes that the run may take beside the image and its result, on the card if it computes on one; bounds the size of
        tiles, and does not change the result. Left out, half of what is free is the measure. An estimate with some reserve, not a guard.
    tile
        Largest side of an image part that goes through the network at once, 16 pixels or more, instead of what `memory` allows.
    out
        Array of the result's shape and type that takes it; made when left out.
    cancelled
        Asked at every step. Once true, training ends and the best so far is returned, with ``complete=False``: planes
        that the network reaches within a few seconds are denoised, the others are as they were.
    source
        What to note in the provenance of where the image comes from, such as its name.
    start
        The `Result.denoiser` of an earlier run of the same method, to go on from instead of from new weights, as previews do.
        The provenance alone cannot make such a run again.
    region
        The part to denoise: first and end index along some axes, such as ``{"T": (3, 5), "Y": (0, 256)}``. The result has its shape.
        Grey levels are scaled as for the whole planes that it lies in, so that a part looks as it does in a run of the whole.
    levels
        The `Result.levels` of an earlier run on the same planes, to save measuring them again.
    trained
        Networks to use as they are, so that nothing is trained: an earlier `Result`, or a file that `save_network` has written. They have
        learnt with the method, the preset and the parameters of then, which hold again. Each channel has the network of its own
        number, or all have the only one. `Result.notes` say where the image is unlike the one that they learnt from.
    ledger
        Knows which planes `out` holds already; only the others are denoised, by networks that are trained again from the same seed where they
        are needed. Planes that are read a second time must be what they were. With ``lessen=False`` a plain `Ledger` will do.
    on_demand
        Train the shared networks only; the result's image is `OnDemand`, see `lazy`.
    where
        Does the work instead of this process, with the same pixels, see `cluster`. It trains from new weights: `start`, `trained` and `on_demand` are for here.
    lessen
        Whether a run for which the graphics card has too little memory begins anew with smaller tiles and, which changes the pixels a little, fewer crops.
        `Result.notes` say so, and ``instead_of`` what was planned. Without it, a `DeviceMemoryError` is raised.
    cautions
        Whether `Result.notes` say why the result should not be trusted, told from the middle of one plane of each channel. Previews and trials go without.
    **params
        Single parameters of the method, on top of the preset.

    Raises
    ------
    ParamError, ImageError, DeviceError
        If a name is unknown, a value out of bounds, the image not an image, or the device not there.
    """
    if where is not None:
        check_elsewhere(start, trained, on_demand)
    known = trained_of(trained) if trained is not None else None
    if known is not None:
        preset, params = _as_learnt(known, get_method(method), preset, params)
    keep_dtype = one_of("dtype", dtype, Literal["same", "float32"]) == "same"
    whole = checked_axes(image, axes)
    region = region or {}
    part = cut(image, whole, region)
    checked = Axes(whole.letters, part.shape)
    if known is not None:
        known.check(checked.size("C"), checked.size("S"))
    decide = planned if where is None else where.planned
    plan = decide(method, checked, preset=preset, device=device, threads=threads, stack=stack, memory=memory, tile=tile, params=params, whole=whole)
    order = Order(
        image=part if region else image,
        whole=planes_around(image, whole, region),
        axes=checked,
        method=plan.method,
        params=plan.params,
        preset=preset or "default",
        device=plan.device,
        seed=whole_number("seed", seed, 0, 2**63 - 1),
        threads=plan.threads,
        stack=stack,
        together=plan.together,
        dtype=np.dtype(image.dtype) if keep_dtype else np.dtype(np.float32),
        fill_nan=one_of("nan", nan, Literal["refuse", "fill"]) == "fill",
        tile=plan.tile,
        cancelled=cancelled,
        start=start,
        levels=levels,
        trained=known,
        among=Among.of(image, whole, region, count_of(plan.params)),
        source=_told(image, region) | dict(source or {}),
        notes=told_otherwise(Axes(letters, whole.shape), whole, "array") if (letters := letters_of(image)) else (),
        cautions=cautions,
    )
    _check_out(out, order)

    def begin(order: Order) -> Generator[Progress, None, Result]:
        if where is not None:
            return where.steps(image, order, out, ledger)
        run = Run(order, out, ledger)
        return run.learn() if on_demand else run.steps()

    return with_less_memory(order, begin, out, ledger) if lessen else begin(order)


def check_elsewhere(start: Denoiser | None = None, trained: Any = None, on_demand: bool = False, **_: Any) -> None:
    """Raise `ParamError` if a run of these options can be done in this process only."""
    if start is not None or trained is not None or on_demand:
        raise ParamError("a run on a cluster trains networks of its own from new weights; leave start, trained (--network) and on_demand out, or denoise here")


def _as_learnt(known: Trained, method: Method, preset: str | None, params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The preset and parameters that networks were trained with; none can be changed now. How to compute is this machine's affair."""
    if method != known.method:
        raise ParamError(f"the network is one of {known.method.name}, not of {method.name}; name that method")
    if preset not in (None, known.preset) or {name: value for name, value in params.items() if getattr(known.params, name, None) != value}:
        raise ParamError("the network is trained already, so that preset and parameters are as they were; leave them out, or train anew")
    return known.preset, known.params.to_dict() | ({"precision": params.get("precision", "auto")} if hasattr(known.params, "precision") else {})


def _told(image: Any, region: Region) -> dict[str, Any]:
    """What the provenance says of any image."""
    part = {"region": {letter: [int(end) for end in ends] for letter, ends in region.items()}} if region else {}
    return {"shape": list(image.shape), "dtype": str(np.dtype(image.dtype)), **part}


def _check_out(out: Any, order: Order) -> None:
    if order.among is not None and shares_memory(out, order.image):
        raise ParamError("out is the image itself, of which each plane is needed again for the next one; give another array, or neighbours=0")
    if out is not None and (tuple(out.shape), np.dtype(out.dtype)) != (order.axes.shape, order.dtype):
        raise ParamError(f"out is an array of {out.dtype} {tuple(out.shape)}; the result needs {order.dtype} {order.axes.shape}")
