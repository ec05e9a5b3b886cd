"""Every suite of measurements runs from end to end, keeps its figures and writes its section; on pictures of 32 pixels and few steps."""

import json
import re
from argparse import ArgumentParser
from contextlib import nullcontext
from dataclasses import replace

import imageio.v3 as iio
import numpy as np
import pytest

from benchmarks import (
    ablation,
    batch,
    document,
    expect,
    figures,
    fm2s_parts,
    frames,
    goals,
    gui,
    kodak,
    noise_fit,
    photographs,
    photometry,
    plot,
    preview,
    profile,
    quality,
    record,
    scale,
    scaling,
    simulated,
    soak,
    speed,
    texture,
    timing,
)
from benchmarks.__main__ import SUITES
from benchmarks.timing import Work
from napari_zeroshot.engine import files, networks
from napari_zeroshot.engine import plan as engine_plan
from napari_zeroshot.engine.phantoms import histology

SHORT = Work("fm2s", "confocal+preview", "grey", 32, params={"steps": 4})


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setattr(document, "PAGE", tmp_path / "benchmarks.md")
    monkeypatch.setattr(document, "README", tmp_path / "README.md")
    monkeypatch.setattr(record, "FOLDER", tmp_path / "results")
    monkeypatch.setattr(plot, "FOLDER", tmp_path / "images")


@pytest.fixture
def short_runs(monkeypatch):
    """Default runs take three steps, in this process."""
    for suite in (speed, scale):
        monkeypatch.setattr(suite, "apart", lambda work, *arguments: work(*arguments))
        monkeypatch.setattr(suite, "repeated", lambda work, *rest: timing.repeated(work.with_steps(3), *rest))


def run(suite, *words):
    parser = ArgumentParser()
    SUITES[suite].options(parser)
    SUITES[suite].run(parser.parse_args(words))


def test_speed_sets_the_recipe_beside_the_default_and_knows_stacks_and_previews(short_runs, ticking, monkeypatch):
    plan = speed.Plan(grey=(32,), rgb=(), judged=(), stack_side=32, planes=(1, 3), preview_side=32, moves=2)
    monkeypatch.setattr(speed, "Plan", lambda: plan)
    run("speed", "--only", "ZS-N2N", "--parts", "sizes", "stacks", "--device", "cpu")
    run("speed", "--only", "Median", "--parts", "previews", "--device", "cpu")
    entries = record.load("speed_cpu")["entries"]
    (size,) = [entry for entry in entries if entry["part"] == "sizes"]
    assert size["paper"]["steps"] == {"training": 2000}
    assert size["ratio"] > 10
    assert [(entry["stack"], entry["planes"]) for entry in entries if entry["part"] == "stacks"] == [("shared", 1), ("shared", 3), ("plane", 3), ("warm", 3)]
    page = document.PAGE.read_text()
    assert "| ZS-N2N | 32² grey |" in page
    assert "| ZS-N2N | warm | 3 |" in page
    assert "| Median |" in page


def test_speed_refuses_a_row_that_there_is_not():
    with pytest.raises(SystemExit, match="there is no row ZS-N3N; there are FM2S"):
        run("speed", "--only", "ZS-N3N", "--device", "cpu")


def test_a_preview_goes_on_from_the_last_one_for_every_moved_slider():
    found = preview.previews(SHORT, 7)
    assert len(found["every"]) == 7
    assert found["late"] >= found["seconds"] > 0


def test_scale_draws_its_plot_and_tells_the_slopes(short_runs, monkeypatch):
    monkeypatch.setattr(scale, "QUICK", scale.Plan(sides=(32, 64), planes=(2,), plane_side=32, budget=0.0))
    monkeypatch.setattr(scale, "Plan", lambda: scale.QUICK)
    run("scale", "--only", "ZS-N2N", "--device", "cpu")
    page = document.PAGE.read_text()
    assert "| training |" in page
    assert "| ZS-N2N | 32² | 2 |" in page
    assert "<svg" in (plot.FOLDER / "scale_cpu.svg").read_text()
    assert "(images/scale_cpu.svg)" in page


