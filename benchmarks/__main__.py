"""The command line of the benchmarks; ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import os
from tempfile import TemporaryDirectory

from benchmarks import ablation, batch, figures, goals, gui, kodak, memory, noise, noise_fit, profile, quality, scale, scaling, speed, together, tune

SUITES = {
    "quality": quality.SUITE,
    "ablation": ablation.SUITE,
    "kodak": kodak.SUITE,
    "speed": speed.SUITE,
    "scale": scale.SUITE,
    "together": together.SUITE,
    "profile": profile.SUITE,
    "memory": memory.SUITE,
    "batch": batch.SUITE,
    "scaling": scaling.SUITE,
    "noise": noise.SUITE,
    "noise-fit": noise_fit.SUITE,
    "figures": figures.SUITE,
    "gui": gui.SUITE,
    "tune": tune.SUITE,
    "goals": goals.SUITE,
}


def main() -> None:
    """Run one suite, keep its results as data and write its tables into docs/benchmarks.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parsers = parser.add_subparsers(dest="suite", required=True)
    for name, suite in SUITES.items():
        suite.options(parsers.add_parser(name, help=suite.help, description=suite.help))
    chosen = parser.parse_args()
    with TemporaryDirectory() as settings:  # the docks remember what was last used; a benchmark is not to change that
        os.environ["XDG_CONFIG_HOME"] = settings
        SUITES[chosen.suite].run(chosen)


if __name__ == "__main__":
    main()
