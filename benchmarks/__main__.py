"""The command line of the benchmarks; ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import os
from tempfile import TemporaryDirectory

from benchmarks import (
    ablation,
    again,
    batch,
    figures,
    filters,
    fm2s_parts,
    frames,
    goals,
    gui,
    kodak,
    memory,
    noise,
    noise_fit,
    opening,
    photographs,
    photometry,
    profile,
    quality,
    scale,
    scaling,
    simulated,
    soak,
    speed,
    texture,
    together,
    tune,
)

SUITES = {
    "quality": quality.SUITE,
    "simulated": simulated.SUITE,
    "photometry": photometry.SUITE,
    "frames": frames.SUITE,
    "ablation": ablation.SUITE,
    "kodak": kodak.SUITE,
    "photographs": photographs.SUITE,
    "speed": speed.SUITE,
    "scale": scale.SUITE,
    "scaling": scaling.SUITE,
    "together": together.SUITE,
    "profile": profile.SUITE,
    "memory": memory.SUITE,
    "batch": batch.SUITE,
    "noise": noise.SUITE,
    "noise-fit": noise_fit.SUITE,
    "fm2s-parts": fm2s_parts.SUITE,
    "filters": filters.SUITE,
    "texture": texture.SUITE,
    "figures": figures.SUITE,
    "gui": gui.SUITE,
    "opening": opening.SUITE,
    "soak": soak.SUITE,
    "tune": tune.SUITE,
    "again": again.SUITE,
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
