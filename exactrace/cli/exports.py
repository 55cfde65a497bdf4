"""`exactrace lcov`, `xml`, `callgrind` and `dot`: counts for other tools."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from exactrace.cli import options, reading, selection
from exactrace.reports import callgrind, cobertura, dot, lcov, model, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exactrace.results import CoverageResults
    from exactrace.settings import Settings

_ABOUT = {
    "lcov": "Write what `exactrace run` has counted as a tracefile of lcov: hits of "
    "lines; of sides, with --branch; of functions, with --branch or --calls.",
    "xml": "Write what `exactrace run` has counted as XML of Cobertura: hits of lines; "
    "conditions, with --branch.",
    "callgrind": "Write what `exactrace run --calls` has counted as a profile of "
    "Callgrind, for KCachegrind: hits of lines, calls between functions.",
    "dot": "Write what `exactrace run --calls` has counted as a call graph for "
    "Graphviz.",
}


def main(kind: str, argv: list[str], prog: str) -> None:
    """Run one of these subcommands."""
    parser = argparse.ArgumentParser(prog=prog, description=_ABOUT[kind])
    selection.add(parser)
    options.add_data(parser)
    options.add_output(parser, "standard output")
    if kind == "dot":
        parser.add_argument(
            "--min-calls",
            type=int,
            default=1,
            metavar="N",
            help="leave out pairs of functions with fewer calls (default: 1)",
        )
    wanted = parser.parse_args(argv)
    settings = selection.settings(wanted)
    results = reading.read(wanted.data)
    if kind in ("callgrind", "dot") and not results.call_graph:
        sys.exit(
            f"exactrace: {wanted.data!r} holds no calls: count them with "
            "`exactrace run --calls`"
        )
    try:
        with selection.errors():
            export(kind, results, settings, wanted)
    except lcov.UnfitError as error:
        sys.exit(f"exactrace: {error}")


def export(
    kind: str,
    results: CoverageResults,
    settings: Settings,
    wanted: argparse.Namespace,
) -> None:
    """Write an export to where -o says. Ends with status 1 and a message if it is
    empty. Raises SettingsError and UnfitError.
    """
    reports = model.file_reports(results, settings, wanted.files)
    first = next(reports, None)
    if first is None:
        selection.say_nothing_to_show(wanted)
    whole = _chain(first, reports)
    if kind != "dot":  # which needs no sources
        whole = _with_notes(whole)
    if kind == "lcov":
        parts = lcov.write(whole)
    elif kind == "xml":
        parts = cobertura.write(whole)
    elif kind == "callgrind":
        parts = callgrind.write(whole, results)
    else:
        paths = {each.path for each in whole}
        parts = dot.write(results, paths, wanted.min_calls)
    options.write_whole(wanted.output, parts)


def _chain(
    first: model.FileReport, rest: Iterator[model.FileReport]
) -> Iterator[model.FileReport]:
    yield first
    yield from rest


def _with_notes(reports: Iterator[model.FileReport]) -> Iterator[model.FileReport]:
    """Yield reports, and say on standard error what is wrong with their sources."""
    for each in reports:
        if each.trouble:
            name, trouble = text.printable(each.shown), text.printable(each.trouble)
            print(f"exactrace: {name}: {trouble}", file=sys.stderr)
        yield each
