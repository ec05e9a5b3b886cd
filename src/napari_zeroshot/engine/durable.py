"""Bytes that are on the disk when a function returns, so that they outlive a crash or a power failure."""

from __future__ import annotations

import os
from pathlib import Path

BINARY = getattr(os, "O_BINARY", 0)
"""Windows would change line ends without it."""


def write_at(file: int, content: bytes | memoryview, offset: int) -> None:
    """Write at a place of an open file, and wait until it is on the disk.

    Unlike into a memory map, writing to a full disk raises an `OSError` here instead of ending the program.
    """
    os.lseek(file, offset, os.SEEK_SET)
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]
    os.fsync(file)


def read_at(file: int, size: int, offset: int) -> bytes:
    """So many bytes at a place of an open file; fewer only if it ends before."""
    os.lseek(file, offset, os.SEEK_SET)
    found = bytearray()
    while len(found) < size and (more := os.read(file, min(size - len(found), 1 << 24))):
        found += more
    return bytes(found)


def settle(path: Path) -> None:
    """See that a file, or a folder with everything in it, is on the disk."""
    inside = [*path.rglob("*")] if path.is_dir() else []
    for each in [*inside, path]:
        if each.is_dir() and os.name == "nt":
            continue  # Windows opens no folders
        file = os.open(each, os.O_RDONLY | BINARY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def replace(source: Path, target: Path) -> None:
    """Give a file or an absent folder its name, for good."""
    os.replace(source, target)
    if os.name != "nt":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
