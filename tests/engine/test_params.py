"""Parameters are declared once, checked when made and survive JSON."""

import json
from dataclasses import FrozenInstanceError, dataclass, replace
from typing import Literal

import pytest

from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.methods.fm2s import FM2SParams
from napari_zeroshot.engine.params import Params, describe, param
from napari_zeroshot.engine.training import Training


@dataclass(frozen=True)
class Sieve(Params):
    """Some knobs of each kind."""

    size: int = param(3, "How wide.", low=1, high=9, unit="px", tunable=True)
    weight: float = param(0.5, "How much.", symbol="α", low=0.0, log=True, advanced=True)
    on: bool = param(True, "Whether.", label="Switched on")
    kind: Literal["round", "square"] = param("round", "Which.")


def test_knobs_come_in_the_order_of_declaration_with_all_that_was_told():
    size, weight, on, kind = describe(Sieve)
    assert (size.name, size.kind, size.default, size.low, size.high, size.unit, size.tunable) == ("size", int, 3, 1, 9, "px", True)
    assert (weight.symbol, weight.high, weight.advanced, weight.log) == ("α", None, True, True)
    assert (on.label, size.label) == ("Switched on", "Size")
    assert (kind.kind, kind.choices) == (str, ("round", "square"))


@pytest.mark.parametrize(
    ("knob", "words"),
    [(0, "at least 1 and at most 9"), (1, "at least 0"), (2, "true or false"), (3, "one of round, square")],
    ids=["int", "float", "bool", "choice"],
)
def test_bounds_are_told_in_words(knob, words):
    assert describe(Sieve)[knob].bounds == words


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({"size": 9}, 9),
        ({"size": 4.0}, 4),
        ({"weight": 2}, 2.0),
        ({"weight": 1e300}, 1e300),
        ({"on": False}, False),
        ({"kind": "square"}, "square"),
    ],
    ids=["at the bound", "whole float", "int for float", "no upper bound", "bool", "choice"],
)
def test_allowed_values_are_kept_as_the_knobs_own_type(values, kept):
    (name,) = values
    value = getattr(Sieve(**values), name)
    assert value == kept
    assert type(value) is type(kept)


@pytest.mark.parametrize(
    "values",
    [
        {"size": 0},
        {"size": 10},
        {"size": 3.5},
        {"size": "3"},
        {"size": True},
        {"size": None},
        {"weight": -0.1},
        {"weight": float("nan")},
        {"weight": float("inf")},
        {"on": 1},
        {"kind": "oval"},
    ],
    ids=repr,
)
def test_other_values_are_refused_with_what_is_allowed(values):
    (name,) = values
    with pytest.raises(ParamError, match=f"{name} = .* is not allowed; it takes "):
        Sieve(**values)


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(ParamError, match="'sise' is not a parameter of this method; did you mean size"):
        Sieve().replace(sise=3)
    with pytest.raises(ParamError, match="known are: size, weight, on, kind"):
        Sieve().replace(colour="red")


def test_values_survive_json():
    settings = Sieve(size=5, weight=0.25, on=False, kind="square")
    assert Sieve(**json.loads(json.dumps(settings.to_dict()))) == settings


def test_changes_are_checked_anew_and_leave_the_original():
    settings = Sieve()
    assert settings.replace(size=7).size == 7
    assert settings.size == 3
    with pytest.raises(ParamError):
        settings.replace(size=99)


def test_parameters_cannot_be_changed_in_place():
    with pytest.raises(FrozenInstanceError):
        Sieve().size = 5


def test_difference_to_the_defaults():
    assert Sieve(size=5, on=False).changed_from(Sieve()) == {"size": 5, "on": False}


def test_a_retuned_parameter_keeps_all_but_its_default():
    inherited, own = ({knob.name: knob for knob in describe(params)}["crop"] for params in (Training, FM2SParams))
    assert own == replace(inherited, default=32)
