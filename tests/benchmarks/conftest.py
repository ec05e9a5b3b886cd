"""A clock that no machine slows down."""

from itertools import count
from types import SimpleNamespace

import pytest

from benchmarks import timing


@pytest.fixture
def ticking(monkeypatch):
    """The clock that runs are timed with goes on by 10 ms whenever it is looked at: a report takes as long on every machine; how late it is now."""
    ticks = count(1)
    clock = SimpleNamespace(now=0.0)

    def perf_counter() -> float:
        clock.now = next(ticks) / 100
        return clock.now

    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=perf_counter))
    return clock
