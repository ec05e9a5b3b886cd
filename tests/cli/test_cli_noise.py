"""`noise` tells what the engine found, draws it, and gives options that `denoise fm2s` takes."""

import re

import numpy as np
import pytest

from napari_zeroshot.engine import files
from napari_zeroshot.engine.fm2s_noise import fm2s_factors
from napari_zeroshot.engine.noise_diagnosis import diagnose
from napari_zeroshot.engine.noise_findings import verdict

pytestmark = pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")


@pytest.fixture(scope="module")
def noisy():
    light = np.tile(np.linspace(2, 60, 64), (48, 1))
    return np.random.default_rng(0).poisson(light).astype(np.uint16) * 4 + 100


@pytest.fixture
def image(tmp_path, noisy):
    return files.write(tmp_path / "noisy.ome.tif", noisy, axes="YX")


def test_report_is_the_engines(command, image, noisy):
    told = command("noise", image, "--json").json
    assert told["report"]["gain"] == diagnose(noisy).gain
    assert told["verdict"] == verdict(diagnose(noisy))
    assert told["findings"][0]["topic"] == "Neighbours"


def test_people_read_sentences(command, image, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    shown = command("noise", image)
    assert shown.code == 0
    assert "photons at the brightest" in shown.out
    assert "Each pixel has noise of its own." in shown.out
    assert "--k-g" not in shown.out


def test_interference_is_warned_of_by_noise_and_by_auto(command, noisy, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    waves = np.rint(40 + 40 * np.cos(2 * np.pi * np.arange(noisy.shape[0]) / 4)).astype(np.uint16)
    striped = files.write(tmp_path / "striped.ome.tif", noisy + waves[:, np.newaxis], axes="YX")
    assert "every 4 px" in command("noise", striped).out
    shown = command("denoise", "auto", striped, tmp_path / "clean.ome.tif", "--steps", 2, "--crop", 16, "--crops", 1, "--device", "cpu")
    assert "Periodic pattern: Stripes at 0° to the rows" in shown.out + shown.err


def test_offset_axes_and_channel_are_passed_on(command, stack, tmp_path, noisy):
    both = files.write(tmp_path / "both.ome.tif", np.stack([noisy, 3 * noisy]), axes="CYX")
    told = command("noise", both, "--channel", 1, "--offset", 300, "--json").json["report"]
    assert told["gain"] == pytest.approx(diagnose(3 * noisy, offset=300).gain)
    assert told["offset_known"]


def test_fitted_options_are_those_that_denoise_takes(command, image, noisy, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    factors = fm2s_factors(diagnose(noisy))
    assert command("noise", image, "--fit", "fm2s", "--json").json["fm2s"] == factors
    line = re.search("denoise fm2s (--.*)", command("noise", image, "--fit", "fm2s").out).group(1)
    done = command("denoise", "fm2s", image, tmp_path / "clean.ome.tif", "--preset", "preview", "--steps", 5, *line.split())
    assert done.code == 0, done.err


def test_strength_is_passed_on(command, image, noisy):
    told = command("noise", image, "--fit", "fm2s", "--strength", 1, "--json").json
    assert told["fm2s"] == fm2s_factors(diagnose(noisy), strength=1)


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_plot_is_written(command, image, tmp_path, ending, start):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"noise.{ending}"
    assert str(path) in command("noise", image, "--plot", path, "--json").json["plot"]
    assert path.read_bytes().startswith(start)
    assert command("noise", image, "--plot", path).code == 1
    assert command("noise", image, "--plot", path, "--overwrite").code == 0


@pytest.mark.parametrize(("name", "said"), [("noise.jpg", "unknown ending '.jpg'"), ("none/noise.png", "no folder")])
def test_plots_that_cannot_be_written_are_refused_first(command, image, tmp_path, name, said):
    shown = command("noise", image, "--plot", tmp_path / name)
    assert shown.code == 1
    assert said in shown.err


def test_even_image_is_refused_in_one_line(command, tmp_path):
    even = files.write(tmp_path / "even.tif", np.full((40, 40), 9, np.uint8), axes="YX")
    shown = command("noise", even)
    assert (shown.code, shown.err) == (1, "Error: every pixel holds 9: there is no noise to read\n")
