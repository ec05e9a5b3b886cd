"""CUDA graphs of training steps; without a GPU, what happens when a step cannot be recorded."""

import pytest
import torch

from napari_zeroshot import denoise
from napari_zeroshot.engine import recording
from napari_zeroshot.engine.recording import WARM_UP, Recorded


class NoGraph:
    def register_generator_state(self, rng):
        raise RuntimeError("this step cannot be recorded")


def test_a_step_that_cannot_be_recorded_is_taken_as_it_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "CUDAGraph", NoGraph)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(Recorded, "_warm_up", lambda self: self._step())
    taken = []
    step = Recorded(lambda: taken.append(1) or torch.tensor(float(len(taken))), [torch.Generator()])
    assert [step().item() for _ in range(WARM_UP + 4)] == [1, 2, 3, 4, 5, 6, 7]
    assert "cannot be recorded" in step.failed


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA card")
@pytest.mark.parametrize("name", ["zs-n2n", "zs-n2m", "fm2s"])
def test_recorded_steps_learn_what_plain_ones_learn(name, noisy, monkeypatch):
    recorded = denoise(noisy, name, device="cuda", steps=60).image
    monkeypatch.setattr(recording.Recorded, "__call__", lambda self: self._step())
    plain = denoise(noisy, name, device="cuda", steps=60).image
    assert abs(recorded.astype(float) - plain).mean() < 0.2 * abs(plain.astype(float) - noisy).mean()
