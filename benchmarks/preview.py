"""How long a user waits for the preview after a slider has moved."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from typing import Any

import numpy as np

from benchmarks.images import picture
from benchmarks.rows import Row, trained
from benchmarks.timing import Work, warm_up
from napari_zeroshot import all_methods, denoise, get_method
from napari_zeroshot.engine.params import Param, describe

NOT_MOVED = {
    "steps",  # its slider sets the work itself
    "amplification",  # another number of channels is another network, which cannot go on from the last one
}
FACTORS = (1.25, 0.8)


def rows() -> dict[str, Row]:
    """Every method that can be previewed, the trained ones first."""
    known = trained()
    filters = (Row(method.title, method.name) for method in all_methods().values() if not method.trains)
    return {**known, **{row.name: row for row in filters}}


def previews(work: Work, moves: int) -> dict[str, Any]:
    """Seconds of a first preview, and of those after each of `moves` moved sliders, each going on from the last one's network."""
    warm_up(work)
    image, settings = picture(work.kind, work.side), {"preset": work.preset, "device": work.device, **work.params}
    first = result = denoise(image, work.method, **settings)
    waits = []
    for change in islice(_changes(work), moves):
        started = time.perf_counter()
        result = denoise(image, work.method, start=result.denoiser, **(settings | change))
        waits.append(time.perf_counter() - started)
    median, late = np.percentile(waits, (50, 95))
    return {"seconds": round(float(median), 4), "late": round(float(late), 4), "first": round(first.seconds, 4), "every": [round(wait, 4) for wait in waits]}


def work_of(row: Row, side: int, device: str) -> Work:
    """The preview of a row's method."""
    work = Work(row.method, f"{row.preset}+preview", "grey", side, device=device)
    return work if get_method(row.method).trains else replace(work, device="cpu")


def _changes(work: Work) -> Iterator[dict[str, Any]]:
    """One slider after the other, up and down again; nothing at all for a method without sliders."""
    values = get_method(work.method).settings(work.preset).to_dict()
    sliders = [knob for knob in describe(get_method(work.method).params) if knob.tunable and knob.name not in NOT_MOVED]
    moved = [{knob.name: _moved(knob, values[knob.name], factor)} for factor in FACTORS for knob in sliders if knob.kind in (int, float)]
    return cycle(moved or [{}])


def _moved(knob: Param, value: Any, factor: float) -> Any:
    aim = value * factor if knob.kind is float and value else value + (knob.step or 1) * (1 if factor > 1 else -1)
    low, high = (end if end is not None else aim for end in (knob.low, knob.high))
    return knob.kind(min(max(aim, low), high))
