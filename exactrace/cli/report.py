"""`exactrace report`: shows what a run has counted."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exactrace import calls
from exactrace.cli import options, selection
from exactrace.cli.reading import read
from exactrace.reports import model, partial, text
from exactrace.reports.model import Totals
from exactrace.results import CoverageResults
from exactrace.settings import FORMATS, SORTS, Settings

if TYPE_CHECKING:
    from typing import TextIO

MOST_SIDES = 20  # that are listed below the table
MOST_HOT = 10  # lines, if --hot does not say how many


def build_parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser of this subcommand."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Show what `exactrace run` has counted: a table of files, or "
        "their sources with the count of each line.",
        epilog="Most of these can be set in the table [tool.exactrace] of "
        "pyproject.toml, too.",
    )
    selection.add(parser)
    parser.add_argument(
        "--calls", action="store_true", help="list the functions and their calls too"
    )
    parser.add_argument(
        "--hot",
        nargs="?",
        type=_positive,
        const=MOST_HOT,
        metavar="N",
        help=f"list the N lines that ran most, with their source (default: {MOST_HOT})",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="text for a terminal, markdown for a page, or only the total in percent "
        "(default: text)",
    )
    parser.add_argument(
        "--sort",
        type=_sort,
        metavar="KEY",
        help=f"sort the files by {', '.join(SORTS)}; --sort=-KEY turns it round "
        "(default: name)",
    )
    parser.add_argument(
        "--skip-covered",
        action=argparse.BooleanOptionalAction,
        help="leave out files of which nothing is missing",
    )
    parser.add_argument(
        "--precision",
        type=_precision,
        metavar="N",
        help="digits behind the point of percentages (default: 1)",
    )
    parser.add_argument(
        "--fail-under",
        type=_percentage,
        metavar="PERCENT",
        help="end with status 2 if the total is less",
    )
    options.add_listing(parser)
    options.add_color(parser)
    options.add_data(parser)
    options.add_output(parser, "standard output")
    return parser


def _positive(value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise argparse.ArgumentTypeError(f"{value!r} is no number from 1 on")
    return int(value)


def _sort(value: str) -> str:
    found: str = selection.checked("sort", value)
    return found


def _precision(value: str) -> int:
    found: int = selection.checked("precision", value, int)
    return found


def _percentage(value: str) -> float:
    found: float = selection.checked("fail_under", value, float)
    return found


@dataclass(frozen=True)
class Shown:
    """What a report has shown."""

    files: int
    totals: Totals


def show(
    results: CoverageResults,
    settings: Settings,
    wanted: argparse.Namespace,
    default: TextIO | None,
) -> Shown:
    """Write the report that the settings and the command line ask for.

    Raises SettingsError.
    """
    reports = model.file_reports(results, settings, getattr(wanted, "files", ()))
    hot = getattr(wanted, "hot", None)
    hottest = text.Hottest(hot or 0)
    rows = []
    never: list[str] = []
    with options.open_output(wanted.output, default) as out:
        for report in reports:
            rows.append(text.row(report))
            if wanted.annotate:
                out.write(text.annotated(report))
            elif settings.format == "text":
                name = text.printable(report.shown)
                never += [f"{name}:{what}\n" for what in partial.lines(report)]
            if hot:
                hottest.add(report)
        rows = text.ordered(rows, settings.sort)
        style = text.Style(
            settings.precision,
            None if wanted.output else options.width(out),
            options.is_colored(getattr(wanted, "color", "auto"), out),
            settings.fail_under,
            settings.skip_covered,
        )
        if settings.format == "total":
            if rows:
                out.write(text.percentage(text.total(rows), settings.precision) + "\n")
        elif settings.format == "markdown":
            _write_markdown(out, rows, style, hottest if hot else None)
        elif rows:
            out.write(text.table(rows, style))
            out.write(_never(never))
            if hot:
                out.write("\n" + hottest.table(style.width))
        if wanted.calls and settings.format != "total":
            out.write("\n" + (calls.table(results) or "no calls were counted\n"))
    # Where nobody reads on, what is left counts all the same.
    rows += [text.row(report) for report in reports]
    if wanted.coverdir is not None:
        results._write_results(True, False, wanted.coverdir, "report")
    return Shown(len(rows), text.total(rows))


def _write_markdown(
    out: TextIO, rows: list[text.Row], style: text.Style, hottest: text.Hottest | None
) -> None:
    if rows:
        out.write(text.markdown(rows, style))
    if hottest is not None:
        out.write("\n" + hottest.markdown())


def _never(sides: list[str]) -> str:
    """Return what is said of sides that were never taken."""
    if not sides:
        return ""
    rest = len(sides) - MOST_SIDES
    if rest > 0:
        sides[MOST_SIDES:] = [f"... and {rest} more: see --annotate\n"]
    return "\nSides that were never taken:\n" + "".join(sides)


def main(argv: list[str], prog: str, _expected: set[str]) -> None:
    """Run this subcommand."""
    parser = build_parser(prog)
    wanted = parser.parse_args(argv)
    settings = selection.settings(wanted)
    if wanted.format is None and (wanted.annotate or wanted.calls):
        settings.format = "text"
    if settings.format != "text":
        for name in ("annotate", "calls"):
            if getattr(wanted, name):
                parser.error(f"--{name} does not go with --format {settings.format}")
    results = read(wanted.data)
    with selection.errors():
        shown = show(results, settings, wanted, sys.stdout)
    if shown.files == 0:
        selection.say_nothing_to_show(wanted)
    enough = settings.fail_under
    if enough is not None and shown.totals.percent < enough:
        print(
            f"exactrace: the total of {_below(shown.totals, enough)}% is under "
            f"{enough:g}%",
            file=sys.stderr,
        )
        sys.exit(2)


def _below(totals: Totals, enough: float) -> str:
    """Return the share with as many digits as show that it is not enough."""
    for precision in range(1, 16):
        shown = text.percentage(totals, precision)
        if float(shown) < enough:
            return shown
    return repr(totals.percent)
