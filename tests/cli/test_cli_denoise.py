"""`denoise METHOD INPUT OUTPUT`: options made from declarations, files that stay true, errors that help."""

import re

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from napari_zeroshot import all_methods, denoise, read, write
from napari_zeroshot.cli.options import ADVANCED, BASIC
from napari_zeroshot.engine import files, ome_zarr
from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.params import describe

SHORT = ("--steps", 20, "--crop", 16, "--crops", 1)


@pytest.mark.parametrize("method", all_methods().values(), ids=lambda method: method.name)
def test_help_of_a_method_shows_its_declaration(command, wide, method):
    shown = command("denoise", method.name, "--help").out
    for knob in describe(method.params):
        line = next(line for line in shown.splitlines() if re.search(rf"--{knob.name.replace('_', '-')}\s", line))
        assert knob.help in line
        assert knob.symbol in line
        assert all(choice in line for choice in knob.choices)
        assert knob.low is None or f"{knob.low}<=x" in line or f"x>={knob.low}" in line
        assert str(knob.default) in line or knob.kind is bool


def test_help_separates_basic_from_advanced_options(command, wide):
    shown = command("denoise", "zs-n2m", "--help").out
    assert shown.index(f" {BASIC} ") < shown.index("--alpha-ie ") < shown.index(f" {ADVANCED} ") < shown.index("--learning-rate ")


def test_stack_keeps_axes_type_size_and_names(command, stack, tmp_path, pixels):
    shown = command("denoise", "median", stack, tmp_path / "clean.ome.tif")
    noisy, clean = read(stack), read(tmp_path / "clean.ome.tif")
    assert shown.code == 0
    assert (clean.axes, clean.array.dtype, clean.array.shape) == ("TCZYX", np.uint16, pixels.shape)
    assert (dict(clean.scale), clean.channels) == (dict(noisy.scale), noisy.channels)
    assert 0 < clean.array.std() < pixels.std()


def test_pixels_are_those_of_the_python_api(command, stack, tmp_path, pixels):
    command("denoise", "zs-n2n", stack, tmp_path / "clean.ome.tif", *SHORT, "--seed", 3, "--device", "cpu")
    expected = denoise(pixels, "zs-n2n", axes="TCZYX", steps=20, crop=16, crops=1, seed=3, device="cpu")
    assert np.array_equal(read(tmp_path / "clean.ome.tif").array, expected.image)


