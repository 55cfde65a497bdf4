"""Which lines and branches of a source reports leave out."""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from dataclasses import dataclass, field

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    # line, end line, column, end column; as in CoverageResults.branches
    Place = tuple[int, int, int | None, int | None]

_NO_COVER = re.compile(r"#[ \t]*pragma:?[ \t]*no[ \t]*cover\b", re.IGNORECASE)
_NO_BRANCH = re.compile(r"#[ \t]*pragma:?[ \t]*no[ \t]*branch\b", re.IGNORECASE)
_TYPE_CHECKING = "TYPE_CHECKING"


@dataclass
class Exclusions:
    """What is left out of one source.

    lines: that are no statements. no_branch: lines whose branches do not count.
    places: those of decisions that a program is not expected to take both ways:
    of an `assert`, whether a `with` swallows an exception, and whether the last
    `except` of a `try` lets one go by.
    """

    lines: set[int] = field(default_factory=set)
    no_branch: set[int] = field(default_factory=set)
    places: set[Place] = field(default_factory=set)

    def has_branch(self, place: Place) -> bool:
        """Whether the branch at a place is left out."""
        line = place[0]
        return line in self.lines or line in self.no_branch or place in self.places


@dataclass(frozen=True)
class _Clause:
    """A simple statement, or a header with what it opens: lines from 1."""

    first: int  # of the header, with decorators
    header: int  # last of the header
    last: int


def find(
    text: str, tree: ast.Module, expressions: Sequence[re.Pattern[str]]
) -> Exclusions:
    """Return what is left out of a source.

    expressions: of `exclude_also`. What they match counts as a line with
    `# pragma: no cover`.
    """
    found = Exclusions()
    walk = _Walk(text.split("\n"), found)
    walk.suite(tree.body)
    starts = _line_starts(text)
    marked = _marked(text, starts, (_NO_COVER, *expressions))
    unbranched = _marked(text, starts, (_NO_BRANCH,))
    found.lines |= marked
    found.no_branch |= unbranched
    for clause in walk.clauses if marked or unbranched else ():
        header = range(clause.first, clause.header + 1)
        if not marked.isdisjoint(header):
            found.lines.update(range(clause.first, clause.last + 1))
        if not unbranched.isdisjoint(header):
            found.no_branch.update(header)
    return found


def may_have(text: str, expressions: Sequence[re.Pattern[str]]) -> bool:
    """Whether a source can have lines that are left out."""
    return _TYPE_CHECKING in text or any(
        expression.search(text) for expression in (_NO_COVER, _NO_BRANCH, *expressions)
    )


def compiled(expressions: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    """Return the regular expressions of `exclude_also`, with ^ and $ for the ends of
    lines.
    """
    return tuple(re.compile(each, re.MULTILINE) for each in expressions)


def _line_starts(text: str) -> list[int]:
    starts = [0]
    starts.extend(match.end() for match in re.finditer("\n", text))
    return starts


def _marked(
    text: str, starts: list[int], expressions: Iterable[re.Pattern[str]]
) -> set[int]:
    """Return the lines that hold a match, or a part of one."""
    lines: set[int] = set()
    for expression in expressions:
        for match in expression.finditer(text):
            if match.end() > match.start():
                first = bisect_right(starts, match.start())
                last = bisect_right(starts, match.end() - 1)
                lines.update(range(first, last + 1))
    return lines


class _Walk:
    """Goes through the statements of a source."""

    def __init__(self, lines: list[str], found: Exclusions) -> None:
        self.clauses: list[_Clause] = []
        self._lines = lines
        self._found = found

    def suite(self, body: Sequence[ast.stmt]) -> None:
        """Take what stands in a block."""
        # Not by recursion: an `elif` stands in the `else` of the one before.
        rest = list(body)
        while rest:
            rest.extend(self._statement(rest.pop()))

    def _statement(self, node: ast.stmt) -> Iterator[ast.stmt]:
        """Take one statement. Yields those within it."""
        first = _first(node)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield from self._clause(first, node.body)
            case ast.With() | ast.AsyncWith():
                # By version, the place is that of the item or of the statement.
                self._found.places.add(_place(node))
                items = (item.context_expr for item in node.items)
                self._found.places.update(map(_place, items))
                yield from self._clause(first, node.body)
            case ast.If() | ast.While() | ast.For() | ast.AsyncFor():
                yield from self._clause(first, node.body)
                if isinstance(node, ast.If) and _is_type_checking(node.test):
                    self._found.lines.update(range(first, _last(node.body) + 1))
                yield from self._else("else", node.body, node.orelse)
            case ast.Try() | ast.TryStar():
                yield from self._try(node)
            case ast.Match():
                self.clauses.append(_Clause(first, first, _last([node])))
                for case in node.cases:
                    yield from self._clause(case.pattern.lineno, case.body)
            case ast.Assert():
                # Where pytest has rewritten it, what decides is the statement.
                self._found.places.update(
                    _place(each)
                    for each in ast.walk(node)
                    if isinstance(each, (ast.expr, ast.Assert))
                )
                self.clauses.append(_Clause(first, _last([node]), _last([node])))
            case _:
                self.clauses.append(_Clause(first, _last([node]), _last([node])))

    def _try(self, node: ast.Try | ast.TryStar) -> Iterator[ast.stmt]:
        yield from self._clause(node.lineno, node.body)
        before: Sequence[ast.stmt] = node.body
        for handler in node.handlers:
            yield from self._clause(handler.lineno, handler.body)
            before = handler.body
        if node.handlers and node.handlers[-1].type is not None:
            self._found.places.add(_place(node.handlers[-1]))
        yield from self._else("else", before, node.orelse)
        yield from self._else("finally", node.orelse or before, node.finalbody)

    def _clause(self, first: int, body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
        self.clauses.append(
            _Clause(first, self._header(first, _first(body[0])), _last(body))
        )
        yield from body

    def _else(
        self, keyword: str, before: Sequence[ast.stmt], body: Sequence[ast.stmt]
    ) -> Iterator[ast.stmt]:
        """Take a block whose header has no node of its own."""
        if not body:
            return
        inner = _first(body[0])
        for line in range(_last(before) + 1, inner + 1):
            if self._lines[line - 1].lstrip().startswith(keyword):
                yield from self._clause(line, body)
                return
        yield from body  # an `elif`

    def _header(self, first: int, body: int) -> int:
        """Return the last line of a header, whose block begins in line `body`."""
        line = max(first, body - 1)
        while line > first:
            content = self._lines[line - 1].lstrip()
            if content and not content.startswith("#"):
                break
            line -= 1
        return line


def _first(node: ast.stmt) -> int:
    """Return the first line of a statement, that of its first decorator if any."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])


def _last(body: Sequence[ast.stmt]) -> int:
    last = body[-1].end_lineno
    return body[-1].lineno if last is None else last


def _is_type_checking(test: ast.expr) -> bool:
    match test:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name == _TYPE_CHECKING
    return False


def _place(node: ast.stmt | ast.expr | ast.ExceptHandler) -> Place:
    return (
        node.lineno,
        node.end_lineno or node.lineno,
        node.col_offset,
        node.end_col_offset,
    )
