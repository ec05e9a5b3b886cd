"""`--scheduler`: the same files and pixels from a dask cluster, and Ctrl-C that leaves what is finished."""

import subprocess
import sys

import numpy as np
import pytest

from napari_zeroshot import batch, denoise, read
from napari_zeroshot.engine.cluster import UNHEARD

distributed = pytest.importorskip("distributed")
STEPS = {"steps": 2, "crop": 16, "crops": 1, "device": "cpu", "threads": 1}
SHORT = tuple(word for name, value in STEPS.items() for word in (f"--{name}", value))


@pytest.fixture(scope="module")
def address():
    """Of a cluster of two workers within this process."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None, scheduler_kwargs=UNHEARD) as workers:
        yield workers.scheduler_address


def test_denoise_and_batch_write_what_they_write_without(command, stack, pixels, tmp_path, address):
    one = command("denoise", "zs-n2n", stack, tmp_path / "one.ome.tif", "--scheduler", address, *SHORT)
    many = command("batch", stack, tmp_path / "clean", "--method", "zs-n2n", "--scheduler", address, "--json", *SHORT)
    assert (one.code, many.code, many.json["complete"]) == (0, 0, True)
    expected = denoise(pixels, "zs-n2n", axes="TCZYX", **STEPS)
    for path in (tmp_path / "one.ome.tif", tmp_path / "clean" / "stack.ome.tif"):
        np.testing.assert_array_equal(read(path).array, expected.image)
        assert read(path).provenance["source"]["pixels"] == expected.source["pixels"]


@pytest.mark.parametrize("words", [("--scheduler", "far away"), ("--scheduler", "local", "--network", "cells.safetensors")], ids=" ".join)
def test_what_cannot_be_done_is_told_before_any_work(command, stack, tmp_path, words):
    shown = command("denoise", "zs-n2n", stack, tmp_path / "clean.ome.tif", *words)
    assert shown.code != 0
    assert shown.err
    assert not (tmp_path / "clean.ome.tif").exists()


INTERRUPTED = """
import os, signal
from napari_zeroshot.engine import unfinished

inner = unfinished.Unfinished.finish
def finish(self, index, noisy):
    inner(self, index, noisy)
    if len(self.finished()) == 1:
        os.killpg(0, signal.SIGINT)
unfinished.Unfinished.finish = finish

from napari_zeroshot.cli import main
main()
"""
"""The program with somebody at its side who presses Ctrl-C at the first finished plane: as a terminal does, the workers are told too."""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
def test_ctrl_c_ends_workers_too_and_the_same_command_goes_on(stack, pixels, tmp_path):
    options = {**STEPS, "steps": 40, "stack": "plane"}
    words = [
        "batch",
        str(stack),
        str(tmp_path / "clean"),
        "--method",
        "zs-n2n",
        "--scheduler",
        "local:1",
        "--stack",
        "plane",
        *map(str, SHORT),
        "--steps",
        "40",
    ]
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, *words], start_new_session=True, capture_output=True, text=True, check=False, timeout=200)  # noqa: S603
    assert done.returncode == 130, done.stderr
    (outcome,) = batch([stack], tmp_path / "clean", "zs-n2n", **options).outcomes
    assert (outcome.state, 1 <= outcome.kept < 8) == ("done", True)
    np.testing.assert_array_equal(read(tmp_path / "clean" / "stack.ome.tif").array, denoise(pixels, "zs-n2n", axes="TCZYX", **options).image)
