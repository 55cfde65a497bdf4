"""`exactrace show`: what a counts file holds, also a damaged one."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from exactrace import _native, countsfile, datafile, datafolder, merging, tabular
from exactrace.cli import options
from exactrace.journal import Journal
from exactrace.results import CoverageResults

if TYPE_CHECKING:
    from collections.abc import Iterator

# docs/counts-file-format.md
_NAMES = {
    1: "strings",
    2: "ends of strings",
    3: "notes",
    4: "lines",
    5: "branches",
    6: "calls",
    7: "call graph",
    8: "functions called",
    9: "callers",
    20: "lines that may be off",
    21: "lines by context",
    22: "sources",
}
_JOURNAL = b"\x89EXJ\r\n\x1a\n"
_MAGIC = b"\x89EXT\r\n\x1a\n"
_HEADER = _ENTRY = 40
_MOST_NOTES = 5  # that are shown where --notes is not given


def build_parser(prog: str) -> argparse.ArgumentParser:
    """Return the parser of this subcommand."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Print what counts files hold: format, sections, notes, numbers of "
        "files, lines, branches and functions. Of a damaged one, what can be said. "
        "The exit status is 1 if one cannot be read.",
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a counts file of exactrace or of the standard trace module, or a folder "
        "of such",
    )
    add = parser.add_argument
    add("--lines", action="store_true", help="list the hits of each line")
    add("--branches", action="store_true", help="list the hits of each side")
    add("--functions", action="store_true", help="list how often each was called")
    add("--notes", action="store_true", help="list all notes")
    options.add_output(parser, "standard output")
    return parser


def main(argv: list[str], prog: str, _expected: set[str]) -> None:
    """Run this subcommand."""
    given = build_parser(prog).parse_args(argv)
    with options.open_output(given.output, sys.stdout) as out:
        sound = True
        for number, path in enumerate(_paths(given.files)):
            text, readable = describe(path, given)
            out.write(("\n" if number else "") + text)
            sound = sound and readable
    if not sound:
        sys.exit(1)


def _paths(names: list[str]) -> Iterator[str]:
    for name in names:
        if not os.path.isdir(name):
            yield name
            continue
        try:
            found = datafolder.files(name)
        except OSError as error:
            sys.exit(f"exactrace: cannot read the folder {name!r}: {error.strerror}")
        if not found:
            sys.exit(f"exactrace: no counts in {name!r}")
        yield from (os.path.join(name, file) for file in sorted(found))


def describe(path: str, given: argparse.Namespace) -> tuple[str, bool]:
    """Return what there is to say of a file, and whether it can be read. Ends with
    status 1 and a message if it cannot be opened.
    """
    try:
        data = merging.read_bytes(path, follow=True)
    except OSError as error:
        sys.exit(f"exactrace: cannot read {path!r}: {error.strerror}")
    except countsfile.CountsFileError as error:
        sys.exit(f"exactrace: cannot read {path!r}: {error}")
    lines = [f"{tabular.printable(path)}: {len(data):,} bytes"]
    about: dict[str, str] = {}
    try:
        read = datafile.loads(data)
        if read is None:
            lines.append("format: pickle, as of the standard trace module")
            counts, calledfuncs, callers = countsfile.loads(data)
            results = CoverageResults(counts, calledfuncs, callers=callers)
        else:
            results, about = read
    except (EOFError, countsfile.CountsFileError) as error:
        trouble = str(error) or "it is empty"
        lines += [f"cannot be read: {tabular.printable(trouble)}", *_sections(data)]
        return "\n".join(lines) + "\n", False
    lines += [*_sections(data), *_notes(about, given.notes), *_totals(results)]
    return "\n".join(lines) + "\n" + _lists(results, given), True


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _sections(data: bytes) -> list[str]:
    """Return what the header and the section table say, and whether it is true."""
    if data.startswith(_JOURNAL):
        return _journal(data)
    if not data.startswith(_MAGIC):
        return []
    if len(data) < _HEADER:
        return ["it ends in its header"]
    version, count = _number(data, 8, 4), _number(data, 12, 4)
    said = _number(data, 16, 8)
    lines = [f"format: counts file of exactrace, version {version}"]
    if said != len(data):
        lines.append(f"the header says {said:,} bytes")
    rows = [("kind", "columns", "rows", "bytes", "check", "section")]
    end = min(_HEADER + min(count, 1024) * _ENTRY, len(data))
    for at in range(_HEADER, end - _ENTRY + 1, _ENTRY):
        kind, columns = _number(data, at, 4), _number(data, at + 4, 4)
        begin, length = _number(data, at + 8, 8), _number(data, at + 16, 8)
        content = data[begin : begin + length]
        whole = len(content) == length
        good = whole and _check_of(content) == data[at + 24 : at + 32]
        number = f"{length // (8 * columns):,}" if columns else "-"
        state = "good" if good else "damaged" if whole else "cut off"
        name = _NAMES.get(kind, "not known here")
        rows.append((str(kind), str(columns), number, f"{length:,}", state, name))
    missing = count - (len(rows) - 1)
    lines += tabular.plain(rows).splitlines()
    if missing:
        lines.append(f"{missing:,} sections are not there")
    return lines


