"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from napari_zeroshot.engine import threads

AxesOption = Annotated[
    str | None,
    typer.Option(
        help="A letter for each dimension, slowest first, out of T, Z, C, P (position or any other), Y, X, S (RGB samples), such as TCZYX; "
        "the file's own if left out."
    ),
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
SeedOption = Annotated[int, typer.Option(help="Decides every random number.", min=0)]
StackOption = Annotated[
    Literal["shared", "plane", "warm"],
    typer.Option(
        help="shared: one network for each channel, learnt from all its planes. plane: a new one for every plane. "
        "warm: every plane goes on from the last one's."
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        help="CPU threads; PyTorch's own number if left out. Another number gives slightly different pixels.", min=1, max=threads.MOST, show_default=False
    ),
]
DtypeOption = Annotated[Literal["same", "float32"], typer.Option(help="Type of the pixels written; grey levels are the input's in both.")]
NanOption = Annotated[Literal["refuse", "fill"], typer.Option(help="What to do with NaN and infinity: refuse, or fill for the work and give back as NaN.")]
MemoryOption = Annotated[
    float | None,
    typer.Option(
        help="Gigabytes that the run may take beside the image and its result; half of what is free if left out. Does not change the pixels.",
        show_default=False,
    ),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]
KeepPartialOption = Annotated[
    bool, typer.Option("--keep-partial", help="On Ctrl-C, write the best result so far; after an error, the planes that were finished before it.")
]
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
