"""The report that is read on a terminal or in a pull request: a table, annotated
sources, the lines that ran most.
"""

from __future__ import annotations

import heapq
import re
from array import array
from dataclasses import dataclass

from exactrace import _native
from exactrace.reports import partial
from exactrace.reports.model import FileReport, Totals

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable

# How listings mark lines without a count.
_NOT_CODE = " " * 7
_MISSING = ">>>>>> "

_RED, _YELLOW, _GREEN, _PLAIN = "\033[31m", "\033[33m", "\033[32m", "\033[0m"
_LOW = 50.0  # percent from which on a share is not red, if nobody has said
_NARROWEST = 12  # of the last column, on a terminal however narrow

_MARKDOWN = re.compile(r"([\\`*_\[\]<>|&~#])")


@dataclass(frozen=True)
class Row:
    """What the table tells of one file."""

    name: str
    totals: Totals
    missing: str
    has_branches: bool


@dataclass(frozen=True)
class Style:
    """How tables look.

    precision: digits behind the point of shares. width: of the terminal, or None to
    cut nothing. colors: whether shares have some. enough: the share in percent from
    which on one is not red. skip_covered: leave out rows where nothing is missing.
    """

    precision: int = 1
    width: int | None = None
    colors: bool = False
    enough: float | None = None
    skip_covered: bool = False


def row(report: FileReport) -> Row:
    """Return the row of a file."""
    missing = ranges(report.missing)
    if report.trouble:
        missing = f"({printable(report.trouble)}) {missing}".rstrip()
    return Row(
        printable(report.shown), report.totals, missing, report.branches is not None
    )


def ranges(missing: Iterable[tuple[int, int]]) -> str:
    """Return ranges of lines as one writes them: 3-5, 9."""
    return ", ".join(
        str(first) if first == last else f"{first}-{last}" for first, last in missing
    )


