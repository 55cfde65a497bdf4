# SPDX-License-Identifier: Apache-2.0
"""Tables, as Markdown that is also readable as it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FAILED = "failed"


@dataclass
class Table:
    """A title, a sentence about what the numbers mean, and rows of cells."""

    title: str
    meaning: str
    head: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, cells: Iterable[str]) -> None:
        self.rows.append([name, *cells])

    def note_failures(self, failures: Mapping[tuple[str, str], str]) -> None:
        """Add a note for each reason of a failure, with where it was met."""
        places: dict[tuple[str, str], list[str]] = {}
        for (row, tool), reason in failures.items():
            places.setdefault((tool, reason), []).append(row)
        for (tool, reason), rows in places.items():
            where = ", ".join(rows) if len(rows) < 6 else f"{len(rows)} rows"
            self.notes.append(f"{FAILED}: {tool} on {where}: {reason}")

    def render(self) -> str:
        """Return the table as text that ends in a newline."""
        widths = [
            max(len(row[column]) for row in [self.head, *self.rows])
            for column in range(len(self.head))
        ]
        lines = [f"## {self.title}", "", self.meaning, ""]
        lines.append(_line(self.head, widths))
        rules = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
        lines.append(_line(rules, widths))
        lines += [_line(row, widths) for row in self.rows]
        if self.notes:
            lines += ["", *(f"- {note}" for note in self.notes)]
        return "\n".join(lines) + "\n"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = cells[0].ljust(widths[0])
    others = [
        cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=False)
    ]
    return "| " + " | ".join([first, *others]) + " |"


def number(value: float | None, digits: int = 2, factor: float = 1.0) -> str:
    """Return value * factor with so many digits, or the word for none."""
    return FAILED if value is None else f"{value * factor:.{digits}f}"
