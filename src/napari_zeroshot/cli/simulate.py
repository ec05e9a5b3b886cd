"""`napari-zeroshot simulate CLEAN NOISY`: a clean image with a camera's noise."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from napari_zeroshot.cli.report import give_json, opened, tell
from napari_zeroshot.cli.shared_options import AxesOption, JsonOption, OverwriteOption, SeedOption
from napari_zeroshot.engine.errors import ImageError, ParamError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_zeroshot.engine.image import Image

Noise = Literal["poisson-gauss", "gaussian", "poisson", "uniform"]


def simulate(
    source: Annotated[Path, typer.Argument(metavar="CLEAN", help="The clean image.", show_default=False)],
    target: Annotated[Path, typer.Argument(metavar="NOISY", help="The OME-TIFF to write.", show_default=False)],
    *,
    noise: Annotated[Noise, typer.Option(help="poisson-gauss is a camera's: photon noise, then read noise.")] = "poisson-gauss",
    sigma: Annotated[float, typer.Option(min=0, help="Gaussian noise: standard deviation, in grey levels of 255.")] = 25.0,
    photons: Annotated[float, typer.Option(min=1e-6, help="Poisson noise: photons at full brightness; fewer give a noisier image.")] = 30.0,
    width: Annotated[float, typer.Option(min=0, help="Uniform noise: half its width, in grey levels of 255.")] = 25.0,
    correlation: Annotated[float, typer.Option(min=0, help="Over how many pixels (sigma) neighbours share their noise.")] = 0.0,
    black: Annotated[float, typer.Option(help="Grey level of no light.")] = 0.0,
    white: Annotated[float | None, typer.Option(help="Grey level of full brightness; 255 for 8 bits, else the image's greatest.", show_default=False)] = None,
    dtype: Annotated[Literal["same", "float32"], typer.Option(help="Type of the pixels written; whole numbers are rounded and cut.")] = "same",
    seed: SeedOption = 0,
    axes: AxesOption = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put noise on a clean image; the result keeps its grey levels, axes and pixel size."""
    from napari_zeroshot.engine import files
    from napari_zeroshot.engine.intensity import check_type

    files.check_target(target, source=source, overwrite=overwrite)
    image = opened(source, axes)
    check_type(image.array.dtype)
    files.check_target(target, overwrite=overwrite, like=image, dtype=dtype)
    strength = {"kind": noise, "sigma": sigma, "photons": photons, "width": width, "correlation": correlation}
    levels = _levels(image, black, white, counted=noise.startswith("poisson"))
    noisy = _noisy(image, strength, **levels, seed=seed, keep_dtype=dtype == "same")
    told = {"noise": {**strength, **levels}, "seed": seed, "source": {"name": source.name}}
    files.write(target, replace(image, array=noisy, provenance=told), overwrite=overwrite)
    if as_json:
        give_json({"output": str(target), **told, "notes": image.notes})
    else:
        typer.echo(f"Wrote {target}")
        tell(image.notes)


def _levels(image: Image, black: float, white: float | None, *, counted: bool) -> dict[str, float]:
    least, most = float(image.array.min()), float(image.array.max())
    if not math.isfinite(least + most):
        raise ImageError("the clean image holds NaN or infinite values; crop or mend them first")
    known = white if white is not None else 255.0 if image.array.dtype == "uint8" else most
    if not black < known:
        raise ParamError(f"--white {known:g} is not above --black {black:g}; it takes the grey level of full brightness")
    if counted and least < black:
        raise ParamError(f"the image goes down to {least:g}, below --black {black:g}, where no photons are; give --black {least:g} or less")
    return {"black": black, "white": known}


def _noisy(image: Image, strength: dict[str, Any], *, black: float, white: float, seed: int, keep_dtype: bool) -> NDArray[Any]:
    import numpy as np

    from napari_zeroshot.engine.intensity import Scale
    from napari_zeroshot.engine.noise import add_noise

    clean, letters = np.asarray(image.array), image.axes or ""
    scale = Scale(black, white)
    bright = scale.normalise(clean)
    noisy = add_noise(bright, rng=np.random.default_rng(seed), plane=(letters.index("Y"), letters.index("X")), **strength)
    return scale.restore(noisy, clean.dtype if keep_dtype else np.dtype(np.float32))