def test_planes_side_by_side_are_set_beside_one_by_one():
    run("together", "--only", "ZS-N2N", "--side", "32", "--planes", "3", "--together", "1", "3", "--runs", "1", "--steps", "3", "--device", "cpu")
    entries = record.load("together_cpu")["entries"]
    assert [entry["together"] for entry in entries] == [1, 3]
    assert "| method | planes | steps | threads | one by one | 3 side by side |" in document.PAGE.read_text()
    assert engine_plan.TOGETHER["cpu"] == 1


def test_a_profile_shares_the_time_out_and_names_the_machines_limit(monkeypatch):
    monkeypatch.setattr(profile, "peak_gflops", lambda device, dtype: 100.0)
    monkeypatch.setattr(profile, "WARM", 3)
    monkeypatch.setattr(profile, "TIMED", 5)
    monkeypatch.setattr(profile, "PROFILED", 5)
    run("profile", "zs-n2n", "--side", "32", "--device", "cpu")
    parts = record.load("profile_zs-n2n_default_32_grey_cpu")["parts"]
    assert set(parts) == {"training", "inference"}
    for part in parts.values():
        assert sum(part["shares"].values()) == pytest.approx(1, abs=0.01)
        assert 0 < part["share_of_products"] < 1
    weights, reach = 21_313, 32 * 32
    assert parts["inference"]["gflop"] > 2 * (weights - 97) * reach / 1e9 * 0.99  # what a plane takes by hand, biases aside; a mirrored edge comes on top
    assert "A step of training" in document.PAGE.read_text()


def test_photographs_are_compared_on_the_images_that_both_settings_ran_on(tmp_path):
    for number in range(2):
        iio.imwrite(tmp_path / f"kodim{number}.png", np.rint(255 * histology((32, 32), number)).astype(np.uint8))
    images = kodak.photographs(tmp_path)
    entries = record.Entries("kodak_cpu", kodak.KEY, "cpu")
    kodak.measure(["ZS-N2N"], images, 1, entries, "cpu", steps=2)
    measured = entries.found()["entries"].copy()
    kodak.measure(["ZS-N2N"], images, 1, entries, "cpu", missing=True, steps=3)
    assert entries.found()["entries"] == measured
    both = kodak.compared(entries.found()["entries"], "ZS-N2N")
    assert both["images"] == 1
    assert both["difference"] == pytest.approx(both["default psnr"] - both["paper psnr"])
    run("kodak", "--tables")
    assert "| ZS-N2N |" in document.PAGE.read_text()


