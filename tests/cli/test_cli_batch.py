"""`batch INPUT... OUTPUT_FOLDER`: many files, one bad one among them, a table and an exit code."""

import numpy as np
import pytest

from napari_zeroshot import denoise, read, write
from napari_zeroshot.engine.image import Image

SHORT = ("--steps", 20, "--crop", 16, "--crops", 1, "--device", "cpu")


@pytest.fixture
def raw(tmp_path, pixels):
    """A folder with a stack, a plane in a folder below, and a file that is no image."""
    (tmp_path / "raw" / "day 2").mkdir(parents=True)
    write(tmp_path / "raw" / "stack.ome.tif", Image(pixels, "TCZYX", {"X": (0.1, "µm"), "Y": (0.1, "µm")}, channels=("actin", "dna")))
    write(tmp_path / "raw" / "day 2" / "plane.tif", pixels[0, 0, 0], axes="YX")
    (tmp_path / "raw" / "notes.txt").write_text("no image")
    return tmp_path / "raw"


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", ["ome.tif", "ome.zarr"])
def test_a_folder_is_denoised_into_another(command, raw, tmp_path, pixels, kind):
    shown = command("batch", raw, tmp_path / "clean", "--method", "zs-n2n", "--format", kind, "--seed", 3, *SHORT)
    assert shown.code == 0, shown
    clean = read(tmp_path / "clean" / f"stack.{kind}")
    expected = denoise(pixels, "zs-n2n", axes="TCZYX", steps=20, crop=16, crops=1, seed=3, device="cpu")
    np.testing.assert_array_equal(clean.array, expected.image)
    assert (clean.axes, dict(clean.scale)["X"], clean.channels) == ("TCZYX", (0.1, "µm"), ("actin", "dna"))
    assert {name: clean.provenance[name] for name in ("params", "seed", "stack")} == {name: expected.provenance()[name] for name in ("params", "seed", "stack")}
    assert clean.provenance["source"]["name"] == "stack.ome.tif"
    assert {path.name for path in (tmp_path / "clean").iterdir()} == {f"stack.{kind}", "day 2"}
    assert "Left out, as of no known kind: 1 .txt.\n2 of 2 done." in shown.out


def test_one_bad_file_does_not_stop_the_rest(command, raw, tmp_path):
    (raw / "bad.tif").write_bytes((raw / "stack.ome.tif").read_bytes()[:3000])
    shown = command("batch", raw, tmp_path / "clean", "--method", "median")
    assert shown.code == 1
    assert "2 of 3 done, 1 failed: once that is mended, the same command does the rest." in shown.out
    assert shown.err.startswith(f"{raw / 'bad.tif'}: cannot read")
    assert shown.err.count("\n") == 1
    assert names(tmp_path / "clean") == ["day 2/plane.ome.tif", "stack.ome.tif"]


def test_files_that_call_their_axes_otherwise_are_named_together(command, tmp_path, pixels):
    for name in ("a", "b"):
        write(tmp_path / f"{name}.ome.tif", pixels[:, 0, 0], axes="ZYX")
    shown = command("batch", tmp_path / "a.ome.tif", tmp_path / "b.ome.tif", tmp_path / "clean", "--method", "median", "--axes", "TYX")
    assert (shown.code, read(tmp_path / "clean" / "b.ome.tif").axes) == (0, "TYX")
    assert shown.err == f"{tmp_path / 'a.ome.tif'} and 1 more: The file says that its axes are ZYX; they were taken as TYX.\n"


def test_or_it_does_with_fail_fast(command, raw, tmp_path):
    (raw / "bad.tif").write_bytes(b"no image")
    told = command("batch", raw, tmp_path / "clean", "--method", "median", "--fail-fast", "--json")
    assert told.code == 1
    assert [entry["state"] for entry in told.json["files"]] == ["failed", "not reached", "not reached"]
    assert names(tmp_path / "clean") == []


def test_a_second_time_nothing_is_left_to_do(command, raw, tmp_path, monkeypatch):
    words = ("batch", raw, tmp_path / "clean", "--method", "median", "--size", 5)
    command(*words)
    before = {name: (tmp_path / "clean" / name).stat().st_mtime_ns for name in names(tmp_path / "clean")}
    monkeypatch.setattr("napari_zeroshot.engine.outcome.unfinished", lambda *_, **__: pytest.fail("nothing had to be done"))
    shown = command(*words, "--overwrite", "--json")
    assert (shown.code, [entry["state"] for entry in shown.json["files"]]) == (0, ["done before", "done before"])
    assert {name: (tmp_path / "clean" / name).stat().st_mtime_ns for name in names(tmp_path / "clean")} == before


@pytest.mark.parametrize("change", ["settings", "image"])
def test_a_result_that_was_made_otherwise_is_replaced_only_when_asked(command, raw, tmp_path, pixels, change):
    command("batch", raw / "day 2", tmp_path / "clean", "--method", "median")
    if change == "image":
        write(raw / "day 2" / "plane.tif", pixels[1, 0, 0], axes="YX", overwrite=True)
    words = ("batch", raw / "day 2", tmp_path / "clean", "--method", "gaussian" if change == "settings" else "median")
    before = (tmp_path / "clean" / "plane.ome.tif").read_bytes()
    refused = command(*words)
    assert refused.code == 1
    assert "exists already, made from another image or by other settings" in refused.err
    assert (tmp_path / "clean" / "plane.ome.tif").read_bytes() == before
    assert command(*words, "--overwrite").code == 0
    assert (tmp_path / "clean" / "plane.ome.tif").read_bytes() != before


def test_inputs_stay_as_they_are(command, raw):
    before = {name: (raw / name).read_bytes() for name in names(raw)}
    assert command("batch", raw / "stack.ome.tif", raw, "--method", "median", "--overwrite").code == 1
    assert command("batch", raw, raw / "clean", "--method", "median").code == 0
    assert {name: (raw / name).read_bytes() for name in before} == before


MISTAKES = {
    "no folder": (["raw"], 2, "last the folder for the results: batch raw clean"),
    "no such method": (["raw", "clean", "--method", "zs-n2q"], 2, "did you mean 'zs-n2n'?"),
    "another method's option": (["raw", "clean", "--method=median", "--alpha-ie", "3"], 2, "--alpha-ie"),
    "no such format": (["raw", "clean", "--format", "png"], 2, "--format"),
    "no such preset": (["raw", "clean", "--method", "median", "--preset", "x"], 1, "has no preset 'x'"),
    "no such device": (["raw", "clean", "--device", "tpu"], 1, "there is no device 'tpu'"),
    "nothing found": (["raw/*.jpg", "clean"], 1, "names no image"),
}


@pytest.mark.parametrize(("words", "code", "said"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_told_in_json_before_any_work(command, raw, tmp_path, monkeypatch, words, code, said):
    monkeypatch.chdir(tmp_path)
    shown = command("batch", *words, "--json")
    assert (shown.code, list(shown.json)) == (code, ["error"])
    assert said in shown.json["error"]
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_help_shows_the_options_of_the_method_that_is_named(command, wide):
    assert "--own-noise" in command("batch", "--help").out
    shown = command("batch", "--method", "median", "--help").out
    assert "--own-noise" not in shown
    assert "--fail-fast" in shown
