"""What differs from a preset, in a few words."""

import pytest

from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.widgets.naming import told_changes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({}, "", id="none"),
        pytest.param({"alpha_ie": 20.0, "steps": 300}, "α_ie 20, 300 steps", id="symbol-and-count"),
        pytest.param({"refine": True, "random_masks": False}, "refine, no random masks", id="flags"),
        pytest.param({"learning_rate": 0.001, "schedule": "cosine"}, "learning rate 0.001, schedule cosine", id="number-and-choice"),
        pytest.param({"steps": 5, "crop": 16, "crops": 2, "alpha_ie": 1.0, "window": 3}, "α_ie 1, 5 steps, crop 16, 2 more", id="many"),
    ],
)
def test_changes_are_told_in_a_few_words(changes, words):
    assert told_changes(get_method("zs-n2m"), changes) == words
