"""`exactrace diff`: what has changed between two runs; a gate for their cost."""

from __future__ import annotations

import argparse
import json
import sys
from fractions import Fraction
from typing import TYPE_CHECKING

from exactrace import diffing, tabular
from exactrace.cli import options, reading
from exactrace.cli.combine import mapping, path_map

if TYPE_CHECKING:
    from exactrace.diffing import Change, Difference

_TOP = 20  # changes of each kind that are shown, where --top does not say


def build_parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser of this subcommand."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Show which lines, functions and branches ran more or less often "
        "in B than in A, and by how much; what changed most comes first. Counts are "
        "exact: two runs that do the same have no difference, on any machine.",
        epilog="Lines are compared by number, functions by name: where the source has "
        "changed, look at functions and totals.",
    )
    add = parser.add_argument
    add("before", metavar="A", help="a folder of counts, or a counts file")
    add("after", metavar="B", help="the same, of the other run")
    add(
        "--only",
        action="append",
        choices=diffing.KINDS,
        help="compare only these; can be given several times",
    )
    add(
        "--top",
        type=options.from_zero,
        default=_TOP,
        metavar="N",
        help=f"show at most N changes of each kind, 0: all (default: {_TOP})",
    )
    add("--format", choices=("text", "json", "markdown"), default="text")
    add(
        "--fail-over",
        type=percentage,
        metavar="PERCENT",
        help="exit with status 1 if a total, or the count of a file, function, line "
        "or branch that is in A, is higher in B by more than so many percent; what is "
        "not in A counts for the totals",
    )
    add(
        "--fail-on",
        action="append",
        choices=diffing.SCOPES,
        help="hold only these against --fail-over; can be given several times "
        "(default: all that is compared)",
    )
    add(
        "--map",
        action="append",
        default=[],
        type=mapping,
        metavar="OLD=NEW",
        help="let files below OLD be those below NEW, in both runs: see `exactrace "
        "combine`",
    )
    options.add_output(parser, "standard output")
    return parser


def percentage(text: str) -> Fraction:
    """Return a number of percent. Raises ArgumentTypeError."""
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 on")
    return Fraction(value)


def main(argv: list[str], prog: str, _expected: set[str]) -> None:
    """Run this subcommand. Ends with status 1 if --fail-over says so."""
    parser = build_parser(prog)
    given = parser.parse_args(argv)
    if given.fail_on and given.fail_over is None:
        parser.error("--fail-on needs --fail-over")
    rules = path_map(given.map)
    before = rules.rename(reading.read(given.before))
    after = rules.rename(reading.read(given.after))
    kinds = [kind for kind in diffing.KINDS if kind in (given.only or diffing.KINDS)]
    found = diffing.compare(before, after, kinds)
    grown = []
    if given.fail_over is not None:
        grown = found.failures(given.fail_over, given.fail_on or diffing.SCOPES)
    with options.open_output(given.output, sys.stdout) as out:
        if given.format == "json":
            json.dump(_document(found, grown), out)
            out.write("\n")
        elif given.format == "markdown":
            out.write(_markdown(found, given.top))
        else:
            out.write(_text(found, given.top, tabular.width_of(out)))
    if grown:
        print(
            f"exactrace: {_gate(grown)} grew by more than {float(given.fail_over):g}%:",
            file=sys.stderr,
        )
        shown = grown[: given.top or None]
        for change in shown:
            print(
                f"exactrace:   {change.name}: {change.before:,} -> {change.after:,} "
                f"({change.percent()})",
                file=sys.stderr,
            )
        if len(shown) < len(grown):
            rest = len(grown) - len(shown)
            print(f"exactrace:   ... and {rest:,} more: see --top", file=sys.stderr)
        sys.exit(1)


def _gate(grown: list[Change]) -> str:
    return f"{len(grown):,} count" + "s" * (len(grown) != 1)


def _row(change: Change) -> tuple[str, ...]:
    by = f"{change.by:+,}"
    return by, change.percent(), f"{change.before:,}", f"{change.after:,}", change.name


_HEAD = ("change", "%", "A", "B")


def _tables(found: Difference, top: int) -> list[tuple[list[tuple[str, ...]], str]]:
    """Return (rows, line on what is not shown) for each kind that has changed."""
    tables = []
    totals = [_row(change) for change in found.totals.values() if change.by]
    if totals:
        tables.append(([(*_HEAD, "total"), *totals], ""))
    for kind, changes in found.changes.items():
        shown = changes[: top or None]
        rest = len(changes) - len(shown)
        more = f"... and {rest:,} {kind} more: see --top\n" if rest else ""
        if shown:
            tables.append(([(*_HEAD, kind), *map(_row, shown)], more))
    return tables


def _text(found: Difference, top: int, width: int | None) -> str:
    parts = [tabular.plain(rows, width) + more for rows, more in _tables(found, top)]
    return "\n".join(parts) or "no count has changed\n"


def _markdown(found: Difference, top: int) -> str:
    parts = [
        tabular.markdown(rows) + (f"\n{more}" if more else "")
        for rows, more in _tables(found, top)
    ]
    return "\n".join(parts) or "No count has changed.\n"


def _document(found: Difference, grown: list[Change]) -> dict[str, object]:
    def entry(change: Change) -> dict[str, object]:
        return {
            "scope": change.scope,
            "name": change.name,
            "before": change.before,
            "after": change.after,
            "by": change.by,
        }

    return {
        "totals": {kind: entry(change) for kind, change in found.totals.items()},
        "files": {kind: list(map(entry, each)) for kind, each in found.files.items()},
        **{kind: list(map(entry, each)) for kind, each in found.changes.items()},
        "grown": list(map(entry, grown)),
    }
