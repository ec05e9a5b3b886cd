"""Files whose planes come in any order end as files that are written at once."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile

from napari_zeroshot.engine import growing_zarr, ome_tiff
from napari_zeroshot.engine.axes import parse
from napari_zeroshot.engine.errors import FileError
from napari_zeroshot.engine.files import read, write
from napari_zeroshot.engine.image import Image

SIZES = {"T": 2, "Z": 3, "C": 2, "Y": 6, "X": 5, "S": 3}
RECORD = {"method": "zs-n2n", "source": {"name": 'a <b> & "c" µ\x07'}}
GROWING = [("grown.ome.tif", ome_tiff.Growing), ("grown.ome.zarr", growing_zarr.Growing)]


def noisy(axes, dtype):
    return np.random.default_rng(0).integers(0, 120, [SIZES[letter] for letter in axes]).astype(dtype)


@pytest.mark.parametrize(("name", "growing"), GROWING, ids=["tiff", "zarr"])
@pytest.mark.parametrize(
    ("axes", "dtype"), [("YX", "uint8"), ("CTYX", "uint16"), ("XYZ", "float32"), ("TYXS", "uint8"), ("SYX", ">u2"), ("TCZYX", "float16"), ("ZYX", "int64")]
)
def test_planes_in_any_order_make_the_same_file(tmp_path, name, growing, axes, dtype):
    array = noisy(axes, dtype)
    image = Image(array, axes, {"X": (0.1, "µm")}, "cells", ("actin", "dna") if "C" in axes else ())
    grown, letters = growing(tmp_path / name, image), parse(axes, array.shape)
    for index in reversed(letters.planes()):
        grown.put(index, letters.read(array, index))
    assert all((grown.get(index) == letters.read(array, index)).all() for index in letters.planes())
    grown.finish(RECORD)
    grown.close()
    found, expected = read(tmp_path / name), read(write(tmp_path / f"once{name[5:]}", replace(image, provenance=RECORD)))
    np.testing.assert_array_equal(found.array, array)
    assert (found.axes, found.array.dtype, found.scale, found.channels) == (axes, expected.array.dtype, expected.scale, expected.channels)
    assert found.provenance == expected.provenance == RECORD


def test_the_tiff_is_plain_for_other_programs(tmp_path):
    array = noisy("TCYX", "uint16")
    grown = ome_tiff.Growing(tmp_path / "grown.tif", Image(array, "TCYX"))
    for index in parse("TCYX", array.shape).planes():
        grown.put(index, parse("TCYX", array.shape).read(array, index))
    grown.finish(RECORD)
    grown.close()
    with tifffile.TiffFile(tmp_path / "grown.tif") as file:
        assert file.is_ome
        assert (file.series[0].axes, len(file.pages)) == ("TCYX", 4)
        np.testing.assert_array_equal(file.asarray(), array)


def test_a_full_disk_is_told_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(FileError, match="make room"):
        ome_tiff.Growing(tmp_path / "grown.tif", Image(noisy("YX", "uint8"), "YX"))
    assert not list(tmp_path.iterdir())
