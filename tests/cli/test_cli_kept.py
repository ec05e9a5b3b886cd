"""What is finished is kept: an image that has no network to save with it, a network whose image cannot be written, figures without their file."""

import signal
from pathlib import Path

import numpy as np
import pytest

from napari_zeroshot import read, write
from napari_zeroshot.engine import files, running, weights
from napari_zeroshot.engine.errors import FileError
from napari_zeroshot.engine.methods import gaussian

SHORT = ("--steps", 5, "--crop", 16, "--crops", 1, "--device", "cpu")


def taking_a_gaussian(*channels):
    """Training that ends with a Gaussian for some channels, as Auto's does where photons are few."""
    trainings, calmer = [], running.calmer

    def train(fit, job):
        trainings.append(job)
        return gaussian.fit(fit.args[0], gaussian.GaussianParams(), job) if len(trainings) in channels else calmer(fit, job)

    return train


@pytest.mark.parametrize(("method", "image", "channels"), [("auto", "plane", [1]), ("zs-n2n", "stack", [1, 2])], ids=["the only channel", "both of two"])
def test_an_image_that_took_a_gaussian_is_written_and_why_there_is_no_network_is_told(command, request, tmp_path, monkeypatch, method, image, channels):
    monkeypatch.setattr(running, "calmer", taking_a_gaussian(*channels))
    words = ("denoise", method, request.getfixturevalue(image), tmp_path / "clean.ome.tif", *SHORT, "--save-network", tmp_path / "n.safetensors")
    shown = command(*words)
    assert shown.code == 1
    assert f"Wrote {tmp_path / 'clean.ome.tif'}" in shown.out
    assert "no network was saved: there is no network to use again: a filter was used in its place" in shown.err
    assert "cancelled" not in shown.out + shown.err
    assert read(tmp_path / "clean.ome.tif").provenance["complete"] is True
    assert not (tmp_path / "n.safetensors").exists()


def test_the_gaussian_of_one_channel_of_two_is_saved_with_the_network_of_the_other(command, stack, tmp_path, monkeypatch):
    first, again, network = tmp_path / "first.ome.tif", tmp_path / "again.ome.tif", tmp_path / "n.safetensors"
    monkeypatch.setattr(running, "calmer", taking_a_gaussian(2))
    assert command("denoise", "zs-n2n", stack, first, *SHORT, "--save-network", network).code == 0
    shown = command("denoise", "zs-n2n", stack, again, "--network", network, "--device", "cpu")
    assert "Channel 2: A Gaussian of" in shown.out
    np.testing.assert_array_equal(read(again).array, read(first).array)


def test_machines_are_told_both_in_one_object(command, plane, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "calmer", taking_a_gaussian(1))
    shown = command("denoise", "auto", plane, tmp_path / "clean.tif", *SHORT, "--save-network", tmp_path / "n.safetensors", "--json")
    assert (shown.code, shown.json["output"], shown.json["complete"]) == (1, str(tmp_path / "clean.tif"), True)
    assert "no network was saved" in shown.json["error"]


def test_what_was_kept_of_a_run_that_was_ended_early_is_written_without_its_network(command, plane, tmp_path, monkeypatch):
    def train(*_, **__):
        signal.raise_signal(signal.SIGINT)
        yield from ()

    monkeypatch.setattr("napari_zeroshot.engine.fitting.train", train)
    shown = command("denoise", "zs-unet", plane, tmp_path / "clean.tif", "--keep-partial", "--save-network", tmp_path / "n.safetensors")
    assert shown.code == 130
    assert "wrote the best result so far" in shown.out
    assert "no network was saved" in shown.err
    assert read(tmp_path / "clean.tif").provenance["complete"] is False


@pytest.fixture
def full(monkeypatch):
    """A disk that has no place left for some files: ``full(files)`` for images, ``full(weights)`` for networks."""

    def fill(module):
        def appearing(path):
            raise FileError(f"cannot write {path}: No space left on device")

        monkeypatch.setattr(module, "appearing", appearing)

    return fill


def test_a_network_that_finds_no_room_leaves_the_image(command, plane, tmp_path, full):
    full(weights)
    shown = command("denoise", "zs-n2n", plane, tmp_path / "clean.tif", *SHORT, "--save-network", tmp_path / "n.safetensors")
    assert shown.code == 1
    assert "no network was saved: cannot write" in shown.err
    assert read(tmp_path / "clean.tif").array.shape == read(plane).array.shape


def test_an_image_that_finds_no_room_leaves_the_network_which_makes_it_again(command, plane, tmp_path, full, monkeypatch):
    first, again, network = tmp_path / "first.tif", tmp_path / "again.tif", tmp_path / "n.safetensors"
    command("denoise", "zs-n2n", plane, first, *SHORT)
    full(files)
    shown = command("denoise", "zs-n2n", plane, again, *SHORT, "--save-network", network)
    assert shown.code == 1
    assert "No space left on device; its network was saved: with --network" in shown.err
    monkeypatch.undo()
    assert command("denoise", "zs-n2n", plane, again, "--network", network).code == 0
    np.testing.assert_array_equal(read(again).array, read(first).array)


def test_where_neither_finds_room_both_are_told(command, plane, tmp_path, full):
    full(files)
    full(weights)
    shown = command("denoise", "zs-n2n", plane, tmp_path / "clean.tif", *SHORT, "--save-network", tmp_path / "n.safetensors")
    assert shown.code == 1
    assert shown.err.count("No space left on device") == 2
    assert "no network was saved either" in shown.err
    assert [path.name for path in tmp_path.iterdir()] == ["plane.ome.tif"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no file that is always full")
@pytest.mark.parametrize(
    ("words", "name", "figure"),
    [
        pytest.param(("measure", "{image}", "{image}", "--csv", "{file}"), "figures.csv", "PSNR", id="measure"),
        pytest.param(("noise", "{image}", "--plot", "{file}"), "noise.png", "Neighbours", id="noise"),
        pytest.param(("sweep", "{image}", "{folder}", "--method", "gaussian", "--vary", "sigma=1,2"), "sweep.csv", "σ 2", id="sweep"),
    ],
)
def test_figures_are_shown_though_their_file_finds_no_room(command, pixels, tmp_path, words, name, figure):
    if words[0] == "noise":
        pytest.importorskip("matplotlib")
    image = write(tmp_path / "noisy.ome.tif", np.tile(pixels[0, 0, 0], (2, 2)), axes="YX")
    (tmp_path / name).symlink_to("/dev/full")
    shown = command(*(word.format(image=image, file=tmp_path / name, folder=tmp_path) for word in words), "--overwrite")
    assert shown.code == 1
    assert figure in shown.out
    assert "No space left on device" in shown.err
