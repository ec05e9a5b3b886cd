"""Which precision a machine is good at."""

import json
from threading import Event, Thread

import numpy as np
import pytest

from napari_zeroshot import denoise
from napari_zeroshot.engine import precision


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "cache_file", lambda: tmp_path / "cache" / "precision.json")


def pretend(monkeypatch, half, full):
    monkeypatch.setattr(precision, "_takes", lambda device, **kind: half if kind["half"] else full)


@pytest.mark.parametrize(("half", "full", "chosen"), [(0.5, 1, "bfloat16"), (0.9, 1, "float32"), (float("inf"), 1, "float32")])
def test_bfloat16_is_taken_where_it_is_clearly_faster(half, full, chosen, monkeypatch):
    pretend(monkeypatch, half, full)
    assert precision.best("cpu") == chosen


def test_the_answer_is_kept(monkeypatch):
    pretend(monkeypatch, 0.5, 1)
    precision.best("cpu")
    pretend(monkeypatch, 2, 1)
    assert precision.best("cpu") == "bfloat16"


def test_a_trial_that_came_to_nothing_is_made_again_the_next_time(monkeypatch):
    pretend(monkeypatch, float("inf"), float("inf"))
    assert precision.best("cpu") == "float32"
    pretend(monkeypatch, 0.5, 1)
    assert precision.best("cpu") == "bfloat16"


def test_the_clock_runs_only_while_a_card_does_what_is_timed(monkeypatch):
    """It begins with nothing left of the pass before, and ends when the card has done this one, not when it has been told to."""
    import torch

    events = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: events.append("waited"))
    monkeypatch.setattr(precision.time, "perf_counter", lambda: events.append("clock") or float(len(events)))
    precision._seconds(lambda: events.append("work"), "cuda:0")
    assert events == ["waited", "clock", "work", "waited", "clock"]


@pytest.mark.parametrize("text", ["", "[]", "{", json.dumps({"cpu": 3})])
def test_a_spoilt_cache_is_tried_again(text, monkeypatch):
    precision.cache_file().parent.mkdir()
    precision.cache_file().write_text(text)
    pretend(monkeypatch, 0.5, 1)
    assert precision.best("cpu") == "bfloat16"


def test_a_cache_that_cannot_be_written_costs_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file where the folder should be")
    pretend(monkeypatch, 2, 1)
    assert precision.best("cpu") == "float32"


def test_the_real_trial_leaves_the_users_random_numbers_alone():
    import torch

    torch.manual_seed(4)
    expected = torch.rand(3)
    torch.manual_seed(4)
    assert precision.best("cpu") in ("float32", "bfloat16")
    assert torch.equal(torch.rand(3), expected)


def test_runs_side_by_side_in_bfloat16_give_the_pixels_of_each_alone(noisy):
    def denoised():
        return denoise(noisy, "zs-n2n", steps=4, crop=16, crops=1, precision="bfloat16", device="cpu", threads=1, dtype="float32").image

    def go_on():
        while not over.is_set():
            denoised()

    expected, over = denoised(), Event()
    other = Thread(target=go_on)
    other.start()
    try:
        for _ in range(15):
            np.testing.assert_array_equal(denoised(), expected)
    finally:
        over.set()
        other.join()
