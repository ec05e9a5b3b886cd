"""CUDA graphs: a training step is recorded once and played back, which spares the hundred small launches of each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

import torch
from torch import Tensor

WARM_UP = 3
"""Steps on a stream of their own before recording, as CUDA graphs ask for."""
RECORDING = Lock()
"""Held by the one recording that a program may have under way; a preview beside a run waits for its turn."""


class Recorded:
    """A training step that is played back from a CUDA graph once it was recorded; called as it is where that fails.

    Parameters
    ----------
    step
        Does one whole training step, always with the same shapes and without waiting for the device, and gives its loss.
    randoms
        The generators that the step draws from; they are on the card that it is done on.
    note
        Is told if steps cannot be recorded.
    """

    def __init__(self, step: Callable[[], Tensor], randoms: Sequence[torch.Generator], note: Callable[[str], None]) -> None:
        self._step, self._randoms, self._card, self._note = step, randoms, randoms[0].device, note
        self._taken = 0
        self._played: Callable[[], Tensor] | None = None
        self.failed = ""

    def __call__(self) -> Tensor:
        """Take one step; its loss, which the next call overwrites."""
        with torch.cuda.device(self._card):  # streams and graphs are those of the current card
            return self._take()

    def _take(self) -> Tensor:
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
        with RECORDING:
            graph, stream, states = torch.cuda.CUDAGraph(), torch.cuda.current_stream(), self._states()
            try:
                for rng in self._randoms:
                    graph.register_generator_state(rng)
                with torch.cuda.graph(graph, stream=torch.cuda.Stream(), capture_error_mode="thread_local"):
                    loss = self._step()
            except (RuntimeError, AttributeError) as error:  # an operation that cannot be recorded, or a torch that cannot
                self.failed = str(error)
                _leave(stream, states)
                self._note("Steps could not be recorded as a CUDA graph, and were taken one by one, which is slower.")
                return None

        def played() -> Tensor:
            graph.replay()
            return loss

        self._played = played
        return played

    def _states(self) -> list[tuple[torch.Generator, torch.Generator]]:
        """The generators that a recording takes hold of, torch's own of the card among them, and what each would draw next."""
        return [(rng, rng.clone_state()) for rng in (*self._randoms, torch.cuda.default_generators[self._card.index])]


def _leave(stream: torch.cuda.Stream, states: Sequence[tuple[torch.Generator, torch.Generator]]) -> None:
    """Compute on a stream again after a recording that failed, and draw as before: older versions of torch think themselves recording still."""
    torch.cuda.set_stream(stream)
    torch.cuda.synchronize()
    for rng, state in states:
        rng.graphsafe_set_state(state)
