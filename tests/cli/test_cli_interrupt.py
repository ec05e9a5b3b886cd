"""Ctrl-C: the first one ends training, the second one the program."""

import signal
import subprocess
import sys

import numpy as np
import pytest

from napari_zeroshot import denoise, read
from napari_zeroshot.engine.unfinished import Unfinished

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")

WATCHED = """
import signal
from napari_zeroshot.engine import fitting

inner = fitting.train
def train(*args, **kwargs):
    for number, report in enumerate(inner(*args, **kwargs)):
        if number == 3:
            signal.raise_signal(signal.SIGINT)
            {again}
        yield report
fitting.train = train

from napari_zeroshot.cli import main
main()
"""
"""The program with somebody at its side who presses Ctrl-C at the fourth report of a training."""


def interrupted(plane, target, *options, again="pass"):
    words = ["denoise", "zs-n2n", str(plane), str(target), "--steps", "2000", "--crop", "16", "--crops", "1", "--device", "cpu", *options]
    return subprocess.run([sys.executable, "-c", WATCHED.format(again=again), *words], capture_output=True, text=True, check=False, timeout=100)  # noqa: S603


def test_nothing_is_written_by_itself(plane, tmp_path):
    done = interrupted(plane, tmp_path / "clean.tif")
    assert (done.returncode, done.stdout) == (130, "")
    assert "nothing was written" in done.stderr
    assert "--keep-partial" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["plane.ome.tif"]


def test_best_so_far_is_kept_on_request(plane, tmp_path):
    done = interrupted(plane, tmp_path / "clean.tif", "--keep-partial")
    written = read(tmp_path / "clean.tif")
    assert done.returncode == 130
    assert "wrote the best result so far" in done.stdout
    assert written.array.shape == read(plane).array.shape
    assert written.provenance["complete"] is False


@pytest.mark.parametrize(("options", "key"), [([], "error"), (["--keep-partial"], "output")], ids=["nothing kept", "best kept"])
def test_machines_are_told_in_json(command, plane, tmp_path, monkeypatch, options, key):
    def train(*_, **__):
        signal.raise_signal(signal.SIGINT)
        yield from ()

    monkeypatch.setattr("napari_zeroshot.engine.fitting.train", train)
    shown = command("denoise", "zs-n2n", plane, tmp_path / "clean.tif", "--json", *options)
    assert shown.code == 130
    assert key in shown.json


@pytest.mark.parametrize("asked", [True, False], ids=["asked for", "not asked for"])
def test_best_so_far_of_what_is_made_again_is_kept_on_request(command, plane, tmp_path, monkeypatch, asked):
    def train(*_, **__):
        signal.raise_signal(signal.SIGINT)
        yield from ()

    command("denoise", "zs-n2n", plane, tmp_path / "clean.tif", "--steps", 2, "--crop", 16, "--crops", 1)
    monkeypatch.setattr("napari_zeroshot.engine.fitting.train", train)
    shown = command("rerun", tmp_path / "clean.tif", "--input", plane, *(["--keep-partial"] if asked else []))
    assert shown.code == 130
    assert ("wrote the best result so far" in shown.out) is asked
    assert ("nothing was written (--keep-partial" in shown.err) is not asked
    assert (tmp_path / "clean-again.tif").exists() is asked
    assert not asked or read(tmp_path / "clean-again.tif").provenance["complete"] is False


def test_keyboard_belongs_to_python_again_afterwards(command, plane, tmp_path):
    before = signal.getsignal(signal.SIGINT)
    command("denoise", "median", plane, tmp_path / "clean.tif")
    assert signal.getsignal(signal.SIGINT) is before


def test_second_ctrl_c_leaves_at_once(plane, tmp_path):
    done = interrupted(plane, tmp_path / "clean.tif", "--keep-partial", again="signal.raise_signal(signal.SIGINT)")
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["plane.ome.tif"]


def test_a_batch_keeps_finished_planes_and_the_same_command_goes_on(command, stack, tmp_path, pixels, monkeypatch):
    words = ("batch", stack, tmp_path / "clean", "--method", "zs-n2n", "--steps", 5, "--crop", 16, "--crops", 1, "--device", "cpu")
    inner, written = Unfinished.finish, []

    def finish(self, index, noisy):
        inner(self, index, noisy)
        written.append(index)
        if len(written) == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Unfinished, "finish", finish)
    stopped = command(*words, "--json")
    assert (stopped.code, stopped.json["files"][0]["state"], stopped.json["files"][0]["planes"]) == (130, "interrupted", 3)
    assert [path.name for path in (tmp_path / "clean").iterdir()] == [".stack.ome.tif.unfinished"]
    assert command(*words).code == 0
    assert len(written) == len(set(written)) == 8
    expected = denoise(pixels, "zs-n2n", axes="TCZYX", steps=5, crop=16, crops=1, device="cpu").image
    np.testing.assert_array_equal(read(tmp_path / "clean" / "stack.ome.tif").array, expected)
