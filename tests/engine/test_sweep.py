"""Sweeps: each tile is what a run of its own gives, cancelling keeps the finished ones, files hold all of them."""

import csv
import sys

import imageio.v3 as iio
import numpy as np
import pytest

from napari_zeroshot import denoise, sweep, sweep_steps
from napari_zeroshot.engine import files, sweep_files
from napari_zeroshot.engine.axes import parse
from napari_zeroshot.engine.contact_sheet import as_shown
from napari_zeroshot.engine.errors import FileError, ImageError, ParamError
from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.sweep import SHARED, UNJUDGED, default_region

QUICK = {"steps": 6, "crop": 24, "crops": 1, "device": "cpu"}


def drained(steps):
    reports = []
    while True:
        try:
            reports.append(next(steps))
        except StopIteration as end:
            return reports, end.value


def test_every_tile_is_what_a_run_of_its_own_gives(noisy):
    region = {"Y": (4, 44), "X": (10, 60)}
    done = sweep(noisy, "zs-n2m", vary={"alpha_ie": [1, 100]}, region=region, seed=3, **QUICK)
    for tile, alpha in zip(done.tiles, (1.0, 100.0), strict=True):
        assert tile.setting.params.alpha_ie == alpha
        np.testing.assert_array_equal(tile.image, denoise(noisy, "zs-n2m", alpha_ie=alpha, region=region, seed=3, **QUICK).image)
    assert done.complete
    np.testing.assert_array_equal(done.noisy, noisy[4:44, 10:60])
    assert done.stack().shape == (2, 40, 50)
    np.testing.assert_array_equal(done.stack()[1], done.tiles[1].image)


def test_reports_tell_the_tiles_that_are_done_and_how_far_it_is(noisy):
    reports, done = drained(sweep_steps(noisy, "zs-n2n", vary={"consistency": [1, 2, 3]}, **QUICK))
    assert [len(report.tiles) for report in reports] == sorted(len(report.tiles) for report in reports)
    assert {len(report.tiles) for report in reports} == {0, 1, 2, 3}
    assert [report.step for report in reports] == sorted(report.step for report in reports)
    assert reports[-1].step == reports[-1].total
    assert reports[0].stage == "tile 1/3, L_cons 1"
    assert reports[-1].tiles == done.tiles


def test_truth_gives_scores_and_the_best_is_the_nearest_to_it(noisy, clean):
    done = sweep(noisy, "gaussian", vary={"sigma": [0.3, 1.5, 8]}, truth=clean)
    assert done.best.setting.params.sigma == 1.5
    assert done.best.psnr == max(tile.psnr for tile in done.tiles)
    assert all(0 < tile.ssim < 1 for tile in done.tiles)
    piece = sweep(noisy, "gaussian", vary={"sigma": [1.5]}, region={"Y": (0, 40)}, truth=clean[:40])
    assert piece.tiles[0].psnr > 20


def test_without_a_truth_the_best_is_of_the_least_expected_error(noisy, clean):
    done = sweep(noisy, "gaussian", vary={"sigma": "0.3,0.8,1.5,4,8"})
    told = sweep(noisy, "gaussian", vary={"sigma": "0.3,0.8,1.5,4,8"}, truth=clean)
    assert done.best.setting.title == told.best.setting.title
    assert done.tiles[0].psnr is None


def test_expected_error_is_not_told_where_neighbours_share_noise():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(97, 97))
    image = 100 + 20 * (shared[1:, 1:] + shared[:-1, 1:] + shared[1:, :-1] + shared[:-1, :-1]).astype(np.float32)
    done = sweep(image, "gaussian", vary={"sigma": [1, 2]})
    assert done.notes == (SHARED,)
    assert done.best is None
    assert {tile.expected_error for tile in done.tiles} == {None}


def test_expected_error_of_a_tiny_image_is_not_told_and_why(noisy):
    done = sweep(noisy[:20, :20], "gaussian", vary={"sigma": [1, 2]})
    assert "at least 32 x 32" in done.notes[0]


