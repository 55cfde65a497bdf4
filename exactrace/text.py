"""The report that is read on a terminal: a table, and annotated sources."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from exactrace import branches, compat, source
from exactrace.progress import Progress
from exactrace.results import CoverageResults, by_file

# How listings mark lines without a count.
_NOT_CODE = " " * 7
_MISSING = ">>>>>> "


@dataclass(frozen=True)
class FileReport:
    """What is known of one file that was counted."""

    name: str  # as shown: relative to the current directory if below it
    hits: dict[int, int]  # hits by line number
    lines: int  # lines that could run
    run: int  # lines that did
    total: int  # hits of all lines
    listing: str  # annotated source; "" if the source cannot be read
    trouble: str  # why the source could not be read, or ""
    branches: branches.FileBranches | None  # None: none were counted


def file_reports(results: CoverageResults) -> list[FileReport]:
    """Look at every counted file that has a source, sorted by name."""
    files = {
        filename: hits
        for filename, hits in by_file(results.counts).items()
        if not results.is_ignored_filename(filename)
    }
    counted = branches.by_file(results.branches)
    reports = []
    base = results._start_directory or compat._current_directory()
    with Progress("sources", len(files)) as progress:
        for filename, lines in files.items():
            sides = counted.get(filename, {}) if counted else None
            reports.append(_file_report(filename, lines, base, sides))
            progress.step()
    return sorted(reports, key=lambda report: report.name)


def _file_report(
    filename: str,
    hits: dict[int, int],
    base: str,
    counted: dict[branches.Place, dict[bool, int]] | None,
) -> FileReport:
    total = sum(hits.values())
    listing = trouble = ""
    compiles = None
    run = lines = sum(1 for line in hits if line > 0)
    try:
        found = source.read(filename, base)
        text, _ = source.decode(found.data)
        annotated, run, lines = source.annotate(
            found, text, hits, compat.PRAGMA_NOCOVER
        )
        listing = annotated.decode()
        compiles = found
    except OSError as error:
        trouble = f"no source: {error.strerror}"
    except source.COMPILE_ERRORS as error:
        trouble = f"the source does not compile: {error}"
    return FileReport(
        name=shown_name(filename),
        hits=hits,
        lines=lines,
        run=run,
        total=total,
        listing=listing,
        trouble=trouble,
        branches=None if counted is None else branches.of_file(counted, compiles),
    )


def shown_name(filename: str) -> str:
    """Return the name relative to the current directory if it is below."""
    here = compat._current_directory()
    if here and filename.startswith(here.rstrip(os.sep) + os.sep):
        return os.path.relpath(filename, here)
    return filename


def table(reports: list[FileReport]) -> str:
    """Return a table with a row for each file, and the total; with columns for
    branches, where they were counted.
    """
    with_branches = any(report.branches is not None for report in reports)
    head = ["lines", "run", "cov%"]
    if with_branches:
        head += ["sides", "taken", "br%"]
    rows = [[*head, "hits", "file"]]
    sums = [0, 0, 0, 0, 0]
    for report in reports:
        sides = report.branches
        numbers = [report.lines, report.run, 0, 0, report.total]
        if sides is not None:
            numbers[2:4] = sides.total, sides.taken
        sums = [one + other for one, other in zip(sums, numbers, strict=True)]
        name = report.name + (f"  ({report.trouble})" if report.trouble else "")
        rows.append(_row(numbers, with_branches, name))
    if len(reports) > 1:
        rows.append(_row(sums, with_branches, "total"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[-1] = 0
    return "".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        + "\n"
        for row in rows
    )


def _row(numbers: list[int], with_branches: bool, name: str) -> list[str]:
    """Return the cells for lines, lines run, sides, sides taken, and hits."""
    lines, run, sides, taken, hits = numbers
    cells = [str(lines), str(run), _share(run, lines)]
    if with_branches:
        cells += [str(sides), str(taken), _share(taken, sides)]
    return [*cells, f"{hits:,}", name]


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole if whole else 100:.1f}%"


def partial(reports: list[FileReport], most: int) -> str:
    """Return what was always decided in the same way, `most` lines at most."""
    found = [
        f"{report.name}:{what}\n"
        for report in reports
        if report.branches is not None
        for what in report.branches.partial()
    ]
    if not found:
        return ""
    rest = len(found) - most
    if rest > 0:
        found[most:] = [f"... and {rest} more: see --annotate\n"]
    return "\nSides that were never taken:\n" + "".join(found)


def annotated(reports: list[FileReport]) -> str:
    """Return the annotated sources, each under its name."""
    parts = []
    for report in reports:
        share = f"{report.run} of {report.lines} lines run"
        parts.append(f"{report.name}: {report.trouble or share}\n")
        parts.append(aligned(report.listing))
        parts.append(partial([report], sys.maxsize).lstrip("\n"))
        parts.append("\n")
    return "".join(parts)


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
