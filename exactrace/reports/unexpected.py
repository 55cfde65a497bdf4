"""Decisions that a program is not expected to take both ways, found in the text.

`exclusions.find` gets them from the syntax tree, which takes longer than all else
that a report does. Most sources are plain enough to do without; for the others,
UnclearError is raised.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable

    from exactrace.reports.exclusions import Place

# Lines that begin a statement, and words that may do so behind another.
_STATEMENT = re.compile(r"^[ \t]*(?:assert|(?:async[ \t]+)?with)\b.*$", re.MULTILINE)
_WITHIN = re.compile(r"[:;][ \t]*(?:assert|async|with)\b")
_HEAD = re.compile(rb"[ \t\f]*(assert|(?:async[ \t]+)?with)\b")
_EXCEPT = re.compile(rb"except\b")
_KEYWORD = re.compile(rb"(?:async[ \t]+)?with\b")


class UnclearError(Exception):
    """The text alone does not tell."""


def places(text: str, branches: Iterable[Place]) -> set[Place]:
    """Return which of the branches of a source decide an `assert`, whether a `with`
    swallows an exception, or whether the last `except` lets one go by.

    Raises UnclearError.
    """
    if _WITHIN.search(text) or not all(
        _is_whole(match.group()) for match in _STATEMENT.finditer(text)
    ):
        raise UnclearError
    lines = text.encode(errors="replace").split(b"\n")
    return {place for place in branches if _is_unexpected(place, lines)}


def _is_whole(line: str) -> bool:
    """Whether a statement surely ends on its line."""
    if line.endswith("\\") or '"""' in line or "'''" in line or ";" in line:
        return False
    counts = [line.count(bracket) for bracket in "()[]{}"]
    return counts[::2] == counts[1::2]


def _is_unexpected(place: Place, lines: list[bytes]) -> bool:
    line, end_line, column, _ = place
    if column is None or not 0 < line <= len(lines):
        return False
    whole = lines[line - 1]
    if _EXCEPT.match(whole, column):
        return not _has_next(lines, end_line, column)
    if _KEYWORD.match(whole, column):
        return True
    head = _HEAD.match(whole)
    if head is None or column < head.end():
        return False
    if head.group(1) == b"assert":
        return True
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
