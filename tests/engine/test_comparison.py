"""A comparison holds what the figures are alone, and its sentences say what was done to the image."""

from __future__ import annotations

import sys
from types import ModuleType

import dask.array
import numpy as np
import pytest
from scipy import ndimage
from skimage import metrics as skimage

from napari_zeroshot.engine.comparison import FIGURES, Figures, Measured, compare, compare_steps, tuned_gaussian
from napari_zeroshot.engine.comparison_findings import refusals, sentences, standing
from napari_zeroshot.engine.comparison_table import COLUMNS, columns
from napari_zeroshot.engine.errors import ImageError, MissingPackageError, ParamError
from napari_zeroshot.engine.metrics import psnr
from napari_zeroshot.engine.micro_ssim import micro_ssim
from napari_zeroshot.engine.phantoms import nuclei
from napari_zeroshot.engine.residual import noise_left, structure
from napari_zeroshot.engine.run import denoise

RNG = np.random.default_rng(3)
CLEAN = np.stack([50 + 400 * nuclei((96, 112), seed).astype(float) for seed in (0, 1, 2)])
NOISY = RNG.poisson(CLEAN).astype(np.uint16)
BLURRED = ndimage.gaussian_filter(NOISY.astype(float), (0, 5, 5))


def test_every_plane_is_measured_and_the_mean_taken() -> None:
    truth, image = np.moveaxis(CLEAN, 0, 1), np.moveaxis(BLURRED, 0, 1)
    row = compare({"blurred": image}, truth=dask.array.from_array(truth), raw=np.moveaxis(NOISY, 0, 1), axes="YTX", data_range=255).images[0]
    assert [plane.where for plane in row.planes] == ["T=0", "T=1", "T=2"]
    for t, plane in enumerate(row.planes):
        assert plane.psnr == pytest.approx(psnr(CLEAN[t], BLURRED[t], 255))
        assert plane.structure == structure(NOISY[t].astype(float), NOISY[t] - BLURRED[t])
        assert plane.noise_left == noise_left(NOISY[t].astype(float), BLURRED[t])
        assert plane.drift == pytest.approx(BLURRED[t].mean() - NOISY[t].mean())
        assert plane.drift_share == pytest.approx(BLURRED[t].mean() / NOISY[t].mean() - 1)
    assert row.mean.ssim == pytest.approx(np.mean([plane.ssim for plane in row.planes]))


def test_colours_are_scored_together() -> None:
    truth, image = RNG.uniform(0, 1, (20, 20, 3)), RNG.uniform(0, 1, (20, 20, 3))
    (plane,) = compare({"image": image}, truth=truth, axes="YXS", data_range=1).images[0].planes
    assert plane.ssim == pytest.approx(skimage.structural_similarity(truth, image, data_range=1, channel_axis=-1))
    assert plane.where == ""


def test_one_plane_of_a_stack_can_be_measured() -> None:
    found = compare({"blurred": BLURRED}, raw=NOISY, axes="TYX", at={"T": 2})
    assert [plane.where for plane in found.images[0].planes] == ["T=2"]
    assert found.images[0].mean.drift == pytest.approx(BLURRED[2].mean() - NOISY[2].mean())


def test_progress_counts_planes() -> None:
    reports = list(compare_steps({"blurred": BLURRED}, raw=NOISY, axes="TYX"))
    assert [(report.step, report.total) for report in reports] == [(1, 3), (2, 3), (3, 3)]


def test_gaussian_is_the_methods_own() -> None:
    blurred, sigma = tuned_gaussian(NOISY[:1].astype(float))
    result = denoise(NOISY[0].astype(np.float32), "gaussian")
    assert np.allclose(blurred[0], result.image, atol=0.5)
    found = compare({"blurred": BLURRED}, raw=NOISY, truth=CLEAN, axes="TYX", at={"T": 0}, gaussian=True)
    assert found.gaussian.note == f"sigma {sigma:.2g} px"
    assert found.gaussian.mean.psnr == pytest.approx(psnr(CLEAN[0], blurred[0], found.data_range))
    assert [row.name for row in found.rows] == ["blurred", "Gaussian"]


def test_removed_detail_drift_and_blur_are_said() -> None:
    found = compare({"blurred": 1.1 * BLURRED, "clean": CLEAN}, raw=NOISY, axes="TYX")
    blurred, clean = (" ".join(sentences(row)) for row in found.images)
    assert "residual contains structure: detail was removed" in blurred
    assert "is blurred" in blurred
    assert "the mean by +10.0 %" in blurred
    assert clean == "No structure was found in the residual: it looks like noise alone."


def test_sharpness_is_refused_with_a_reason_where_noise_is_shared() -> None:
    noise = ndimage.gaussian_filter(RNG.normal(0, 60, CLEAN[0].shape), 0.8)
    found = compare({"clean": CLEAN[0]}, raw=CLEAN[0] + noise)
    assert found.images[0].mean.sharpness is None
    assert "share noise" in found.untold["sharpness"]
    assert any(refusal.startswith("Sharpness cannot be told: neighbouring pixels share noise") for refusal in refusals(found))


