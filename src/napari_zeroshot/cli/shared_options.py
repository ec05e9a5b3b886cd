"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

AxesOption = Annotated[
    str | None,
    typer.Option(
        help="A letter for each dimension, slowest first, out of T, Z, C, P (position or any other), Y, X, S (RGB samples), such as TCZYX; "
        "the file's own if left out."
    ),
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
SeedOption = Annotated[int, typer.Option(help="Decides every random number.", min=0)]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else, errors included.")]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        help="Work on several processes or machines: local (a process for each CPU core), local:4 (four), or the address of a running dask cluster, "
        "such as tcp://host:8786. The same pixels for the same --threads, which is 1 here if left out.",
        show_default=False,
    ),
]
OmeZarrOption = Annotated[Literal["0.4", "0.5"], typer.Option("--ome-zarr", help="Version of the OME-Zarr that is written; most programs read 0.4.")]
