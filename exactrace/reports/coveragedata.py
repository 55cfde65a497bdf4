"""Data files of coverage.py 7: an SQLite database with the lines that ran, or the
steps from line to line, by file and context.

The tables are those of version 7 of their schema, and sets of lines are strings of
bits, the lowest first, as coverage.py documents both ("Coverage.py database schema").
"""

from __future__ import annotations

import ast
import contextlib
import os
import sqlite3

from exactrace import _native, source
from exactrace.progress import Progress
from exactrace.results import CoverageResults

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType

    Step = tuple[int, int]
    # Place, kind, outcome: as in CoverageResults.branches.
    _Side = tuple[tuple[int, int, int | None, int | None], str, bool]

VERSION = 7
_LAST_LINE = 1 << 24  # no source is longer
_STEPS_FOR_A_BYTE = 200  # of SQLite's machine, to read what is in a file
_TABLES = """
create table coverage_schema (version integer);
create table meta (key text unique, value text);
create table file (id integer primary key, path text unique);
create table context (id integer primary key, context text unique);
create table line_bits (file_id integer references file (id),
    context_id integer references context (id), numbits blob,
    unique (file_id, context_id));
create table arc (file_id integer references file (id),
    context_id integer references context (id), fromno integer, tono integer,
    unique (file_id, context_id, fromno, tono));
create table tracer (file_id integer primary key references file (id), tracer text);
"""


class CoverageDataError(Exception):
    """What is wrong with a data file, in one line."""


# --- Writing


def write(path: str, results: CoverageResults) -> list[tuple[str, str]]:
    """Write a data file in place of what is there. With branches it holds steps, for
    sources that can be read. Lines that no context has run are in the context "".
    Returns (path, what is wrong) for each source that is not the one that ran, as far
    as that can be told.

    Raises CoverageDataError.
    """
    temporary = f"{path}.{os.getpid()}.new"
    try:
        with contextlib.closing(sqlite3.connect(temporary)) as base:
            troubles = _fill(base, results)
            base.commit()
        os.replace(temporary, path)
    except (sqlite3.Error, OSError, UnicodeEncodeError) as error:
        raise CoverageDataError(f"cannot write {path!r}: {_reason(error)}") from None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
    return troubles


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _fill(base: sqlite3.Connection, results: CoverageResults) -> list[tuple[str, str]]:
    base.executescript(_TABLES)
    base.execute("insert into coverage_schema values (?)", (VERSION,))
    meta = {"version": "exactrace", "has_arcs": str(int(bool(results.branches)))}
    base.executemany("insert into meta values (?, ?)", meta.items())
    steps = _Steps(results) if results.branches else None
    sources = _Sources(results)
    troubles = []
    files = _lines_by_context(results)
    names = sorted({context for ran in files.values() for context in ran} | {""})
    contexts = {name: number for number, name in enumerate(names, 1)}
    base.executemany(
        "insert into context values (?, ?)",
        ((number, name) for name, number in contexts.items()),
    )
    with Progress("files", len(files)) as progress:
        for number, (path, ran) in enumerate(sorted(files.items()), 1):
            base.execute("insert into file values (?, ?)", (number, path))
            last = max(max(lines, default=0) for lines in ran.values())
            taken, trouble = sources.look(path, last, steps)
            if trouble:
                troubles.append((path, trouble))
            for context, lines in ran.items():
                key = number, contexts[context]
                if steps is None:
                    row = (*key, numbits(lines))
                    base.execute("insert into line_bits values (?, ?, ?)", row)
                    continue
                rows = {(-1, line) for line in lines}
                if not context:
                    rows |= taken
                base.executemany(
                    "insert into arc values (?, ?, ?, ?)",
                    ((*key, *row) for row in sorted(rows)),
                )
            progress.step()
    return troubles


def _path_of(results: CoverageResults, name: str) -> str:
    start = results._start_directory or os.getcwd()
    return os.path.normpath(os.path.join(start, name))