@pytest.mark.parametrize(
    ("ours", "plain", "beats"),
    [
        (Figures(psnr=31.0), Figures(psnr=30.0), True),
        (Figures(psnr=29.0), Figures(psnr=30.0), False),
        (Figures(psnr=30.01), Figures(psnr=30.0), None),
        (Figures(psnr=np.inf), Figures(psnr=np.inf), None),
        (Figures(noise_left=0.1, structure=0.0), Figures(noise_left=0.2, structure=0.1), True),
        (Figures(noise_left=0.3, structure=0.1), Figures(noise_left=0.2, structure=0.1), False),
        (Figures(noise_left=0.1, structure=0.3), Figures(noise_left=0.2, structure=0.1), None),
        (Figures(noise_left=0.2, structure=0.1), Figures(noise_left=0.2, structure=0.1), None),
        (Figures(drift=0.0), Figures(drift=0.0), None),
    ],
)
def test_standing_beside_the_gaussian(ours, plain, beats) -> None:
    told = standing(Measured("ours", ours, ()), Measured("Gaussian", plain, ()))
    assert told.beats is beats
    assert ("Gaussian does better" in told.sentence) == (beats is False)


def test_every_figure_has_a_column_and_only_measured_ones_are_shown() -> None:
    assert tuple(column.name for column in COLUMNS) == FIGURES
    shown = {column.name for column in columns(compare({"blurred": BLURRED}, raw=NOISY, axes="TYX", at={}))}
    assert shown == {"structure", "noise_left", "whiteness", "sharpness", "drift", "drift_share"}


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("psnr", 31.256, "31.26"),
        ("psnr", np.inf, "inf"),
        ("structure", 0.123, "12 %"),
        ("drift_share", -1e-9, "0.00 %"),
        ("drift", 0.5, "+0.5"),
        ("ssim", None, "–"),
    ],
)
def test_figures_are_written_as_people_read_them(name, value, written) -> None:
    (column,) = (column for column in COLUMNS if column.name == name)
    assert column.write(value) == written


def test_microssim_is_told_where_its_package_is(monkeypatch) -> None:
    package = ModuleType("microssim")
    package.micro_structural_similarity = lambda truth, image: float((truth * image).mean())
    monkeypatch.setitem(sys.modules, "microssim", package)
    monkeypatch.setattr("napari_zeroshot.engine.comparison.is_installed", lambda: True)
    (plane,) = compare({"blurred": BLURRED[0], "even": 0 * BLURRED[0]}, truth=CLEAN[0]).images[0].planes
    assert plane.micro_ssim == pytest.approx((CLEAN[0] * BLURRED[0]).mean())


def test_microssim_that_cannot_be_loaded_is_explained(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "microssim", None)
    with pytest.raises(MissingPackageError, match="pip install"):
        micro_ssim(CLEAN[0], BLURRED[0])


def test_even_images_are_measured_as_far_as_they_can_be() -> None:
    even = np.full((64, 64), 7.0)
    found = compare({"even": even}, raw=even, truth=even, gaussian=True)
    assert found.images[0].mean.psnr == np.inf
    assert found.images[0].mean.noise_left is None
    assert found.images[0].mean.drift == 0
    assert "no noise to read" in found.untold["sharpness"]
    assert set(found.untold) == {"sharpness", "structure", "noise_left"}


def test_small_images_are_told_how_large_they_would_have_to_be() -> None:
    found = compare({"blurred": BLURRED[:, :30]}, raw=NOISY[:, :30], axes="TYX")
    assert found.images[0].mean.drift is not None
    assert all("of at least" in refusal and "30 x 112" in refusal for refusal in refusals(found))


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"images": {"small": BLURRED[:, 1:]}}, ImageError, "small has shape .* same shape"),
        ({"images": {"gap": np.where(np.arange(112) == 5, np.nan, BLURRED)}}, ImageError, "gap holds 96 values that are NaN or infinite at T=0"),
        ({"images": {"mask": BLURRED > 0}}, ImageError, "mask"),
        ({"raw": None}, ParamError, "nothing to compare with"),
        ({"images": np.zeros((4, 4))}, ParamError, "by name"),
        ({"raw": None, "truth": CLEAN, "gaussian": True}, ParamError, "made from the noisy image"),
        ({"axes": None}, ImageError, "axes named"),
    ],
    ids=["shape", "nan", "mask", "alone", "unnamed", "gaussian", "axes"],
)
def test_what_cannot_be_compared_is_refused(change, error, said) -> None:
    with pytest.raises(error, match=said):
        compare(**{"images": {"blurred": BLURRED}, "raw": NOISY, "axes": "TYX"} | change)
