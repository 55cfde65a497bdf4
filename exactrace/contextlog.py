"""What was counted in each context, as rows of numbers until somebody asks for more.

A test run has hundreds of contexts of hundreds of lines each. Most are only written to
a file, where they are such rows (exactrace/datafile.py).
"""

from __future__ import annotations

from array import array

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COLUMNS = 4  # numbers of context and file, line, hits


class ContextLog:
    """Rows, as Tracer._end_context() adds them, until they are asked for.

    numbers: of contexts and files, counted from 0 in the order of the dict. parts: the
    rows of each context: a line is in each of the bytes at most once.
    """

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.parts: dict[str, list[bytes]] = {}
        self._rows: array[int] | None = None

    def rows(self) -> array[int]:
        """Return all rows, one behind the other: each line of a context once. None can
        be added any more.
        """
        if self._rows is None:
            rows = array("q")
            for parts in self.parts.values():
                if len(parts) == 1:
                    rows.frombytes(parts[0])
                else:
                    rows.extend(_added_up(parts))
            self._rows = rows  # whole, should somebody interrupt us
            self.parts = {}
        return self._rows

    def files(self) -> set[str]:
        """Return the names of all files."""
        names = list(self.numbers)
        return {names[number] for number in set(self.rows()[1::COLUMNS])}

    def as_dict(self) -> dict[tuple[str, str, int], int]:
        """Return what CoverageResults.contexts holds."""
        names = list(self.numbers)
        step = iter(self.rows())
        return {
            (names[context], names[file], line): hits
            for context, file, line, hits in zip(*[step] * COLUMNS, strict=True)
        }


def _added_up(parts: Iterable[bytes]) -> Iterator[int]:
    """Give the rows of a context, in which a line can be several times."""
    total: dict[tuple[int, int, int], int] = {}
    for part in parts:
        step = iter(array("q", part))
        for context, file, line, hits in zip(*[step] * COLUMNS, strict=True):
            key = context, file, line
            total[key] = total.get(key, 0) + hits
    for key, hits in total.items():
        yield from (*key, hits)
