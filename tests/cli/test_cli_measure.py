"""`measure` and `simulate` say and do what the engine does."""

import csv
import typing

import numpy as np
import pytest
from scipy import ndimage

from napari_zeroshot import compare, read
from napari_zeroshot.cli.report import show_table
from napari_zeroshot.cli.simulate import Noise
from napari_zeroshot.engine import files
from napari_zeroshot.engine.intensity import Scale
from napari_zeroshot.engine.noise import Kind, add_noise
from napari_zeroshot.engine.phantoms import cells


@pytest.fixture
def noisy(tmp_path, pixels):
    """`pixels` with one more grey level in every second column."""
    return files.write(tmp_path / "noisy.ome.tif", pixels + (np.arange(24) % 2).astype(np.uint16), axes="TCZYX")


def test_scores_are_the_engines(command, stack, noisy, pixels):
    told = command("measure", stack, noisy, "--json").json["images"][0]
    found = compare({"noisy": read(noisy).array}, truth=pixels, axes="TCZYX")
    expected = found.images[0]
    assert (told["psnr"], told["ssim"], told["affine_psnr"]) == (expected.mean.psnr, expected.mean.ssim, expected.mean.affine_psnr)
    assert told["data_range"] == found.data_range
    assert [plane["where"] for plane in told["planes"]] == [plane.where for plane in expected.planes]


