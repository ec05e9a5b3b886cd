"""`sweep` writes a sheet, a table and a stack of many settings, and refuses in one line what makes no sense."""

import csv

import numpy as np
import pytest

from napari_zeroshot import sweep
from napari_zeroshot.engine import files

pytestmark = pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
QUICK = ("--set", "steps=3", "--set", "crop=16", "--set", "crops=1", "--device", "cpu")


def test_tiles_are_the_engines(command, plane, pixels, tmp_path):
    told = command("sweep", plane, tmp_path / "out", "--vary", "alpha-ie=1:100:3", *QUICK, "--json").json
    done = sweep(pixels[0, 0, 0], "zs-n2m", vary={"alpha_ie": [1, 10, 100]}, steps=3, crop=16, crops=1, device="cpu")
    np.testing.assert_array_equal(files.read(tmp_path / "out" / "sweep.ome.tif").array, done.stack())
    assert [tile["alpha_ie"] for tile in told["tiles"]] == [1, 10, 100]
    assert told["complete"]
    assert told["region"] == {"Y": [0, 20], "X": [0, 24]}
    rows = list(csv.DictReader((tmp_path / "out" / "sweep.csv").open(encoding="utf-8")))
    assert [float(row["alpha_ie"]) for row in rows] == [1, 10, 100]
    assert (tmp_path / "out" / "sweep.png").exists()


def test_methods_region_and_truth_are_passed_on(command, stack, pixels, tmp_path):
    words = ("--method", "gaussian", "--method", "median", "--region", "T=1,Z=0,C=1,Y=2:18,X=0:20", "--truth", stack)
    told = command("sweep", stack, tmp_path, *words, "--json").json
    assert [tile["method"] for tile in told["tiles"]] == ["gaussian", "median"]
    assert told["region"] == {"T": [1, 2], "C": [1, 2], "Z": [0, 1], "Y": [2, 18], "X": [0, 20]}
    np.testing.assert_array_equal(files.read(tmp_path / "sweep.ome.tif").array[1], sweep_of(pixels[1, 1, 0]))
    assert told["best"]["psnr"] == max(tile["psnr"] for tile in told["tiles"])


def sweep_of(plane):
    return sweep(plane, "median", vary={"size": [3]}, region={"Y": (2, 18), "X": (0, 20)}).tiles[0].image


def test_people_read_a_table_with_the_best_marked(command, plane, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    shown = command("sweep", plane, tmp_path, "--method", "gaussian", "--vary", "sigma=0.5,3", "--truth", plane)
    assert shown.code == 0
    assert "σ 0.5 (best)" in shown.out
    assert "PSNR" in shown.out
    assert "at least 32 x 32" in shown.out


def test_gaps_are_filled_on_request(command, pixels, tmp_path):
    gaps = pixels[0, 0, 0].astype(np.float32)
    gaps[3, 4] = np.nan
    image = files.write(tmp_path / "gaps.ome.tif", gaps, axes="YX")
    words = ("sweep", image, tmp_path / "out", "--method", "gaussian", "--vary", "sigma=1,2")
    assert "--nan fill" in command(*words).err
    assert command(*words, "--nan", "fill").code == 0
    assert np.isnan(files.read(tmp_path / "out" / "sweep.ome.tif").array[:, 3, 4]).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "varies one or two things, not 0"),
        (("--vary", "alpha_ei=1"), "did you mean alpha_ie"),
        (("--vary", "alpha_ie=1,many"), "not 'many'"),
        (("--vary", "alpha_ie=1", "--set", "steps"), "has no value"),
        (("--vary", "alpha_ie=1", "--set", "stops=3"), "did you mean steps"),
        (("--vary", "alpha_ie=1", "--region", "Y=3-5"), "first and an end index"),
        (("--vary", "alpha_ie=1", "--region", "Y=3:99"), "from 3 to 99"),
        (("--method", "zs-n2x"), "did you mean"),
    ],
)
def test_nonsense_is_refused_in_one_line_before_anything_is_written(command, plane, tmp_path, words, said):
    shown = command("sweep", plane, tmp_path / "out", *words)
    assert shown.code == 1
    assert said in shown.err
    assert shown.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_files_are_replaced_only_if_allowed(command, plane, tmp_path):
    words = ("sweep", plane, tmp_path, "--method", "median", "--vary", "size=3,5")
    assert command(*words).code == 0
    assert "exists already" in command(*words).err
    assert command(*words, "--overwrite").code == 0
