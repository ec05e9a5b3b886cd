"""When the graphics card has too little memory: the same with less at once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from napari_zeroshot.engine.errors import DeviceMemoryError
from napari_zeroshot.engine.memory import LEAST_UNASKED
from napari_zeroshot.engine.method import Progress
from napari_zeroshot.engine.order import Order
from napari_zeroshot.engine.result import Result
from napari_zeroshot.engine.running import Ledger, shares_memory

Less = Mapping[str, int]
"""How much is worked on at once: the side of a ``tile`` and, where the method learns from them, the ``crops`` of a step."""


class LastingLedger(Ledger, Protocol):
    """A ledger whose finished planes outlive the program: it has to know with how much at once they are made."""

    less: Less

    def lessen(self, less: Less) -> None:
        """Note that all planes are made so; called only while none is finished."""


def with_less_memory(
    order: Order, begin: Callable[[Order], Generator[Progress, None, Result]], out: Any = None, ledger: LastingLedger | None = None
) -> Generator[Progress, None, Result]:
    """A run that begins anew with fewer crops and smaller tiles each time the graphics card runs out of memory.

    Planes that a ledger knows to be finished stay. Then it is as many crops as they were learnt with, and only the tiles, which change no pixel, are smaller.

    Parameters
    ----------
    order, out, ledger
        As `running.Run` has them.
    begin
        Begins the run of an order.

    Raises
    ------
    DeviceMemoryError
        If the least that can be done at once is still too much, or if planes of the image itself are overwritten already.
    """
    planned = order
    if ledger is not None and ledger.less:
        order = _with(order, ledger.less)
    while True:
        try:
            return _told(planned, order, (yield from begin(order)))
        except DeviceMemoryError as error:
            less = _less(order, ledger)
            overwritten = error.so_far is not None and (out is order.image or shares_memory(out, order.image))
            if less == _at_once(order) or overwritten:
                error.so_far = _told(planned, order, error.so_far) if error.so_far is not None else None
                raise
            order = _with(order, less)
            if ledger is not None and not ledger.finished():
                ledger.lessen(less)


def _at_once(order: Order) -> Less:
    learns_from_crops = order.trained is None and bool(getattr(order.params, "crop", 0))  # else it is from whole planes
    return {"tile": order.tile} | ({"crops": getattr(order.params, "crops", 1)} if learns_from_crops else {})


def _less(order: Order, ledger: Ledger | None) -> Less:
    now = _at_once(order)
    tile = {"tile": min(now["tile"], max(LEAST_UNASKED, now["tile"] // 2))}
    if "crops" not in now or (ledger is not None and ledger.finished()):
        return {**now, **tile}
    return {**tile, "crops": max(1, now["crops"] // 2)}


def _with(order: Order, less: Less) -> Order:
    params = order.params.replace(crops=less["crops"]) if "crops" in less else order.params
    return replace(order, params=params, tile=less["tile"])


def _told(planned: Order, order: Order, result: Result) -> Result:
    """The result, saying what was planned if less was done at once."""
    before, less = _at_once(planned), _at_once(order)
    return result if less == before else replace(result, notes=(_sentence(before, less), *result.notes), instead_of=before)


def _sentence(before: Less, less: Less) -> str:
    fewer = less.get("crops", 0) < before.get("crops", 0)
    crops = f" and learnt from {less['crops']} crop{'s' if less['crops'] > 1 else ''} at a step" if fewer else ""
    return f"The graphics card ran out of memory; it was done in tiles of {less['tile']} px{crops}."
