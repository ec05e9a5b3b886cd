"""Whom to cite: entries that BibTeX can read, and the same papers as in the documentation."""

import re
from pathlib import Path

from napari_zeroshot.engine import citation

PAGE = (Path(__file__).parents[2] / "docs" / "references.md").read_text(encoding="utf-8")


def words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def test_every_methods_paper_is_among_the_references(method):
    assert words(method.citation["title"]) in words(PAGE)


def test_bibtex_is_one_entry_with_its_braces_closed(method):
    text = method.bibtex
    assert re.match(r"@\w+\{[a-z0-9]+,\n", text)
    assert text.count("{") == text.count("}")
    for name in ("author", "title", "year"):
        assert re.search(rf"^  {name} = \{{.+\}},$", text, re.MULTILINE)


def test_one_line_names_authors_title_and_year(method):
    assert method.citation["author"].partition(",")[0] in method.reference
    assert method.citation["title"] in method.reference
    assert method.citation["year"] in method.reference


def test_several_authors_are_named_as_one_writes_them():
    paper = {"author": "A, B and C, D and E, F", "title": "T", "journal": "J", "volume": "3", "year": "1999"}
    assert citation.line(paper) == "A, C and E, T, J 3, 1999"


def test_links_prefer_the_doi():
    assert citation.link({"url": "https://a.b", "eprint": "1", "doi": "2"}) == "https://doi.org/2"
    assert citation.link({"eprint": "2412.10031"}) == "https://arxiv.org/abs/2412.10031"
    assert citation.link({}) is None


def test_the_program_itself_can_be_cited():
    assert "version = {1.2}" in citation.bibtex(citation.software("1.2"))
