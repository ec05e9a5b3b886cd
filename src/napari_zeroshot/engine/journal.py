"""What of a long piece of work is finished, on the disk: a line for each part, with a sum of itself, so that a torn line is known for one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from napari_zeroshot.engine.durable import BINARY, replace, write_at
from napari_zeroshot.engine.errors import FileError

VERSION = 1
LARGEST = 1 << 30
"""Bytes; a line for each of a million planes takes a fifth of that."""

Entry = Mapping[str, Any]


class Journal:
    """The entries of a file to which more are added, each on the disk before the work goes on.

    Attributes
    ----------
    head
        What was to be done, as noted when the journal was begun.
    entries
        What was done when the journal was opened.
    """

    def __init__(self, path: Path, head: Entry, entries: list[Entry], end: int) -> None:
        self.head, self.entries = head, entries
        self._end = end
        self._file = os.open(path, os.O_RDWR | BINARY)
        os.truncate(self._file, end)

    @classmethod
    def begun(cls, path: Path, head: Entry) -> Journal:
        """A new journal; its file appears with its head complete, or not at all."""
        beside = path.with_name(f"{path.name}.new")
        first = _line({"version": VERSION, **head})
        file = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | BINARY, 0o600)
        try:
            write_at(file, first, 0)
        finally:
            os.close(file)
        replace(beside, path)
        return cls(path, head, [], len(first))

    @classmethod
    def opened(cls, path: Path) -> Journal:
        """A journal that was begun before, up to its last whole line: what was torn by a crash, and all after it, is cut off.

        Raises
        ------
        FileError
            If it is no journal of ours.
        """
        content = path.read_bytes() if path.stat().st_size <= LARGEST else b""
        entries, end = [], 0
        for line in content.splitlines(keepends=True):
            entry = _entry(line)
            if entry is None:
                break
            entries.append(entry)
            end += len(line)
        if not entries or entries[0].get("version") != VERSION:
            raise FileError(f"{path} is damaged or of another version, so that its run cannot go on; delete the folder {path.parent} to begin anew")
        return cls(path, entries[0], entries[1:], end)

    def add(self, entry: Entry) -> None:
        """Note one thing more; it is on the disk when this returns."""
        line = _line(entry)
        write_at(self._file, line, self._end)
        self._end += len(line)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def _line(entry: Entry) -> bytes:
    text = json.dumps(dict(entry), default=str).encode()
    return b"%s %s\n" % (_sum(text), text)


def _entry(line: bytes) -> Entry | None:
    """What a line says; None if it is not as it was written."""
    told, _, text = line.partition(b" ")
    if not line.endswith(b"\n") or told != _sum(text[:-1]):
        return None
    entry = json.loads(text)
    return entry if isinstance(entry, dict) else None


def _sum(text: bytes) -> bytes:
    return blake2b(text, digest_size=8).hexdigest().encode()
