"""What the dock tries while nobody touches it: one method at a time, and what is heard of it."""

import pytest
from qtpy.QtCore import QObject

from napari_zeroshot.widgets import idle
from napari_zeroshot.widgets.idle import Idle

pytestmark = pytest.mark.gui


class Trial:
    """A calibration that ends when the test says so."""

    def __init__(self, begun, start, *, on_end, **heard) -> None:
        self.end, self.abandoned = on_end, False
        begun.append(self)

    def abandon(self) -> None:
        self.abandoned = True


class Asked:
    """A task of which nothing is known; a short one of it is another."""

    cluster = ""


@pytest.fixture
def begun(monkeypatch):
    """The calibrations so far."""
    trials = []
    monkeypatch.setattr(idle, "run_in_thread", lambda start, **heard: Trial(trials, start, **heard))
    monkeypatch.setattr(idle, "torch_is_loaded", lambda: True)
    monkeypatch.setattr(idle, "expected_seconds", lambda task: None)
    monkeypatch.setattr(idle, "calibration", lambda task: Asked())
    return trials


def test_the_end_of_a_trial_that_gave_way_is_not_the_end_of_the_next(qtbot, begun):
    dock = QObject()
    resting = Idle(dock, Asked, lambda: True, None)
    resting._on_idle()
    resting.give_way()
    resting._on_idle()
    first, second = begun
    learnt = []
    resting.learnt.connect(lambda: learnt.append(True))
    first.end()
    assert learnt == []
    resting.give_way()
    assert second.abandoned
    resting._on_idle()
    begun[2].end()
    assert len(learnt) == 2  # that it was begun, and that it ended