def test_a_saved_network_denoises_another_file(command, stack, plane, tmp_path):
    network, first, again = tmp_path / "cells.safetensors", tmp_path / "first.ome.tif", tmp_path / "again.ome.tif"
    assert command("denoise", "zs-n2n", plane, first, *SHORT, "--save-network", network).code == 0
    assert command("denoise", "zs-n2n", plane, again, "--network", network).code == 0
    assert np.array_equal(read(first).array, read(again).array)
    assert read(again).provenance["network"]["name"] == plane.name
    refused = command("rerun", again, "--input", plane, "--output", tmp_path / "no.ome.tif")
    assert refused.code == 1
    assert "network" in refused.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("median", "--save-network", "new.safetensors"), "Median trains none", id="filter"),
        pytest.param(("zs-n2n", "--save-network", "new.pt"), "does not end in .safetensors", id="ending"),
        pytest.param(("zs-n2n", "--network", "missing.safetensors"), "there is no file", id="missing"),
    ],
)
def test_networks_that_cannot_be_are_refused_before_anything_is_done(command, plane, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    method, *options = words
    refused = command("denoise", method, plane, tmp_path / "clean.ome.tif", *options)
    assert refused.code == 1
    assert said in refused.err
    assert not (tmp_path / "clean.ome.tif").exists()


def test_float32_is_given_on_request(command, plane, tmp_path):
    command("denoise", "median", plane, tmp_path / "clean.tif", "--dtype", "float32")
    assert read(tmp_path / "clean.tif").array.dtype == np.float32


def test_gaps_are_refused_unless_filling_is_asked_for(command, tmp_path, pixels):
    holed = pixels[0, 0, 0].astype(np.float32)
    holed[3, 4] = np.nan
    tifffile.imwrite(tmp_path / "holed.tif", holed)
    refused = command("denoise", "median", tmp_path / "holed.tif", tmp_path / "clean.tif")
    filled = command("denoise", "median", tmp_path / "holed.tif", tmp_path / "clean.tif", "--nan", "fill")
    assert refused.code == 1
    assert "row 3, column 4" in refused.err
    assert "--nan fill" in refused.err
    assert filled.code == 0
    assert np.argwhere(np.isnan(read(tmp_path / "clean.tif").array)).tolist() == [[3, 4]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {"alpha_ie": 10.0, "steps": 550, "random_masks": True}),
        (["--preset", "synthetic"], {"alpha_ie": 1.0, "steps": 550}),
        (["--preset", "synthetic", "--alpha-ie", "10"], {"alpha_ie": 10.0}),
        (["--preset", "synthetic+preview", "--no-random-masks"], {"alpha_ie": 1.0, "steps": 100, "random_masks": False}),
        (["--schedule", "cosine"], {"schedule": "cosine"}),
    ],
    ids=["defaults", "preset", "default given over a preset", "joined presets and a flag", "choice"],
)
def test_only_options_that_are_given_change_the_preset(command, plane, tmp_path, monkeypatch, options, expected):
    monkeypatch.setattr("napari_zeroshot.engine.run.denoise_steps", _recorded := Recorded())
    command("denoise", "zs-n2m", plane, tmp_path / "clean.tif", *options)
    settings = all_methods()["zs-n2m"].settings(_recorded.preset, _recorded.params).to_dict()
    assert {name: settings[name] for name in expected} == expected


class Recorded:
    """Stands for `denoise_steps`: notes preset and parameters, and does nothing else."""

    def __call__(self, image, method, *, preset, axes, device, seed, threads, stack, dtype, nan, memory, out, cancelled, source, trained, **params):
        from napari_zeroshot.engine.errors import DenoiseError

        self.preset, self.params = preset, params
        raise DenoiseError("only noted")


def test_provenance_and_json_tell_the_same(command, plane, tmp_path):
    told = command("denoise", "zs-n2n", plane, tmp_path / "clean.tif", *SHORT, "--seed", 7, "--json")
    written = read(tmp_path / "clean.tif").provenance
    assert told.code == 0
    assert told.json["output"] == str(tmp_path / "clean.tif")
    assert told.json["source"]["name"] == "plane.ome.tif"
    assert (written["seed"], written["params"], written["method"]) == (7, told.json["params"], "zs-n2n")


def test_end_says_where_on_what_and_how_long(command, plane, tmp_path):
    shown = command("denoise", "zs-n2n", plane, tmp_path / "clean.tif", *SHORT)
    assert f"Wrote {tmp_path / 'clean.tif'}" in shown.out
    assert re.search(r"zs-n2n, preset default, seed 0, \d+\.\d s on .*(CPU|GPU|NVIDIA)", shown.out)


def test_notes_of_the_file_are_passed_on(command, tmp_path, pixels):
    with tifffile.TiffWriter(tmp_path / "two.tif") as file:
        file.write(pixels[0, 0, 0])
        file.write(pixels[0, 0, 0, :8])
    shown = command("denoise", "median", tmp_path / "two.tif", tmp_path / "clean.tif")
    told = command("denoise", "median", tmp_path / "two.tif", tmp_path / "clean.tif", "--overwrite", "--json")
    assert "Note: The file holds 2 images; this is the first." in shown.out
    assert told.json["notes"] == ["The file holds 2 images; this is the first."]


