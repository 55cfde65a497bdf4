"""Decisions that a program is not expected to take both ways, found in the text.

`exclusions.find` gets them from the syntax tree, which takes longer than all else
that a report does. Most sources are plain enough to do without, but for the tree of
a statement here and there; for the others, UnclearError is raised.
"""

from __future__ import annotations

import re

from exactrace import source
from exactrace.reports import exclusions

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable

    from exactrace.reports.exclusions import Place

# Lines that begin a statement (the line break before them is what makes the search
# fast), and words that may do so behind another.
_STATEMENT = re.compile(r"\n[ \t]*(?:assert|(?:async[ \t]+)?with)\b.*")
_WITHIN = re.compile(r"[:;][ \t]*(?:assert|async|with)\b")
_HEAD = re.compile(rb"[ \t\f]*(assert|(?:async[ \t]+)?with)\b")
_EXCEPT = re.compile(rb"except\b")
_KEYWORD = re.compile(rb"(?:async[ \t]+)?with\b")
_LONGEST = 12  # lines of a statement that is looked at by itself


class UnclearError(Exception):
    """The text alone does not tell."""


def places(text: str, branches: Iterable[Place]) -> set[Place]:
    """Return which of the branches of a source decide an `assert`, whether a `with`
    swallows an exception, or whether the last `except` lets one go by.

    Raises UnclearError.
    """
    if _WITHIN.search(text):
        raise UnclearError
    lines = text.encode(errors="replace").split(b"\n")
    known: dict[int, set[Place]] = {}  # of the lines of statements looked at
    whole = f"\n{text}"
    for match in _STATEMENT.finditer(whole):
        if not _is_whole(match.group()):
            known.update(_of_statement(lines, whole.count("\n", 0, match.end())))
    found = set()
    for place in branches:
        line = place[0]
        if place[2] is None or not 0 < line <= len(lines):
            continue
        content = lines[line - 1]
        if line in known:
            is_one = place in known[line] or bool(_KEYWORD.match(content, place[2]))
        else:
            # Quicker than an expression, and seldom true.
            may_be = b"with" in content or b"except" in content or b"assert" in content
            is_one = may_be and _is_unexpected(place, lines)
        if is_one:
            found.add(place)
    return found


def _is_whole(line: str) -> bool:
    """Whether a statement surely ends on its line."""
    if line.endswith("\\") or '"""' in line or "'''" in line or ";" in line:
        return False
    counts = [line.count(bracket) for bracket in "()[]{}"]
    return counts[::2] == counts[1::2]


def _of_statement(lines: list[bytes], first: int) -> dict[int, set[Place]]:
    """Return {line: places} for the lines of an `assert`, or of the head of a `with`.
    Raises UnclearError where none begins in the line `first`, or it is a long one.
    """
    indent = lines[first - 1][: -len(lines[first - 1].lstrip())]
    head = b"if 1:\n" if indent else b"\n"
    body = b"" if lines[first - 1].lstrip().startswith(b"assert") else b"pass"
    for last in range(first, min(first + _LONGEST, len(lines) + 1)):
        if body and b":" not in lines[last - 1]:
            continue
        content = head + b"\n".join(lines[first - 1 : last])
        for ending in (b"\n%b %b\n" % (indent, body), b"\n"):
            try:
                text = (content + ending).decode()
                tree = source.parse(text)
            except source.COMPILE_ERRORS:
                continue
            found = {
                (line + first - 2, end_line + first - 2, column, end_column)
                for line, end_line, column, end_column in exclusions.find(
                    text, tree, ()
                ).places
            }
            return dict.fromkeys(range(first, last + 1), found)
    raise UnclearError


def _is_unexpected(place: Place, lines: list[bytes]) -> bool:
    line, end_line, column, _ = place
    assert column is not None
    whole = lines[line - 1]
    if _EXCEPT.match(whole, column):
        return not _has_next(lines, end_line, column)
    if _KEYWORD.match(whole, column):
        return True
    head = _HEAD.match(whole)
    if head is None:
        return False
    if head.group(1) == b"assert":
        return column >= head.start(1)  # the statement, where pytest has rewritten it
    if column < head.end():
        return False
    before = whole[head.end() : column].strip()
    if b"," in before or b"(" in before:
        raise UnclearError
    return not before


def _has_next(lines: list[bytes], end_line: int, column: int) -> bool:
    """Whether another `except` follows the one that ends in this line."""
    for line in lines[end_line:]:
        content = line.lstrip()
        if content and not content.startswith(b"#"):
            is_next = _EXCEPT.match(content) is not None
            return is_next and len(line) - len(content) == column
    return False