def _journal(data: bytes) -> list[str]:
    """Return what there is to say of a file in which a process counts."""
    version, minor = _number(data, 8, 4), _number(data, 12, 4)
    lines = [
        f"format: file in which a process counts, version {version}, CPython 3.{minor}",
        f"process: {_number(data, 24, 8)}",
        f"complete: {_number(data, 16, 8):,} bytes",
    ]
    try:
        counting = Journal.of(data)
    except countsfile.CountsFileError:
        return lines
    return lines if counting is None else [*lines, counting.describe()]


def _check_of(content: bytes) -> bytes:
    return _native.pack_tables([(0, 0, content)])[_HEADER + 24 : _HEADER + 32]


def _notes(about: dict[str, str], every: bool) -> list[str]:
    if not about:
        return []
    shown = sorted(about.items())[: None if every else _MOST_NOTES]
    lines = ["notes:"]
    for key, value in shown:
        text = f"{key}: {value}" if value else key
        lines.append(f"  {tabular.printable(text)}")
    rest = len(about) - len(shown)
    if rest:
        lines.append(f"  ... and {rest:,} more: see --notes")
    return lines


def _totals(results: CoverageResults) -> list[str]:
    sides = [count for each in results.branches.values() for count in each.values()]
    numbers = [
        ("files", len({name for name, _ in results.counts})),
        ("lines", len(results.counts)),
        ("hits of lines", sum(results.counts.values())),
        ("branches", len(results.branches)),
        ("hits of branches", sum(sides)),
        ("functions", len(results.calls)),
        ("calls", sum(results.calls.values())),
        ("pairs of caller and called", len(results.call_graph)),
        ("functions listed (-l)", len(results.calledfuncs)),
        ("callers listed (-T)", len(results.callers)),
        ("contexts", len({context for context, _, _ in results.contexts})),
    ]
    rows = [(f"{number:,}", name) for name, number in numbers if number]
    return tabular.plain(rows or [("0", "counts")]).splitlines()


def _off(high: int, low: int) -> str:
    """Say by how much the hits of a line can be off; "" if they are not."""
    parts = [f"-{high}"] * bool(high) + [f"+{low}"] * bool(low)
    return f"  ({' '.join(parts)} for each frame that was running)" if parts else ""


def _lists(results: CoverageResults, given: argparse.Namespace) -> str:
    rows: list[tuple[str, str]] = []
    if given.lines:
        for (name, line), hits in sorted(results.counts.items()):
            off = _off(*results.unsure.get((name, line), (0, 0)))
            rows.append((f"{hits:,}", f"{tabular.printable(name)}:{line}{off}"))
    if given.branches:
        for (name, place, kind), sides in sorted(results.branches.items(), key=str):
            where = f"{tabular.printable(name)}:{place[0]}"
            if place[2] is not None:
                where += f":{place[2]}"
            for outcome, hits in sorted(sides.items(), reverse=True):
                rows.append((f"{hits:,}", f"{where} {kind} {outcome}"))
    if given.functions:
        for (name, line, function), calls in sorted(results.calls.items()):
            where = f"{tabular.printable(name)}:{line}"
            rows.append((f"{calls:,}", f"{where} {tabular.printable(function)}"))
    return tabular.plain(rows) and "\n" + tabular.plain(rows)
