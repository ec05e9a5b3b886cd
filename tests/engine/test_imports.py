"""Importing costs next to nothing, until something is computed."""

import subprocess
import sys

import pytest

TIMED = "import time; start = time.process_time(); import napari_zeroshot; print(time.process_time() - start)"
"""The time of the processor: how long a busy machine lets it wait is not ours."""


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout  # noqa: S603


def test_importing_takes_less_than_a_fifth_of_a_second():
    assert min(float(python(TIMED)) for _ in range(3)) < 0.2


@pytest.mark.parametrize("code", ["from napari_zeroshot import all_methods; all_methods()['fm2s'].settings('confocal')", "import napari_zeroshot.engine.run"])
def test_choosing_a_method_does_not_load_torch(code):
    loaded = python(f"{code}; import sys; print(*sys.modules)").split()
    assert not {"torch", "skimage", "qtpy", "napari"} & set(loaded)
