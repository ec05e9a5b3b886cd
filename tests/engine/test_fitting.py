"""The one optimiser loop: reports, cancelling, what is left behind."""

import numpy as np
import pytest
import torch

from napari_zeroshot.engine import fitting
from napari_zeroshot.engine.errors import DenoiseError
from napari_zeroshot.engine.fitting import Bench, RunningAverage, train
from napari_zeroshot.engine.method import Job
from napari_zeroshot.engine.methods.zs_n2n import ZSN2NParams
from napari_zeroshot.engine.networks import zs_n2n_network
from napari_zeroshot.engine.training import Training

PLANES = np.random.default_rng(0).random((1, 1, 8, 8), np.float32)


class Dial(torch.nn.Module):
    """One weight, to be turned to 3."""

    def __init__(self, at=0.0):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(at))

    def loss(self):
        return (self.weight - 3).square()


@pytest.fixture
def quiet(monkeypatch):
    """No reports but those that the number of steps asks for, however slow the machine."""
    monkeypatch.setattr(fitting, "LONGEST_SILENCE", 1e9)


def turn(dial, steps, total=None, job=None, schedule="constant", learning_rate=0.05, **kinds):
    knobs = Training(optimiser="adam", learning_rate=learning_rate, schedule=schedule)
    bench = Bench.set_up(PLANES, job or Job(), knobs, total or steps)
    return train(bench, bench.optimiser(dial), dial.loss, lambda planes: planes * dial.weight.item(), stage="turning", steps=steps, **kinds)


def test_training_turns_the_dial():
    dial = Dial()
    losses = [report.loss for report in turn(dial, 300)]
    assert dial.weight.item() == pytest.approx(3, abs=0.05)
    assert losses[-1] < losses[0] / 100


@pytest.mark.parametrize("steps", [1, 2, 40, 100, 1000, 1234])
def test_about_a_hundred_reports_whatever_the_length(steps, quiet):
    told = [report.step for report in turn(Dial(), steps)]
    assert (told[0], told[-1]) == (1, steps)
    assert min(steps, 100) <= len(told) <= 104


def test_loss_is_read_only_for_reports(monkeypatch, quiet):
    reads = []
    item = torch.Tensor.item
    monkeypatch.setattr(torch.Tensor, "item", lambda self: reads.append(1) or item(self))
    assert len(list(turn(Dial(), 1000))) == len(reads) <= 104


def test_slow_steps_are_reported_one_by_one(monkeypatch):
    monkeypatch.setattr(fitting, "LONGEST_SILENCE", 0)
    assert len(list(turn(Dial(), 500))) == 500


def test_a_second_stage_counts_on_from_the_first():
    reports = list(turn(Dial(), 20, total=50, done=30))
    assert (reports[0].step, reports[-1].step, reports[-1].total) == (31, 50, 50)
    assert reports[0].stage == "turning"


def test_cancelling_stops_before_the_next_step():
    flag, dial = [], Dial()
    steps = turn(dial, 500, job=Job(cancelled=lambda: bool(flag)))
    next(steps)
    reached = dial.weight.item()
    flag.append("stop")
    assert list(steps) == []
    assert dial.weight.item() == reached


def test_snapshot_shows_the_state_when_it_is_called():
    dial = Dial()
    steps = turn(dial, 200)
    early = next(steps)
    before = early.snapshot()
    for _ in steps:
        pass
    assert before.mean() < 0.5 * early.snapshot().mean()
    np.testing.assert_allclose(early.snapshot(planes=np.ones((1, 1, 2, 2), np.float32)), 3, atol=0.3)


def test_a_loss_that_is_no_number_ends_the_training_with_advice():
    with pytest.raises(DenoiseError, match="smaller learning rate"):
        list(turn(Dial(float("nan")), 10))


def test_going_on_from_a_network_leaves_that_network_alone():
    known = Dial(2.0)
    bench = Bench.set_up(PLANES, Job(), Training(), 1)
    network = bench.network(torch.nn.Identity(), known)
    assert network is not known
    with torch.no_grad():
        network.weight.fill_(9)
    assert known.weight.item() == 2


def test_running_average_lags_behind_the_weights_and_is_taken_over():
    weights = torch.zeros(2)
    average = RunningAverage([weights], keep=0.75)
    for value in (4.0, 8.0, 12.0, 16.0, 14.0):
        weights.fill_(value)
        average.add()
    average.take_over()
    assert weights.tolist() == [11.0, 11.0]  # the mean of the first four is 10, and 0.75 * 10 + 0.25 * 14


def test_without_an_average_the_weights_stay():
    weights = torch.ones(2)
    RunningAverage([weights], keep=0.9).take_over()
    assert weights.tolist() == [1.0, 1.0]


def test_a_score_that_stands_still_cuts_the_training_short():
    scores = iter([torch.tensor(value) for value in (4.0, 3.0, 2.0, *[1.0] * 100)])
    reports = list(turn(Dial(), 500, schedule="one-cycle", score=lambda: next(scores)))
    assert 200 <= reports[-1].step < 400
    assert [report.score for report in reports if report.score is not None][:4] == [4, 3, 2, 1]


def test_a_score_that_falls_lets_the_training_end_as_planned():
    scores = iter([torch.tensor(0.9**i) for i in range(100)])
    assert list(turn(Dial(), 500, score=lambda: next(scores)))[-1].step == 500


@pytest.mark.parametrize(("crop", "rim"), [(48, 2), (16, 0), (0, 0)])
def test_of_a_crop_only_that_is_learnt_which_the_whole_plane_would_give(crop, rim):
    planes = np.random.default_rng(0).random((1, 1, 64, 64), np.float32)
    bench = Bench.set_up(planes, Job(), ZSN2NParams(crop=crop), 1)
    network = bench.network(zs_n2n_network(1))
    answer, left_out = bench.residual_learner(network, reach=2)
    assert left_out == rim
    if rim:
        whole = bench.planes - network(bench.planes)
        torch.testing.assert_close(answer(bench.planes[..., 8:56, 8:56]), whole[..., 10:54, 10:54])
