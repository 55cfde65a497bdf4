"""`exactrace report`: shows what a run has counted."""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
from typing import TYPE_CHECKING

from exactrace import calls, countsfile, datafolder, text
from exactrace.cli import options
from exactrace.results import CoverageResults

if TYPE_CHECKING:
    from typing import NoReturn, TextIO

MOST_SIDES = 20  # that are listed below the table


def build_parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser of this subcommand."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Show what `exactrace run` has counted: a table of files, or "
        "their sources with the count of each line.",
    )
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="show only these; patterns such as 'app/*.py' too (default: all)",
    )
    parser.add_argument(
        "--calls", action="store_true", help="list the functions and their calls too"
    )
    options.add_listing(parser)
    options.add_data(parser)
    options.add_output(parser, "standard output")
    return parser


def show(
    results: CoverageResults, settings: argparse.Namespace, default: TextIO | None
) -> int:
    """Write the report that -a, -C and -o ask for. Returns the number of files."""
    reports = text.file_reports(results)
    patterns = getattr(settings, "files", [])
    if patterns:
        reports = [report for report in reports if _matches(report.name, patterns)]
    with options.open_output(settings.output, default) as out:
        if settings.annotate:
            out.write(text.annotated(reports))
        if reports:
            out.write(text.table(reports))
            if not settings.annotate:
                out.write(text.partial(reports, MOST_SIDES))
        if settings.calls:
            out.write("\n" + (calls.table(results) or "no calls were counted\n"))
    if settings.coverdir is not None:
        results._write_results(True, False, settings.coverdir, "report")
    return len(reports)


def _matches(name: str, patterns: list[str]) -> bool:
    path = os.path.abspath(name)
    return any(fnmatch.fnmatch(path, os.path.abspath(pattern)) for pattern in patterns)


def main(argv: list[str], prog: str, _expected: set[str]) -> None:
    """Run this subcommand."""
    settings = build_parser(prog).parse_args(argv)
    results = read(settings.data)
    if show(results, settings, sys.stdout) == 0:
        what = "of these files " if settings.files else ""
        sys.exit(f"exactrace: {settings.data!r} holds no counts {what}to show")


def read(path: str) -> CoverageResults:
    """Return what a folder or a counts file holds, also one of the standard module;
    or end with status 1 and a message.
    """
    if not os.path.isdir(path):
        return _read_file(path)
    try:
        names = datafolder.files(path)
    except OSError as error:
        sys.exit(f"exactrace: cannot read the folder {path!r}: {error.strerror}")
    try:
        results, _, troubles = datafolder.read(path, names)
    except countsfile.CountsFileError as error:
        sys.exit(f"exactrace: cannot read the folder {path!r}: {error}")
    for trouble in troubles:
        print(f"exactrace: {trouble}", file=sys.stderr)
    if not names:
        _say_nothing_there(path)
    return results


def _read_file(path: str) -> CoverageResults:
    try:
        return countsfile.load_results(path)[0]
    except FileNotFoundError:
        _say_nothing_there(path)
    except (OSError, EOFError, countsfile.CountsFileError) as error:
        sys.exit(f"exactrace: cannot read the counts file {path!r}: {error}")


def _say_nothing_there(path: str) -> NoReturn:
    sys.exit(
        f"exactrace: no counts in {path!r}: run a program with `exactrace run` first, "
        "or name another place with --data"
    )
