"""CUDA graphs of training steps; without a GPU, on a stand-in for two cards that is as strict as torch is."""

from contextlib import contextmanager
from threading import Event, Thread

import pytest
import torch

from napari_zeroshot import denoise
from napari_zeroshot.engine import recording
from napari_zeroshot.engine.method import unheard
from napari_zeroshot.engine.recording import WARM_UP, Recorded

SECOND = torch.device("cuda:1")


class Stream:
    """One of the card that is current when it is made."""

    def __init__(self):
        self.card = torch.cuda.current_device()

    def wait_stream(self, other):
        assert other.card == self.card


class Numbers:
    """A generator of the second card: what it draws counts up."""

    device = SECOND

    def __init__(self, drawn=0):
        self.state = {"drawn": drawn, "recording": False}

    def draw(self, graph=None):
        if self.state["recording"] and graph is None:
            raise RuntimeError("Offset increment outside graph capture encountered unexpectedly.")
        self.state["drawn"] += 1
        return self.state["drawn"]

    def clone_state(self):
        return Numbers(self.state["drawn"])

    def graphsafe_set_state(self, other):
        self.state = other.state


class TwoCards:
    """Two cards, of which the first is current. `under_way` is the recording at work; one that is `broken` ends as in torch 2.4: nothing is tidied up."""

    def __init__(self, monkeypatch, *, broken=False):
        self.broken, self.current, self.under_way, self.played_on, self.recorded_on = broken, 0, None, [], []
        self.streams = {}
        self.own = [Numbers(70), Numbers(80)]
        cards = self

        class Graph:
            def __init__(self):
                self.numbers = [cards.own[cards.current]]

            def register_generator_state(self, rng):
                self.numbers.append(rng)

            def replay(self):
                cards.played_on.append(cards.current)

        fakes = {"CUDAGraph": Graph, "default_generators": self.own}
        fakes |= {"device": self.at, "current_device": lambda: self.current, "Stream": Stream, "stream": self.on, "graph": self.recording}
        fakes |= {"current_stream": self.stream, "set_stream": self.set_stream, "synchronize": lambda: None}
        for name, fake in fakes.items():
            monkeypatch.setattr(torch.cuda, name, fake)

    def stream(self):
        return self.streams.setdefault(self.current, Stream())

    def set_stream(self, stream):
        self.streams[stream.card] = stream

    @contextmanager
    def at(self, card):
        before, self.current = self.current, card.index
        yield
        self.current = before

    @contextmanager
    def on(self, stream):
        before = self.stream()
        self.set_stream(stream)
        yield
        self.set_stream(before)

    @contextmanager
    def recording(self, graph, stream, capture_error_mode):
        if self.under_way is not None:
            raise RuntimeError("a recording is under way already")
        self.under_way = graph
        before = self.stream()
        self.set_stream(stream)
        for rng in graph.numbers:
            rng.state["recording"] = True
        self.recorded_on.append((self.current, stream.card))
        yield
        self.under_way = None
        if self.broken:
            raise RuntimeError("operation not permitted when stream is capturing")
        for rng in graph.numbers:
            rng.state["recording"] = False
        self.set_stream(before)


def recorded(cards, rng, note=unheard):
    return Recorded(lambda: torch.tensor(float(rng.draw(cards.under_way))), [rng], note)


def test_a_step_is_recorded_and_played_on_the_card_that_it_is_for(monkeypatch):
    cards = TwoCards(monkeypatch)
    step = recorded(cards, Numbers())
    for _ in range(WARM_UP + 3):
        step()
    assert not step.failed
    assert cards.recorded_on == [(1, 1)]
    assert cards.played_on == [1, 1, 1]
    assert cards.current == 0


def test_a_step_that_cannot_be_recorded_is_taken_as_it_is(monkeypatch):
    cards, rng, notes = TwoCards(monkeypatch, broken=True), Numbers(), []
    step = recorded(cards, rng, notes.append)
    assert [step().item() for _ in range(WARM_UP + 4)] == [1, 2, 3, 4, 5, 6, 7]
    assert ["one by one" in note for note in notes] == [True]
    assert "not permitted" in step.failed
    assert not cards.played_on


def test_a_recording_that_failed_leaves_the_stream_and_the_users_random_numbers_as_they_were(monkeypatch):
    cards = TwoCards(monkeypatch, broken=True)
    with cards.at(SECOND):
        before = cards.stream()
    step = recorded(cards, Numbers())
    for _ in range(WARM_UP + 1):
        step()
    assert cards.streams[1] is before
    assert cards.own[1].draw() == 81


def test_a_preview_beside_a_run_waits_until_the_runs_step_is_recorded(monkeypatch):
    def slow():
        if cards.under_way is not None:
            preview_thread.start()
            preview_done.wait(0.2)  # in vain, if it waits
        return torch.tensor(0.0)

    def show():
        preview()
        preview_done.set()

    cards, preview_done, preview_thread = TwoCards(monkeypatch), Event(), Thread(target=show)
    run, preview = Recorded(slow, [Numbers()], unheard), recorded(cards, Numbers())
    preview._taken = WARM_UP
    for _ in range(WARM_UP + 1):
        run()
    preview_thread.join()
    assert (run.failed, preview.failed) == ("", "")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA card")
@pytest.mark.parametrize("name", ["zs-n2n", "zs-n2m", "fm2s"])
def test_recorded_steps_learn_what_plain_ones_learn(name, noisy, monkeypatch):
    recorded = denoise(noisy, name, device="cuda", steps=60).image
    monkeypatch.setattr(recording.Recorded, "__call__", lambda self: self._step())
    plain = denoise(noisy, name, device="cuda", steps=60).image
    assert abs(recorded.astype(float) - plain).mean() < 0.2 * abs(plain.astype(float) - noisy).mean()
