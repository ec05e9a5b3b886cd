"""What the pages say in short is what the kept figures say."""

import pytest

from benchmarks import document, expect, goals

PAGE = document.PAGE.read_text(encoding="utf-8")


def between(section, page):
    return page.partition(f"<!-- {section}: generated, do not edit -->\n")[2].partition(f"\n<!-- end of {section} -->")[0]


@pytest.mark.parametrize(
    ("section", "page", "made"),
    [
        ("goals", PAGE, goals.section),
        ("in short", PAGE, expect.in_short),
        ("in short", document.README.read_text(encoding="utf-8"), expect.in_readme),
        ("contents", PAGE, lambda: expect.contents(PAGE)),
    ],
    ids=["goals", "in short", "in README", "contents"],
)
def test_what_is_said_in_short_is_current(section, page, made):
    assert between(section, page) == made(), "run `python -m benchmarks goals`"


def test_every_suite_is_named_at_the_top_of_the_page():
    from benchmarks.__main__ import SUITES

    commands = PAGE.partition("```\n")[2].partition("```")[0]
    assert [name for name in SUITES if f"python -m benchmarks {name} " not in commands] == []
