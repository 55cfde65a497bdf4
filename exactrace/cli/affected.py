"""`exactrace affected`: which tests a change can reach."""

from __future__ import annotations

import argparse
import os
import sys

from exactrace import affected
from exactrace.cli import options, reading

NONE = 5  # the exit status of pytest, too, when there are no tests


def build_parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser of this subcommand."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Name the tests that the changes since a revision of Git, committed "
        "or not, can reach, one in a line, for pytest: tests that ran a changed function, "
        "changed test files, or '.' for all where something that runs on import has "
        "changed. Says on stderr what is not known. Needs counts of `pytest --exactrace "
        "--exactrace-contexts`. The exit status is 5 if there are none.",
    )
    parser.add_argument(
        "--since",
        required=True,
        metavar="REV",
        help="the revision that the working tree is compared with",
    )
    parser.add_argument(
        "-0",
        "--null",
        action="store_true",
        help="end each name with a null character instead of a line break",
    )
    options.add_output(parser, "standard output")
    options.add_data(parser)
    return parser


def main(argv: list[str], prog: str, _expected: set[str]) -> None:
    """Run this subcommand."""
    wanted = build_parser(prog).parse_args(argv)
    results = reading.read(wanted.data)
    if not results.contexts:
        sys.exit(
            f"exactrace: {wanted.data!r} does not say which test ran what: run them with "
            "`pytest --exactrace --exactrace-contexts`"
        )
    try:
        repository = affected.Repository(os.getcwd(), wanted.since)
        found = affected.Affected(results, repository)
    except affected.AffectedError as error:
        sys.exit(f"exactrace: {error}")
    for remark in found.remarks:
        print(f"exactrace: {remark}", file=sys.stderr)
    end = "\0" if wanted.null else "\n"
    with options.open_output(wanted.output, sys.stdout) as out:
        for target in found.targets:
            out.write(target + end)
    if not found.targets:
        print("exactrace: no test is affected", file=sys.stderr)
        sys.exit(NONE)