def test_cancelled_sweep_keeps_the_finished_tiles_as_they_would_have_been(noisy):
    asked = []
    steps = sweep_steps(noisy, "zs-n2n", vary={"consistency": [1, 2, 3]}, cancelled=lambda: bool(asked), **QUICK)
    for report in steps:
        if len(report.tiles) == 1:
            break
    asked.append(True)
    _, done = drained(steps)
    assert not done.complete
    assert [tile.setting.title for tile in done.tiles] == ["L_cons 1"]
    np.testing.assert_array_equal(done.tiles[0].image, denoise(noisy, "zs-n2n", consistency=1, **QUICK).image)
    assert done.stack().shape[0] == 3
    assert not done.stack()[1:].any()


def test_warm_tiles_go_on_from_the_one_before_and_say_so(noisy):
    done = sweep(noisy, "zs-n2m", vary={"alpha_ie": [1, 10]}, start="warm", warm_steps=2, **QUICK)
    assert [tile.result.continued for tile in done.tiles] == [False, True]
    assert "went on from the tile before" in done.notes[-1]


def test_methods_are_compared_and_one_that_is_missing_is_told(noisy, monkeypatch):
    monkeypatch.setitem(sys.modules, "bm3d", None)
    done = sweep(noisy, ["bm3d", "gaussian", "median"])
    assert [tile.problem != "" for tile in done.tiles] == [True, False, False]
    assert "pip install" in done.tiles[0].problem
    assert len(done.images) == 2
    assert done.axes[0].titles == ("BM3D", "Gaussian", "Median")


def test_a_training_that_goes_astray_leaves_the_others_alone(noisy):
    done = sweep(noisy, "zs-n2n", vary={"learning_rate": [0.001, 0.5]}, optimiser="adam", **{**QUICK, "steps": 2})
    assert done.tiles[0].image is not None


def test_piece_is_the_middle_of_the_middle_plane_of_the_first_channel(stack):
    done = sweep(stack, "median", vary={"size": [3]}, axes="TCYX")
    assert done.region == {"T": (1, 2), "C": (0, 1), "Y": (0, 24), "X": (0, 31)}
    np.testing.assert_array_equal(done.noisy, stack[1, 0])
    assert default_region(parse("YX", (600, 700))) == {"Y": (172, 428), "X": (222, 478)}


@pytest.fixture
def gaps(noisy):
    """A picture a few of whose pixels are no numbers."""
    image = noisy.astype(np.float32)
    image[10:13, 20] = np.nan
    return image


def test_gaps_are_filled_on_request_and_are_gaps_of_every_tile(gaps, clean):
    done = sweep(gaps, "gaussian", vary={"sigma": [0.5, 2]}, nan="fill", truth=clean)
    for tile, sigma in zip(done.tiles, (0.5, 2), strict=True):
        np.testing.assert_array_equal(tile.image, denoise(gaps, "gaussian", sigma=sigma, nan="fill").image)
        np.testing.assert_array_equal(np.isnan(tile.image), np.isnan(gaps))
        assert (tile.psnr, tile.ssim, tile.expected_error) == (None, None, None)
    assert done.best is None
    assert UNJUDGED in done.notes


def test_a_piece_beside_gaps_is_judged_by_its_truth(gaps, clean):
    done = sweep(gaps, "gaussian", vary={"sigma": [0.5, 2]}, nan="fill", truth=clean, region={"Y": (20, 64)})
    assert done.best.psnr == max(tile.psnr for tile in done.tiles)
    assert UNJUDGED not in done.notes


def test_gaps_of_the_planes_beside_a_piece_do_not_take_its_expected_error(noisy):
    series = np.stack([noisy, noisy[::-1], noisy]).astype(np.float32)
    series[0, 10:13, 20] = np.nan
    options = {"vary": {"own_noise": [0, 0.5]}, "axes": "TYX", "region": {"T": (1, 2)}, "steps": 3, "crop": 24, "crops": 1, "turns": "1", "device": "cpu"}
    with pytest.raises(ImageError, match="NaN"):
        sweep(series, "zs-unet", **options)
    assert all(np.isfinite(tile.expected_error) for tile in sweep(series, "zs-unet", nan="fill", **options).tiles)


