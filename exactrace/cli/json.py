"""`exactrace json`: all counts, for other programs."""

from __future__ import annotations

import argparse
import itertools

from exactrace import jsonreport
from exactrace.cli import options, reading, selection


def build_parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser of this subcommand."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Write all counts as JSON: of lines, branches, functions and "
        "calls, by file. docs/json.md tells what is where.",
    )
    selection.add(parser)
    parser.add_argument(
        "--pretty", action="store_true", help="one item a line, indented"
    )
    options.add_data(parser)
    options.add_output(parser, "standard output")
    return parser


def main(argv: list[str], prog: str, _expected: set[str]) -> None:
    """Run this subcommand."""
    given = build_parser(prog).parse_args(argv)
    settings = selection.settings(given)
    results = reading.read(given.data)
    with selection.errors():
        parts = jsonreport.write(results, settings, given.files, pretty=given.pretty)
        options.write_whole(given.output, itertools.chain(parts, "\n"))
