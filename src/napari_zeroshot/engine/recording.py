"""CUDA graphs: a training step is recorded once and played back, which spares the hundred small launches of each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

WARM_UP = 3
"""Steps on a stream of their own before recording, as CUDA graphs ask for."""


class Recorded:
    """A training step that is played back from a CUDA graph once it was recorded; called as it is where that fails.

    Parameters
    ----------
    step
        Does one whole training step, always with the same shapes and without waiting for the device, and gives its loss.
    randoms
        The generators that the step draws from.
    """

    def __init__(self, step: Callable[[], Tensor], randoms: Sequence[torch.Generator]) -> None:
        self._step, self._randoms = step, randoms
        self._taken = 0
        self._played: Callable[[], Tensor] | None = None
        self.failed = ""

    def __call__(self) -> Tensor:
        """Take one step; its loss, which the next call overwrites."""
        self._taken += 1
        if self.failed:
            return self._step()
        if self._taken <= WARM_UP:
            return self._warm_up()
        played = self._played or self._record()
        return played() if played else self._step()

    def _warm_up(self) -> Tensor:
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            loss = self._step()
        torch.cuda.current_stream().wait_stream(beside)
        return loss

    def _record(self) -> Callable[[], Tensor] | None:
        graph = torch.cuda.CUDAGraph()
        try:
            for rng in self._randoms:
                graph.register_generator_state(rng)
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                loss = self._step()
        except (RuntimeError, AttributeError) as error:  # an operation that cannot be recorded, or a torch that cannot
            self.failed = str(error)
            torch.cuda.synchronize()
            return None

        def played() -> Tensor:
            graph.replay()
            return loss

        self._played = played
        return played
