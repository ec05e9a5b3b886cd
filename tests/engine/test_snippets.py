"""The texts that a result gives are run as they are, and give the same pixels."""

import shlex
import subprocess
import sys

import numpy as np
import pytest

from napari_zeroshot import denoise, read, write
from napari_zeroshot.cli import main
from napari_zeroshot.engine.errors import ParamError
from napari_zeroshot.engine.recorded import recorded
from napari_zeroshot.engine.snippets import as_command_line, as_python

RUNS = {
    "plain": {"method": "median"},
    "changed": {"method": "median", "size": 5, "dtype": "float32"},
    "trained": {
        "method": "zs-n2m",
        "preset": "synthetic",
        "seed": 4,
        "stack": "plane",
        "steps": 12,
        "crop": 16,
        "crops": 1,
        "alpha_ie": 0.1 + 0.2,
        "device": "cpu",
    },
    "flags": {"method": "zs-n2m", "preset": "full+preview", "steps": 5, "refine_steps": 3, "random_masks": False, "crop": 16, "device": "cpu"},
    "threads": {"method": "fm2s", "preset": "preview", "steps": 4, "threads": 2, "dtype": "float32", "device": "cpu"},
    "tiles": {"method": "zs-n2n", "preset": "preview", "steps": 5, "tile": 16, "device": "cpu"},
    "gaps": {"method": "gaussian", "sigma": 1.25, "nan": "fill"},
}


@pytest.fixture(params=RUNS.values(), ids=RUNS)
def made(request, tmp_path, stack):
    """A file, and the result of a run on it."""
    image = stack[:, :, :22].astype(np.float32 if "nan" in request.param else np.uint16)
    if "nan" in request.param:
        image[0, 0, 2, 2] = np.nan
    source = write(tmp_path / "noisy 'cells'.ome.tif", image, axes="TCYX")
    return source, denoise(image, axes="TCYX", **request.param)


def test_python_text_gives_the_same_pixels(made, tmp_path):
    source, result = made
    text = as_python(recorded(result), str(source), str(tmp_path / "again.ome.tif"))
    subprocess.run([sys.executable, "-c", text], check=True)  # noqa: S603
    np.testing.assert_array_equal(read(tmp_path / "again.ome.tif").array, result.image)


def test_command_line_gives_the_same_pixels(made, tmp_path):
    source, result = made
    words = shlex.split(as_command_line(recorded(result), str(source), str(tmp_path / "again.ome.tif")))
    assert words[0] == "napari-zeroshot"
    with pytest.raises(SystemExit) as end:
        main(words[1:])
    assert not end.value.code
    np.testing.assert_array_equal(read(tmp_path / "again.ome.tif").array, result.image)


def test_texts_say_only_what_is_not_normal(noisy):
    order = recorded(denoise(noisy, "median"))
    assert as_command_line(order, "a.tif", "b.ome.tif") == "napari-zeroshot denoise median a.tif b.ome.tif --axes YX"
    assert as_python(order, "a.tif", "b.ome.tif").count("\n") == 9


def test_a_file_called_like_an_option_stays_a_file(noisy):
    assert " ./--help.tif " in as_command_line(recorded(denoise(noisy, "median")), "--help.tif", "b.tif")


def test_a_part_of_an_image_is_said_in_python_and_refused_on_the_command_line(noisy):
    record = denoise(noisy, "median").provenance()
    record["source"] |= {"region": {"Y": [3, 40]}, "pixels": None}
    order = recorded(record)
    assert "    region={'Y': (3, 40)},\n" in as_python(order, "a.tif", "b.tif")
    with pytest.raises(ParamError, match="take the Python text"):
        as_command_line(order, "a.tif", "b.tif")
