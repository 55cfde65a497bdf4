"""`exactrace who`: which tests ran a line."""

from __future__ import annotations

import argparse
import json
import os
import sys

from exactrace.cli import options, reading


def build_parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser of this subcommand."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Tell which tests ran a line, and how often, the most first; of a "
        "file, which tests ran anything of it. Needs counts of `pytest --exactrace "
        "--exactrace-contexts`.",
    )
    parser.add_argument("place", metavar="FILE[:LINE]", help="what is asked for")
    parser.add_argument("--json", action="store_true", help="write it as JSON")
    options.add_data(parser)
    return parser


def split(place: str) -> tuple[str, int | None]:
    """Return the absolute path and the line, if one is given."""
    path, colon, number = place.rpartition(":")
    if colon and number.isascii() and number.isdigit():
        return os.path.abspath(path), int(number)
    return os.path.abspath(place), None


def main(argv: list[str], prog: str, _expected: set[str]) -> None:
    """Run this subcommand."""
    wanted = build_parser(prog).parse_args(argv)
    results = reading.read(wanted.data)
    if not results.contexts:
        sys.exit(
            f"exactrace: {wanted.data!r} does not say which test ran what: run them with "
            "`pytest --exactrace --exactrace-contexts`"
        )
    path, line = split(wanted.place)
    hits: dict[str, int] = {}
    for (context, file, number), count in results.contexts.items():
        if os.path.abspath(file) == path and line in (None, number):
            hits[context] = hits.get(context, 0) + count
    if not hits:
        sys.exit(f"exactrace: no test ran {wanted.place!r}")
    found = sorted(hits.items(), key=lambda item: (-item[1], item[0]))
    if wanted.json:
        rows = [{"test": context, "hits": count} for context, count in found]
        print(json.dumps(rows))
        return
    width = max(len(f"{count:,}") for _, count in found)
    for context, count in found:
        print(f"{count:{width},}  {context}")
