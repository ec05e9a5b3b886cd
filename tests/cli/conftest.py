"""The command line in this process, and files to use it on."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from napari_zeroshot.cli import main
from napari_zeroshot.engine import files
from napari_zeroshot.engine.image import Image

SCALE = {"T": (2.0, "s"), "Z": (0.5, "µm"), "Y": (0.1, "µm"), "X": (0.1, "µm")}


@dataclass(frozen=True)
class Outcome:
    """What a command left on the terminal."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def command(capsys):
    """Run a command in this process: ``command("denoise", "median", path, ...)``."""

    def run(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        shown = capsys.readouterr()
        return Outcome(end.value.code or 0, shown.out, shown.err)

    return run


@pytest.fixture
def wide(monkeypatch):
    """A terminal wide enough that help is not broken over lines."""
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("TERMINAL_WIDTH", "400")


@pytest.fixture(scope="session")
def pixels():
    """A small noisy TCZYX stack of 16-bit counts."""
    clean = 300 + 200 * np.sin(np.arange(24) / 4)
    return np.random.default_rng(0).poisson(clean, (2, 2, 2, 20, 24)).astype(np.uint16)


@pytest.fixture
def stack(tmp_path, pixels):
    """`pixels` in an OME-TIFF with pixel sizes and channel names."""
    return files.write(tmp_path / "stack.ome.tif", Image(pixels, "TCZYX", SCALE, channels=("actin", "dna")))


@pytest.fixture
def plane(tmp_path, pixels):
    """One plane of `pixels` in an OME-TIFF."""
    return files.write(tmp_path / "plane.ome.tif", pixels[0, 0, 0], axes="YX")
