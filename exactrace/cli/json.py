"""`exactrace json`: all counts, for other programs."""

from __future__ import annotations

import argparse
import json
import sys

from exactrace import jsonreport
from exactrace.cli import options, report


def build_parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser of this subcommand."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Write all counts as JSON: of lines, branches, functions and "
        "calls, by file. docs/json.md tells what is where.",
    )
    parser.add_argument(
        "--pretty", action="store_true", help="one item a line, indented"
    )
    options.add_data(parser)
    options.add_output(parser, "standard output")
    return parser


def main(argv: list[str], prog: str, _expected: set[str]) -> None:
    """Run this subcommand."""
    given = build_parser(prog).parse_args(argv)
    document = jsonreport.document(report.read(given.data))
    with options.open_output(given.output, sys.stdout) as out:
        json.dump(document, out, indent=2 if given.pretty else None)
        out.write("\n")