def _lines_by_context(results: CoverageResults) -> dict[str, dict[str, set[int]]]:
    """Return {path: {context: lines that ran}}: for each path also the context "",
    with what ran more often than in all others. Code that has no file is left out.
    """
    names = {name for name, _ in results.counts}
    paths = {
        name: _path_of(results, name)
        for name in names
        if not results.is_ignored_filename(name)
    }
    rest: dict[tuple[str, int], int] = {}
    for (name, line), hits in results.counts.items():
        if name in paths and line > 0 and hits > 0:
            rest[paths[name], line] = rest.get((paths[name], line), 0) + hits
    files: dict[str, dict[str, set[int]]] = {path: {"": set()} for path, _ in rest}
    for (context, name, line), hits in results.contexts.items():
        path = paths.get(name, "")
        if (path, line) in rest and hits > 0:
            rest[path, line] -= hits
            files[path].setdefault(context, set()).add(line)
    for (path, line), hits in rest.items():
        if hits > 0:
            files[path][""].add(line)
    return files


class _Steps:
    """The steps from line to line that are sides of branches which were taken."""

    def __init__(self, results: CoverageResults) -> None:
        self._taken: dict[str, set[_Side]] = {}
        for (name, place, kind), outcomes in results.branches.items():
            taken = self._taken.setdefault(_path_of(results, name), set())
            taken.update((place, kind, side) for side, hits in outcomes.items() if hits)

    def has(self, path: str) -> bool:
        """Whether there are any in a file."""
        return bool(self._taken.get(path))

    def of(self, path: str, code: CodeType, text: str) -> tuple[set[Step], int]:
        """Return those of a file with this source, and how many sides that were taken
        are not in it; but for asserts, which are other branches where pytest has
        rewritten them.
        """
        taken = self._taken.get(path, set())
        found: set[_Side] = set()
        steps = set()
        for (_, place, kind), outcome, line, to in _native.branch_steps(code):
            if (place, kind, outcome) in taken:
                found.add((place, kind, outcome))
                if to != 0:
                    steps.add((line, to))
        lost = {place for place, kind, _ in taken - found if kind != "except"}
        if lost:
            asserts = set(_lines_of_asserts(text))
            lost = {place for place in lost if place[0] not in asserts}
        return steps, len(lost)


def _lines_of_asserts(text: str) -> Iterator[int]:
    for node in ast.walk(source.parse(text)):
        if isinstance(node, ast.Assert):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


class _Sources:
    """The sources that were counted, as they are now."""

    def __init__(self, results: CoverageResults) -> None:
        self._digests: dict[str, set[str]] = {}
        for name, digest in results.sources:
            self._digests.setdefault(_path_of(results, name), set()).add(digest)

    def look(self, path: str, last: int, steps: _Steps | None) -> tuple[set[Step], str]:
        """Return the steps of a file, and what is wrong with its source, if anything
        is. last: the last line that ran.
        """
        wanted = steps is not None and steps.has(path)
        left_out = ": the steps of its branches are left out" if wanted else ""
        try:
            found = source.read(path)
            text, _ = source.decode(found.data)
        except OSError as error:
            return set(), f"no source: {error.strerror}{left_out}"
        except source.DECODE_ERRORS as error:
            return set(), f"the source cannot be decoded: {error}{left_out}"
        taken: set[Step] = set()
        lost = 0
        if steps is not None and wanted:
            try:
                code = source.code(found, text)
                taken, lost = steps.of(path, code, text)
            except source.COMPILE_ERRORS as error:
                return set(), f"the source does not compile: {error}{left_out}"
        trouble = ""
        lines = text.count("\n") + 1
        digests = self._digests.get(path)
        if last > lines:
            trouble = f"the source has changed: line {last} ran, it has {lines}"
        elif digests and digests != {source.digest(found.data)}:
            trouble = "the source has changed since it was counted"
        elif lost:
            trouble = "the source has changed, or another version of Python ran it"
        if lost:
            trouble += f": the steps of {lost} of its branches are left out"
        return taken, trouble


