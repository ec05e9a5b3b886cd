"""Whatever a file, a record or a command line holds: an answer, or one sentence that a user can read.

`make fuzz` tries many more than the tests do.
"""

from __future__ import annotations

import json
import re
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_zeroshot import DenoiseError, denoise, read, write
from napari_zeroshot.cli import main
from napari_zeroshot.engine.files import damage_explained
from napari_zeroshot.engine.journal import Journal
from napari_zeroshot.engine.recorded import Recorded, recorded
from napari_zeroshot.engine.tiff import CROWDED

PLANES = np.random.default_rng(0).integers(0, 99, (3, 8, 9)).astype(np.uint8)
ANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
CHANGES = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=6)
"""Places in a file, and the bytes that stand there afterwards."""


def contents(folder: Path) -> dict[str, bytes]:
    """Small files of each kind that is read."""
    write(folder / "ome.tif", PLANES, axes="TYX")
    write(folder / "zlib.tif", PLANES, axes="TYX", compressed=True)
    iio.imwrite(folder / "grey.png", PLANES[0])
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return contents(tmp_path_factory.mktemp("good"))


@ANY
@given(name=st.sampled_from(["ome.tif", "zlib.tif", "grey.png"]), changes=CHANGES, in_memory=st.sampled_from([None, 0]))
@pytest.mark.filterwarnings("ignore")  # of decoders, about what was done to their files
def test_a_file_with_changed_bytes_is_read_or_refused(tmp_path: Path, good: dict[str, bytes], name: str, changes: Any, in_memory: int | None) -> None:
    content = bytearray(good[name])
    for place, byte in changes:
        content[place % len(content)] = byte
    (tmp_path / name).write_bytes(content)
    with suppress(DenoiseError):
        image = read(tmp_path / name, in_memory=in_memory)
        assert image.array.nbytes <= CROWDED * len(content)
        with damage_explained(tmp_path / name):
            np.asarray(image.array)


TOLD = ["SizeX", "SizeT", "SizeC", "DimensionOrder", "Type", "PhysicalSizeX", "PhysicalSizeXUnit", "TimeIncrement", "Name", "ID", "K", "Namespace"]
WORDS_TOLD = st.text(max_size=9) | st.integers().map(str) | st.floats().map(str) | st.sampled_from(["XYZCT", "XYTZC", "uint8", "float", "axes", "provenance"])


@ANY
@given(told=st.dictionaries(st.sampled_from(TOLD), WORDS_TOLD, min_size=1, max_size=4), in_memory=st.sampled_from([None, 0]))
@pytest.mark.filterwarnings("ignore")
def test_a_file_with_any_words_in_its_metadata_is_read_or_refused(tmp_path: Path, good: dict[str, bytes], told: dict[str, str], in_memory: int | None) -> None:
    path = tmp_path / "ome.tif"
    path.write_bytes(good["ome.tif"])
    with tifffile.TiffFile(path) as file:
        xml = file.ome_metadata
    for name, word in told.items():
        xml = re.sub(rf'(?<= {name}=)"[^"]*"', lambda _, word=word: quoteattr(word), xml)
    tifffile.tiffcomment(path, xml.encode())
    with suppress(DenoiseError):
        image = read(path, in_memory=in_memory)
        with damage_explained(path):
            assert np.isin(np.asarray(image.array).astype(float), PLANES).all()


@ANY
@given(names=st.sampled_from(["zarr", "array", "attributes"]), changes=CHANGES)
@pytest.mark.filterwarnings("ignore")
def test_a_zarr_with_changed_bytes_is_read_or_refused(tmp_path: Path, names: str, changes: Any) -> None:
    folder = write(tmp_path / "cells.ome.zarr", PLANES, axes="TYX", overwrite=True)
    file = {"zarr": folder / ".zgroup", "array": folder / "0" / ".zarray", "attributes": folder / ".zattrs"}[names]
    content = bytearray(file.read_bytes())
    for place, byte in changes:
        content[place % len(content)] = byte
    file.write_bytes(content)
    with suppress(DenoiseError):
        read(folder)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(["cpu", "TYX", "uint8", "shared", "zs-n2n"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    return denoise(PLANES, "median", axes="TYX").provenance()


@ANY
@given(data=st.data())
def test_a_record_with_other_values_is_understood_or_refused(record: dict[str, Any], data: Any) -> None:
    changed = json.loads(json.dumps(record))
    for name in data.draw(st.lists(st.sampled_from(sorted(record)), min_size=1, max_size=3)):
        changed[name] = data.draw(VALUES)
    for name in data.draw(st.lists(st.sampled_from(["shape", "dtype", "name", "pixels", "region"]), max_size=2)):
        if isinstance(changed["source"], dict):
            changed["source"][name] = data.draw(VALUES)
    with suppress(DenoiseError):
        assert isinstance(recorded(changed), Recorded)


@ANY
@given(content=st.binary(max_size=300))
def test_a_journal_of_any_bytes_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "journal").write_bytes(content)
    with pytest.raises(DenoiseError, match="delete the folder"):
        Journal.opened(tmp_path / "journal")


WORDS = st.sampled_from(
    [
        "denoise",
        "batch",
        "measure",
        "noise",
        "methods",
        "rerun",
        "simulate",
        "median",
        "gaussian",
        "raw.ome.tif",
        "none.tif",
        "folder",
        "-",
        "--",
        "",
        "*",
        "--method",
        "--method=median",
        "--axes",
        "TYX",
        "YX",
        "--size",
        "3",
        "-1",
        "nan",
        "--sigma",
        "inf",
        "--seed",
        "--memory",
        "0",
        "1e400",
        "--json",
        "--preset",
        "preview",
        "--dtype",
        "float32",
        "--overwrite",
        "--nan",
        "fill",
        "--format",
        "ome.zarr",
        "--input",
        "--fail-fast",
        "--help",
        "ä\n",
    ]
)  # fmt: skip


@ANY
@given(words=st.lists(WORDS, max_size=8))
def test_any_command_line_ends_with_a_code_and_without_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    write("raw.ome.tif", PLANES, axes="TYX", overwrite=True)
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err, pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code in (None, 0, 1, 2)
    assert "Traceback" not in out.getvalue() + err.getvalue()
