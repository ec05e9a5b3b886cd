"""A run as text that makes it again: Python, and a command line."""

from __future__ import annotations

import shlex
from typing import Any

from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.method import Job
from napari_zeroshot.engine.params import describe
from napari_zeroshot.engine.recorded import Recorded

NORMAL = {"preset": "default", "stack": "shared", "seed": 0, "dtype": "same", "nan": "refuse"}
"""What is not written, as it holds without saying so."""


def as_python(record: Recorded, source: str, target: str) -> str:
    """Python text that denoises the file `source` as recorded, and writes the file `target`."""
    region = {"region": dict(record.region)} if record.region else {}
    told = {
        "axes": record.axes.letters,
        **_device(record),
        **_options(record),
        **region,
        **({} if record.tile == Job.tile else {"tile": record.tile}),
        **record.changes(),
    }
    arguments = "".join(f"    {name}={value!r},\n" for name, value in told.items())
    return (
        "from napari_zeroshot import denoise, read, write\n\n"
        f"image = read({source!r}, axes={record.axes.letters!r})\n"
        f"result = denoise(\n    image.array,\n    {record.method.name!r},\n{arguments})\n"
        f"write({target!r}, result, like=image)\n"
    )


def as_command_line(record: Recorded, source: str, target: str) -> str:
    """One line for a shell that denoises the file `source` as recorded into the file `target`.

    Raises
    ------
    ParamError
        If a part of the image was denoised, which the command line does not do.
    """
    if record.region:
        raise ParamError("the command line denoises whole images, and this result is of a part of one; take the Python text instead")
    flags = {knob.name: knob.flag for knob in describe(record.method.params)}
    words = ["napari-zeroshot", "denoise", record.method.name, _as_argument(source), _as_argument(target), "--axes", record.axes.letters]
    for name, value in {**_device(record), **_options(record)}.items():
        words += [f"--{name}", str(value)]
    for name, value in record.changes().items():
        words += [f"--no-{name.replace('_', '-')}"] if value is False else [flags[name]] if value is True else [flags[name], str(value)]
    return shlex.join(words)


def _options(record: Recorded) -> dict[str, Any]:
    options = {name: value for name, value in record.options().items() if name in NORMAL}
    return {name: value for name, value in options.items() if value != NORMAL[name]}


def _device(record: Recorded) -> dict[str, Any]:
    """Where to train, and on how many threads: with others, a training goes a slightly different way."""
    if not record.method.trains or record.device != "cpu":
        return {}
    return {"device": "cpu", **({"threads": record.threads} if record.threads else {})}


def _as_argument(path: str) -> str:
    return f"./{path}" if path.startswith("-") else path
