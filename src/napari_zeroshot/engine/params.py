"""Parameters, declared once: form, options, checks, docs and provenance all read the declaration."""

from __future__ import annotations

import math
from dataclasses import Field, asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from functools import cache
from numbers import Integral, Real
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from napari_zeroshot.engine.errors import ParamError

Value = bool | int | float | str


@dataclass(frozen=True)
class Param:
    """One knob, as declared: what a form, an option or a docs table needs to know of it."""

    name: str
    kind: type
    default: Value
    help: str
    label: str
    symbol: str = ""
    low: float | None = None
    high: float | None = None
    step: float | None = None
    unit: str = ""
    choices: tuple[str, ...] = ()
    advanced: bool = False
    tunable: bool = False
    log: bool = False

    @property
    def flag(self) -> str:
        """As typed on the command line: ``--alpha-ie``."""
        return "--" + self.name.replace("_", "-")

    @property
    def bounds(self) -> str:
        """What is allowed, in words: ``0 to 100``, ``one of median, nlm``."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.kind is bool:
            return "true or false"
        ends = (f"at least {self.low:g}" if self.low is not None else "", f"at most {self.high:g}" if self.high is not None else "")
        return " and ".join(end for end in ends if end) or f"any {self.kind.__name__}"

    def check(self, value: object) -> Value:
        """Give `value` as this knob's own type.

        Raises
        ------
        ParamError
            If it is of another type or outside the bounds.
        """
        clean = _as_kind(self.kind, value)
        if clean is None or (self.choices and clean not in self.choices) or not self._within(clean):
            raise ParamError(f"{self.name} = {value!r} is not allowed; it takes {self.bounds}{self._in_unit()}.")
        return clean

    def told(self, value: Value) -> str:
        """A value in the few words that a name or a title has room for: ``α_ie 20``, ``300 steps``, ``no refine``."""
        words = self.name.replace("_", " ")
        if isinstance(value, bool):
            return words if value else f"no {words}"
        if self.symbol:
            return f"{self.symbol} {short(value)}"
        return f"{value} {words}" if self.kind is int and words.endswith("s") and value != 1 else f"{words} {short(value)}"

    def _within(self, value: Value) -> bool:
        if isinstance(value, str | bool):
            return True
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def _in_unit(self) -> str:
        return f" ({self.unit})" if self.unit else ""


def short(value: Value) -> str:
    """A value as people write it: ``10``, not ``10.0``."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _as_kind(kind: type, value: object) -> Value | None:
    if kind is bool:
        return value if isinstance(value, bool) else None
    if isinstance(value, bool):
        return None
    if kind is int:
        whole = isinstance(value, Integral) or (isinstance(value, Real) and float(value).is_integer())
        return int(value) if whole else None  # type: ignore[call-overload]
    if kind is float:
        return float(value) if isinstance(value, Real) and math.isfinite(value) else None
    return value if isinstance(value, str) else None


def param(
    default: Value,
    help: str,
    *,
    label: str = "",
    symbol: str = "",
    low: float | None = None,
    high: float | None = None,
    step: float | None = None,
    unit: str = "",
    advanced: bool = False,
    tunable: bool = False,
    log: bool = False,
) -> Any:
    """Declare a field of a `Params` class.

    Parameters
    ----------
    default
        Value when nothing is said.
    help
        What the knob does to the picture, in one sentence.
    label
        Plain words for a form; made from the field's name when empty.
    symbol
        The paper's own symbol, such as ``α_ie``.
    low, high, step, unit
        Bounds (inclusive), step of a spin box, and unit.
    advanced
        Folded away in forms.
    tunable
        Worth a slider: the Tune dock and sweeps offer it.
    log
        Acts by ratios rather than differences: sliders are logarithmic.
    """
    told = {
        "help": help, "label": label, "symbol": symbol, "low": low, "high": high, "step": step,
        "unit": unit, "advanced": advanced, "tunable": tunable, "log": log,
    }  # fmt: skip
    return field(default=default, metadata={"param": told})


def retuned(params: type[Params], name: str, default: Value) -> Any:
    """Declare the field `name` as another `Params` class does, with a default of its own."""
    (declared,) = (entry for entry in fields(params) if entry.name == name)
    return field(default=default, metadata=declared.metadata)


@dataclass(frozen=True)
class Params:
    """Base of every method's parameters: frozen, and checked when made."""

    def __post_init__(self) -> None:
        for knob in describe(type(self)):
            object.__setattr__(self, knob.name, knob.check(getattr(self, knob.name)))

    def replace(self, **changes: Any) -> Self:
        """The same parameters with some changed, checked anew."""
        check_names(type(self), changes)
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Value]:
        """Names and plain values, ready for JSON."""
        return asdict(self)

    def changed_from(self, other: Params) -> dict[str, Value]:
        """The values in which these parameters differ from `other`."""
        theirs = other.to_dict()
        return {name: value for name, value in self.to_dict().items() if theirs.get(name) != value}


def check_names(params: type[Params], values: dict[str, Any]) -> None:
    """Raise `ParamError` if a name in `values` is no parameter of `params`."""
    known = [knob.name for knob in describe(params)]
    for name in values:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(known)}"
            raise ParamError(f"{name!r} is not a parameter of this method; {hint}")


def describe(params: type[Params]) -> tuple[Param, ...]:
    """Every knob of a `Params` class, in the order of declaration."""
    key: Any = params  # mypy holds the class of a frozen dataclass for unhashable
    return _described_class(key)


@cache
def _described_class(params: Any) -> tuple[Param, ...]:
    hints = get_type_hints(params)
    return tuple(_described(entry, hints[entry.name]) for entry in fields(params))


def _described(entry: Field[Any], hint: Any) -> Param:
    told = {**entry.metadata["param"], "default": entry.default}
    told["label"] = told["label"] or entry.name.replace("_", " ").capitalize()
    choices = get_args(hint) if get_origin(hint) is Literal else ()
    return Param(name=entry.name, kind=str if choices else hint, choices=choices, **told)
