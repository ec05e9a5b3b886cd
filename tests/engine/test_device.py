"""Where to compute, and why: nothing here needs a GPU."""

import numpy as np
import pytest
import torch

from napari_zeroshot.engine.device import choose, failures_explained, random_numbers, why_no_gpu
from napari_zeroshot.engine.errors import DeviceError, ImageError


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda name: f"Model {name}")


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu_auto_takes_the_cpu_and_says_why():
    device = choose("auto")
    assert device.name == "cpu"
    assert device.reason == f"CPU (no GPU: {why_no_gpu()})"


@pytest.mark.parametrize(("cuda", "words"), [(None, "this PyTorch has no CUDA"), ("13.0", "no working NVIDIA driver")])
def test_reason_tells_a_cpu_build_from_a_missing_driver(monkeypatch, cuda, words):
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch.version, "hip", None, raising=False)
    assert words in why_no_gpu()


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(
    ("wish", "name", "reason"),
    [
        ("auto", "cuda:0", "Model cuda:0"),
        ("cuda", "cuda:0", "Model cuda:0, as asked for"),
        ("cuda:1", "cuda:1", "Model cuda:1, as asked for"),
        ("cpu", "cpu", "CPU, as asked for"),
    ],
)
def test_with_gpus_the_first_is_taken_or_the_one_asked_for(wish, name, reason):
    device = choose(wish)
    assert (device.name, device.reason) == (name, reason)


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ("cuda", "was asked for, but (this PyTorch has no CUDA|no working NVIDIA driver)"),
        ("mps", "no Apple GPU"),
        ("tpu", "there is no device 'tpu'; choose auto"),
        ("cuda:x", "there is no device"),
        ("", "there is no device"),
    ],
)
def test_what_is_not_there_is_refused_with_a_way_out(wish, words):
    with pytest.raises(DeviceError, match=words):
        choose(wish)


@pytest.mark.usefixtures("two_gpus")
def test_gpus_are_counted_from_0():
    with pytest.raises(DeviceError, match="there are 2 CUDA devices, counted from 0"):
        choose("cuda:2")


def test_seeds_decide_and_leave_the_global_state_alone():
    before = torch.random.get_rng_state()
    first, again, other = (torch.rand(4, generator=random_numbers(seed, "cpu")).numpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "too little free memory.*the device 'cpu'.*Tried to allocate"),
        (MemoryError("Unable to allocate 9 GiB"), "too little free memory.*fewer planes.*Unable to allocate"),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried"), "too little free memory.*fewer planes"),
        (RuntimeError("CUDA error: device-side assert\nsecond line"), "failed on cuda:0: CUDA error: device-side assert; try the device 'cpu'"),
        (RuntimeError(""), "failed on cuda:0: RuntimeError"),
    ],
    ids=["memory", "numpy", "cpu memory", "cuda", "silent"],
)
def test_runtime_errors_become_ours_with_a_remedy(error, words):
    with pytest.raises(DeviceError, match=words) as caught, failures_explained("cuda:0"):
        raise error
    assert not isinstance(caught.value, RuntimeError)
    assert caught.value.__cause__ is error


def test_the_cpu_is_no_remedy_for_what_failed_on_the_cpu():
    with pytest.raises(DeviceError, match=r"failed on cpu: a mistake; please report it if it fails again$"), failures_explained("cpu"):
        raise RuntimeError("a mistake")


@pytest.mark.parametrize("error", [ImageError("too small"), ValueError("a mistake of ours")])
def test_other_errors_fly_on(error):
    with pytest.raises(type(error)) as caught, failures_explained("cpu"):
        raise error
    assert caught.value is error
