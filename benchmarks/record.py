"""Measured figures as JSON in benchmarks/results, and where they come from in words."""

from __future__ import annotations

import json
import shlex
import sys
from collections import Counter
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


def command() -> str:
    """The command line of this run, as a reader can type it."""
    return shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])


class Entries:
    """The entries of one file, saved after each, so that a run that is broken off loses nothing.

    Each keeps the date and the command that it comes from. Where the program was changed since so that its figures would be others, `before` says how;
    that is written into the file by hand, and goes when they are measured again.

    Parameters
    ----------
    name
        The file; None keeps nothing.
    key
        The columns that say what was measured: a new entry takes the place of the old one with the same.
    device
        What the figures are measured on.
    """

    def __init__(self, name: str | None, key: Sequence[str], device: str) -> None:
        self._name, self._key = name, tuple(key)
        self._machine = machine.describe(device)
        self._made = {"date": self._machine["date"], "command": command()}
        found = (load(name) if name else None) or {"entries": []}
        self._entries: list[Entry] = [_made_of(found) | entry for entry in found["entries"]]

    def put(self, entry: Entry) -> None:
        """Add an entry, or replace the one measured before."""
        places = [place for place, known in enumerate(self._entries) if self._of(known) == self._of(entry)]
        if places:
            self._entries[places[0]] = entry | self._made
        else:
            self._entries.append(entry | self._made)
        if self._name:
            save(self._name, self.found())

    def __contains__(self, entry: Entry) -> bool:
        """Whether the same was measured before."""
        return any(self._of(known) == self._of(entry) for known in self._entries)

    def found(self) -> dict[str, Any]:
        """Machine and entries, as kept."""
        return {"machine": self._machine, "entries": self._entries}

    def _of(self, entry: Entry) -> tuple[Any, ...]:
        return tuple(entry.get(column) for column in self._key)


def origin(found: Mapping[str, Any]) -> str:
    """Machine, then every command that figures come from with its date, as every table names them; and before what change which were measured."""
    made_on, entries = found["machine"], [_made_of(found) | entry for entry in found.get("entries") or [{}]]
    gpu = "" if made_on.get("device", "CPU") == "CPU" else f", {made_on['device']}"
    runs = ", ".join(f"`{command}` ({date})" for command, date in dict.fromkeys((entry.get("command"), entry.get("date")) for entry in entries))
    return f"{made_on['processor']}, {made_on['cores']} cores{gpu}, torch {made_on['versions'].get('torch')}: {runs}{_age(entries)}"


def _age(entries: Sequence[Entry]) -> str:
    changes = Counter(entry["before"] for entry in entries if "before" in entry)
    told = (f"{'all' if count == len(entries) else f'{count} of {len(entries)}'} figures are from before {change}" for change, count in changes.items())
    return "".join(f"; {words}" for words in told)


def _made_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """Command, date and what was changed since, where they hold for all entries of a file; nothing where each keeps its own."""
    made = {"date": found["machine"]["date"], "command": found.get("command"), "before": found.get("before")}
    return {name: value for name, value in made.items() if value is not None} if "command" in found else {}
