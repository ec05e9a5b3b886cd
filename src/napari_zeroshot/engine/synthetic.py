"""Samples with known truth: phantoms as a camera would take them, with pixel size and units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.noise import add_noise
from napari_zeroshot.engine.phantoms import cells, histology, stack

STEPS = 4096
"""Truths are rounded to so many grey levels: else the noise drawn would depend on the processor's last digit."""


@dataclass(frozen=True)
class Camera:
    """What turns light into grey levels.

    Parameters
    ----------
    photons
        At full brightness.
    background
        Photons where there is nothing to see.
    gain
        Grey levels per photon.
    offset
        Grey level of darkness.
    read_noise
        Standard deviation, in photons.
    """

    photons: float
    background: float = 1.0
    gain: float = 6.0
    offset: float = 100.0
    read_noise: float = 1.2

    def levels(self, light: NDArray[Any]) -> NDArray[np.float64]:
        """Light of 0 to 1 as mean grey levels."""
        return self.offset + self.gain * (self.background + self.photons * np.asarray(light, np.float64))

    def taken(self, light: NDArray[Any], rng: np.random.Generator) -> NDArray[np.uint16]:
        """A noisy 16-bit picture, rounded and cut as a camera does."""
        full = self.photons + self.background
        share = (self.background + self.photons * np.asarray(light, np.float64)) / full
        noisy = add_noise(share, "poisson-gauss", rng, photons=full, sigma=255 * self.read_noise / full)
        return np.asarray(np.clip(np.rint(self.offset + self.gain * full * noisy), 0, 65535), np.uint16)


@dataclass(frozen=True, eq=False)
class Sample:
    """A noisy image and its truth, in the same grey levels."""

    noisy: Image
    truth: Image


def sample_plane(seed: int = 0, size: int = 256) -> Sample:
    """A confocal plane of filaments and puncta, about 30 photons at its brightest; axes YX, uint16."""
    scale = {"Y": (0.11, "µm"), "X": (0.11, "µm")}
    return _photographed(cells((size, size), seed), Camera(photons=30.0), seed, Image(None, "YX", scale, "plane"))


def sample_stack(seed: int = 0) -> Sample:
    """Three times, two channels (filaments and drifting nuclei), five slices; axes TCZYX, uint16."""
    scale = {"T": (30.0, "s"), "Z": (0.4, "µm"), "Y": (0.16, "µm"), "X": (0.16, "µm")}
    about = Image(None, "TCZYX", scale, "stack", channels=("filaments", "nuclei"))
    return _photographed(stack(seed=seed), Camera(photons=20.0), seed, about)


def sample_rgb(seed: int = 0, size: int = 256) -> Sample:
    """A stained tissue section with Gaussian noise of 20 grey levels; axes YXS, uint8."""
    light = _rounded(histology((size, size), seed))
    noisy = add_noise(light, "gaussian", np.random.default_rng((seed, 1)), sigma=20.0, clip=True)
    about = Image(None, "YXS", {"Y": (0.5, "µm"), "X": (0.5, "µm")}, "rgb")
    return _sample(about, np.rint(255 * noisy).astype(np.uint8), np.rint(255 * light).astype(np.uint8))


SAMPLES: dict[str, Callable[[], Sample]] = {"plane": sample_plane, "stack": sample_stack, "rgb": sample_rgb}


def sample(name: str) -> Sample:
    """The sample of that name.

    Raises
    ------
    ParamError
        If there is none.
    """
    if name not in SAMPLES:
        raise ParamError(f"there is no sample {name!r}; there are {', '.join(SAMPLES)}")
    return SAMPLES[name]()


def _photographed(light: NDArray[Any], camera: Camera, seed: int, about: Image) -> Sample:
    light = _rounded(light)
    return _sample(about, camera.taken(light, np.random.default_rng((seed, 1))), camera.levels(light).astype(np.float32))


def _rounded(light: NDArray[Any]) -> NDArray[np.float64]:
    return np.rint(np.asarray(light, np.float64) * STEPS) / STEPS


def _sample(about: Image, noisy: NDArray[Any], truth: NDArray[Any]) -> Sample:
    def named(array: NDArray[Any], name: str) -> Image:
        return Image(array, about.axes, about.scale, name, about.channels)

    return Sample(named(noisy, f"noisy {about.name}"), named(truth, f"{about.name} truth"))
