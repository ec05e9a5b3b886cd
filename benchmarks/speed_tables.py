"""The tables of the suite ``speed``, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks import document
from benchmarks.record import origin

Found = dict[str, Any]


def tables(found: Found) -> str:
    """The tables of one device, in Markdown."""
    by_part = {part: [entry for entry in found["entries"] if entry["part"] == part] for part in TABLES}
    return "\n\n".join((origin(found), *(TABLES[part](entries) for part, entries in by_part.items() if entries)))


def _sizes(entries: Sequence[Found]) -> str:
    rows = [
        (
            entry["row"],
            f"{entry['side']}² {'RGB' if entry['kind'] == 'rgb' else 'grey'}",
            seconds(entry["default"]),
            seconds(entry["paper"]),
            document.figure(entry["ratio"]),
            _memory(entry["default"]),
            _memory(entry["paper"]),
        )
        for entry in entries
    ]
    header = ("method", "image", "default, s", "paper's recipe, s", "recipe / default", "default, MiB", "recipe, MiB")
    told = (
        "One image. The default settings are run whole: the median of up to three runs after a warm-up. The recipe (preset `paper`) is "
        "timed over {} after a few to warm up, and scaled to its full number of steps; a dash: not timed. MiB: peak memory beyond image and libraries."
    )
    timed = sorted({entry["paper"]["timed"] for entry in entries if entry["paper"] and "timed" in entry["paper"]})
    return told.format(" or ".join(map(str, timed)) + " steps" if timed else "a few steps") + f"\n\n{document.table(header, rows)}"


def _stacks(entries: Sequence[Found]) -> str:
    rows = [
        (
            entry["row"],
            entry["stack"],
            str(entry["planes"]),
            seconds(entry),
            document.figure(entry["seconds"] / entry["planes"] if "seconds" in entry else None),
            document.figure(entry["planes"] / entry["seconds"] if "seconds" in entry else None),
            _memory(entry),
        )
        for entry in entries
    ]
    header = ("method", "networks", "planes", "seconds", "s a plane", "planes a second", "MiB")
    told = f"Stacks of {entries[0]['side']}² planes, all in. ~: stopped at a time limit, and scaled by the run's own count of steps done."
    return f"{told}\n\n{document.table(header, rows)}"


def _previews(entries: Sequence[Found]) -> str:
    rows = [
        (entry["row"], *(document.figure(entry.get(column)) for column in ("first", "seconds", "late")), str(len(entry.get("every", ())))) for entry in entries
    ]
    header = ("method", "first preview, s", "after a move: median, s", "95th percentile, s", "moves")
    told = (
        f"The preview of a {entries[0]['side']}² image after a slider has moved, going on from the last preview's network. "
        "The dock's own wait for the hand to rest is not in it."
    )
    return f"{told}\n\n{document.table(header, rows)}"


TABLES = {"sizes": _sizes, "stacks": _stacks, "previews": _previews}


def seconds(found: Found | None) -> str:
    """How long a run took; with a ~ when it was stopped and scaled."""
    if found is None or "seconds" not in found:
        return "–"
    return ("~" if found.get("scaled") else "") + document.figure(found["seconds"])


def _memory(found: Found | None) -> str:
    if found is None or "seconds" not in found:
        return "–"
    most = found.get("on_device") if found.get("on_device") is not None else found.get("resident")
    return "–" if most is None else f"{most:.0f}"
