"""Command-line options made from a method's declared parameters: nothing to write for a new method."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal, Optional

import typer

from napari_zeroshot.engine.method import Method
from napari_zeroshot.engine.params import Param, describe

BASIC, ADVANCED = "Parameters", "Advanced parameters"


def command_for(method: Method, run: Callable[..., None]) -> Callable[..., None]:
    """`run` as the command of one method: its own arguments and options, then those of the method's parameters.

    Parameters
    ----------
    method
        Whose parameters become options.
    run
        Called as ``run(method, ..., params=params)``, where `params` holds only what was given on
        the command line, so that everything else keeps what the preset says.
    """
    own = [entry for entry in inspect.signature(run, eval_str=True).parameters.values() if entry.name not in ("method", "params")]
    knobs = [option(knob) for knob in describe(method.params)]

    def command(context: typer.Context, **values: Any) -> None:
        chosen = {knob.name: values.pop(knob.name) for knob in knobs}
        run(method, **values, params={name: value for name, value in chosen.items() if _was_given(context, name)})

    told_context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    command.__signature__ = inspect.Signature([told_context, *(_with_presets(entry, method) for entry in own), *knobs])  # type: ignore[attr-defined]
    return command


def option(knob: Param) -> inspect.Parameter:
    """The option of one parameter: ``alpha_ie`` becomes ``--alpha-ie``."""
    kind: Any = Literal[knob.choices] if knob.choices else knob.kind
    told = typer.Option(help=_help(knob), min=knob.low, max=knob.high, rich_help_panel=ADVANCED if knob.advanced else BASIC)
    return inspect.Parameter(knob.name, inspect.Parameter.KEYWORD_ONLY, default=knob.default, annotation=Annotated[kind, told])


def _help(knob: Param) -> str:
    marks = ", ".join(mark for mark in (knob.symbol, knob.unit) if mark)
    return f"{knob.help} ({marks})" if marks else knob.help


def _was_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _with_presets(entry: inspect.Parameter, method: Method) -> inspect.Parameter:
    if entry.name != "preset":
        return entry
    told = typer.Option(help=f"A named setting: {', '.join(method.presets)}. Several are joined by +.", show_default=False)
    return entry.replace(annotation=Annotated[Optional[str], told])  # noqa: UP045
