"""The trained networks of results, kept while their layers live: too large for a layer's metadata, which are saved with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from napari_zeroshot.engine.errors import ImageError, ParamError
from napari_zeroshot.engine.result import Result
from napari_zeroshot.engine.trained import Trained, of_result
from napari_zeroshot.widgets.dock import sentence

if TYPE_CHECKING:
    from napari.layers import Layer

KEPT: WeakKeyDictionary[Layer, Trained] = WeakKeyDictionary()


def keep_network(layer: Layer, result: Result) -> str:
    """Remember what was trained for a result, as long as its layer lives; nothing, if nothing was, or it cannot be copied from its device any more.

    Returns
    -------
    Why nothing is kept of a run that has trained to its end, in a sentence; empty otherwise.
    """
    try:
        KEPT[_itself(layer)] = of_result(result)
    except (ParamError, MemoryError, RuntimeError) as error:  # a finished result is not lost to what is kept beside it
        return _told(error) if result.lessons and result.complete else ""
    return ""


def _told(error: Exception) -> str:
    return sentence(str(error)) if isinstance(error, ParamError) else "Its network cannot be used again: it could not be copied from where it was trained."


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
