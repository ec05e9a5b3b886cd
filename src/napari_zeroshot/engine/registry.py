"""Every method there is: walks ``methods/`` and collects the METHOD at each file's end, and that of `auto`, which chooses among them."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from napari_zeroshot.engine import auto, methods
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.method import Method


@cache
def all_methods() -> Mapping[str, Method]:
    """Every method by name; the automatic choice first, then those that train."""
    found: list[Method] = [import_module(f"{methods.__name__}.{entry.name}").METHOD for entry in iter_modules(methods.__path__)]
    found.append(auto.METHOD)
    found.sort(key=lambda method: (not method.trains, method.name))
    return MappingProxyType({method.name: method for method in found})


def get_method(name: str) -> Method:
    """The method called `name`.

    Raises
    ------
    ParamError
        If there is none; the message names the nearest, or all.
    """
    known = all_methods()
    if name in known:
        return known[name]
    near = get_close_matches(str(name).lower(), known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    raise ParamError(f"there is no method {name!r}; {hint}")