def test_noise_that_the_method_keeps_is_told_in_plain_words(command, tmp_path):
    grain = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(96, 96)), 0.7)
    noisy = write(tmp_path / "noisy.ome.tif", Image((100 + 15 * grain / grain.std()).astype(np.uint8), "YX"))
    shown = command("denoise", "zs-n2n", noisy, tmp_path / "clean.ome.tif", *SHORT)
    assert "Note: Neighbours: Neighbouring pixels share noise, and ZS-N2N with these settings leaves it in the result. Use Auto" in shown.out
    assert shown.out.count("Note:") == len(read(tmp_path / "clean.ome.tif").provenance["notes"])


def test_existing_file_is_kept_without_any_work(command, plane, tmp_path, monkeypatch):
    (tmp_path / "clean.tif").write_text("precious")
    monkeypatch.setattr("napari_zeroshot.engine.run.denoise_steps", lambda *_, **__: pytest.fail("the file was not checked first"))
    shown = command("denoise", "median", plane, tmp_path / "clean.tif")
    assert shown.code == 1
    assert "exists already" in shown.err
    assert "--overwrite" in shown.err
    assert (tmp_path / "clean.tif").read_text() == "precious"


def test_existing_file_is_replaced_on_request(command, plane, tmp_path):
    (tmp_path / "clean.tif").write_text("old")
    assert command("denoise", "median", plane, tmp_path / "clean.tif", "--overwrite").code == 0
    assert read(tmp_path / "clean.tif").array.shape == (20, 24)


def test_unnamed_dimensions_are_asked_for(command, tmp_path, pixels):
    tifffile.imwrite(tmp_path / "series.tif", pixels[:, 0, 0], photometric="minisblack")
    asked = command("denoise", "median", tmp_path / "series.tif", tmp_path / "clean.tif")
    named = command("denoise", "median", tmp_path / "series.tif", tmp_path / "clean.tif", "--axes", "tyx")
    assert asked.code == 1
    assert "--axes TYX" in asked.err
    assert named.code == 0
    assert read(tmp_path / "clean.tif").axes == "TYX"


def test_axes_that_the_file_calls_otherwise_are_the_users_word_and_told(command, stack, tmp_path):
    shown = command("denoise", "median", stack, tmp_path / "clean.tif", "--axes", "ZTCYX")
    assert (shown.code, read(tmp_path / "clean.tif").axes) == (0, "ZTCYX")
    assert "Note: The file says that its axes are TCZYX; they were taken as ZTCYX." in shown.out.splitlines()
    again = command("rerun", tmp_path / "clean.tif", "--input", stack, "--json").json
    assert again["notes"][0] == "The file says that its axes are TCZYX; they were taken as ZTCYX."


