"""`exactrace growth`: which lines become slow when the input grows."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter

from exactrace import growing, tabular
from exactrace.cli import options, reading
from exactrace.growing import Growth


def build_parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser of this subcommand."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Fit how the count of each line grows with the size of the input, "
        "from runs of one program on inputs of different sizes, and name the lines "
        "that grow faster than it.",
        epilog="Candidates: 1, log n, n, n log n, n^2, n^3, 2^n; of those that fit "
        "the counts within 0.1%, the one with the least growth, or else the one that "
        "fits best. The exponent is that of the power law.",
    )
    add = parser.add_argument
    add(
        "runs",
        nargs="+",
        metavar="RUN",
        help="a folder of counts, or a counts file, for each size",
    )
    add(
        "--sizes",
        type=sizes_of,
        required=True,
        metavar="N1,N2,...",
        help=f"the sizes of their inputs; at least {growing.FEWEST}, all different",
    )
    add("--all", action="store_true", help="list all lines, not only those")
    add(
        "--top",
        type=options.from_zero,
        default=0,
        metavar="N",
        help="list at most N lines (default: all of them)",
    )
    add("--format", choices=("text", "json", "markdown"), default="text")
    options.add_output(parser, "standard output")
    return parser


def sizes_of(text: str) -> list[int]:
    """Return the numbers in a list. Raises ArgumentTypeError."""
    parts = text.split(",")
    if not all(part.isdecimal() and len(part) < 16 and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no list of whole numbers above 0, such as 10,100,1000"
        )
    sizes = [int(part) for part in parts]
    if len(set(sizes)) < max(len(sizes), growing.FEWEST):
        raise argparse.ArgumentTypeError(
            f"{text!r}: at least {growing.FEWEST} different sizes are needed"
        )
    return sizes


def main(argv: list[str], prog: str, _expected: set[str]) -> None:
    """Run this subcommand."""
    parser = build_parser(prog)
    given = parser.parse_args(argv)
    if len(given.sizes) != len(given.runs):
        parser.error(
            f"--sizes has {len(given.sizes)} sizes for {len(given.runs)} runs: "
            "one is needed for each"
        )
    pairs = sorted(zip(given.sizes, given.runs, strict=True))
    sizes = [size for size, _ in pairs]
    found = growing.measure([reading.read(run) for _, run in pairs], sizes)
    listed = [one for one in found if given.all or one.is_superlinear]
    shown = listed[: given.top or None]
    with options.open_output(given.output, sys.stdout) as out:
        if given.format == "json":
            json.dump(_document(shown, sizes), out)
            out.write("\n")
            return
        rows = _rows(shown, sizes)
        if given.format == "markdown":
            out.write(tabular.markdown(rows) if shown else "")
        else:
            out.write(tabular.plain(rows, tabular.width_of(out)) if shown else "")
        rest = len(listed) - len(shown)
        out.write(f"... and {rest:,} lines more: see --top\n" if rest else "")
        out.write(("\n" if shown else "") + _summary(found))


def _rows(shown: list[Growth], sizes: list[int]) -> list[tuple[str, ...]]:
    head = ("growth", "exponent", *(f"n={size:,}" for size in sizes), "line")
    rows: list[tuple[str, ...]] = [head]
    for one in shown:
        counts = (f"{count:,}" for count in one.counts)
        where = f"{tabular.shown(one.filename)}:{one.line}"
        rows.append((one.kind, f"{one.exponent:.2f}", *counts, where))
    return rows


def _summary(found: list[Growth]) -> str:
    kinds = Counter(one.kind for one in found)
    each = ", ".join(
        f"{kinds[kind]:,} {kind}" for kind in growing.CLASSES if kinds[kind]
    )
    faster = sum(one.is_superlinear for one in found)
    return f"{faster:,} of {len(found):,} lines grow faster than the input: {each}\n"


def _document(shown: list[Growth], sizes: list[int]) -> dict[str, object]:
    return {
        "sizes": sizes,
        "lines": [
            {
                "file": one.filename,
                "line": one.line,
                "counts": list(one.counts),
                "growth": one.kind,
                "exponent": one.exponent,
                "error": one.error,
            }
            for one in shown
        ],
    }
