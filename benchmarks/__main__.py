"""The command line of the benchmarks; ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import gui, quality


def main() -> None:
    """Run one suite, keep its results as data and write its tables into docs/benchmarks.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    suites = parser.add_subparsers(dest="suite", required=True)
    suite = suites.add_parser("quality", help="PSNR, SSIM and seconds of every method on pairs of raw and reference images")
    suite.add_argument("--data", type=Path, default=Path("../shared/data/fmd"), help="folder with raw/NAME.png and gt/NAME.png")
    suite.add_argument("--only", nargs="*", default=None, metavar="ROW", help="rows to measure again; the others are kept as they were")
    suite.add_argument("--crop", type=int, default=128, help="side of the central crop on which preset 'paper' is run, in pixels")
    window = suites.add_parser("gui", help="how smoothly the window runs beside a training, and how fast the training is there; needs a display")
    window.add_argument("--steps", type=int, default=600, help="training steps of each run")
    chosen = parser.parse_args()
    if chosen.suite == "gui":
        gui.run(steps=chosen.steps)
        return
    quality.run(chosen.data, only=chosen.only, crop=chosen.crop)


if __name__ == "__main__":
    main()