def pair(folder, name, seed):
    clean = np.rint(200 * histology((40, 40), seed).mean(axis=2)).astype(np.uint8)
    noisy = np.random.default_rng(seed).poisson(clean).clip(0, 255).astype(np.uint8)
    for part, image in (("raw", noisy), ("gt", clean)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        iio.imwrite(folder / part / f"{name}.png", image)


def test_quality_of_single_rows_is_measured_and_the_others_are_kept(tmp_path):
    for seed, name in enumerate(("Confocal_A_1", "WideField_A_1")):
        pair(tmp_path / "fmd", name, seed)
    run("quality", "--data", str(tmp_path / "fmd"), "--crop", "0", "--only", "noisy", "gaussian (best sigma, truth in hand)")
    run("quality", "--data", str(tmp_path / "fmd"), "--crop", "0", "--only", "median")
    scores = record.load("quality_fmd")["entries"]
    assert {score["row"] for score in scores} == {"noisy", "median", "gaussian (best sigma, truth in hand)"}
    assert record.load("paper_fmd") is None
    oracle, noisy = ([score["affine_psnr"] for score in scores if score["row"] == row] for row in ("gaussian (best sigma, truth in hand)", "noisy"))
    assert all(ours > theirs for ours, theirs in zip(oracle, noisy, strict=True))
    page = document.PAGE.read_text()
    assert "| method | confocal, 1 | wide-field, 1 |" in page
    assert "(images/quality_fmd.svg)" in page
    assert "gaussian (best sigma, truth in hand)" in (plot.FOLDER / "quality_fmd.svg").read_text()
    (plot.FOLDER / "quality_fmd.svg").unlink()
    run("quality", "--data", str(tmp_path / "fmd"), "--tables")
    assert (plot.FOLDER / "quality_fmd.svg").exists()


def test_only_what_is_missing_is_measured_if_so_asked(tmp_path, monkeypatch):
    pair(tmp_path / "w2s", "fov001_ch0", 0)
    run("quality", "--data", str(tmp_path / "w2s"), "--crop", "0", "--only", "noisy")
    pair(tmp_path / "w2s", "fov001_ch1", 1)
    monkeypatch.setattr(quality, "_score", lambda make, pair: {"psnr": 0.0, "ssim": 0.0, "affine_psnr": 0.0, "seconds": 0.0})
    run("quality", "--data", str(tmp_path / "w2s"), "--crop", "0", "--only", "noisy", "--missing")
    first, second = record.load("quality_w2s")["entries"]
    assert first["psnr"] > 0 == second["psnr"]


def test_the_best_gaussian_is_the_best_by_each_figure(tmp_path):
    pair(tmp_path / "fmd", "Confocal_A_1", 0)
    (scene,) = quality.pairs(tmp_path / "fmd")
    best = quality._score(quality.ROWS[quality.ORACLE], scene)
    each = [quality._score(lambda pair, image=image: image, scene) for image in quality.ROWS[quality.ORACLE](scene)]
    assert all(best[figure] == max(score[figure] for score in each) for figure in quality.METRICS)


def test_crops_before_and_after_stand_side_by_side(tmp_path, monkeypatch):
    for seed, name in enumerate(("Confocal_A_1", "Confocal_B_1", "WideField_A_1")):
        pair(tmp_path / "fmd", name, seed)
    for row in ("Auto", quality.OWN):
        monkeypatch.setitem(quality.ROWS, row, quality.ROWS["median"])
    monkeypatch.setattr(quality, "_fm2s", quality.ROWS["noisy"])
    run("quality", "--data", str(tmp_path / "fmd"), "--crop", "0", "--only", "noisy", "--pictures")
    assert "(images/quality_fmd_crops.png)" in document.PAGE.read_text()
    page = iio.imread(plot.FOLDER / "quality_fmd_crops.png")
    assert page.shape[1] > 5 * 160
    assert page.shape[0] < 3 * 160 + 200


def test_differences_to_the_best_gaussian_have_their_interval():
    scores = [{"row": row, "scene": str(at), "affine_psnr": at + 1.0 * (row == "ours") * (at + 1)} for row in ("ours", quality.ORACLE) for at in range(3)]
    assert quality._less_oracle(scores, "ours") == "+2.00 ± 2.48"  # 4.303 * 1 / sqrt(3)
    assert quality._less_oracle(scores, quality.ORACLE) == "–"


def test_given_figures_of_careamics_stand_beside_ours_until_it_is_measured():
    ours = {"row": "Auto", "scene": "Confocal_FISH_1", "psnr": 32.79}
    assert "| Confocal_FISH_1 | 31.67 | 32.79 |" in quality._beside_given([ours])
    assert quality._beside_given([ours, {**ours, "row": "CAREamics N2V"}]) == ""


def test_parts_of_our_method_are_left_out_one_at_a_time(tmp_path, monkeypatch):
    pair(tmp_path / "fmd", "WideField_A_1", 0)
    pair(tmp_path / "fmd", "Confocal_A_1", 1)
    quick = {"steps": 4, "crop": 16, "turns": "1"}
    monkeypatch.setattr(ablation, "VARIANTS", {"as it is": quick, "no own noise": quick | {"own_noise": 0.0}, "another": quick})
    run("ablation", "--data", str(tmp_path / "fmd"), "--only", "as it is", "no own noise")
    page = document.PAGE.read_text()
    assert "| ZS-UNet | mean of 1 scenes, not wide-field, dB | mean of 1 scenes, wide-field, noise shared, dB |" in page
    assert "| no own noise | " in page
    assert "another" not in page


def test_a_simulated_grid_tells_the_cells_in_which_auto_is_behind(monkeypatch):
    monkeypatch.setattr(simulated, "SIDE", 48)
    for name, better in (("Auto", 1.0), ("gaussian (sigma from the image)", 0.0), ("gaussian (best sigma, truth in hand)", 0.5)):
        noise = {"sparse": 2.0, "tissue": 2.0 + better}
        monkeypatch.setitem(simulated.ROWS, name, lambda cell, noise=noise: cell.truth + cell.span / 100 / noise[cell.scene])
    run("simulated", "--scenes", "sparse", "tissue", "--noises", "Poisson 5", "Gaussian 25")
    page = document.PAGE.read_text()
    assert "4 cells of" in page
    assert "median +1.76 dB, worst cell +0.00 dB (sparse, Poisson 5), more than 0.1 dB below it in 0 cells" in page
    assert "| tissue | 2 | +3.52 | +3.52 | +1.58 | +1.58 |" in page
    assert "| 5 | 2 |" in page


@pytest.mark.parametrize("noise", simulated.NOISES, ids=lambda noise: noise.name)
def test_simulated_cells_have_their_noise_about_their_truth_and_are_the_same_every_time(noise):
    (cell,), (again,) = (list(simulated.cells(["tissue"], [noise.name], 96)) for _ in range(2))
    assert cell.noisy.dtype == noise.dtype
    assert (cell.noisy == again.noisy).all()
    difference = cell.noisy - cell.truth
    assert abs(difference.mean()) < 5 * difference.std() / 96
    beside = np.corrcoef(difference[:, 1:].ravel(), difference[:, :-1].ravel())[0, 1]
    assert beside == pytest.approx(0.6 if noise.shared else 0, abs=0.1)


def test_photometry_measures_every_part_and_sets_its_tables(monkeypatch):
    for name, small in {"SCENES": ("nuclei",), "PHOTONS": (100,), "GROUNDS": (20,), "BORDER_SCENES": ("tissue",), "SIDE": 96}.items():
        monkeypatch.setattr(photometry, name, small)
    run("photometry", "--only", "noisy", "Gaussian")
    entries = {(entry["part"], entry["row"]): entry for entry in record.load("photometry")["entries"]}
    assert entries["grey levels", "noisy"]["slope"] == pytest.approx(1, abs=0.05)
    assert entries["grey levels", "Gaussian"]["slope"] < 1 < entries["grey levels", "Gaussian"]["back"]
    assert entries["empty", "Gaussian"]["leftover"] < 0.2 < entries["empty", "noisy"]["leftover"]
    assert entries["spots", "Gaussian"]["false"] < entries["spots", "noisy"]["false"]
    page = document.PAGE.read_text()
    assert "| Gaussian | 100 |" in page
    assert "| method | tissue |" in page


def test_photographs_stand_beside_the_papers_figures(tmp_path, monkeypatch):
    for number in range(3):
        iio.imwrite(tmp_path / f"kodim{number}.png", np.rint(255 * histology((32, 32), number)).astype(np.uint8))
    run("photographs", "--data", str(tmp_path), "--others", "2", "--only", "noisy", "Gaussian")
    noisy = [entry for entry in record.load("photographs")["entries"] if (entry["row"], entry["noise"]) == ("noisy", "Gaussian 25")]
    assert len(noisy) == 3
    assert all(20.17 < entry["psnr"] < 21.5 for entry in noisy)  # 20.17 for sigma 25, and more where it is cut off
    page = document.PAGE.read_text()
    assert "| ZS-N2M* | – | 29.39 / 0.812 |" in page
    assert "(2) |" in page


def test_noise_of_a_range_of_strengths_differs_from_image_to_image():
    clean = np.full((64, 64, 3), 0.5)
    spreads = [float((photographs.NOISES[1].on(clean, seed) - clean).std()) * 255 for seed in range(4)]
    assert len({round(spread) for spread in spreads}) == 4
    assert all(4.5 < spread < 52 for spread in spreads)


def test_fine_texture_is_measured_without_any_data(monkeypatch):
    monkeypatch.setattr(texture, "IMAGES", ("coins",))
    run("texture", "--only", "noisy", "Gaussian")
    page = document.PAGE.read_text()
    assert re.search(r"\| noisy \| 34\.\d+ \| 28\.\d+ \| 20\.\d+ \|", page)
    assert re.search(r"\| coins \| 34\.\d+ / 29\.\d+ / – / – / – \|", page)


def test_parts_of_fm2s_and_the_reports_filters_stand_beside_their_figures(tmp_path, monkeypatch):
    pair(tmp_path / "fmd", "Confocal_A_1", 0)
    quick = {"steps": 2, "coarse_steps": 1}
    monkeypatch.setattr(fm2s_parts, "ROWS", {row: options | quick for row, options in fm2s_parts.ROWS.items()})
    pair(tmp_path / "srdtrans", "0", 0)
    rows = ("(d) stage one only", "network of 0.3 thousand weights")
    run("fm2s-parts", "--data", str(tmp_path / "fmd"), str(tmp_path / "srdtrans"), "--only", *rows)
    run("filters", "--data", str(tmp_path / "fmd"), "--only", "noisy", "median")
    page = document.PAGE.read_text()
    assert "| 23.75 / 0.681 |" in page
    assert "| 25.59 / 0.780 |" in page
    assert "| fmd, 1 scenes, dB / SSIM |" in page
    assert "| 27.09 |" in page


def test_runs_with_other_threads_and_seeds_are_compared():
    run("again", "--only", "ZS-N2N", "Auto", "--side", "48", "--steps", "20")
    first, auto = record.load("again")["entries"]
    assert 0 <= first["threads"] < first["seed"]
    assert auto["seed"] > 0
    assert "| ZS-N2N | cpu |" in document.PAGE.read_text()


def test_noise_on_photographs_is_the_papers_and_the_same_every_time():
    clean = np.full((64, 64, 3), 128, np.uint8)
    one, again = (kodak._noisy(clean, 3).astype(float) for _ in range(2))
    assert (one == again).all()
    assert (one - 128).std() == pytest.approx(25, rel=0.03)


def test_figures_of_single_parameters_are_drawn_and_their_numbers_told(monkeypatch):
    plan = figures.Plan(side=32, alphas=(1, 100), copies=(1, 2), samples=(2, 3), epochs=(1, 2), seeds=(0,), choices=[("gaussian", "sigma", "0.5,2")])
    monkeypatch.setattr(figures, "Plan", lambda: plan)
    sweep = figures.sweep
    monkeypatch.setattr(figures, "sweep", lambda image, method, **options: sweep(image, method, **options, **({} if method == "gaussian" else {"steps": 3})))
    run("figures", "--device", "cpu")
    assert (plot.FOLDER / "figure_alpha_ie.png").stat().st_size
    assert "<svg" in (plot.FOLDER / "figure_fm2s.svg").read_text()
    page = document.PAGE.read_text()
    assert "| amplification | confocal | two-photon | wide-field |" in page
    assert "| epochs | 2 samples | 3 samples |" in page
    assert "| Gaussian, `sigma` | 15 |" in page
    assert len(record.load("figures")["epochs"]) == 4


def test_networks_of_fm2s_have_as_many_weights_as_their_rows_say():
    for row in fm2s_parts.WIDTHS:
        with fm2s_parts._sized(row):
            weights = sum(part.numel() for part in networks.fm2s_network(1).parameters())
        assert row == f"network of {weights / 1000:.1f} thousand weights"


def test_fitted_factors_stand_beside_the_presets_and_are_kept(tmp_path, monkeypatch):
    pair(tmp_path / "fmd", "Confocal_A_1", 0)
    monkeypatch.setattr(noise_fit, "ROWS", {"microscope's preset": lambda pair: {"preset": pair.microscope, "steps": 2}})
    run("noise-fit", "--data", str(tmp_path / "fmd"))
    document.PAGE.unlink()
    run("noise-fit", "--data", str(tmp_path / "fmd"), "--tables")
    assert "| scene | microscope's preset |" in document.PAGE.read_text()


def test_help_is_timed():
    run("opening", "--only", "help", "--times", "1")
    assert "| `napari-zeroshot --help`, by the clock |" in document.PAGE.read_text()


def test_a_window_beside_a_training_is_told_of(monkeypatch):
    monkeypatch.setattr(gui, "measure", lambda steps: ([6.0, 6.0], [6.0, 12.0], [20.0] * 10))
    run("gui", "--steps", "600")
    assert record.load("gui")["alone"] == [6.0, 6.0]
    assert "| speed kept in the dock | 75 % (50 to 100) |" in document.PAGE.read_text()


def test_goals_of_photographs_say_on_how_many_they_stand_and_few_meet_nothing():
    entries = record.Entries("kodak_cpu", kodak.KEY, "cpu")
    for image in range(6):
        for row, score in {"ZS-N2N": 28.0, "ZS-N2M*, α_ie 1": 29.4, "ZS-N2M, α_ie 1": 29.6}.items():
            if image < 4 or row != "ZS-N2M, α_ie 1":
                entries.put({"row": row, "settings": "default", "image": f"kodim{image}", "psnr": score})
    page = goals.section()
    assert "at least 28.9 dB | 28.00 dB (6 images) | **not met** |" in page
    assert "at least 29.3 dB | 29.40 dB (6 images) | met |" in page
    assert "at least 29.5 dB | 29.60 dB (4 images) | **too few images** |" in page
    assert "above 0 dB | +0.20 dB (4 images) | **too few images** |" in page


def test_goals_of_photographs_compare_methods_within_one_suite():
    kept, other = record.Entries("kodak_cpu", kodak.KEY, "cpu"), record.Entries("photographs", photographs.KEY, "cpu")
    for image in (f"kodim{number}" for number in range(6)):
        for row, score in {"ZS-N2N": 28.0, "ZS-N2M*, α_ie 1": 29.4, "ZS-N2M, α_ie 1": 29.6}.items():
            kept.put({"row": row, "settings": "default", "image": image, "psnr": score})
        other.put({"row": "ZS-N2M*", "noise": "Gaussian 25", "image": image, "psnr": 29.3})
    assert "above 0 dB | +0.20 dB (6 images) | met |" in goals.section()


def test_goals_judge_auto_by_a_quiet_machine_where_there_is_one():
    record.Entries("quality_fmd", quality.KEY, "cpu").put({"row": "Auto", "scene": "A", "psnr": 1.0, "ssim": 1.0, "affine_psnr": 1.0, "seconds": 14.0})
    assert "| Auto, 512² plane, CPU | at most 12 s | 14.0 s | **not met** |" in goals.section()
    size = {"part": "sizes", "row": "Auto", "kind": "grey", "side": 512, "default": {"seconds": 11.0}}
    record.Entries("speed_cpu", speed.KEY, "cpu").put(size)
    assert "| Auto, 512² plane, CPU | at most 12 s | 11.0 s | met |" in goals.section()
    assert "| Auto | told nothing | 1.00 | 1.000 | 11.0 |" in expect.in_short()


def test_contents_lead_to_the_headings_of_the_page():
    assert expect.contents("# A\n## The papers' own schedules\n### Not this\n") == "- [The papers' own schedules](#the-papers-own-schedules)"


def test_goals_say_met_not_met_and_not_measured():
    entries = record.Entries("speed_cpu", speed.KEY, "cpu")
    for row, kind, side, ratio in (("FM2S", "grey", 512, 130.0), ("ZS-N2N", "rgb", 256, 39.0)):
        entries.put({"part": "sizes", "row": row, "kind": kind, "side": side, "ratio": ratio, "default": {"seconds": 1.0}, "paper": {"seconds": ratio}})
    run("goals")
    rows = {line.split(" | ")[0].lstrip("| "): line for line in document.PAGE.read_text().splitlines()}
    assert rows["FM2S, 512² plane, CPU: recipe / default"].endswith("| 130 | met |")
    assert rows["ZS-N2N, 256² RGB, CPU: recipe / default"].endswith("| 39 | **not met** |")
    assert rows["GPU: FM2S, 512²"].endswith("| not measured | – |")


def test_memory_is_traced_while_a_stack_that_is_never_stored_goes_through_a_batch(monkeypatch, capsys, tmp_path):
    def apart(*arguments):
        batch.measure(*arguments)
        return json.loads(capsys.readouterr().out)

    monkeypatch.setattr(batch, "_apart", apart)
    monkeypatch.setattr(batch.resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(files, "READERS", dict(files.READERS))
    run("batch", "--method", "gaussian", "--gigabytes", "0.0001", "--side", "64", "--folder", str(tmp_path))
    (entry,) = record.load("batch_cpu")["entries"]
    assert (entry["state"], entry["planes"]) == ("done", 12)
    assert entry["written"] > 12 * 2 * 64**2
    assert 0 < entry["peak"] < 10
    assert "| gaussian | 0.0001 GB | 12 of 64² | 2 GB |" in document.PAGE.read_text()
    assert "<svg" in (plot.FOLDER / "batch_memory.svg").read_text()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("tmp")]


def test_a_shorter_run_is_the_same_run_but_for_its_steps():
    work = Work("zs-n2m", "full", "rgb", 32)
    assert set(work.counts()) == {"training", "refining"}
    assert work.with_steps(5).counts() == {"training": 5, "refining": 5}
    assert replace(work.with_steps(5), params={}) == work


def test_series_of_frames_tell_of_the_whole_and_of_what_moves(monkeypatch):
    monkeypatch.setattr(frames, "SIDE", 40)
    monkeypatch.setattr(frames, "FRAMES", 3)
    monkeypatch.setattr(frames, "PHOTONS", (5,))
    run("frames", "--series", "still", "blinking", "--only", "gaussian (sigma from the image)")
    still, blinking = json.loads((record.FOLDER / "frames.json").read_text())["entries"]
    assert still["moving"] is None
    assert 0 < blinking["moving"] < blinking["psnr"]
    assert f"| blinking | 5 | {blinking['psnr']:.2f} / {blinking['moving']:.2f} |" in document.PAGE.read_text()


def test_what_moves_is_found_where_it_is():
    light = np.zeros((4, 20, 20))
    for frame in range(4):
        light[frame, 5 * frame, 3] = 1
    assert frames.moving(light)[2, 10, 3]
    assert not frames.moving(np.ones((4, 20, 20))).any()


def test_a_soak_tells_what_grew_beyond_its_warm_up(monkeypatch):
    monkeypatch.setattr(soak, "apart", lambda work, *arguments: work(*arguments))
    monkeypatch.setattr(soak, "METHODS", ("median", "zs-n2n"))
    run("soak", "--parts", "engine", "--runs", "10")
    (entry,) = record.load("soak_cpu")["entries"]
    assert entry["runs"] == [2, 4, 6, 8, 10]
    assert all(count > 0 for name in ("memory", "threads", "files") for count in entry[name])
    record.save("soak_cpu", {**record.load("soak_cpu"), "entries": [{**entry, "memory": [900, 100, 101, 104, 105]}]})
    run("soak", "--tables")
    page = document.PAGE.read_text()
    assert "| engine, 10 | resident memory, MiB | 100 | 105 | +5.0% |" in page
    assert "<svg" in (plot.FOLDER / "soak.svg").read_text()


def test_scaling_measures_each_kind_of_work_and_calls_its_projection_one(monkeypatch):
    took = {"here": 8.0, "1": 8.4, "2": 4.3}
    monkeypatch.setattr(scaling, "timed", lambda sources, clean, method, workers, options: dict(took) if method != "median" else {"here": 0.1, "1": 2.1})
    run("scaling", "--side", "32", "--planes", "4", "--runs", "1", "--tasks", "10")
    entries = record.load("scaling_cpu")["entries"]
    assert [entry["task"] for entry in entries] == [pytest.approx(0.2)] * 3
    page = document.PAGE.read_text()
    assert "| 4 of 32² | 8 | 8.4 (0.95x) | 4.3 (1.86x) |" in page
    assert "A projection, not a measurement" in page


def test_scaling_times_a_batch_here_and_on_workers(tmp_path, monkeypatch):
    class Here:
        """A cluster without workers: the work is done here."""

        client = type("Client", (), {"run": staticmethod(lambda function: function()), "scheduler": type("Scheduler", (), {"address": None})})

    monkeypatch.setattr(scaling, "connected", lambda scheduler, threads: nullcontext(Here))
    (_, sources, how), *_ = scaling.works(tmp_path, 32, 2)
    found = scaling.timed(sources, tmp_path / "clean", "zs-n2n", [1, 2], {"steps": 2, "device": "cpu", **how})
    assert set(found) == {"here", "1", "2"}
    assert min(found.values()) > 0
