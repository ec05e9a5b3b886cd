"""Samples are what a camera would give of their truth."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from napari_zeroshot.engine.comparison import compare
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.files import read
from napari_zeroshot.engine.synthetic import SAMPLES, Camera, sample

SAMPLE_DATA = Path(__file__).parents[2] / "sample_data"


@pytest.mark.parametrize("name", SAMPLES)
def test_noisy_image_and_truth_share_grey_levels_and_scale(name: str) -> None:
    noisy, truth = sample(name).noisy, sample(name).truth
    assert (noisy.axes, noisy.scale, noisy.channels) == (truth.axes, truth.scale, truth.channels)
    assert noisy.array.astype(float).mean() == pytest.approx(truth.array.mean(), rel=0.01)
    assert 15 < compare({"noisy": noisy.array}, truth=truth.array, axes=truth.axes).images[0].mean.psnr < 30


def test_unknown_sample_is_refused() -> None:
    with pytest.raises(ParamError, match="there are plane, stack, rgb"):
        sample("moon")


def test_cameras_variance_grows_with_the_light() -> None:
    camera, rng = Camera(photons=40, background=2, gain=5, offset=90, read_noise=2), np.random.default_rng(0)
    for light in (0.0, 0.5, 1.0):
        taken = camera.taken(np.full((300, 300), light), rng).astype(float)
        assert taken.mean() == pytest.approx(90 + 5 * (2 + 40 * light), rel=0.005)
        assert taken.var() == pytest.approx(25 * (2 + 40 * light + 4) + 1 / 12, rel=0.03)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_sample_data", SAMPLE_DATA / "make_sample_data.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_sample_data_is_what_its_script_makes(script: ModuleType, tmp_path: Path) -> None:
    for made in script.make(tmp_path):
        fresh, kept = read(made), read(SAMPLE_DATA / made.name)
        np.testing.assert_array_equal(fresh.array, kept.array)
        assert (fresh.axes, fresh.scale, fresh.channels) == (kept.axes, kept.scale, kept.channels)
        assert (SAMPLE_DATA / made.name).stat().st_size < 1_000_000
