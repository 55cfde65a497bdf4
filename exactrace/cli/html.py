"""`exactrace html`: writes a site with the counts of each line."""

from __future__ import annotations

import argparse
import os
import sys

from exactrace.cli import options, reading, selection
from exactrace.reports import html, text

FOLDER = "exactrace-html"


def build_parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser of this subcommand."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Write what `exactrace run` has counted as a site that needs no "
        "server: an index, and a page for each file, with the count of each line and "
        "branch, and the callers of each function.",
        epilog="Needs Jinja2: pip install 'exactrace[html]'.",
    )
    selection.add(parser)
    options.add_data(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        default=FOLDER,
        help="folder for the site (default: %(default)s)",
    )
    return parser


def main(argv: list[str], prog: str, _expected: set[str]) -> None:
    """Run this subcommand."""
    wanted = build_parser(prog).parse_args(argv)
    settings = selection.settings(wanted)
    results = reading.read(wanted.data)
    try:
        with selection.errors():
            files, total = html.write(results, settings, wanted.files, wanted.output)
    except html.MissingError as error:
        sys.exit(f"exactrace: {error}")
    except OSError as error:
        sys.exit(f"exactrace: cannot write the site to {wanted.output!r}: {error}")
    if not files:
        selection.say_nothing_to_show(wanted)
    index = os.path.join(wanted.output, "index.html")
    share = text.percentage(total, settings.precision)
    print(f"{index}: {share}% of {files} file{'s' if files != 1 else ''}")
