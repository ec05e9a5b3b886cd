"""What a suite of measurements is; each module of one ends in ``SUITE = Suite(...)``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Suite:
    """One command of ``python -m benchmarks``.

    Parameters
    ----------
    help
        What it measures, in one line.
    options
        Adds its options to a parser.
    run
        Measures, keeps the figures as JSON and writes its sections into docs/benchmarks.md.
    """

    help: str
    options: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], None]
