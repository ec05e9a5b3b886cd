"""How well the noise diagnosis reads gain, read noise and shared noise, on simulated images where they are known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import document
from benchmarks.suite import Suite
from napari_zeroshot.engine.errors import ImageError
from napari_zeroshot.engine.noise import add_noise
from napari_zeroshot.engine.noise_diagnosis import diagnose
from napari_zeroshot.engine.phantoms import cells, filaments, nuclei

RESULTS = Path(__file__).parent / "results" / "noise.json"
SIZE = 256
PHOTONS = (1, 3, 10, 30, 100, 300, 1000)
READ_NOISES = (0, 1, 5, 20)
BLURS = (0.0, 0.5, 1.0)
SCENES: dict[str, Callable[[], Any]] = {
    "even": lambda: np.full((SIZE, SIZE), 0.5),
    "ramp": lambda: np.tile(np.linspace(0.0, 1.0, SIZE), (SIZE, 1)),
    "cells": lambda: cells((SIZE, SIZE)),
    "nuclei": lambda: nuclei((SIZE, SIZE)),
    "filaments": lambda: filaments((SIZE, SIZE)),
}
DIMMEST = 0.03
"""The share of full brightness that comes from where there is nothing to see."""
STEPS = 4096
"""Scenes are rounded to so many levels: else the noise drawn would depend on the processor's last digit."""


@dataclass(frozen=True)
class Camera:
    """How light becomes grey levels: full brightness is `span` levels above `offset`; values are cut at 0 and `top`."""

    name: str
    dtype: type
    offset: float
    span: float
    top: float


CAMERAS = (
    Camera("8 bit", np.uint8, 40, 150, 255),
    Camera("8 bit, cut off", np.uint8, 0, 280, 255),
    Camera("16 bit", np.uint16, 100, 4000, 65535),
    Camera("16 bit, cut off", np.uint16, 0, 70000, 65535),
)


@dataclass(frozen=True)
class Case:
    """One simulated image; the read noise is in grey levels of 8 bit, and so many times more where `span` is larger."""

    scene: str
    camera: str
    photons: int
    read_noise: float
    blur: float
    frames: int = 1


@dataclass(frozen=True)
class Error:
    """What the diagnosis made of a case: None where it gave no figure."""

    case: Case
    gain: float | None
    variance: float | None
    read_noise: float | None
    correlation: float | None


def run(*, quick: bool = False) -> None:
    """Measure every case, keep the errors as JSON, and write the tables into docs/benchmarks.md."""
    errors = [measured(case) for case in cases(quick=quick)]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("[" + ",\n".join(json.dumps(asdict(error)) for error in errors) + "]\n")
    document.put("noise", tables(errors))


def cases(*, quick: bool = False) -> Iterator[Case]:
    """The grid: every scene, camera, number of photons and read noise; noise that neighbours share for one camera only."""
    for scene, camera, photons, read_noise in product(SCENES, CAMERAS, PHOTONS[:: 3 if quick else 1], READ_NOISES[:: 3 if quick else 1]):
        yield Case(scene, camera.name, photons, read_noise, 0.0)
    for scene, photons, blur in product(SCENES, PHOTONS[:: 3 if quick else 1], BLURS[1:]):
        yield Case(scene, "16 bit", photons, 5, blur)
    for scene, photons, blur in product(SCENES, PHOTONS[:: 3 if quick else 1], BLURS):
        yield Case(scene, "16 bit", photons, 5, blur, frames=5)


def measured(case: Case) -> Error:
    """Simulate a case, read its noise and compare."""
    camera = next(camera for camera in CAMERAS if camera.name == case.camera)
    light = np.rint(DIMMEST * STEPS + (1 - DIMMEST) * np.asarray(SCENES[case.scene](), np.float64) * STEPS) / STEPS
    true = _Truth.of(case, camera)
    try:
        report = diagnose(_taken(case, camera, light, true), axes="TYX", offset=camera.offset)
    except ImageError:
        return Error(case, None, None, None, None)
    level = float(np.quantile(light, 0.9))
    mean = camera.offset + camera.span * level
    variance = report.transfer.variance(mean) / (true.gain * camera.span * level + true.read_noise**2)
    gain = None if report.gain is None else report.gain / true.gain - 1
    at_dark = (report.read_noise - true.read_noise) / np.sqrt(true.gain * camera.span * level + true.read_noise**2)
    found = (gain, variance - 1, float(at_dark), report.neighbour_correlation - _correlation(case.blur))
    return Error(case, *(None if value is None else round(value, 4) for value in found))


