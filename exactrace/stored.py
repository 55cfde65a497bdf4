"""Results that stay where they were read, in the form in which they are kept, until
somebody asks for them: reports look at one file after the other.
"""

from __future__ import annotations

from exactrace.results import ByFile, CoverageResults

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from typing import Any

    from exactrace import _native
    from exactrace.results import Sides

# Kinds of rows: docs/counts-file-format.md.
_LINES, _BRANCHES, _CALLS, _CALL_GRAPH, _CALLED, _CALLERS = range(4, 10)
_UNSURE, _CONTEXTS, _SOURCES = range(20, 23)
_NOTHING = -1  # a column that is not known


class StoredResults(CoverageResults):
    """The sum of counts files. What is asked for is read then, and kept."""

    def __init__(self, merge: _native.Merge) -> None:
        """Take over the sum, to which nothing can be added from now on.

        Raises ValueError for a sum that no file can hold.
        """
        # Not that of the base: its attributes are to be absent.
        self.infile = self.outfile = None
        self._merge = merge
        merge.sort()

    def __getattr__(self, name: str) -> Any:
        read = _READERS.get(name)
        if read is None:
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        value = read(self._merge)
        setattr(self, name, value)
        return value

    def _by_file(self) -> ByFile:
        """Return counts, branches and calls by file: those that were read."""
        if vars(self).keys() & {"counts", "branches", "calls"}:
            return super()._by_file()  # they may have been changed
        return _StoredByFile(self._merge)


class _StoredByFile(ByFile):
    def __init__(self, merge: _native.Merge) -> None:
        self._merge = merge
        self.names = sorted(merge.names(_LINES), key=_bytes)
        self.has_branches = bool(merge.names(_BRANCHES))
        self.has_calls = bool(merge.names(_CALLS))
        more = {*merge.names(_BRANCHES), *merge.names(_CALLS)}
        self.more_names = sorted(more.difference(self.names), key=_bytes)

    def hits(self, name: str) -> dict[int, int]:
        return dict(self._merge.rows(_LINES, name))

    def sides(self, name: str) -> Sides:
        found: Sides = {}
        for row in self._merge.rows(_BRANCHES, name):
            _add_side(found, row)
        return found

    def calls(self, name: str) -> dict[tuple[int, str], int]:
        return {
            (line, function): hits
            for line, function, hits in self._merge.rows(_CALLS, name)
        }


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def _add_side(sides: Any, row: tuple[Any, ...]) -> None:
    """Add a row of branches, without the file, to {(place, kind): {outcome: hits}}."""
    kind, line, end_line, column, end_column, outcome, hits = row
    place: Any = line, end_line, column, end_column
    if _NOTHING in place:
        place = tuple(None if part == _NOTHING else part for part in place)
    sides.setdefault((place, kind), {})[bool(outcome)] = hits


def _counts(merge: _native.Merge) -> Any:
    return {(name, line): hits for name, line, hits in merge.rows(_LINES)}


def _branches(merge: _native.Merge) -> Any:
    found = {}
    for name in merge.names(_BRANCHES):
        sides: Sides = {}
        for row in merge.rows(_BRANCHES, name):
            _add_side(sides, row)
        for (place, kind), outcomes in sides.items():
            found[name, place, kind] = outcomes
    return found


def _call_graph(merge: _native.Merge) -> Any:
    return {
        (None if row[0] is None else row[:3], row[3:6]): row[6]
        for row in merge.rows(_CALL_GRAPH)
    }


_READERS: dict[str, Any] = {
    "counts": _counts,
    "counter": _counts,
    "branches": _branches,
    "calls": lambda merge: {row[:3]: row[3] for row in merge.rows(_CALLS)},
    "call_graph": _call_graph,
    "calledfuncs": lambda merge: dict.fromkeys(merge.rows(_CALLED), 1),
    "callers": lambda merge: {(row[:3], row[3:]): 1 for row in merge.rows(_CALLERS)},
    "_logs": lambda _merge: [],
    "_contexts": lambda merge: {row[:3]: row[3] for row in merge.rows(_CONTEXTS)},
    "sources": lambda merge: set(merge.rows(_SOURCES)),
    "unsure": lambda merge: {row[:2]: row[2:] for row in merge.rows(_UNSURE)},
}
