"""Where to compute: pick a device, say why, make its random numbers, free its memory."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_zeroshot.engine.errors import DeviceError, DeviceLostError, DeviceMemoryError

if TYPE_CHECKING:
    import torch


ASKED = ", as asked for"
"""Why a device was chosen that somebody has named."""
LOST: dict[str, str] = {}
"""The CUDA cards that stopped working in this program, as torch spells them, and what was said then: CUDA never gives them back to it."""


@dataclass(frozen=True)
class Device:
    """A device, as torch spells it, and why it was chosen."""

    name: str
    reason: str


def choose(wish: str = "auto") -> Device:
    """The device to compute on.

    Parameters
    ----------
    wish
        ``auto`` takes CUDA, else MPS, else the CPU; or name one: ``cpu``, ``cuda``, ``cuda:1``, ``mps``. A card that stopped working earlier is not taken.

    Raises
    ------
    DeviceError
        If the device wished for is not there; the message says why.
    """
    import torch

    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if wish == "auto":
        name = "cuda:0" if cuda and "cuda:0" not in LOST else "mps" if mps else "cpu"
        return Device(name, _describe(name) if name != "cpu" else f"CPU (no GPU: {why_no_gpu()})")
    kind, _, number = wish.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (number and not number.isdigit()):
        raise DeviceError(f"there is no device {wish!r}; choose auto, cpu, cuda, cuda:1 or mps")
    if kind == "cuda" and not cuda:
        raise DeviceError(f"device {wish!r} was asked for, but {why_no_gpu()}; choose auto or cpu")
    if kind == "mps" and not mps:
        raise DeviceError("device 'mps' was asked for, but this is no Apple GPU or torch was built without it; choose auto or cpu")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise DeviceError(f"device {wish!r} was asked for, but there are {torch.cuda.device_count()} CUDA devices, counted from 0")
    name = f"cuda:{number or 0}" if kind == "cuda" else kind
    if name in LOST:
        raise DeviceError(f"device {wish!r} was asked for, but {name} stopped working ({LOST[name]}); restart the program to use it again, or choose cpu")
    return Device(name, f"{_describe(name)}{ASKED}")


def _describe(name: str) -> str:
    import torch

    if name.startswith("cuda"):
        return torch.cuda.get_device_name(name)
    return {"cpu": "CPU", "mps": "Apple GPU (MPS)"}[name]


def why_no_gpu() -> str:
    """Why CUDA is not used, in words that name the remedy."""
    import torch

    if LOST:
        return f"{', '.join(LOST)} stopped working; restart the program to use it again"
    if torch.version.cuda is None and getattr(torch.version, "hip", None) is None:
        return "this PyTorch has no CUDA, see pytorch.org"
    return "no working NVIDIA driver or card was found"


def random_numbers(seed: int, device: str) -> torch.Generator:
    """A generator of its own: the user's global random state stays untouched. On the device, but for MPS, which cannot draw Poisson numbers."""
    import torch

    return torch.Generator(device="cpu" if device == "mps" else device).manual_seed(seed)


@contextmanager
def failures_explained(device: str) -> Iterator[None]:
    """Turn torch's `RuntimeError` (which napari's workers swallow) and lack of memory into a `DeviceError` with a remedy."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        raise _kind(device, error)(_explain(device, error)) from error


def _kind(device: str, error: RuntimeError | MemoryError) -> type[DeviceError]:
    if _is_out_of_memory(device, error):
        return DeviceMemoryError
    if device.startswith("cuda") and not isinstance(error, MemoryError) and not _answers(device):
        LOST[device] = _first_line(error)
        return DeviceLostError
    return DeviceError


def _is_out_of_memory(device: str, error: Exception) -> bool:
    """Whether it is the graphics card's memory that is short; Apple's, and CUDA's libraries, say so in words only."""
    import torch

    in_words = device != "cpu" and any(words in str(error) for words in ("out of memory", "ALLOC_FAILED"))
    return isinstance(error, torch.cuda.OutOfMemoryError) or in_words


def _answers(device: str) -> bool:
    """Whether a card still computes. After some errors it never does again in this program."""
    import torch

    try:
        return torch.ones(1, device=device).add(1).item() == 2
    except torch.cuda.OutOfMemoryError:
        return True
    except (RuntimeError, AssertionError):  # the latter of a torch that was built without CUDA
        return False


def _explain(device: str, error: RuntimeError | MemoryError) -> str:
    if _is_out_of_memory(device, error):
        return f"{device} has too little free memory for this run; close what else uses it, or choose the device 'cpu' ({_first_line(error)})"
    if isinstance(error, MemoryError) or "not enough memory" in str(error):
        return f"there is too little free memory for this run; denoise fewer planes at once, or a part of the image ({_first_line(error)})"
    return f"the computation failed on {device}: {_first_line(error)}; {_remedy(device)}"


def _remedy(device: str) -> str:
    if device == "cpu":
        return "please report it if it fails again"
    again = f"; restart the program to use {device} again" if device in LOST else ", and please report it if that fails too"
    return f"try the device 'cpu'{again}"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@contextmanager
def memory_given_back(device: str) -> Iterator[None]:
    """When a run is over, however it ended, give the memory that it held on a graphics card back to other programs."""
    try:
        yield
    finally:
        if device != "cpu":
            give_memory_back()


def torch_is_loaded() -> bool:
    """Whether asking torch something takes no time. It does while another thread is still importing it."""
    spec = getattr(sys.modules.get("torch"), "__spec__", None)
    return spec is not None and not getattr(spec, "_initializing", False)


def has_gpu() -> bool:
    """Whether torch finds a graphics card to compute on."""
    import torch

    return torch.cuda.is_available() or torch.backends.mps.is_available()


def give_memory_back() -> None:
    """Hand what torch keeps of graphics memory for later, and nobody uses, back to other programs."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        with suppress(RuntimeError):  # of a card that stopped working, which is being told already
            torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
