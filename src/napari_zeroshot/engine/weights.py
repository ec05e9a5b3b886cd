"""What networks have learned, in a file: safetensors with a header in JSON, which can run no code when it is opened."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_zeroshot.engine.errors import DenoiseError, FileError, MissingPackageError
from napari_zeroshot.engine.files import appearing, check_place
from napari_zeroshot.engine.intensity import Scale
from napari_zeroshot.engine.method import Method
from napari_zeroshot.engine.params import Params
from napari_zeroshot.engine.registry import get_method

if TYPE_CHECKING:
    from torch import Tensor

HEADER = "napari-zeroshot"
"""Under which name the header lies among the safetensors' metadata."""
VERSION = 1
ENDING = ".safetensors"
LARGEST = 1 << 30
"""Bytes of a file; the papers' largest network has 11 million."""
MOST_NETWORKS = 1000
RANGE_FACTOR, NOISE_FACTOR = 2.0, 1.5
"""A range of grey levels or a noise that differs by more than this is unlike what was learnt from."""


@dataclass(frozen=True, eq=False)
class Learned:
    """One network, and what it was trained on.

    Parameters
    ----------
    channel
        Of the image, counted from 0.
    levels
        The grey levels that were 0 and 1 to the network.
    noise
        The noise's standard deviation, on the scale of `levels`.
    state
        The network's weights by name, as torch's ``state_dict`` gives them.
    """

    channel: int
    levels: Scale
    noise: float
    state: Mapping[str, Tensor]

    def unlike(self, levels: Scale, noise: float) -> tuple[str, ...]:
        """How an image of these levels and this noise differs from what was learnt from, in sentences; nothing if it does not."""
        span, learnt_span = levels.high - levels.low, self.levels.high - self.levels.low
        told = []
        if not 1 / RANGE_FACTOR <= span / learnt_span <= RANGE_FACTOR or abs(levels.low - self.levels.low) > learnt_span / RANGE_FACTOR:
            told.append(f"Its grey levels run from {levels.low:g} to {levels.high:g}; the network learnt from {self.levels.low:g} to {self.levels.high:g}.")
        if not 1 / NOISE_FACTOR <= noise * span / max(self.noise * learnt_span, math.ulp(0.0)) <= NOISE_FACTOR:
            told.append(f"Its noise is {noise * span:.3g} grey levels; the network learnt to remove {self.noise * learnt_span:.3g}.")
        return tuple(told)


@dataclass(frozen=True, eq=False)
class Weights:
    """The networks of one run.

    Parameters
    ----------
    samples
        Jointly denoised channels of a plane: 1, or 3 of a colour image.
    networks
        One for each channel.
    """

    method: Method
    preset: str
    params: Params
    samples: int
    networks: tuple[Learned, ...]


def save(path: str | Path, weights: Weights, *, overwrite: bool = False) -> Path:
    """Write networks to a file ending in .safetensors, which appears only when it is complete.

    Raises
    ------
    FileError
        If the file exists, or cannot be written there.
    """
    path = Path(path)
    if path.suffix.lower() != ENDING:
        raise FileError(f"{path.name} does not end in {ENDING}, as files of networks do")
    check_place(path, replaceable=overwrite and not path.is_dir())
    tensors = {f"{number}/{name}": part.contiguous().cpu() for number, one in enumerate(weights.networks) for name, part in one.state.items()}
    content = _safetensors().save(tensors, {HEADER: json.dumps(_header(weights))})
    with appearing(path) as file:
        file.write(content)
    return path


def load(path: str | Path) -> Weights:
    """The networks in a file that `save` has written; nothing in it is believed before it is checked.

    Raises
    ------
    FileError
        If the file is missing, too large, damaged or no file of ours, or of a method or parameters that are not known here.
    """
    path = Path(path)
    if not path.is_file():
        raise FileError(f"there is no file {path}")
    if path.stat().st_size > LARGEST:
        raise FileError(f"{path} is larger than a gigabyte, which no file of networks is")
    safetensors, broken = _opener()
    try:
        with safetensors(path, "pt") as file:
            header = json.loads((file.metadata() or {}).get(HEADER, "null"))
            return _read(header, {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 it is no mapping
    except (broken, DenoiseError, LookupError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise FileError(f"cannot read {path}, which is damaged or holds no networks of ours: {error}") from error


def _safetensors() -> Any:
    try:
        import safetensors.torch
    except ImportError as error:
        raise MissingPackageError("networks are saved with another package: pip install safetensors") from error
    return safetensors.torch


def _opener() -> tuple[Any, type[Exception]]:
    _safetensors()
    from safetensors import SafetensorError, safe_open

    return safe_open, SafetensorError


def _header(weights: Weights) -> dict[str, Any]:
    networks = [{"channel": one.channel, "low": one.levels.low, "high": one.levels.high, "noise": one.noise} for one in weights.networks]
    settings = {"method": weights.method.name, "preset": weights.preset, "params": weights.params.to_dict()}
    return {"version": VERSION, **settings, "samples": weights.samples, "networks": networks}


def _read(header: Any, tensors: Mapping[str, Tensor]) -> Weights:
    if not isinstance(header, dict) or header.get("version") != VERSION:
        raise ValueError(f"its header is not of version {VERSION}")
    method = get_method(header["method"])
    if header["samples"] not in (1, 3) or not 1 <= len(header["networks"]) <= MOST_NETWORKS:
        raise ValueError("it has an impossible number of colours or networks")
    if not all(part.is_floating_point() and bool(part.isfinite().all()) for part in tensors.values()):
        raise ValueError("some of its weights are no finite numbers")
    return Weights(
        method=method,
        preset=str(header["preset"]),
        params=method.settings(str(header["preset"]), header["params"]),
        samples=header["samples"],
        networks=tuple(_learned(told, number, tensors) for number, told in enumerate(header["networks"])),
    )


def _learned(told: Any, number: int, tensors: Mapping[str, Tensor]) -> Learned:
    low, high, noise = (float(told[name]) for name in ("low", "high", "noise"))
    if not (math.isfinite(low) and math.isfinite(high) and low < high and 0 <= noise < math.inf):
        raise ValueError("its grey levels or noise are impossible")
    start = f"{number}/"
    state = {name.removeprefix(start): part for name, part in tensors.items() if name.startswith(start)}
    if not state or isinstance(told["channel"], bool) or not isinstance(told["channel"], int) or told["channel"] < 0:
        raise ValueError(f"it lacks the weights or the channel of network {number}")
    return Learned(told["channel"], Scale(low, high), noise, state)
