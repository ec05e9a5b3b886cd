"""Layers that look alike: what one is given, the others take over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


class Alike:
    """Keeps some attributes of layers equal from now on, beginning with the first layer's; `end` lets them go their own ways.

    napari's own linked layers are left alone: undoing these would undo what the user linked.
    """

    def __init__(self, layers: Sequence[Any], names: Sequence[str]) -> None:
        self._layers = layers
        self._connected: list[tuple[Any, Callable[..., None]]] = []
        self._busy = False
        for name in names:
            self._spread(layers[0], name)
            for layer in layers:
                self._follow(layer, name)

    def end(self) -> None:
        """Let go of the layers."""
        for emitter, callback in self._connected:
            emitter.disconnect(callback)
        self._connected = []

    def _follow(self, layer: Any, name: str) -> None:
        def follow(_event: Any = None) -> None:
            self._spread(layer, name)

        emitter = getattr(layer.events, name)
        emitter.connect(follow)
        self._connected.append((emitter, follow))

    def _spread(self, layer: Any, name: str) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            value = getattr(layer, name)
            for other in self._layers:
                if other is not layer and getattr(other, name) != value:
                    setattr(other, name, value)
        finally:
            self._busy = False
