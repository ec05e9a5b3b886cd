"""What is said before a run of the device it will be on."""

import pytest
import torch

from napari_zeroshot.widgets.estimate import told_device


@pytest.fixture(autouse=True)
def one_card(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda name: f"Model {name}")


def test_a_card_is_told_with_its_free_memory(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda name: (3 * 10**9, 8 * 10**9))
    assert told_device("cuda", trains=True) == "Model cuda:0, as asked for, 3.0 GB of 8.0 GB free"


def test_of_a_card_too_full_to_be_asked_only_its_name_is_told(monkeypatch):
    def full(name):
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(torch.cuda, "mem_get_info", full)
    assert told_device("cuda", trains=True) == "Model cuda:0, as asked for"
