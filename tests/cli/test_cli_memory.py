"""A graphics card with too little memory: `denoise` and `rerun` do it with less at once, and say so."""

import pytest
import torch

from napari_zeroshot import read
from napari_zeroshot.engine.fitting import Bench

OPTIONS = ("--steps", 3, "--crop", 16, "--crops", 2, "--device", "cpu")
NOTE = "Note: The graphics card ran out of memory; it was done in tiles of 512 px and learnt from 1 crop at a step."


@pytest.fixture
def short(monkeypatch):
    """A graphics card that holds one crop."""

    def set_up(planes, job, knobs, total):
        if knobs.crops > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return inner(planes, job, knobs, total)

    inner = Bench.set_up
    monkeypatch.setattr(Bench, "set_up", set_up)


def test_denoise_writes_what_could_be_done_and_its_history_says_what_was_planned(short, command, plane, tmp_path):
    shown = command("denoise", "zs-n2n", plane, tmp_path / "clean.ome.tif", *OPTIONS)
    assert (shown.code, NOTE in shown.out.splitlines()) == (0, True)
    record = read(tmp_path / "clean.ome.tif").provenance
    assert (record["params"]["crops"], record["instead_of"]) == (1, {"tile": 1024, "crops": 2})
    assert "those of the first result, bit for bit" in command("rerun", tmp_path / "clean.ome.tif", "--input", plane).out


def test_rerun_on_a_smaller_card_says_so_beside_how_far_it_is_from_the_first(command, plane, tmp_path, request):
    assert command("denoise", "zs-n2n", plane, tmp_path / "clean.ome.tif", *OPTIONS).code == 0
    request.getfixturevalue("short")
    shown = command("rerun", tmp_path / "clean.ome.tif", "--input", plane)
    assert (shown.code, NOTE in shown.out.splitlines()) == (0, True)
    assert "bit for bit" not in shown.out