def test_gaps_are_black_in_the_sheet(gaps):
    done = sweep(gaps, "gaussian", vary={"sigma": [0.5, 2]}, nan="fill")
    shown = as_shown(done.tiles[0].image, sweep_files.limits(done))
    assert not shown[10:13, 20].any()
    assert np.ptp(shown) == 255
    assert np.asarray(sweep_files.contact_sheet(done)).size


def test_colours_stay_together_in_the_order_of_the_image():
    image = np.random.default_rng(0).integers(0, 255, (3, 40, 36), dtype=np.uint8)
    done = sweep(image, "median", vary={"size": [3, 5]}, axes="SYX", truth=image)
    assert done.stack().shape == (2, 3, 40, 36)
    assert sweep_files.contact_sheet(done).mode == "RGB"


@pytest.mark.parametrize(
    ("image", "options", "error", "said"),
    [
        (np.full((40, 40), 7, np.uint8), {}, ImageError, "every pixel of the piece holds 7"),
        (np.full((40, 40), np.nan), {}, ImageError, "NaN"),
        (np.zeros((3, 40, 40)), {"axes": "TYX", "region": {"T": (0, 2)}}, ImageError, "a sweep is of one plane; the region has 2"),
        (np.zeros((40, 1)), {}, ImageError, "too small for Gaussian"),
        (np.eye(40), {"truth": np.eye(30)}, ImageError, r"the truth has shape \(30, 30\)"),
        (np.eye(40), {"start": "cold"}, ParamError, "it takes fresh, warm"),
        (np.eye(40), {"vary": {}}, ParamError, "one or two things"),
    ],
    ids=["even", "nan", "planes", "line", "truth", "start", "nothing"],
)
def test_what_cannot_be_swept_is_refused_in_a_sentence(image, options, error, said):
    with pytest.raises(error, match=said):
        sweep(image, "median" if image.shape == (40, 40) else "gaussian", **{"vary": {"size" if image.shape == (40, 40) else "sigma": [3]}, **options})


def test_folder_holds_sheet_table_and_stack(tmp_path, noisy, clean):
    done = sweep(noisy, "gaussian", vary={"sigma": [0.5, 2]}, truth=clean)
    like = Image(noisy, "YX", {"Y": (0.2, "µm"), "X": (0.1, "µm")})
    paths = sweep_files.write_folder(tmp_path / "new", done, like=like)
    sheet, table, stack = paths
    assert iio.imread(sheet).shape[1] > 4 * noisy.shape[1]
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert [row["sigma"] for row in rows] == ["0.5", "2.0"]
    assert float(rows[1]["psnr"]) == pytest.approx(done.tiles[1].psnr)
    read = files.read(stack)
    np.testing.assert_array_equal(read.array, done.stack())
    assert read.scale["X"] == (0.1, "µm")
    assert [tile["sigma"] for tile in read.provenance["tiles"]] == [0.5, 2.0]
    with pytest.raises(FileError, match="exists already"):
        sweep_files.write_folder(tmp_path / "new", done)


def test_sheet_of_two_parameters_is_a_table_with_room_for_what_is_missing(noisy):
    asked = []
    steps = sweep_steps(noisy, "nlm", vary={"strength": [0.5, 1], "reach": [1, 2, 3]}, cancelled=lambda: bool(asked))
    for report in steps:
        if len(report.tiles) == 4:
            break
    asked.append(True)
    _, cut_short = drained(steps)
    whole = sweep(noisy, "nlm", vary={"strength": [0.5, 1], "reach": [1, 2, 3]})
    assert (len(cut_short.tiles), len(whole.tiles)) == (4, 6)
    blank, full = (np.asarray(sweep_files.contact_sheet(done)) for done in (cut_short, whole))
    assert blank.shape[0] == full.shape[0]  # as many rows; how wide a column is depends on its text
    last_tile = slice(-150, -60), slice(-150, -60)
    assert (blank[last_tile] == 255).all()
    assert not (full[last_tile] == 255).all()


def test_sweep_without_a_tile_has_nothing_to_write(tmp_path, noisy):
    done = sweep(noisy, "median", vary={"size": [3]}, cancelled=lambda: True)
    assert done.tiles == ()
    with pytest.raises(ImageError, match="ended before any tile was done"):
        sweep_files.write_folder(tmp_path, done)
