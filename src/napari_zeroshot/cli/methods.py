"""`napari-zeroshot methods`: what there is to denoise with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from napari_zeroshot.cli.report import give_json, show_table
from napari_zeroshot.cli.shared_options import JsonOption
from napari_zeroshot.engine.method import Method
from napari_zeroshot.engine.params import Param, describe
from napari_zeroshot.engine.registry import all_methods, get_method


def list_methods(
    name: Annotated[str | None, typer.Argument(metavar="[METHOD]", help="Show the parameters and presets of this method.", show_default=False)] = None,
    bibtex: Annotated[bool, typer.Option("--bibtex", help="Print whom to cite, as BibTeX, and nothing else.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the methods, or the parameters and presets of one."""
    chosen = [get_method(name)] if name else list(all_methods().values())
    if bibtex and not as_json:
        typer.echo("\n\n".join(dict.fromkeys(method.bibtex for method in chosen)))  # methods may come from one paper
    elif as_json:
        give_json({method.name: _plain(method) for method in chosen})
    elif name:
        _show_one(chosen[0])
    else:
        show_table(("name", "title", "what for", "presets"), [(m.name, m.title, m.summary, ", ".join(m.presets)) for m in chosen])
        typer.echo("The parameters and presets of one: napari-zeroshot methods METHOD")


def _show_one(method: Method) -> None:
    typer.echo(f"{method.title}: {method.summary}\n{method.reference}\n")
    show_table(("option", "default", "allowed", "what it does"), map(_row, describe(method.params)))
    show_table(("preset", "changes"), [(name, _changes(values)) for name, values in method.presets.items()])


def _row(knob: Param) -> tuple[str, ...]:
    symbol, unit = f"{knob.symbol}: " if knob.symbol else "", f" {knob.unit}" if knob.unit else ""
    return knob.flag, f"{_typed(knob.default)}{unit}", knob.bounds, f"{symbol}{knob.help}"


def _changes(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_typed(value)}" for name, value in values.items()) or "none: the defaults"


def _typed(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower()


def _plain(method: Method) -> dict[str, Any]:
    params = [asdict(knob) | {"kind": knob.kind.__name__, "option": knob.flag} for knob in describe(method.params)]
    presets = {name: dict(changes) for name, changes in method.presets.items()}
    told = {name: getattr(method, name) for name in ("title", "summary", "reference", "bibtex", "smallest", "trains")}
    return told | {"presets": presets, "params": params}
