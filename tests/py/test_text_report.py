"""The report that is read on a terminal."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from exactrace.reports import text
from exactrace.reports.model import FileReport


def test_the_margin_is_as_wide_as_the_largest_count() -> None:
    listing = (
        "    1: def f():\n"
        ">>>>>>     return 1\n"
        "       # a comment: with a colon\n"
        "1234567: for i in x:\n"
        "       \n"
    )
    assert text.aligned(listing) == (
        "      1: def f():\n"
        ">>>>>>>>     return 1\n"
        "         # a comment: with a colon\n"
        "1234567: for i in x:\n"
        "         \n"
    )


def test_a_listing_of_small_counts_stays_as_it_is() -> None:
    listing = "    1: x = 1\n>>>>>> y: int = 2\n       \f# page\n"
    assert text.aligned(listing) == listing


def test_an_empty_listing_stays_empty() -> None:
    assert text.aligned("") == ""


# A letter of each kind that could mean something, and any other.
LETTERS = st.one_of(
    st.sampled_from("|\\`*_[]<>&~#\n\r\t\0\x1b\u2028 "), st.characters()
)
TEXTS = st.text(LETTERS)


def report_of(name: str, source: str = "") -> FileReport:
    report = FileReport(name, name, name, {1: 3}, text=source, compiles=True)
    report.statements = {1: 3}
    return report


@given(TEXTS, TEXTS)
def test_tables_have_a_line_for_each_file_whatever_its_name(
    name: str, source: str
) -> None:
    report = report_of(name, source)
    style = text.Style()
    table = text.table([text.row(report)], style)
    assert [table.count(end) for end in ("\n", "\r", "\x1b", "\u2028")] == [2, 0, 0, 0]
    hottest = text.Hottest(3)
    hottest.add(report)
    for markdown, rows in (
        (text.markdown([text.row(report)], style), 3),
        (hottest.markdown(), 3),
    ):
        lines = markdown.splitlines()
        assert len(lines) == rows
        # Bars that end a cell: those without a backslash, or behind an escaped one.
        cells = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines}
        assert len(cells) == 1
        plain = re.sub(r"\\.", "", markdown)
        assert not set("`*_[]<>&~#") & set(plain)


@given(st.lists(st.lists(st.integers(0, 5), min_size=1), max_size=6))
def test_the_hottest_lines_are_those_of_all_files(files: list[list[int]]) -> None:
    hottest = text.Hottest(3)
    every = []
    for number, hits in enumerate(files):
        report = report_of(f"m{number}.py", "a\n" * len(hits))
        report.statements = dict(enumerate(hits, 1))
        hottest.add(report)
        every += [(-count, number, line) for line, count in enumerate(hits, 1) if count]
    expected = [
        (-count, f"m{number}.py:{line}", "a") for count, number, line in sorted(every)
    ]
    assert hottest.lines() == expected[:3]


@given(TEXTS.map(lambda text: text.replace("\r", "")))
def test_listings_hold_the_source_whatever_it_is(source: str) -> None:
    name, *lines = text.annotated(report_of("m.py", source)).split("\n")
    assert name == "m.py: 1 of 1 lines run"
    expected = [line.expandtabs(8) for line in source.removesuffix("\n").split("\n")]
    assert [line[7:].rstrip() for line in lines[: len(expected)]] == [
        line.rstrip() for line in expected
    ]
