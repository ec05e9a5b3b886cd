"""How much memory a run takes: bounded, told when it cannot be, and without a say in the pixels."""

import subprocess
import sys

import numpy as np
import pytest

from napari_zeroshot.engine import memory, plan, running
from napari_zeroshot.engine.axes import parse
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.memory import Need, need
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.engine.run import denoise

QUICK = {"method": "zs-n2n", "device": "cpu", "steps": 3, "crop": 16, "crops": 2}


@pytest.fixture
def small_parts(monkeypatch):
    """Planes are worked on in parts of 16 pixels."""
    monkeypatch.setattr(running, "PART", 16)


@pytest.mark.parametrize(
    "options", [{"method": "median", "size": 5}, {"method": "gaussian"}, {"method": "gaussian", "sigma": 6.0}, {"method": "wiener"}], ids=str
)
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_filters_give_the_same_pixels_in_parts(noisy, options, dtype, monkeypatch):
    whole = denoise(noisy.astype(dtype), **options).image
    monkeypatch.setattr(running, "PART", 16)
    np.testing.assert_array_equal(denoise(noisy.astype(dtype), **options).image, whole)


def test_networks_give_the_same_picture_in_parts(trained, noisy, quick, monkeypatch):
    options = {"device": "cpu", "dtype": "float32", **quick(trained)}
    whole = denoise(noisy, trained.name, **options).image
    monkeypatch.setattr(running, "PART", 16)
    np.testing.assert_allclose(denoise(noisy, trained.name, **options).image, whole, atol=2e-3)


def test_pairs_of_pixels_that_lie_apart_are_the_same_in_every_part(monkeypatch):
    image = np.random.default_rng(0).normal(100, 20, (150, 110)).astype(np.float32)
    options = {"steps": 20, "crop": 32, "crops": 1, "distance": "2+3", "depth": 1, "width": 4, "turns": "1", "device": "cpu"}
    whole = denoise(image, "zs-unet", **options).image
    monkeypatch.setattr(running, "PART", 64)
    np.testing.assert_allclose(denoise(image, "zs-unet", **options).image, whole, atol=2e-3)


@pytest.mark.usefixtures("small_parts")
def test_an_image_may_be_its_own_result(noisy):
    expected, image = denoise(noisy, "median", size=5).image, noisy.copy()
    denoise(image, "median", size=5, out=image)
    np.testing.assert_array_equal(image, expected)


@pytest.mark.usefixtures("small_parts")
def test_gaps_in_parts_are_filled_and_given_back(noisy):
    image = noisy.astype(np.float32)
    image[15:18, 30:34] = np.nan
    np.testing.assert_array_equal(np.isnan(denoise(image, "median", nan="fill").image), np.isnan(image))


def test_huge_planes_lend_blocks_and_say_so(noisy, monkeypatch):
    monkeypatch.setattr(plan, "TRAINING_PIXELS", 1100)
    monkeypatch.setattr("napari_zeroshot.engine.parts.BLOCK", 16)
    result = denoise(noisy, **QUICK)
    assert result.notes[:1] == ("The network learnt from 4 evenly spaced blocks of 16 x 16 pixels of each plane.",)
    assert result.image.shape == noisy.shape


def test_the_bound_does_not_change_the_pixels(noisy):
    small, large = (denoise(noisy, memory=bound, dtype="float32", **QUICK) for bound in (0.2, 8))
    np.testing.assert_array_equal(small.image, large.image)
    assert small.provenance()["params"] == large.provenance()["params"]


@pytest.mark.parametrize("name", ["zs-n2n", "fm2s", "median", "wiener"])
def test_too_small_a_bound_is_refused_with_the_least_that_would_do(noisy, name):
    with pytest.raises(ParamError, match=r"memory = 1e-05 GB is too little for .* on planes of 64 x 72; give 0\.\d+ GB or more") as caught:
        denoise(noisy, name, device="cpu", memory=1e-5)
    least = float(str(caught.value).split("give ")[1].split(" GB")[0])
    assert denoise(noisy, name, device="cpu", preset="preview", memory=least).complete


@pytest.mark.parametrize("bound", [0, -1, True, "2", float("nan"), float("inf")])
def test_a_bound_is_a_positive_number(noisy, bound):
    with pytest.raises(ParamError, match="takes a number of gigabytes above 0"):
        denoise(noisy, memory=bound, **QUICK)


def test_learning_from_whole_planes_needs_more():
    image = np.zeros((2000, 2000), np.uint8)
    with pytest.raises(ParamError, match="ZS-N2N on planes of 2000 x 2000"):
        denoise(image, "zs-n2n", preset="paper", device="cpu", memory=4)


def test_tiles_grow_with_the_bound_and_end_somewhere():
    sides = [Need(1e8, 600).tile(bound) for bound in (0.05, 0.11, 0.2, 0.5, 50)]
    assert sides == sorted(sides)
    assert (sides[0], sides[-1]) == (memory.SMALLEST_TILE, memory.LARGEST_TILE)


def test_without_a_bound_tiles_stay_worth_their_surroundings_however_little_is_free(noisy, monkeypatch):
    monkeypatch.setattr(memory, "free", lambda device: 1e-3)
    assert denoise(noisy, **QUICK).tile == 256
    assert denoise(noisy, memory=0.2, **QUICK).tile > 256


@pytest.mark.parametrize(("letters", "shape"), [("TYX", (40, 32, 32)), ("TSYX", (40, 3, 32, 32))])
def test_planes_of_a_long_series_that_are_not_learnt_from_take_no_memory(letters, shape, monkeypatch):
    monkeypatch.setattr(plan, "TRAINING_PIXELS", 2 * 3 * int(np.prod(shape[1:])))
    image = np.random.default_rng(0).normal(100, 5, shape).astype(np.float32)
    result = denoise(image, "zs-unet", axes=letters, device="cpu", steps=2, crop=16, crops=1, turns="1", distance="1", neighbours="1")
    assert "The shared network learnt from 2 evenly spaced planes of 40." in result.notes
    long, two = (need(get_method("zs-unet"), result.params, parse(letters, (planes, *shape[1:])), plan.TRAINING_PIXELS) for planes in (40, 2))
    assert long.fixed == two.fixed


PEAK = """
import numpy as np
from pathlib import Path
from napari_zeroshot import denoise
def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
denoise(np.zeros((64, 64), np.uint16), {method!r}, device="cpu", **{options})
image = np.arange(3000 * 3000, dtype=np.uint16).reshape(3000, 3000)
before = peak()
denoise(image, {method!r}, device="cpu", **{options})
print((peak() - before) / image.size)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for the peak")
@pytest.mark.parametrize(("name", "options", "bytes_a_pixel"), [("median", {}, 25), ("zs-n2n", {"steps": 2}, 45)])
def test_a_plane_takes_few_bytes_a_pixel(name, options, bytes_a_pixel):
    """The sample that is learnt from and the part that is worked on; before planes went in parts it was 40 and more."""
    code = PEAK.format(method=name, options=options)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert float(done.stdout) < bytes_a_pixel
