"""How many CPU threads torch computes with.

With another number sums are rounded otherwise, and a training carries that on: its result is as good, and a little different.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

MOST = 1024
"""More are asked for by nobody but a broken file."""


def used() -> int:
    """The threads that torch uses in this thread of Python."""
    import torch

    return torch.get_num_threads()


@contextmanager
def limited(count: int | None) -> Iterator[None]:
    """Let torch use so many threads in the block, and as many as before after it; None leaves it alone."""
    if count is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
