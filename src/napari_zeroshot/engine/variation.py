"""What a sweep tries: the values of one or two parameters, or several methods, and every combination of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.method import Method
from napari_zeroshot.engine.params import Param, Params, Value, check_names, describe, short
from napari_zeroshot.engine.registry import get_method

METHOD = "method"
"""The name of the axis along which methods differ."""
MOST = 100
"""Tiles of a sweep, at most."""
WIDE = 20
"""Where more is allowed than so many times the default, not all of it is worth trying."""
USUAL = 7
"""Values of a parameter for which none are given."""
TINY = 1e-9
"""Where values act by ratios, 0 counts as this."""
SAID = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


@dataclass(frozen=True)
class Axis:
    """One direction of a sweep.

    Parameters
    ----------
    name
        Of the parameter, or ``method``.
    label
        In plain words, with the paper's symbol.
    values
        What is tried, in order.
    titles
        The same in words.
    log
        Whether the values act by ratios.
    """

    name: str
    label: str
    values: tuple[Value, ...]
    titles: tuple[str, ...]
    log: bool = False

    @property
    def numbers(self) -> bool:
        """Whether the values are numbers, with others between them."""
        return not any(isinstance(value, bool | str) for value in self.values)

    @property
    def told(self) -> str:
        """All values in few words: ``α_ie 1, 10, 100``."""
        if not self.numbers:
            return ", ".join(self.titles)
        return ", ".join([self.titles[0], *(short(value) for value in self.values[1:])])

    def nearest(self, value: float, among: Sequence[int] | None = None) -> int:
        """Which of the values is next to a number, by ratio where they act by ratios; of all, or of some places only."""
        places = range(len(self.values)) if among is None else among
        return min(places, key=lambda place: abs(self._at(float(self.values[place])) - self._at(value)))

    def along(self, part: float) -> float:
        """The number at a part, 0 to 1, of the way from the least value to the greatest."""
        low, high = (self._at(float(end(self.values))) for end in (min, max))
        number = low + (high - low) * part
        return math.exp(number) if self.log else number

    def _at(self, value: float) -> float:
        return math.log(max(value, TINY)) if self.log else value


@dataclass(frozen=True)
class Setting:
    """What one tile is made with.

    Parameters
    ----------
    place
        Of its value along each axis of the sweep, counted from 0.
    title
        What it differs by from the others, in few words.
    """

    place: tuple[int, ...]
    title: str
    method: Method
    preset: str
    params: Params

    def can_go_on_from(self, other: Setting) -> bool:
        """Whether a network trained for the other setting can be trained on for this one."""
        return self.method == other.method and can_go_on(self.method, other.params, self.params)


def can_go_on(method: Method, before: Params, now: Params) -> bool:
    """Whether a network trained with some parameters can be trained on with others: only tunable ones may differ.

    Not the steps: what goes on takes the method's `warm_steps`, and would not show what more steps do.
    """
    tunable = {knob.name for knob in describe(method.params) if knob.tunable}
    return method.trains and set(now.changed_from(before)) <= tunable - {"steps"}


def usual_ends(knob: Param, decades: float) -> tuple[float, float]:
    """The least and greatest value worth trying.

    So many factors of ten below and above the default where the parameter acts by ratios; else all that is allowed or, if
    that is far more than the default, half and twice of it.
    """
    centre = float(knob.default) or 10 * (knob.step or 1.0)
    reach = 10.0**decades if knob.log else 2.0
    low, high = centre / reach, centre * reach
    lowest, highest = (knob.low if knob.low is not None else low), (knob.high if knob.high is not None else high)
    if not knob.log and highest <= WIDE * centre:
        return lowest, highest
    return max(low, lowest), min(high, highest)


def usual_values(knob: Param) -> tuple[Value, ...]:
    """What is tried of a parameter if nothing is said: every choice, on and off, or a spread of numbers about the default."""
    if knob.kind is bool:
        return (False, True)
    return knob.choices or spread(knob, *usual_ends(knob, 1), USUAL)


def spread(knob: Param, low: float, high: float, count: int, *, log: bool | None = None) -> tuple[Value, ...]:
    """Numbers from `low` to `high`: by equal ratios where the parameter acts by ratios (or `log` says so), else by equal steps.

    Whole-numbered parameters get each number once, and so perhaps fewer.

    Raises
    ------
    ParamError
        If a number is not allowed, there are none, or ratios are asked for from 0.
    """
    by_ratio = knob.log if log is None else log
    if knob.kind not in (int, float):
        raise ParamError(f"{knob.name} takes {knob.bounds}: give its values one by one, parted by commas")
    if count < 1 or high < low:
        raise ParamError(f"{knob.name} from {low:g} to {high:g} in {count} values makes no sense; give the least, the greatest, and how many, as in 0.1:100:7")
    if by_ratio and low <= 0:
        raise ParamError(f"{knob.name} cannot go from {low:g} by equal ratios; begin above 0, or space it evenly, as in {low:g}:{high:g}:lin{count}")
    numbers = np.geomspace(low, high, count) if by_ratio else np.linspace(low, high, count)
    rounded = [low, *(float(f"{number:.3g}") for number in numbers[1:-1]), high][:count]
    return _each_once(knob, [round(number) for number in rounded] if knob.kind is int else rounded)


def values_of(knob: Param, text: str) -> tuple[Value, ...]:
    """The values that a text names: ``1,10,100``, ``on,off``, or ``0.1:100:7`` for seven from 0.1 to 100 (``log7`` by equal ratios, ``lin7`` by equal steps).

    Raises
    ------
    ParamError
        If it cannot be read, or a value is not allowed.
    """
    ends = text.split(":")
    if len(ends) == 3:
        low, high = (_number(knob, end) for end in ends[:2])
        spacing, count = ends[2][:3], ends[2].removeprefix("log").removeprefix("lin")
        return spread(knob, low, high, int(_number(knob, count)), log={"log": True, "lin": False}.get(spacing))
    if len(ends) != 1:
        raise ParamError(f"{knob.name}={text} cannot be read; give values as in 1,10,100, or the least, the greatest and how many, as in 0.1:100:7")
    return _each_once(knob, [_value(knob, word.strip()) for word in text.split(",")])


def value_of(knob: Param, text: str) -> Value:
    """The one value that a text names. Raises `ParamError` if it cannot be read or is not allowed."""
    return knob.check(_value(knob, text.strip()))


def _each_once(knob: Param, values: Sequence[Any]) -> tuple[Value, ...]:
    return tuple(dict.fromkeys(knob.check(value) for value in values))


def _value(knob: Param, text: str) -> Value:
    if knob.kind is bool:
        return SAID.get(text.lower(), text)
    return _number(knob, text) if knob.kind in (int, float) else text


def _number(knob: Param, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ParamError(f"{knob.name} takes {knob.bounds}, not {text!r}")
    return number


def axes_of(methods: Sequence[Method], vary: Mapping[str, str | Sequence[Value] | None]) -> tuple[Axis, ...]:
    """The directions of a sweep: the methods first if there are several, then the parameters.

    Parameters
    ----------
    vary
        For each parameter its values, or a text that `values_of` reads, or None for the usual ones.

    Raises
    ------
    ParamError
        If there is nothing to vary, there are more than two directions or too many tiles, or a name or value is wrong.
    """
    names = {name.replace("-", "_"): values for name, values in vary.items()}
    across = [Axis(METHOD, "Method", tuple(m.name for m in methods), tuple(m.title for m in methods))] if len(methods) > 1 else []
    for method in methods:
        check_names(method.params, names)
    found = (*across, *(_axis({knob.name: knob for knob in describe(methods[0].params)}[name], values) for name, values in names.items()))
    tiles = math.prod(len(axis.values) for axis in found)
    if not 1 <= len(found) <= 2:
        raise ParamError(f"a sweep varies one or two things, not {len(found)}: parameters, or the method and a parameter, such as alpha_ie=1,10,100 (--vary)")
    if tiles > MOST:
        raise ParamError(f"a sweep has at most {MOST} tiles, this one would have {tiles}; give fewer values")
    return found


def _axis(knob: Param, values: str | Sequence[Value] | None) -> Axis:
    chosen = usual_values(knob) if values is None else values_of(knob, values) if isinstance(values, str) else _each_once(knob, values)
    label = f"{knob.label} ({knob.symbol})" if knob.symbol else knob.label
    return Axis(knob.name, label, chosen, tuple(knob.told(value) for value in chosen), knob.log)


def settings_of(methods: Sequence[str], axes: Sequence[Axis], preset: str | None, params: Mapping[str, Value]) -> list[Setting]:
    """Every combination, the last axis fastest. Raises `ParamError` where a method does not take it."""
    found = []
    for place in product(*(range(len(axis.values)) for axis in axes)):
        chosen: dict[str, Any] = {axis.name: axis.values[i] for axis, i in zip(axes, place, strict=True)}
        method = get_method(chosen.pop(METHOD, methods[0]))
        title = ", ".join(axis.titles[i] for axis, i in zip(axes, place, strict=True))
        found.append(Setting(place, title, method, preset or "default", method.settings(preset, {**params, **chosen})))
    return found
