"""What opening a dock adds to napari: seconds of the processor, each time in a fresh process, with napari's window shown and idle.

Run it with a display: ``tools/with_display python tools/opening_time.py``.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from tempfile import TemporaryDirectory

DOCKS = ("Denoise", "Tune", "Noise", "Compare")
IDLE = 500
"""Milliseconds for which napari may finish what it does at its start."""


def main() -> None:
    """Print a table; or, with ``--once``, open one dock here."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--times", type=int, default=5, help="how often each dock is opened")
    asked.add_argument("--once", choices=DOCKS, help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.once:
        sys.stdout.write(f"{opened(options.once)}\n")
        sys.stdout.flush()
        os._exit(0)  # the window is not to be taken down
    measured = {dock: [] for dock in DOCKS}
    with TemporaryDirectory() as folder:
        apart(DOCKS[0], folder)  # compiles what is not compiled yet
        for _ in range(options.times):
            for dock in DOCKS:
                measured[dock].append(apart(dock, folder))
    for dock, seconds in measured.items():
        sys.stdout.write(f"{dock:8} best {min(seconds):.2f} s, median {statistics.median(seconds):.2f} s\n")


def apart(dock: str, folder: str) -> float:
    """`opened` in a process of its own, as on a computer on which napari was never used."""
    settings = {"XDG_CONFIG_HOME": folder, "NAPARI_CONFIG": f"{folder}/napari.yaml", "PYTHONPYCACHEPREFIX": f"{folder}/compiled"}
    around = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, __file__, "--once", dock]
    done = subprocess.run(command, env=around | settings, capture_output=True, text=True, check=True)  # noqa: S603
    return float(done.stdout.split()[-1])


def opened(dock: str) -> float:
    """Seconds of the processor from the menu's click to the drawn dock."""
    import napari
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QApplication

    viewer = napari.Viewer(show=True)
    QTest.qWait(IDLE)
    began = time.process_time()
    viewer.window.add_plugin_dock_widget("napari-zeroshot", dock)
    QApplication.processEvents()
    return time.process_time() - began


if __name__ == "__main__":
    main()
