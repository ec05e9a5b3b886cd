"""The trained networks of results, kept while their layers live: too large for a layer's metadata, which are saved with it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from napari_zeroshot.engine.errors import ImageError, ParamError
from napari_zeroshot.engine.result import Result
from napari_zeroshot.engine.trained import Trained, of_result

if TYPE_CHECKING:
    from napari.layers import Layer

KEPT: WeakKeyDictionary[Layer, Trained] = WeakKeyDictionary()


def keep_network(layer: Layer, result: Result) -> None:
    """Remember what was trained for a result, as long as its layer lives; nothing, if nothing was, or it cannot be copied from its device any more."""
    with suppress(ParamError, MemoryError, RuntimeError):  # a finished result is not lost to what is kept beside it
        KEPT[_itself(layer)] = of_result(result)


def has_network(layer: Any) -> bool:
    """Whether a layer is a result whose network is at hand."""
    return layer is not None and _itself(layer) in KEPT


def network_of(layer: Any) -> Trained:
    """The network that made a result.

    Raises
    ------
    ImageError
        If it is no result of this session, or nothing was trained for it.
    """
    if not has_network(layer):
        raise ImageError("no network is kept of the selected layer; select a result that was trained in this session, or apply a saved network")
    return KEPT[_itself(layer)]


def _itself(layer: Any) -> Any:
    """The layer, not what napari wraps it in for plugins: that lives no longer than the line it is used in."""
    return getattr(layer, "__wrapped__", layer)