@pytest.mark.parametrize("words", [["measure", "{}", "{}"], ["noise", "{}"], ["simulate", "{}", "noisy.ome.tif"]], ids=lambda words: words[0])
def test_so_it_is_by_other_commands(command, pixels, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.ome.tif", np.tile(pixels[:, 0, 0], (2, 2)), axes="ZYX")
    shown = command(*(word.format("a.ome.tif") for word in words), "--axes", "TYX")
    assert shown.code == 0, shown
    assert "The file says that its axes are ZYX; they were taken as TYX." in shown.out


MISTAKES = {
    "no such file": (["median", "none.tif", "o.tif"], 1, "there is no file none.tif"),
    "no such method": (["zs-n2q", "in.tif", "o.tif"], 2, "there is no method 'zs-n2q'; did you mean 'zs-n2n'?"),
    "method written as its title": (["ZS-N2M", "in.tif", "o.tif"], 2, "did you mean 'zs-n2m'?"),
    "no method": (["plane.ome.tif", "o.tif"], 2, "plane.ome.tif is no method but a file; name the method first, such as denoise auto plane.ome.tif"),
    "a folder": (["median", ".", "o.tif"], 1, ". is a folder, not an image"),
    "onto itself": (["median", "plane.ome.tif", "plane.ome.tif", "--overwrite"], 1, "plane.ome.tif is the input itself, which is never replaced"),
    "no such preset": (["median", "plane.ome.tif", "o.tif", "--preset", "x"], 1, "median has no preset 'x'; it has default, preview, paper"),
    "no such device": (["zs-n2n", "plane.ome.tif", "o.tif", "--device", "tpu"], 1, "there is no device 'tpu'"),
    "no such option": (["zs-n2n", "plane.ome.tif", "o.tif", "--stepps", "1"], 2, "--stepps"),
    "no such folder": (["median", "plane.ome.tif", "none/o.tif"], 1, "there is no folder none"),
    "no such format": (["median", "plane.ome.tif", "o.xyz"], 1, "unknown ending '.xyz'"),
    "out of bounds": (["zs-n2n", "plane.ome.tif", "o.tif", "--steps", "0"], 2, "--steps"),
    "not a choice": (["zs-n2n", "plane.ome.tif", "o.tif", "--schedule", "x"], 2, "one-cycle"),
    "no output": (["median", "plane.ome.tif"], 2, "OUTPUT"),
    "wrong axes": (["median", "plane.ome.tif", "o.tif", "--axes", "QX"], 1, "unknown letter 'Q'"),
}


@pytest.mark.parametrize(("words", "code", "said"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_end_with_their_code_and_one_readable_line(command, plane, tmp_path, monkeypatch, wide, words, code, said):
    monkeypatch.chdir(tmp_path)
    shown = command("denoise", *words)
    assert (shown.code, shown.out) == (code, "")
    assert said in shown.err
    assert "Traceback" not in shown.err
    assert code == 2 or shown.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["plane.ome.tif"]


@pytest.mark.parametrize(("words", "code", "said"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_json_when_asked_for(command, plane, tmp_path, monkeypatch, words, code, said):
    monkeypatch.chdir(tmp_path)
    shown = command("denoise", *words, "--json")
    assert shown.code == code
    assert list(shown.json) == ["error"]
    assert said in shown.json["error"]


def test_too_little_memory_is_told_with_the_least_that_would_do(command, plane, tmp_path):
    ended = command("denoise", "zs-n2n", plane, tmp_path / "clean.tif", "--memory", 0.00001, *SHORT)
    assert ended.code == 1
    assert "too little for ZS-N2N" in ended.err
    assert "or more" in ended.err


def test_ome_zarr_in_and_out(command, stack, tmp_path, pixels):
    raw, clean = write(tmp_path / "in.ome.zarr", read(stack)), tmp_path / "out.ome.zarr"
    assert command("denoise", "median", raw, clean).code == 0
    assert (read(clean).axes, read(clean).scale, read(clean).channels) == ("TCZYX", read(stack).scale, ("actin", "dna"))
    np.testing.assert_array_equal(read(clean).array, denoise(pixels, "median", axes="TCZYX").image)
    assert command("rerun", clean, "--input", raw).code == 0
    np.testing.assert_array_equal(read(tmp_path / "out-again.ome.zarr").array, read(clean).array)


def test_large_results_are_put_together_on_the_disk(command, stack, tmp_path, pixels, monkeypatch):
    monkeypatch.setattr(files, "IN_MEMORY", 100)
    monkeypatch.setattr(ome_zarr, "IN_MEMORY", 100)
    raw = write(tmp_path / "in.ome.zarr", read(stack))
    for options in ((), ("--dtype", "float32")):
        assert command("denoise", "median", raw, tmp_path / "out.ome.zarr", "--overwrite", *options).code == 0
        expected = denoise(pixels, "median", axes="TCZYX", dtype="float32" if options else "same").image
        np.testing.assert_array_equal(np.asarray(read(tmp_path / "out.ome.zarr").array), expected)
    assert command("rerun", tmp_path / "out.ome.zarr", "--input", raw).code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"stack.ome.tif", "in.ome.zarr", "out.ome.zarr", "out-again.ome.zarr"}
