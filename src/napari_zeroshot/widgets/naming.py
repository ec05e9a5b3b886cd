"""What differs from a preset, in the few words that a layer's name has room for."""

from __future__ import annotations

from collections.abc import Mapping

from napari_zeroshot.engine.method import Method
from napari_zeroshot.engine.params import Param, Value, describe

MOST = 3
"""More changes than these are only counted."""


def told_changes(method: Method, changes: Mapping[str, Value]) -> str:
    """``α_ie 20, 300 steps``: what acts most on the picture first; after the third change, only how many more there are."""
    changed = [knob for knob in describe(method.params) if knob.name in changes]
    changed.sort(key=lambda knob: (knob.advanced, not knob.symbol))
    told = [_told(knob, changes[knob.name]) for knob in changed]
    more = [f"{len(told) - MOST} more"] if len(told) > MOST else []
    return ", ".join(told[:MOST] + more)


def _told(knob: Param, value: Value) -> str:
    words = knob.name.replace("_", " ")
    if isinstance(value, bool):
        return words if value else f"no {words}"
    if knob.symbol:
        return f"{knob.symbol} {_short(value)}"
    return f"{value} {words}" if knob.kind is int and words.endswith("s") and value != 1 else f"{words} {_short(value)}"


def _short(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
