"""Measured figures as JSON in benchmarks/results, and where they come from in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine

FOLDER = Path(__file__).parent / "results"
Entry = dict[str, Any]


def load(name: str) -> dict[str, Any] | None:
    """What was kept under `name`; None if nothing was."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def save(name: str, found: Mapping[str, Any]) -> None:
    """Keep figures under `name`, in place of older ones."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def kept(suite: str) -> dict[str, dict[str, Any]]:
    """Everything kept of a suite, by the names of the files: ``speed_cpu``, ``speed_cuda``."""
    return {path.stem: load(path.stem) or {} for path in sorted(FOLDER.glob(f"{suite}_*.json"))}


class Entries:
    """The entries of one file, saved after each, so that a run that is broken off loses nothing.

    Parameters
    ----------
    name
        The file; None keeps nothing.
    key
        The columns that say what was measured: a new entry takes the place of the old one with the same.
    device, command
        What the figures were measured on and with.
    """

    def __init__(self, name: str | None, key: Sequence[str], device: str, command: str) -> None:
        self._name, self._key = name, tuple(key)
        self._about = {"machine": machine.describe(device), "command": command}
        found = (load(name) if name else None) or {"entries": []}
        self._entries: list[Entry] = found["entries"]

    def put(self, entry: Entry) -> None:
        """Add an entry, or replace the one measured before."""
        places = [place for place, known in enumerate(self._entries) if self._of(known) == self._of(entry)]
        if places:
            self._entries[places[0]] = entry
        else:
            self._entries.append(entry)
        if self._name:
            save(self._name, self.found())

    def __contains__(self, entry: Entry) -> bool:
        """Whether the same was measured before."""
        return any(self._of(known) == self._of(entry) for known in self._entries)

    def found(self) -> dict[str, Any]:
        """Machine, command and entries, as kept."""
        return {**self._about, "entries": self._entries}

    def _of(self, entry: Entry) -> tuple[Any, ...]:
        return tuple(entry.get(column) for column in self._key)


def origin(found: Mapping[str, Any]) -> str:
    """Date, machine and command, as every table names them."""
    made_on = found["machine"]
    gpu = "" if made_on.get("device", "CPU") == "CPU" else f", {made_on['device']}"
    return f"{made_on['date']}, {made_on['processor']}, {made_on['cores']} cores{gpu}, torch {made_on['versions'].get('torch')}: `{found['command']}`"