@dataclass(frozen=True)
class _Truth:
    gain: float
    read_noise: float

    @classmethod
    def of(cls, case: Case, camera: Camera) -> _Truth:
        return cls(camera.span / case.photons, case.read_noise * camera.span / CAMERAS[0].span)


def _taken(case: Case, camera: Camera, light: Any, true: _Truth) -> Any:
    rng = np.random.default_rng((case.photons, int(case.read_noise), list(SCENES).index(case.scene)))
    frames = np.repeat(light[np.newaxis], case.frames, axis=0)
    noisy = add_noise(frames, "poisson-gauss", rng, photons=case.photons, sigma=255 * true.read_noise / camera.span, correlation=case.blur)
    return np.clip(np.rint(camera.offset + camera.span * noisy), 0, camera.top).astype(camera.dtype)


def _correlation(blur: float) -> float:
    """Of neighbours in white noise that was blurred with a Gaussian as `add_noise` does."""
    if blur == 0:
        return 0.0
    places = np.arange(-20, 21)
    kernel = np.exp(-(places**2) / (2 * blur**2))
    kernel *= np.abs(places) <= int(4 * blur + 0.5)
    return float((kernel[1:] * kernel[:-1]).sum() / (kernel**2).sum())


def tables(errors: Iterable[Error]) -> str:
    """The error tables: medians, and within brackets how far nine in ten cases stay from the truth."""
    single = [error for error in errors if error.case.frames == 1 and error.case.blur == 0]
    whole = [error for error in single if "cut" not in error.case.camera]
    parts = [
        ("camera", [(camera.name, [e for e in single if e.case.camera == camera.name]) for camera in CAMERAS]),
        ("photons", [(f"{n}", [e for e in whole if e.case.photons == n]) for n in PHOTONS]),
        ("read noise", [(f"{n}", [e for e in whole if e.case.read_noise == n]) for n in READ_NOISES]),
        ("scene", [(name, [e for e in whole if e.case.scene == name]) for name in SCENES]),
        ("shared noise", [(_named(blur, frames), [e for e in errors if e.case.blur == blur and e.case.frames == frames]) for blur, frames in _SHARED]),
    ]
    header = ("", "images", "gain told", "gain, %", "variance, %", "read noise, %", "correlation")
    return "`python -m benchmarks noise`\n\n" + "\n\n".join(
        document.table((title, *header[1:]), [_row(name, chosen) for name, chosen in rows if chosen]) for title, rows in parts
    )


_SHARED = [(blur, frames) for frames in (1, 5) for blur in BLURS if blur or frames > 1]


def _named(blur: float, frames: int) -> str:
    return f"blurred by {blur:g} px, {'one plane' if frames == 1 else f'{frames} frames'}" if blur else f"white, {frames} frames"


def _row(name: str, errors: list[Error]) -> tuple[str, ...]:
    told = sum(error.gain is not None for error in errors)
    return (
        name,
        str(len(errors)),
        f"{100 * told / len(errors):.0f} %",
        *(_spread([getattr(error, what) for error in errors], 100, ".0f") for what in ("gain", "variance", "read_noise")),
        _spread([error.correlation for error in errors], 1, ".2f"),
    )


def _spread(values: list[float | None], factor: float, form: str) -> str:
    known = factor * np.array([value for value in values if value is not None])
    return f"{np.median(known):+{form}} ({np.quantile(np.abs(known), 0.9):{form}})" if known.size else "–"


SUITE = Suite("errors of the noise diagnosis on simulated images with known noise", lambda parser: None, lambda chosen: run())
