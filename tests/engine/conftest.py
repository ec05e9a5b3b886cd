"""A small picture with known truth, and settings that take a fraction of a second."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch

from napari_zeroshot.engine.device import LOST
from napari_zeroshot.engine.method import Method
from napari_zeroshot.engine.registry import all_methods

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def no_card_is_lost():
    """What one test does to a graphics card is unknown to the next."""
    yield
    LOST.clear()


@pytest.fixture(scope="session")
def clean() -> np.ndarray:
    """Grey levels 20 to 220 as float64: round nuclei and a bent filament, as blurred as a microscope shows them."""
    y, x = np.mgrid[0:64, 0:72] / 1.0
    picture = 20 + 0 * y
    for row, column, width, height in ((16, 18, 7, 140), (44, 50, 9, 180), (30, 60, 4, 90), (52, 14, 5, 120)):
        picture = picture + height * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * width**2))
    filament = 80 * np.exp(-((y - 32 - 12 * np.sin(x / 9)) ** 2) / (2 * 1.5**2))
    return np.minimum(picture + filament, 220)


@pytest.fixture(scope="session")
def noisy(clean) -> np.ndarray:
    """The same as uint8, with white noise of 25 grey levels."""
    noise = np.random.default_rng(1).normal(scale=25, size=clean.shape)
    return np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def stack(noisy, clean) -> np.ndarray:
    """Three frames and two channels of 24 x 31 pixels, axes TCYX, uint16 with a camera's offset."""
    noise = np.random.default_rng(2).normal(scale=25, size=(3, 2, 24, 31))
    gain = np.array([8.0, 3.0])[:, None, None]
    return np.rint(gain * np.clip(clean[10:34, 8:39] + noise, 0, None) + 400).astype(np.uint16)


@pytest.fixture(scope="session")
def quick() -> Callable[[Method], Mapping[str, Any]]:
    """Changes to a method's preview that leave it some 40 tiny steps."""

    def changes(method: Method) -> Mapping[str, Any]:
        return {"preset": "preview", **({"steps": 40, "crop": 24, "crops": 2} if method.trains else {})}

    return changes


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `method` runs for each; one that asks for `trained`, for each that trains a network."""
    for name, kept in (("method", all_methods().values()), ("trained", [m for m in all_methods().values() if m.trains])):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, [_case(method) for method in kept])


def _case(method: Method) -> Any:
    missing = method.name == "bm3d" and find_spec("bm3d") is None
    return pytest.param(method, id=method.name, marks=pytest.mark.skip("the optional package bm3d is not installed") if missing else ())
