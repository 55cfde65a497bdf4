"""The report that is read on a terminal: a table, and annotated sources."""

from __future__ import annotations

import os
from dataclasses import dataclass

from exactrace import compat, source
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

    @property
    def percentage(self) -> float:
        """The share of lines that ran, 0 to 100."""
        return 100 * self.run / self.lines if self.lines else 100.0


def file_reports(results: CoverageResults) -> list[FileReport]:
    """Look at every counted file that has a source, sorted by name."""
    files = {
        filename: hits
        for filename, hits in by_file(results.counts).items()
        if not results.is_ignored_filename(filename)
    }
    reports = []
    base = results._start_directory or compat._current_directory()
    with Progress("sources", len(files)) as progress:
        for filename, lines in files.items():
            reports.append(_file_report(filename, lines, base))
            progress.step()
    return sorted(reports, key=lambda report: report.name)


def _file_report(filename: str, hits: dict[int, int], base: str) -> FileReport:
    total = sum(hits.values())
    listing = trouble = ""
    run = lines = sum(1 for line in hits if line > 0)
    try:
        found = source.read(filename, base)
        text, _ = source.decode(found.data)
        annotated, run, lines = source.annotate(
            found, text, hits, compat.PRAGMA_NOCOVER
        )
        listing = annotated.decode()
    except OSError as error:
        trouble = f"no source: {error.strerror}"
    except source.COMPILE_ERRORS as error:
        trouble = f"the source does not compile: {error}"
    return FileReport(
        name=_shown_name(filename),
        hits=hits,
        lines=lines,
        run=run,
        total=total,
        listing=listing,
        trouble=trouble,
    )


def _shown_name(filename: str) -> str:
    """Return the name relative to the current directory if it is below."""
    here = compat._current_directory()
    if here and filename.startswith(here.rstrip(os.sep) + os.sep):
        return os.path.relpath(filename, here)
    return filename


def table(reports: list[FileReport]) -> str:
    """Return a table with a row for each file, and the total."""
    lines = sum(report.lines for report in reports)
    run = sum(report.run for report in reports)
    total = sum(report.total for report in reports)
    rows = [("lines", "run", "cov%", "hits", "file")]
    for report in reports:
        name = report.name + (f"  ({report.trouble})" if report.trouble else "")
        rows.append(
            (
                str(report.lines),
                str(report.run),
                f"{report.percentage:.1f}%",
                f"{report.total:,}",
                name,
            )
        )
    if len(reports) > 1:
        share = 100 * run / lines if lines else 100.0
        rows.append((str(lines), str(run), f"{share:.1f}%", f"{total:,}", "total"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=False))
        + f"  {row[4]}\n"
        for row in rows
    )


def annotated(reports: list[FileReport]) -> str:
    """Return the annotated sources, each under its name."""
    parts = []
    for report in reports:
        share = f"{report.run} of {report.lines} lines run"
        parts.append(f"{report.name}: {report.trouble or share}\n")
        parts.append(_aligned(report.listing))
        parts.append("\n")
    return "".join(parts)


def _aligned(listing: str) -> str:
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
