"""The lines of one counts file, read from it alone: what else the file holds is never
in memory. Its parts are told of in docs/counts-file-format.md.
"""

from __future__ import annotations

import os
import stat
from itertools import islice

from exactrace import _native, datafile
from exactrace.results import ByFile, CoverageResults

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from array import array
    from io import FileIO

    from exactrace.results import Sides

_BEGIN = b"\x89EXT\r\n\x1a\n\1\0\0\0"  # with the version
_HEAD = _ENTRY = 40  # bytes
_MOST_SECTIONS = 1024
_STRING_BYTES, _STRING_ENDS, _LINES, _CALLED, _CALLERS = 1, 2, 4, 8, 9


class LineResults(CoverageResults):
    """Lines by file, and functions called; `counts` and the rest are not there."""

    def __init__(self, lines: ByFile, called: CoverageResults) -> None:
        # Not that of the base: its attributes are to be absent.
        self.infile = self.outfile = None
        self.calledfuncs, self.callers = called.calledfuncs, called.callers
        self._lines = lines

    def _by_file(self) -> ByFile:
        return self._lines


def read(path: str, *, follow: bool) -> LineResults | None:
    """Return what a file holds, or None if it cannot be read in this way: whoever
    reads it in another will hear what is wrong with it. follow: also if the path is a
    symbolic link.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)
    if not follow:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    try:
        with open(os.open(path, flags), "rb", buffering=0) as file:
            return _read(file)
    except (OSError, ValueError, MemoryError, OverflowError):
        return None


def _read(file: FileIO) -> LineResults:
    """Raises ValueError for all but a plain counts file that is whole."""
    parts = _Parts(file)
    found = datafile.loads(
        parts.container(_STRING_BYTES, _STRING_ENDS, _CALLED, _CALLERS)
    )
    assert found is not None
    strings = datafile.strings(parts.container(_STRING_BYTES, _STRING_ENDS))
    content = parts.container(_LINES)
    sections = _native.unpack_tables(content)
    content.clear()
    if not sections:
        return LineResults(_LinesByFile(strings, datafile.numbers(b"")), found[0])
    ((_, columns, rows),) = sections
    del sections
    if columns != 3:
        raise ValueError
    return LineResults(_LinesByFile(strings, datafile.numbers(rows)), found[0])


class _Parts:
    """The sections of a file, read when they are asked for."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        status = os.fstat(file.fileno())
        head = self._at(0, _HEAD)
        sections = _number(head, 12, 4)
        if (
            not stat.S_ISREG(status.st_mode)
            or head[:12] != _BEGIN
            or sections > _MOST_SECTIONS
            or _number(head, 16, 8) != status.st_size
        ):
            raise ValueError
        table = self._at(_HEAD, sections * _ENTRY)
        if _check(table) != head[24:32]:
            raise ValueError
        self._entries: dict[int, bytes] = {}  # by kind
        for start in range(0, len(table), _ENTRY):
            entry = table[start : start + _ENTRY]
            if self._entries.setdefault(_number(entry, 0, 4), entry) is not entry:
                raise ValueError

    def container(self, *kinds: int) -> bytearray:
        """Return the bytes of a file with these sections alone, as far as they are
        there. Their checks are those of the file, and tell whether they are whole.
        """
        entries = [self._entries[kind] for kind in kinds if kind in self._entries]
        end = _HEAD + _ENTRY * len(entries)
        places = []
        table = b""
        for entry in entries:
            length = _number(entry, 16, 8)
            if length > os.fstat(self._file.fileno()).st_size:
                raise ValueError
            places.append((end, _number(entry, 8, 8), length))
            table += entry[:8] + _bytes_of(end) + entry[16:]
            end += length + -length % 8
        content = bytearray(end)
        content[:_HEAD] = b"".join(
            (
                _BEGIN,
                len(entries).to_bytes(4, "little"),
                _bytes_of(end),
                _check(table),
                bytes(8),
            )
        )
        content[_HEAD : _HEAD + len(table)] = table
        with memoryview(content) as view:
            for start, offset, length in places:
                self._file.seek(offset)
                if self._file.readinto(view[start : start + length]) != length:
                    raise ValueError
        return content

    def _at(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        content = self._file.read(length)
        if len(content) != length:
            raise ValueError
        return content


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _bytes_of(number: int) -> bytes:
    return number.to_bytes(8, "little")


def _check(content: bytes) -> bytes:
    """Return the check of some bytes: the one that a container of them has."""
    return _native.pack_tables([(_STRING_BYTES, 0, content)])[64:72]


class _LinesByFile(ByFile):
    def __init__(self, strings: list[str], numbers: array[int]) -> None:
        """numbers: file, line, hits; and so on."""
        self._numbers = numbers
        # First row, and the one behind the last, of each run of rows of a file.
        self._runs: dict[str, list[tuple[int, int]]] = {}
        rows = len(numbers) // 3
        start = 0
        for row in range(1, rows + 1):
            number = numbers[start * 3]
            if row == rows or numbers[row * 3] != number:
                if not 0 <= number < len(strings):
                    raise ValueError
                self._runs.setdefault(strings[number], []).append((start, row))
                start = row
        if any(hits < 0 for hits in islice(numbers, 2, None, 3)):
            raise ValueError
        self.names = sorted(self._runs, key=_bytes)
        self.more_names = []
        self.has_branches = self.has_calls = False

    def hits(self, name: str) -> dict[int, int]:
        hits: dict[int, int] = {}
        for start, end in self._runs.get(name, ()):
            rows = self._numbers[start * 3 : end * 3]
            for line, count in zip(rows[1::3], rows[2::3], strict=True):
                hits[line] = hits.get(line, 0) + count
        return hits

    def sides(self, name: str) -> Sides:
        return {}

    def calls(self, name: str) -> dict[tuple[int, str], int]:
        return {}


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")
