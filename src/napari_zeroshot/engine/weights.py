"""What networks have learned, in a file: safetensors with a header in JSON, which can run no code when it is opened."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_zeroshot.engine.appearing import appearing, check_place
from napari_zeroshot.engine.blur import SIGMAS
from napari_zeroshot.engine.errors import DenoiseError, FileError, MissingPackageError, ParamError
from napari_zeroshot.engine.intensity import Scale
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.engine.result import Result
from napari_zeroshot.engine.trained import Learned, Trained, of_result

if TYPE_CHECKING:
    from torch import Tensor

HEADER = "napari-zeroshot"
"""Under which name the header lies among the safetensors' metadata."""
VERSION = 1
ENDING = ".safetensors"
LARGEST = 1 << 30
"""Bytes of a file; the papers' largest network has 11 million."""
MOST_NETWORKS = 1000
MOST_STAGES = 8
"""Networks of one channel, trained one after another; ZS-N2M has two. There is none where a Gaussian was taken instead, whose ``sigma`` is told."""
SINCE_MIXED = "gaussian"
"""What networks of ZS-UNet hold since part of their answer may be a Gaussian's; earlier ones lack it, and mean two zeros: none of it is."""
LONGEST = 200
"""Letters of a name."""


def trained_of(what: Trained | Result | str | Path) -> Trained:
    """The trained networks that are meant: themselves, those of a result of this session, or those in a file that `save_network` has written.

    Raises
    ------
    ParamError
        If nothing was trained for the result.
    FileError
        If the file is missing, damaged or no file of ours.
    """
    if isinstance(what, str | Path):
        return load_network(what)
    if not isinstance(what, Trained | Result):
        raise ParamError(f"a {type(what).__name__} is no trained network; give a result, or the path of a file that save_network has written")
    return of_result(what) if isinstance(what, Result) else what


def save_network(path: str | Path, what: Trained | Result, *, overwrite: bool = False) -> Path:
    """Write what a run has learned to a file ending in .safetensors, which appears only when it is complete; `denoise` takes it as `trained`.

    Parameters
    ----------
    what
        A result of this session, or networks that were loaded.

    Raises
    ------
    ParamError
        If nothing was trained for the result.
    FileError
        If the file exists, or cannot be written there.
    MissingPackageError
        If the package safetensors is not installed.
    """
    trained, path = trained_of(what), check_network_place(path, overwrite=overwrite)
    content = packed(trained)
    with appearing(path) as file:
        file.write(content)
    return path


def packed(trained: Trained) -> bytes:
    """Networks as the content of a file of theirs, to be sent to another program.

    Raises
    ------
    MissingPackageError
        If the package safetensors is not installed.
    """
    content: bytes = _safetensors().save(_tensors(trained), {HEADER: json.dumps(_header(trained))})
    return content


def unpacked(content: bytes) -> Trained:
    """What `packed` was given; checked as a file is."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][HEADER])
    return _read(header, _safetensors().load(content))


def check_network_place(path: str | Path, *, overwrite: bool = False) -> Path:
    """The path, if networks can be written there. Raises as `save_network` does, before anything is trained in vain."""
    path = Path(path)
    if path.suffix.lower() != ENDING:
        raise FileError(f"{path.name} does not end in {ENDING}, as files of networks do")
    check_place(path, replaceable=overwrite and not path.is_dir())
    _safetensors()
    return path


def load_network(path: str | Path) -> Trained:
    """The networks in a file that `save_network` has written; nothing in it is believed before it is checked.

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


def _tensors(trained: Trained) -> dict[str, Tensor]:
    """Every weight, named after the number of its channel's entry, of its network there, and as the network calls it."""
    return {
        f"{number}/{stage}/{name}": part.detach().contiguous().cpu()
        for number, one in enumerate(trained.networks)
        for stage, state in enumerate(one.states)
        for name, part in state.items()
    }


def _header(trained: Trained) -> dict[str, Any]:
    settings = {"method": trained.method.name, "preset": trained.preset, "params": trained.params.to_dict(), "name": trained.name}
    return {"version": VERSION, **settings, "samples": trained.samples, "networks": [_entry(one) for one in trained.networks]}


def _entry(one: Learned) -> dict[str, Any]:
    known = {"channel": one.channel, "low": one.levels.low, "high": one.levels.high, "noise": one.noise, "stages": len(one.states)}
    return known if one.sigma is None else {**known, "sigma": one.sigma}


def _read(header: Any, tensors: Mapping[str, Tensor]) -> Trained:
    if not isinstance(header, dict) or header.get("version") != VERSION:
        raise ValueError(f"its header is not of version {VERSION}")
    method = get_method(header["method"])
    if header["samples"] not in (1, 3) or not 1 <= len(header["networks"]) <= MOST_NETWORKS:
        raise ValueError("it has an impossible number of colours or networks")
    if not all(part.is_floating_point() and bool(part.isfinite().all()) for part in tensors.values()):
        raise ValueError("some of its weights are no finite numbers")
    return Trained(
        method=method,
        preset=str(header["preset"]),
        params=method.settings(str(header["preset"]), header["params"]),
        samples=header["samples"],
        networks=tuple(_learned(told, number, tensors) for number, told in enumerate(header["networks"])),
        name=str(header.get("name", ""))[:LONGEST],
    )


def _learned(told: Any, number: int, tensors: Mapping[str, Tensor]) -> Learned:
    low, high, noise = (float(told[name]) for name in ("low", "high", "noise"))
    if not (math.isfinite(low) and math.isfinite(high) and low < high and 0 <= noise < math.inf):
        raise ValueError("its grey levels or noise are impossible")
    sigma = None if told.get("sigma") is None else float(told["sigma"])
    possible = 1 <= told["stages"] <= MOST_STAGES if sigma is None else told["stages"] == 0 and 0 < sigma <= SIGMAS[-1]
    if not all(type(told[name]) is int for name in ("channel", "stages")) or told["channel"] != number or not possible:
        raise ValueError(f"the entry of network {number} says nothing that can be")
    return Learned(told["channel"], Scale(low, high), noise, tuple(_state(f"{number}/{stage}/", tensors) for stage in range(told["stages"])), sigma)


def _state(start: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    state = {name.removeprefix(start): part for name, part in tensors.items() if name.startswith(start)}
    if not state:
        raise ValueError(f"it lacks the weights {start}")
    return {SINCE_MIXED: state["grey"].new_zeros(2), **state} if "grey" in state else state
