"""Generated sections of docs/benchmarks.md and README, each between a pair of marks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
PAGE = README.parent / "docs" / "benchmarks.md"


def put(section: str, text: str, where: Path | None = None) -> None:
    """Replace what stands between the marks of `section`, or add it at the end; on docs/benchmarks.md if no other page is named."""
    path = where or PAGE
    begin, end = f"<!-- {section}: generated, do not edit -->", f"<!-- end of {section} -->"
    page = path.read_text(encoding="utf-8") if path.exists() else "# Benchmarks\n"
    before, found, rest = page.partition(begin)
    after = rest.partition(end)[2] if found else ""
    gap = "" if found else "\n"
    path.write_text(f"{before}{gap}{begin}\n{text.strip()}\n{end}{after or chr(10)}", encoding="utf-8")


def figure(value: float | None) -> str:
    """Three digits that count, or a dash for what was not measured."""
    if value is None:
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; numbers are set to the right."""
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
