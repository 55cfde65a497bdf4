"""`exactrace annotate`: a listing of each source with the count of each line."""

from __future__ import annotations

import argparse
import sys

from exactrace.cli import helptext, options, reading, selection
from exactrace.paths import current_directory
from exactrace.reports import scope


def build_parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser of this subcommand."""
    parser = argparse.ArgumentParser(
        prog=prog,
        formatter_class=helptext.Formatter,
        description="Write the source of each file with the count of each line in the "
        "margin, as the standard trace module does: to MODULE.cover. Lines that never "
        "ran are marked '>>>>>>'.",
    )
    selection.add(parser)
    options.add_data(parser)
    parser.add_argument(
        "-C",
        "--coverdir",
        metavar="DIR",
        help="folder for the listings, made if need be (default: beside each source)",
    )
    return parser


def main(argv: list[str], prog: str, _expected: set[str]) -> None:
    """Run this subcommand."""
    wanted = build_parser(prog).parse_args(argv)
    results = reading.lines(wanted.data)
    start = results._start_directory or current_directory()
    with selection.errors():
        within = scope.of(selection.settings(wanted), wanted.files)
    names = results._by_file().names
    if not any(within.has(scope.absolute(name, start)) for name in names):
        selection.say_nothing_to_show(wanted)
    try:
        results._write_results(True, False, wanted.coverdir, "report", within.has)
    except OSError as error:
        sys.exit(f"exactrace: not all listings could be written: {error}")