def printable(text: str) -> str:
    """Return a text without what would move the cursor or cannot be written."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else repr(letter)[1:-1] for letter in text
    )


def percentage(totals: Totals, precision: int) -> str:
    """Return a share in percent with so many digits behind the point. It is 100
    only if nothing is missing, and 0 only if all is.
    """
    percent = totals.percent
    shown = f"{percent:.{precision}f}"
    smallest = 10**-precision
    if not totals.is_complete and float(shown) >= 100:
        return f"{100 - smallest:.{precision}f}"
    if percent > 0 and float(shown) == 0:
        return f"{smallest:.{precision}f}"
    return shown


def ordered(rows: list[Row], order: str) -> list[Row]:
    """Return rows sorted by one of `settings.SORTS`, in turn if "-" is in front;
    those that are equal stay as they are.
    """
    keys = {
        "stmts": lambda each: each.totals.statements,
        "miss": lambda each: each.totals.missed,
        "cover": lambda each: each.totals.percent,
        "hits": lambda each: each.totals.hits,
        "name": lambda each: each.name,
    }
    return sorted(rows, key=keys[order.removeprefix("-")], reverse=order[0] == "-")


def total(rows: Iterable[Row]) -> Totals:
    """Return the sum over rows."""
    return sum((each.totals for each in rows), Totals())


def table(rows: list[Row], style: Style) -> str:
    """Return a table with a row for each file, and the total if there are several;
    with columns for branches, where they were counted.
    """
    cells, skipped = _cells(rows, style)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    shares = [each.totals for each in _shown(rows, style)] + [total(rows)]
    for index, each in enumerate(cells):
        name, *numbers, missing = each
        padded = [
            cell.rjust(width) for cell, width in zip(numbers, widths[1:-1], strict=True)
        ]
        line = "  ".join([name.ljust(widths[0]), *padded])
        missing = _cut(missing, style.width, len(line) + 2)
        if style.colors and index:
            padded[-2] = _colored(padded[-2], shares[index - 1], style.enough)
            line = "  ".join([name.ljust(widths[0]), *padded])
        lines.append(f"{line}  {missing}".rstrip() + "\n")
    if skipped:
        lines.append(f"\n{skipped}.\n")
    return "".join(lines)


def markdown(rows: list[Row], style: Style) -> str:
    """Return the same as a table in Markdown."""
    cells, skipped = _cells(rows, style)
    head, *body = cells
    lines = [
        _markdown_row(head),
        _markdown_row([":--", *["--:"] * (len(head) - 2), ":--"]),
    ]
    for index, each in enumerate(body):
        name, *numbers, missing = each
        name = _MARKDOWN.sub(r"\\\1", name)
        if len(rows) > 1 and index == len(body) - 1:
            name, *numbers = (f"**{cell}**" for cell in (name, *numbers))
        lines.append(_markdown_row([name, *numbers, _MARKDOWN.sub(r"\\\1", missing)]))
    if skipped:
        lines.append(f"\n{skipped}.\n")
    return "".join(lines)


def _markdown_row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _shown(rows: list[Row], style: Style) -> list[Row]:
    if not style.skip_covered:
        return rows
    return [each for each in rows if not each.totals.is_complete]


def _cells(rows: list[Row], style: Style) -> tuple[list[list[str]], str]:
    """Return the cells of a table with its head, and what is said of rows that are
    left out.
    """
    with_branches = any(each.has_branches for each in rows)
    head = ["file", "stmts", "miss"]
    if with_branches:
        head += ["branches", "partial"]
    shown = _shown(rows, style)
    cells = [[*head, "cover", "hits", "missing"]]
    cells += [_row_cells(each, with_branches, style.precision) for each in shown]
    if len(rows) > 1:
        whole = Row("total", total(rows), "", with_branches)
        cells.append(_row_cells(whole, with_branches, style.precision))
    skipped = len(rows) - len(shown)
    files = "1 file" if skipped == 1 else f"{skipped} files"
    return cells, f"{files} with nothing missing left out" if skipped else ""


def _row_cells(each: Row, with_branches: bool, precision: int) -> list[str]:
    totals = each.totals
    cells = [each.name, str(totals.statements), str(totals.missed)]
    if with_branches:
        cells += [str(totals.branches), str(totals.partial)]
    share = f"{percentage(totals, precision)}%"
    return [*cells, share, f"{totals.hits:,}", each.missing]


def _cut(text: str, width: int | None, used: int) -> str:
    """Shorten a list to what is left of the width of a terminal."""
    if width is None:
        return text
    left = max(width - used, _NARROWEST)
    if len(text) <= left:
        return text
    whole, comma, _ = text[: left - 3].rpartition(", ")
    return f"{whole}, ..." if comma else text[: left - 3] + "..."


def _colored(text: str, totals: Totals, enough: float | None) -> str:
    color = _GREEN if totals.is_complete else _YELLOW
    if totals.percent < (_LOW if enough is None else enough):
        color = _RED
    return f"{color}{text}{_PLAIN}"


# --- Lines ------------------------------------------------------------------


class Hottest:
    """The lines with the most hits, of all files that it is shown."""

    def __init__(self, most: int) -> None:
        """most: how many lines to keep."""
        self._most = most
        # (hits, -number of the file, -line, where, source)
        self._lines: list[tuple[int, int, int, str, str]] = []
        self._files = 0

    def add(self, report: FileReport) -> None:
        """Look at the lines of a file."""
        self._files += 1
        # Of equal ones, those of earlier files stay.
        least = self._lines[-1][0] if len(self._lines) == self._most > 0 else 0
        best = heapq.nlargest(
            self._most,
            [(hits, -line) for line, hits in report.statements.items() if hits > least],
        )
        if not best:
            return
        text = (report.text or "").split("\n")
        name = printable(report.shown)
        for hits, turned in best:
            line = -turned
            content = text[line - 1].strip() if line <= len(text) else ""
            self._lines.append(
                (hits, -self._files, turned, f"{name}:{line}", printable(content))
            )
        self._lines = heapq.nlargest(self._most, self._lines)

    def lines(self) -> list[tuple[int, str, str]]:
        """Return (hits, "FILE:LINE", source) of each line, the most hits first."""
        return [(hits, where, text) for hits, _, _, where, text in self._lines]

    def table(self, width: int | None = None) -> str:
        """Return hits, place and source of each line, the most hits first."""
        rows = [(f"{hits:,}", where, text) for hits, where, text in self.lines()]
        rows.insert(0, ("hits", "line", "source"))
        first, second = (max(len(each[at]) for each in rows) for at in (0, 1))
        lines = []
        for hits, where, text in rows:
            line = f"{hits:>{first}}  {where:<{second}}  {text}".rstrip()
            lines.append((line if width is None else line[:width]) + "\n")
        return "".join(lines)

    def markdown(self) -> str:
        """Return the same as a table in Markdown."""
        lines = ["| hits | line | source |\n", "| --: | :-- | :-- |\n"]
        for hits, where, text in self.lines():
            escaped = [_MARKDOWN.sub(r"\\\1", each) for each in (where, text)]
            lines.append(_markdown_row([f"{hits:,}", *escaped]))
        return "".join(lines)


def annotated(report: FileReport) -> str:
    """Return the annotated source of a file, under its name."""
    totals = report.totals
    share = f"{totals.statements - totals.missed} of {totals.statements} lines run"
    parts = [
        f"{printable(report.shown)}: {printable(report.trouble) or share}\n",
        aligned(_listing(report)),
    ]
    never = partial.lines(report)
    if never:
        parts.append("Sides that were never taken:\n")
        parts += [f"{printable(report.shown)}:{what}\n" for what in never]
    return "".join([*parts, "\n"])


def _listing(report: FileReport) -> str:
    if report.text is None or not report.compiles:
        return ""
    marked = array("Q", bytes(8 * (max(report.statements, default=0) // 64 + 1)))
    for line in report.statements:
        marked[line // 64] |= 1 << line % 64
    try:
        listing, _, _ = _native.annotate(report.text, report.hits, marked.tobytes(), "")
        return listing.decode()
    except (OverflowError, UnicodeEncodeError):
        # Counts of more than 64 bits; lone surrogates.
        return "".join(
            _margin(report, line) + content + "\n"
            for line, content in enumerate(report.text.split("\n"), 1)
        )


def _margin(report: FileReport, line: int) -> str:
    hits = report.hits.get(line)
    if hits is not None:
        return f"{hits:5d}: "
    return _MISSING if line in report.statements else _NOT_CODE


def aligned(listing: str) -> str:
    """Widen the margin of a listing to that of its largest count."""
    rows = []
    for line in listing.split("\n"):
        if line.startswith((_NOT_CODE, _MISSING)):
            rows.append((line[:5], "  " if line[0] == " " else "> ", line[7:]))
        else:
            count, colon, text = line.partition(": ")
            rows.append((count, colon, text))
    width = max(len(margin) for margin, _, _ in rows)
    return "\n".join(
        margin.rjust(width, margin[:1]) + mark + text if margin else text
        for margin, mark, text in rows
    )
