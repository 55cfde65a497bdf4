"""Our own counts file: all that a run has recorded, branches and calls too.

It is a container of tables (core/store/tables.h); docs/counts-file-format.md says
what stands in them. Nothing in a file can make code run.
"""

from __future__ import annotations

import sys
from array import array
from itertools import chain, repeat

from exactrace import _native, countsfile
from exactrace.results import CoverageResults

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, TypeAlias

    Row: TypeAlias = tuple[int, ...]

# Kinds of sections. Others are passed over, so that they can be added.
(
    _STRING_BYTES,  # UTF-8, one string behind the other
    _STRING_ENDS,  # where each ends
    _ABOUT,
    _LINES,
    _BRANCHES,
    _CALLS,
    _CALL_GRAPH,
    _CALLED,
    _CALLERS,
) = range(1, 10)
_UNSURE = 20  # core/store/recover.h
_CONTEXTS = 21
_SOURCES = 22
_NOTHING = -1  # in place of a string or of a column: None
_BRANCH_KINDS = ("bool", "none", "for", "except")


class _DamageError(Exception):
    """What is wrong with a section, in words."""


class _Strings(dict["str | None", int]):
    """Strings by number, in the order in which they came: new ones get the next."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self[None] = _NOTHING
        for text in known:
            self[text]  # these are numbered from 0

    def __missing__(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"{text!r} is no string")
        number = self[text] = len(self) - 1
        return number

    def sections(self) -> list[tuple[int, int, Any]]:
        """Return what is to be written."""
        texts = (text for text in self if text is not None)
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        ends = array("q")
        end = 0
        for text in encoded:
            end += len(text)
            ends.append(end)
        return [
            (_STRING_BYTES, 0, b"".join(encoded)),
            (_STRING_ENDS, 1, _little_endian(ends)),
        ]


def _little_endian(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def numbers(content: bytes) -> array[int]:
    """Return the numbers of a table."""
    found = array("q")
    found.frombytes(content)
    return _little_endian(found)


def dumps(results: CoverageResults, about: dict[str, str]) -> bytes:
    """Return the bytes of a file with these results. `about`: notes on the run.

    Raises CountsFileError, naming the item, for what no file can hold.
    """
    log = results._only_log()
    strings = _Strings() if log is None else _Strings(log.numbers)
    tables = [
        (kind, columns, _table(strings, name, items, row))
        for kind, columns, name, items, row in (
            (_ABOUT, 2, "about", about, _about_row),
            (_LINES, 3, "counts", results.counts, _line_row),
            (_CALLS, 4, "calls", results.calls, _call_row),
            (_CALL_GRAPH, 7, "call_graph", results.call_graph, _edge_row),
            (_UNSURE, 4, "unsure", results.unsure, _unsure_row),
            (_SOURCES, 2, "sources", dict.fromkeys(results.sources), _source_row),
            (_CALLED, 3, "calledfuncs", results.calledfuncs, _function_row),
            (_CALLERS, 6, "callers", results.callers, _caller_row),
        )
    ]
    sides = {
        (*branch, outcome): hits
        for branch, outcomes in results.branches.items()
        for outcome, hits in outcomes.items()
    }
    tables.append(
        (_BRANCHES, 8, _table(strings, "branches", sides, _branch_row)),
    )
    if log is None:
        rows = _table(strings, "contexts", results.contexts, _context_row)
    else:
        rows = _little_endian(log.rows()[:])  # a copy: it may swap bytes
    tables.append((_CONTEXTS, 4, rows))
    return _native.pack_tables([*strings.sections(), *tables])


def _table(
    strings: _Strings,
    name: str,
    items: dict[Any, Any],
    row: Callable[[Callable[[str | None], int], Any, Any], Row],
) -> array[int]:
    """Return the rows of a dict, one behind the other."""
    items = items.copy()
    number = strings.__getitem__
    try:
        rows = map(row, repeat(number), items, items.values())
        return _little_endian(array("q", chain.from_iterable(rows)))
    except (TypeError, ValueError, OverflowError):
        pass
    for key, value in items.items():
        try:
            array("q", row(number, key, value))
        except (TypeError, ValueError, OverflowError) as error:
            message = f"{name}[{key!r}]: {value!r} cannot be kept: {error}"
            raise countsfile.CountsFileError(message) from None
    raise countsfile.CountsFileError(f"{name}: cannot be kept")


def _about_row(number: Callable[[str | None], int], key: str, value: str) -> Row:
    return number(key), number(value)


def _line_row(number: Callable[[str | None], int], key: Any, value: Any) -> Row:
    filename, line = key
    return number(filename), line, _hits(value)


def _branch_row(number: Callable[[str | None], int], key: Any, value: Any) -> Row:
    filename, place, kind, outcome = key
    where = line, end_line, column, end_column = place
    if None in where:
        line, end_line, column, end_column = (
            _NOTHING if part is None else part for part in where
        )
    return (
        number(filename),
        number(kind),
        line,
        end_line,
        column,
        end_column,
        int(outcome),
        _hits(value),
    )


def _call_row(number: Callable[[str | None], int], key: Any, value: Any) -> Row:
    return *_entered_row(number, key), _hits(value)


def _entered_row(number: Callable[[str | None], int], key: Any) -> Row:
    filename, line, name = key
    return number(filename), line, number(name)


def _edge_row(number: Callable[[str | None], int], key: Any, value: Any) -> Row:
    caller, called = key
    first = (_NOTHING,) * 3 if caller is None else _entered_row(number, caller)
    return *first, *_entered_row(number, called), _hits(value)


def _context_row(number: Callable[[str | None], int], key: Any, value: Any) -> Row:
    context, filename, line = key
    return number(context), number(filename), line, _hits(value)


def _source_row(number: Callable[[str | None], int], key: Any, _none: Any) -> Row:
    filename, digest = key
    return number(filename), number(digest)


def _unsure_row(number: Callable[[str | None], int], key: Any, value: Any) -> Row:
    filename, line = key
    high, low = value
    return number(filename), line, _hits(high), _hits(low)


def _function_row(number: Callable[[str | None], int], key: Any, _one: Any) -> Row:
    filename, module, name = key
    return number(filename), number(module), number(name)


def _caller_row(number: Callable[[str | None], int], key: Any, one: Any) -> Row:
    caller, called = key
    return *_function_row(number, caller, one), *_function_row(number, called, one)


def _hits(value: int) -> int:
    if value < 0:
        raise ValueError("it is below zero")
    return value


def loads(
    data: bytes | bytearray,
) -> tuple[CoverageResults, dict[str, str]] | None:
    """Return what dumps() was given, or None if this does not begin as such a file.

    The file in which a process counts is read as well: what it had counted then.

    Raises CountsFileError.
    """
    try:
        recovered = _native.recover(data)
        sections = _native.unpack_tables(data if recovered is None else recovered)
        return None if sections is None else _Reader(sections).read()
    except (ValueError, _DamageError) as error:
        raise countsfile.CountsFileError(str(error)) from None


def strings(data: bytes | bytearray) -> list[str]:
    """Return the strings of a file. Raises CountsFileError."""
    try:
        return _Reader(_native.unpack_tables(data) or [])._strings
    except (ValueError, _DamageError) as error:
        raise countsfile.CountsFileError(str(error)) from None


class _Reader:
    """The tables of one file."""

    def __init__(self, sections: list[tuple[int, int, bytes]]) -> None:
        self._tables: dict[int, tuple[int, bytes]] = {}
        for kind, columns, content in sections:
            if kind in self._tables:
                raise _DamageError(f"damaged counts file: two sections of kind {kind}")
            self._tables[kind] = columns, content
        self._strings = self._read_strings()

    def _read_strings(self) -> list[str]:
        content = self._tables.get(_STRING_BYTES, (0, b""))[1]
        strings = []
        start = 0
        for (end,) in self._rows(_STRING_ENDS, 1):
            if not start <= end <= len(content):
                raise _DamageError("damaged counts file: strings out of place")
            strings.append(content[start:end].decode("utf-8", "surrogatepass"))
            start = end
        return strings

    def _rows(self, kind: int, width: int) -> Iterator[Row]:
        """Give the rows of a section, which may not be there."""
        columns, content = self._tables.get(kind, (width, b""))
        if columns != width:
            raise _DamageError(
                f"damaged counts file: section {kind}: {columns} columns"
            )
        step = iter(numbers(content))
        return zip(*[step] * width, strict=True)

    def _text(self, number: int) -> str:
        if not 0 <= number < len(self._strings):
            raise _DamageError(f"damaged counts file: there is no string {number}")
        return self._strings[number]

    def _text_or_none(self, number: int) -> str | None:
        return None if number == _NOTHING else self._text(number)

    def _entered(self, row: Row) -> tuple[str, int, str]:
        return self._text(row[0]), row[1], self._text(row[2])

    def _function(self, row: Row) -> tuple[str, str | None, str]:
        return self._text(row[0]), self._text_or_none(row[1]), self._text(row[2])

    def read(self) -> tuple[CoverageResults, dict[str, str]]:
        """Return the results, and the notes on the run."""
        results = CoverageResults()
        text = self._text
        counts = results.counts
        for file, line, hits in self._rows(_LINES, 3):
            _add(counts, (text(file), line), hits)
        for row in self._rows(_CALLS, 4):
            _add(results.calls, self._entered(row), row[3])
        for row in self._rows(_CALL_GRAPH, 7):
            caller = None if row[0] == _NOTHING else self._entered(row)
            _add(results.call_graph, (caller, self._entered(row[3:])), row[6])
        for row in self._rows(_CALLED, 3):
            results.calledfuncs[self._function(row)] = 1
        for row in self._rows(_CALLERS, 6):
            results.callers[self._function(row), self._function(row[3:])] = 1
        for row in self._rows(_BRANCHES, 8):
            self._read_side(results, row)
        for context, file, line, hits in self._rows(_CONTEXTS, 4):
            _add(results.contexts, (text(context), text(file), line), hits)
        for file, digest in self._rows(_SOURCES, 2):
            results.sources.add((text(file), text(digest)))
        for file, line, high, low in self._rows(_UNSURE, 4):
            if high < 0 or low < 0:
                raise _DamageError("damaged counts file: a count below zero")
            known = results.unsure.get((text(file), line), (0, 0))
            results.unsure[text(file), line] = known[0] + high, known[1] + low
        about = {text(key): text(value) for key, value in self._rows(_ABOUT, 2)}
        results.counter = counts.copy()
        return results, about

    def _read_side(self, results: CoverageResults, row: Row) -> None:
        kind = self._text(row[1])
        if kind not in _BRANCH_KINDS or row[6] not in (0, 1):
            raise _DamageError(f"damaged counts file: there is no branch {kind!r}")
        line, end_line, column, end_column = (
            None if part == _NOTHING else part for part in row[2:6]
        )
        place: Any = line, end_line, column, end_column
        sides = results.branches.setdefault((self._text(row[0]), place, kind), {})
        _add(sides, bool(row[6]), row[7])


def _add(items: dict[Any, int], key: Any, hits: int) -> None:
    if hits < 0:
        raise _DamageError("damaged counts file: a count below zero")
    items[key] = items.get(key, 0) + hits