def numbits(lines: Iterable[int]) -> bytes:
    """Return a set of lines, from 0, as a string of bits."""
    bits = 0
    for line in lines:
        bits |= 1 << line
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def lines_of(bits: bytes) -> Iterator[int]:
    """Yield the lines in a string of bits, in order."""
    for index, byte in enumerate(bits):
        for bit in range(8):
            if byte >> bit & 1:
                yield 8 * index + bit


# --- Reading


def read(path: str) -> CoverageResults:
    """Return the lines of a data file, with one hit each, and its contexts.

    Raises CoverageDataError for what is no such file, or is damaged.
    """
    try:
        size = os.stat(path).st_size
        with open(path, "rb") as file:
            magic = file.read(16)
    except OSError as error:
        raise CoverageDataError(f"cannot read {path!r}: {error.strerror}") from None
    if magic != b"SQLite format 3\0":
        raise CoverageDataError(f"{path!r} is no data file of coverage.py 5 or later")
    address = f"{_file_uri(path)}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True)) as base:
            return _Reader(base, path, size).read()
    except (sqlite3.Error, OverflowError, ValueError) as error:
        raise CoverageDataError(f"{path!r} is damaged: {error}") from None


def _file_uri(path: str) -> str:
    from urllib.parse import quote_from_bytes

    return "file:" + quote_from_bytes(os.fsencode(os.path.abspath(path)))


class _Reader:
    """Reads one database, which may be hostile: views and triggers are not used, and
    what takes longer than the size of the file allows is given up.
    """

    def __init__(self, base: sqlite3.Connection, path: str, size: int) -> None:
        self._base = base
        self._path = path
        self._left = 1000 + size * _STEPS_FOR_A_BYTE // 1000
        base.set_progress_handler(self._tick, 1000)
        base.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(size, 10_000))
        base.execute("pragma trusted_schema = off")

    def _tick(self) -> int:
        self._left -= 1
        return int(self._left < 0)

    def read(self) -> CoverageResults:
        kinds = dict(self._base.execute("select name, type from sqlite_master"))
        tables = {name for name, kind in kinds.items() if kind == "table"}
        if not {"coverage_schema", "file", "context", "line_bits", "arc"} <= tables:
            raise CoverageDataError(f"{self._path!r} is no data file of coverage.py")
        versions = [row[0] for row in self._rows("version from coverage_schema")]
        if versions != [VERSION]:
            raise CoverageDataError(
                f"{self._path!r} has version {versions} of the schema, not {VERSION}: "
                "write it with coverage.py 7"
            )
        self._files = self._names("path from file")
        self._contexts = self._names("context from context")
        results = CoverageResults()
        for file, context, bits in self._rows(
            "file_id, context_id, numbits from line_bits"
        ):
            if not isinstance(bits, bytes) or len(bits) > _LAST_LINE // 8:
                raise ValueError("a set of lines is none")
            for line in lines_of(bits):
                self._add(results, file, context, line)
        for file, context, *ends in self._rows(
            "file_id, context_id, fromno, tono from arc"
        ):
            for end in ends:
                if not isinstance(end, int) or abs(end) > _LAST_LINE:
                    raise ValueError(f"{end!r} is no line")
                self._add(results, file, context, end)
        return results

    def _rows(self, what: str) -> Iterator[tuple[object, ...]]:
        return self._base.execute(f"select {what}")

    def _names(self, what: str) -> dict[object, str]:
        rows = self._rows(f"id, {what}")
        names: dict[object, str] = {}
        for number, name in rows:
            if not isinstance(name, str):
                raise CoverageDataError(
                    f"{self._path!r} is damaged: {name!r} is no name"
                )
            names[number] = name
        return names

    def _add(
        self, results: CoverageResults, file: object, context: object, line: int
    ) -> None:
        if line <= 0:
            return
        if file not in self._files or context not in self._contexts:
            raise ValueError("lines of a file or context that is not there")
        name, within = self._files[file], self._contexts[context]
        results.counts[name, line] = 1
        if within:
            results.contexts[within, name, line] = 1