def test_every_image_has_its_row(command, stack, noisy, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    shown = command("measure", stack, noisy, stack, "--affine")
    score = compare({"noisy": read(noisy).array}, truth=read(stack).array, axes="TCZYX").images[0].mean
    assert shown.code == 0
    assert all(text in shown.out for text in (str(noisy), f"{score.psnr:.2f}", f"{score.ssim:.4f}", f"{score.affine_psnr:.2f}", "inf"))


def test_no_column_is_cut_off_in_a_narrow_terminal_nor_broken_in_a_file(command, stack, noisy, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    narrow = command("measure", noisy, "--raw", stack).out
    monkeypatch.delenv("COLUMNS")
    assert "…" not in narrow
    assert all(word in narrow for word in ("removed", "whiteness", "sharpness", "levels)", "%"))
    assert f" {noisy} " in command("measure", noisy, "--raw", stack).out


@pytest.mark.parametrize("width", range(60, 140, 7))
def test_no_figure_is_cut_off_whatever_the_width(capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    columns = ("image", "PSNR (dB)", "detail removed", "noise left", "whiteness", "sharpness", "mean drift (grey levels)", "mean drift")
    row = ("cells_clean.ome.tif", "30.05", "0 %", "1.04 %", "0.98", "1.14", "+0.00189", "-0.20 %")
    show_table(columns, [row])
    assert [cell.strip() for cell in capsys.readouterr().out.rstrip().splitlines()[-1].split("  ") if cell] == list(row)


def test_affine_scores_are_shown_on_request_only(command, stack, noisy):
    assert "affine PSNR" not in command("measure", stack, noisy).out
    assert "affine PSNR" in command("measure", stack, noisy, "--affine").out


def test_data_range_can_be_given(command, stack, noisy):
    told = command("measure", stack, noisy, "--data-range", 4095, "--json").json["images"][0]
    assert told["data_range"] == 4095
    assert told["psnr"] > command("measure", stack, noisy, "--json").json["images"][0]["psnr"]


def test_images_without_a_difference_have_no_finite_psnr(command, stack):
    assert command("measure", stack, stack, "--json").json["images"][0]["psnr"] is None


def test_images_of_different_shape_are_refused(command, stack, plane):
    shown = command("measure", stack, plane)
    assert shown.code == 1
    assert "same shape" in shown.err


@pytest.fixture
def pair(tmp_path):
    """A noisy image of cells in two frames, and the same blurred much too widely."""
    clean = np.stack([20 + 200 * cells((64, 96), seed).astype(float) for seed in (0, 1)])
    noisy = np.random.default_rng(1).poisson(clean).astype(np.float32)
    blurred = ndimage.gaussian_filter(noisy, (0, 5, 5))
    return [
        files.write(tmp_path / f"{name}.ome.tif", image.astype(np.float32), axes="TYX")
        for name, image in (("noisy", noisy), ("blurred", blurred), ("clean", clean))
    ]


def test_figures_without_a_truth_are_the_engines(command, pair):
    noisy, blurred, _ = pair
    told = command("measure", blurred, "--raw", noisy, "--json").json
    expected = compare({"blurred": read(blurred).array}, raw=read(noisy).array, axes="TYX").images[0]
    assert "psnr" not in told["images"][0]
    assert told["images"][0]["noise_left"] == expected.mean.noise_left
    assert [plane["where"] for plane in told["images"][0]["planes"]] == ["T=0", "T=1"]
    assert any("detail was removed" in sentence for sentence in told["images"][0]["findings"])


def test_image_that_does_not_beat_the_gaussian_is_seen_not_to(command, pair, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    noisy, blurred, clean = pair
    shown = command("measure", blurred, "--raw", noisy, "--truth", clean, "--gaussian")
    assert "Gaussian (sigma" in shown.out
    assert "The Gaussian does better" in shown.out
    told = command("measure", blurred, "--raw", noisy, "--truth", clean, "--gaussian", "--json").json
    assert told["images"][0]["beats_gaussian"] is False
    assert told["gaussian"]["psnr"] > told["images"][0]["psnr"]


def test_csv_has_a_line_for_each_plane_of_each_image(command, pair, tmp_path):
    noisy, blurred, clean = pair
    assert command("measure", blurred, clean, "--raw", noisy, "--csv", tmp_path / "figures.csv").code == 0
    lines = list(csv.DictReader((tmp_path / "figures.csv").open()))
    assert [(line["image"], line["plane"]) for line in lines] == [(str(path), f"T={t}") for path in (blurred, clean) for t in (0, 1)]
    assert float(lines[0]["drift"]) == compare({"b": read(blurred).array}, raw=read(noisy).array, axes="TYX").images[0].planes[0].drift
    assert command("measure", blurred, "--raw", noisy, "--csv", tmp_path / "figures.csv").code == 1


def test_planes_are_shown_on_request(command, pair):
    assert "T=1" not in command("measure", pair[1], "--raw", pair[0]).out
    assert "T=1" in command("measure", pair[1], "--raw", pair[0], "--per-plane").out


@pytest.mark.parametrize(("words", "said"), [([], "--raw"), (["--truth", "{clean}", "--gaussian"], "--raw")], ids=["alone", "gaussian without raw"])
def test_nothing_to_compare_with_is_wrong_usage(command, pair, words, said):
    shown = command("measure", pair[1], *(word.format(clean=pair[2]) for word in words))
    assert shown.code == 2
    assert said in shown.err


def test_noise_is_the_engines(command, stack, tmp_path, pixels):
    told = command("simulate", stack, tmp_path / "s.ome.tif", "--photons", 50, "--sigma", 3, "--white", 1000, "--seed", 4, "--json")
    scale = Scale(0, 1000)
    expected = add_noise(scale.normalise(pixels), "poisson-gauss", np.random.default_rng(4), photons=50, sigma=3)
    assert told.code == 0
    assert np.array_equal(read(tmp_path / "s.ome.tif").array, scale.restore(expected, np.dtype(np.uint16)))
    assert told.json["noise"]["photons"] == 50


@pytest.mark.parametrize("kind", typing.get_args(Kind))
def test_simulation_keeps_what_the_file_says(command, stack, tmp_path, kind):
    assert command("simulate", stack, tmp_path / "s.ome.tif", "--noise", kind).code == 0
    clean, noisy = read(stack), read(tmp_path / "s.ome.tif")
    assert (noisy.axes, noisy.array.dtype, dict(noisy.scale), noisy.channels) == (clean.axes, clean.array.dtype, dict(clean.scale), clean.channels)
    assert not np.array_equal(noisy.array, clean.array)
    assert noisy.provenance["noise"]["kind"] == kind


def test_every_kind_of_noise_is_offered():
    assert set(typing.get_args(Noise)) == set(typing.get_args(Kind))


def test_float32_keeps_values_below_black(command, plane, tmp_path):
    command("simulate", plane, tmp_path / "s.tif", "--noise", "gaussian", "--sigma", 200, "--dtype", "float32")
    assert read(tmp_path / "s.tif").array.min() < 0


def test_white_below_black_is_refused(command, plane, tmp_path):
    shown = command("simulate", plane, tmp_path / "s.tif", "--black", 2000)
    assert shown.code == 1
    assert "--black 2000" in shown.err
    assert not (tmp_path / "s.tif").exists()


def test_photons_below_black_are_refused_with_a_black_that_would_do(command, tmp_path):
    files.write(tmp_path / "dark.tif", np.linspace(-0.5, 1, 64, dtype=np.float32).reshape(8, 8), axes="YX")
    shown = command("simulate", tmp_path / "dark.tif", tmp_path / "s.tif")
    assert (shown.code, "give --black -0.5 or less" in shown.err) == (1, True)
    assert command("simulate", tmp_path / "dark.tif", tmp_path / "s.tif", "--black", -0.5).code == 0


def test_simulation_overwrites_only_on_request(command, plane, tmp_path):
    (tmp_path / "s.tif").write_text("precious")
    assert command("simulate", plane, tmp_path / "s.tif").code == 1
    assert (tmp_path / "s.tif").read_text() == "precious"
    assert command("simulate", plane, tmp_path / "s.tif", "--overwrite").code == 0
