"""What is measured: each trained method as users run it, and its paper's recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from napari_zeroshot import all_methods


@dataclass(frozen=True)
class Row:
    """One row of the tables.

    Parameters
    ----------
    name
        As the tables show it.
    method, preset
        What is run; ``default`` but where a method wants a choice.
    recipe, recipe_params
        Preset and single parameters of the paper's recipe; None where there is no paper to follow.
    recipe_side
        On the CPU the recipe is timed on images up to this many pixels a side: it takes a minute a step on larger ones.
    """

    name: str
    method: str
    preset: str = "default"
    recipe: str | None = None
    recipe_params: Mapping[str, Any] = field(default_factory=dict)
    recipe_side: int = 1024


_OF_PAPERS = (
    Row("FM2S", "fm2s", "confocal", "confocal+paper"),
    Row("ZS-N2N", "zs-n2n", recipe="paper"),
    Row("ZS-N2M*", "zs-n2m", recipe="paper", recipe_params={"refine": False}),
    Row("ZS-N2M", "zs-n2m", "full", recipe="paper", recipe_side=512),
)


def trained() -> dict[str, Row]:
    """The papers' methods, then every other one that trains, by name."""
    known = {row.method for row in _OF_PAPERS}
    others = (Row(method.title, method.name) for method in all_methods().values() if method.trains and method.name not in known)
    return {row.name: row for row in (*_OF_PAPERS, *others)}


def chosen(names: Sequence[str] | None, rows: Mapping[str, Row]) -> list[Row]:
    """Out of `rows` those of the given names, or all of them.

    Raises
    ------
    SystemExit
        If a name is unknown; the message lists the known ones.
    """
    unknown = set(names or ()) - set(rows)
    if unknown:
        raise SystemExit(f"there is no row {', '.join(sorted(unknown))}; there are {', '.join(rows)}")
    return [row for name, row in rows.items() if names is None or name in names]
