"""Rows of cells, as text of a certain width or as Markdown."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

_LEAST = 20  # characters that are left of the last column


def printable(text: str) -> str:
    """Return a text that does nothing to a terminal: what cannot be printed in it is
    escaped.
    """
    return text if text.isprintable() else ascii(text)[1:-1]


def width_of(stream: TextIO | None) -> int | None:
    """Return the width of the terminal that a stream leads to; None: it is none."""
    try:
        if stream is None or not stream.isatty():
            return None
        return shutil.get_terminal_size().columns
    except (OSError, ValueError):
        return None


def plain(rows: Sequence[Sequence[str]], width: int | None = None) -> str:
    """Return rows with aligned columns, all but the last to the right. The last one is
    cut at its beginning where a line would be longer than `width` characters.
    """
    if not rows:
        return ""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room = (
        None if width is None else max(_LEAST, width - sum(widths[:-1]) - _gaps(rows))
    )
    lines = []
    for row in rows:
        cells = [
            cell.rjust(each) for cell, each in zip(row[:-1], widths[:-1], strict=True)
        ]
        lines.append("  ".join([*cells, _cut(row[-1], room)]).rstrip() + "\n")
    return "".join(lines)


def _gaps(rows: Sequence[Sequence[str]]) -> int:
    return 2 * (len(rows[0]) - 1)


def _cut(text: str, room: int | None) -> str:
    if room is None or len(text) <= room:
        return text
    return "..." + text[len(text) - room + 3 :]


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a table in Markdown; the first one is its head."""
    if not rows:
        return ""
    head, *rest = ([_escaped(cell) for cell in row] for row in rows)
    rules = ["---:"] * (len(head) - 1) + ["---"]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rules, *rest))


def _escaped(text: str) -> str:
    for letter in "\\`*_<>|[]":
        text = text.replace(letter, f"\\{letter}")
    return text


def shown(filename: str) -> str:
    """Return a file's name relative to the current directory if it is below it."""
    try:
        here = os.getcwd()
    except OSError:
        return printable(filename)
    if filename.startswith(here.rstrip(os.sep) + os.sep):
        filename = os.path.relpath(filename, here)
    return printable(filename)
