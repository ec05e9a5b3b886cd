"""Files of others are data: nothing in them is run, nothing is fetched, and none of them takes time or memory out of proportion."""

from __future__ import annotations

import ast
import json
import socket
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

import napari_zeroshot
from napari_zeroshot import DenoiseError, batch, denoise, read, rerun, write
from napari_zeroshot.engine.files import read_provenance
from napari_zeroshot.engine.recorded import recorded

SOURCES = sorted(Path(napari_zeroshot.__file__).parent.rglob("*.py"))
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib", "urllib", "http", "requests", "httpx", "socket", "ftplib", "telnetlib"}
CALLS = {"eval", "exec", "compile", "__import__", "torch.load", "torch.hub.load", "os.system"}
PLANE = np.random.default_rng(0).integers(0, 99, (16, 18)).astype(np.uint8)


def forbidden(node: ast.AST) -> bool:
    """Whether a piece of source imports or calls what runs, or fetches, what a file says."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [name.name for name in node.names]
        return bool(MODULES & {name.partition(".")[0] for name in names})
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in CALLS or any(word.arg in ("allow_pickle", "weights_only") for word in node.keywords)
    return False


def test_no_module_unpickles_evaluates_or_fetches() -> None:
    found = [f"{path}:{node.lineno}" for path in SOURCES for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if forbidden(node)]
    assert len(SOURCES) > 100
    assert found == []


def test_a_run_from_file_to_file_opens_no_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection was opened"))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("an address was looked up"))
    source = write(tmp_path / "raw.ome.tif", PLANE, axes="YX")
    assert batch([source], tmp_path / "clean", "auto", device="cpu", steps=3, crop=16).complete
    rerun(tmp_path / "clean" / "raw.ome.tif", read(source).array)


BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "boom"}">' for n in range(10))
HOSTILE = {
    "entities that double": lambda xml: xml.replace("<OME", f"<!DOCTYPE OME [{BOMB}]>\n<OME", 1).replace('Name="', 'Name="&e9;', 1),
    "a file of the system": lambda xml: xml.replace("<OME", '<!DOCTYPE OME [<!ENTITY f SYSTEM "file:///etc/hostname">]>\n<OME', 1).replace(
        'Name="', 'Name="&f;', 1
    ),
    "a record without end": lambda xml: xml.replace("&quot;method&quot;", "&quot;nested&quot;: " + "[" * 200_000, 1),
    "a record of a million entries": lambda xml: xml.replace("&quot;method&quot;", "&quot;a&quot;: [" + "1," * 1_000_000 + "1], &quot;method&quot;", 1),
}
"""What is done to the metadata of a good file."""


def said(look, path: Path) -> str:
    """What is said against a file; nothing if it is read."""
    try:
        look(path)
    except DenoiseError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_hostile_metadata_are_read_as_data_or_refused_and_soon(tmp_path: Path, change) -> None:
    path = write(tmp_path / "clean.ome.tif", denoise(PLANE, "median", axes="YX"))
    with tifffile.TiffFile(path) as file:
        xml = file.ome_metadata
    assert change(xml) != xml
    tifffile.tiffcomment(path, change(xml).encode())
    started = time.process_time()
    told = [said(look, path) for look in (read, read_provenance, recorded, lambda path: rerun(path, PLANE))]
    assert all("\n" not in sentence and len(sentence) < 1000 for sentence in told)
    assert time.process_time() - started < 10


@pytest.mark.parametrize("name", ["../outside", "/outside", "..\\outside", "a/../../outside", "C:outside", "~root"])
def test_a_name_in_a_record_decides_of_no_path(tmp_path: Path, name: str) -> None:
    """The name of the image that a foreign record tells is shown, never opened or written to."""
    result = denoise(PLANE, "median", axes="YX", source={"name": name})
    folder = tmp_path / "results"
    folder.mkdir()
    path = write(folder / "clean.ome.tif", result)
    again = rerun(path, PLANE)
    write(folder / "again.ome.tif", again)
    assert json.loads(json.dumps(read_provenance(path)))["source"]["name"] == name
    assert sorted(found.name for found in tmp_path.rglob("*")) == ["again.ome.tif", "clean.ome.tif", "results"]
