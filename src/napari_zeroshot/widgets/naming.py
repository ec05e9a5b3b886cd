"""What differs from a preset, in the few words that a layer's name has room for."""

from __future__ import annotations

from collections.abc import Mapping

from napari_zeroshot.engine.method import Method
from napari_zeroshot.engine.params import Value, describe

MOST = 3
"""More changes than these are only counted."""


def told_changes(method: Method, changes: Mapping[str, Value]) -> str:
    """``α_ie 20, 300 steps``: what acts most on the picture first; after the third change, only how many more there are."""
    changed = [knob for knob in describe(method.params) if knob.name in changes]
    changed.sort(key=lambda knob: (knob.advanced, not knob.symbol))
    told = [knob.told(changes[knob.name]) for knob in changed]
    more = [f"{len(told) - MOST} more"] if len(told) > MOST else []
    return ", ".join(told[:MOST] + more)
