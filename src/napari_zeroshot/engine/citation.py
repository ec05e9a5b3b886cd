"""Whom to cite: a method's paper as BibTeX, as one line, and as a link."""

from __future__ import annotations

from collections.abc import Mapping

Citation = Mapping[str, str]
"""BibTeX fields by name, and in ``type`` and ``key`` the entry's own: all that is known of a paper, written down once."""

LINKS = {"doi": "https://doi.org/", "eprint": "https://arxiv.org/abs/", "url": ""}
"""Where a paper is found, the best first."""

VENUES = ("booktitle", "journal", "publisher")


def bibtex(citation: Citation) -> str:
    """The paper as a BibTeX entry."""
    fields = {name: value for name, value in citation.items() if name not in ("type", "key")}
    if "eprint" in fields:
        fields["archiveprefix"] = "arXiv"
    lines = [f"  {name} = {{{_kept(name, value)}}}," for name, value in fields.items()]
    return "\n".join([f"@{citation['type']}{{{citation['key']},", *lines, "}"])


def _kept(name: str, value: str) -> str:
    return f"{{{value}}}" if name == "title" else value  # else BibTeX styles would lower its capitals


def line(citation: Citation) -> str:
    """The paper in one line: authors, title, where and when."""
    surnames = [author.partition(",")[0] for author in citation["author"].split(" and ")]
    authors = " and ".join([", ".join(surnames[:-1]), surnames[-1]] if len(surnames) > 1 else surnames)
    venue = next((citation[name] for name in VENUES if name in citation), "")
    where = f"{venue} {citation['volume']}" if "journal" in citation and "volume" in citation else venue
    preprint = f"arXiv:{citation['eprint']}" if "eprint" in citation and not venue else ""
    return ", ".join(part for part in (authors, citation["title"], where, citation["year"], preprint) if part)


def link(citation: Citation) -> str | None:
    """The address of the paper; None if none is known."""
    return next((f"{start}{citation[name]}" for name, start in LINKS.items() if name in citation), None)


def software(version: str) -> Citation:
    """This program, which the papers' authors did not write."""
    return {
        "type": "software",
        "key": "napari_zeroshot",
        "author": "{The napari-zeroshot developers}",
        "title": "napari-zeroshot: zero-shot denoising of microscope images in napari",
        "version": version,
    }
