"""What reports leave out of a source: each test is a source and its statements."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from exactrace import CoverageResults
from exactrace.reports import model
from exactrace.settings import Settings

known = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="branches are known from 3.12 on"
)


def report(folder: Path, text: str, *expressions: str) -> model.FileReport:
    """The report on a source of which nothing ran."""
    path = folder / "some.py"
    path.write_text(textwrap.dedent(text))
    results = CoverageResults({(str(path), 0): 1})
    results.branches = {(str(path), (0, 0, 0, 0), "except"): {True: 0}}
    settings = Settings()
    settings.exclude_also = expressions
    (only,) = model.file_reports(results, settings)
    assert only.trouble == ""
    return only


def excluded(folder: Path, text: str, *expressions: str) -> list[int]:
    return sorted(report(folder, text, *expressions).excluded)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1  # pragma: no cover\nb = 2\n", [1]),
        ("a = 1  #pragma NO COVER\nb = 2\n", [1]),
        ("a = 1  # PRAGMA: NO COVER because\nb = 2\n", [1]),
        ("a = 1  # pragma: no covering\nb = 2\n", []),
        ("a = f(1,\n  2)  # pragma: no cover\nb = 2\n", [1, 2]),
        ("def f():  # pragma: no cover\n  a\n  b\nc\n", [1, 2, 3]),
        ("@d\n@e  # pragma: no cover\ndef f():\n  a\nc\n", [1, 2, 3, 4]),
        ("def f(\n  a,\n):  # pragma: no cover\n  a\nc\n", [1, 4]),
        ("def f():\n  # pragma: no cover\n  a\nc\n", []),
        ("class A:  # pragma: no cover\n  def f(self):\n    a\nc\n", [1, 2, 3]),
        ("if a:  # pragma: no cover\n  b\nelse:\n  c\n", [1, 2]),
        ("if a:\n  b\nelse:  # pragma: no cover\n  c\n", [4]),
        ("if a:\n  b\nelif c:  # pragma: no cover\n  d\nelse:\n  e\n", [3, 4]),
        ("for a in b:  # pragma: no cover\n  c\nelse:\n  d\n", [1, 2]),
        ("while a:\n  c\nelse:  # pragma: no cover\n  d\ne\n", [4]),
        ("try:  # pragma: no cover\n  a\nexcept B:\n  c\n", [1, 2]),
        ("try:\n  a\nexcept B:  # pragma: no cover\n  c\n", [3, 4]),
        ("try:\n  a\nfinally:  # pragma: no cover\n  c\n", [4]),
        ("with a:  # pragma: no cover\n  b\nc\n", [1, 2]),
        ("match a:\n  case 1:  # pragma: no cover\n    b\n  case 2:\n    c\n", [2, 3]),
        ("match a:  # pragma: no cover\n  case 1:\n    b\nc\n", [1, 2, 3]),
        ("if TYPE_CHECKING:\n  import a\nelse:\n  b = 1\n", [1, 2]),
        ("if typing.TYPE_CHECKING:\n  import a\nb = 1\n", [1, 2]),
        ("if not TYPE_CHECKING:\n  import a\nb = 1\n", []),
    ],
)
def test_a_pragma_excludes_a_statement_or_what_its_line_opens(
    tmp_path: Path, text: str, expected: list[int]
) -> None:
    found = report(tmp_path, text)
    assert sorted(found.excluded) == expected
    assert not found.excluded & set(found.statements)


def test_exclude_also_is_searched_in_the_text_by_lines(tmp_path: Path) -> None:
    text = "def __repr__(self):\n  a\nraise Oops\nb = 1\n"
    assert excluded(tmp_path, text, "def __repr__", "^raise .*$") == [1, 2, 3]
    assert excluded(tmp_path, text, r"a\nraise") == [2, 3]
    assert excluded(tmp_path, text, "", "z*") == []


@known
def test_branches_of_what_is_excluded_are_excluded(tmp_path: Path) -> None:
    text = """\
        def f(a, b):
            if a:  # pragma: no cover
                return [x for x in a if x]
            while a:  # pragma: no branch
                b()
            if a: b()
        """
    found = report(tmp_path, text)
    assert [branch.line for branch in found.branches or ()] == [6]
    assert list(found.statements) == [1, 4, 5, 6]


@known
def test_no_branch_holds_for_the_whole_header(tmp_path: Path) -> None:
    text = "if (a and\n    b):  # pragma: no branch\n  c = d or e\n"
    found = report(tmp_path, text)
    assert [branch.line for branch in found.branches or ()] == [3]


@known
def test_what_is_not_expected_to_go_both_ways_is_no_branch(tmp_path: Path) -> None:
    text = """\
        with a as b, c:
            pass
        assert b and all(x for x in c), "no"
        try:
            pass
        except A:
            pass
        except (B, C):
            pass
        """
    found = report(tmp_path, text)
    places = [(branch.line, branch.column) for branch in found.branches or ()]
    assert places == [(6, 0)]


@known
def test_each_operand_is_a_branch_once(tmp_path: Path) -> None:
    text = """\
        def f(a, b, c):
            try:
                if a and (b or
                        c): return 1
            finally:
                if a: b()
        """
    found = report(tmp_path, text)
    places = [(branch.line, branch.column) for branch in found.branches or ()]
    assert places == [(3, 11), (3, 18), (4, 16), (6, 11)]
