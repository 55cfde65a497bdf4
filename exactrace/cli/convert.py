"""`exactrace convert`: to and from data files of coverage.py."""

from __future__ import annotations

import argparse
import os
import sys

from exactrace import countsfile, datafolder
from exactrace.cli import options, reading
from exactrace.reports import coveragedata, scope, text

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from exactrace.results import CoverageResults


def build_parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser of this subcommand."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Write counts as a data file of coverage.py 7, from which `coverage "
        "report`, `html` and the others work: with steps from line to line where "
        "branches were counted. Or read such a file: lines that ran get one hit each, "
        "as it does not say how often they ran.",
    )
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument(
        "--to", choices=["coverage"], help="write a data file from the counts"
    )
    way.add_argument(
        "--from",
        choices=["coverage"],
        dest="from_",
        help="add what a data file holds to the folder for counts",
    )
    parser.add_argument(
        "file",
        nargs="?",
        default=".coverage",
        metavar="FILE",
        help="the data file of coverage.py (default: .coverage)",
    )
    options.add_data(parser)
    return parser


def main(argv: list[str], prog: str, _expected: set[str]) -> None:
    """Run this subcommand."""
    wanted = build_parser(prog).parse_args(argv)
    try:
        if wanted.to:
            _give(wanted.file, reading.read(wanted.data))
        else:
            _take(wanted.file, wanted.data)
    except coveragedata.CoverageDataError as error:
        sys.exit(f"exactrace: {error}")


def _give(path: str, results: CoverageResults) -> None:
    for name, trouble in coveragedata.write(path, results):
        shown = text.printable(scope.shown_name(name))
        print(f"exactrace: {shown}: {text.printable(trouble)}", file=sys.stderr)


def _take(path: str, folder: str) -> None:
    results = coveragedata.read(path)
    try:
        name = datafolder.write(folder, results, "converted")
    except (OSError, countsfile.CountsFileError) as error:
        sys.exit(f"exactrace: cannot write to {folder!r}: {error}")
    files = len({name for name, _ in results.counts})
    print(f"{os.path.join(folder, name)}: {len(results.counts)} lines in {files} files")
