"""What has changed between the counts of two runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from exactrace import tabular

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exactrace.results import CoverageResults

    Counts = dict[tuple[Any, ...], int]

KINDS = ("lines", "functions", "branches")
# What is held against a limit.
SCOPES = ("total", "file", "function", "line", "branch")
_SCOPE = {"lines": "line", "functions": "function", "branches": "branch"}
_UNITS = {"lines": "hits", "functions": "calls", "branches": "sides taken"}


@dataclass(frozen=True)
class Change:
    """A count that is not what it was. One that was not there was 0."""

    scope: str  # one of SCOPES
    name: str  # where, in words
    before: int
    after: int

    @property
    def by(self) -> int:
        """How much more it is."""
        return self.after - self.before

    def percent(self) -> str:
        """Return by how much more, in percent of what it was."""
        if not self.before:
            return "new"
        if not self.after:
            return "gone"
        return f"{100 * self.by / self.before:+.1f}%"

    def grew_over(self, limit: Fraction) -> bool:
        """Whether it grew by more than `limit` percent of what it was. What was 0
        grew by more than any.
        """
        return self.by > 0 and 100 * self.by > limit * self.before


@dataclass
class Difference:
    """All changes between two runs, in lists by kind; those with the greatest effect
    come first.
    """

    changes: dict[str, list[Change]] = field(default_factory=dict)
    totals: dict[str, Change] = field(default_factory=dict)
    files: dict[str, list[Change]] = field(default_factory=dict)

    def failures(self, limit: Fraction, scopes: Iterable[str]) -> list[Change]:
        """Return what grew by more than `limit` percent.

        A total that was 0 counts as grown; a file, function, line or branch that was
        not there before does not, as it has nothing to be compared with: the totals
        tell of it.
        """
        found = [
            *self.totals.values(),
            *(change for each in self.files.values() for change in each),
            *(change for each in self.changes.values() for change in each),
        ]
        return [
            change
            for change in found
            if change.scope in scopes
            and change.grew_over(limit)
            and (change.before or change.scope == "total")
        ]


def compare(
    before: CoverageResults, after: CoverageResults, kinds: Iterable[str] = KINDS
) -> Difference:
    """Compare two runs: lines by file and number, functions by file and qualified
    name, sides of branches by file and place.
    """
    found = Difference()
    for kind in kinds:
        old, new = _counts(before, kind), _counts(after, kind)
        scope = _SCOPE[kind]
        found.totals[kind] = Change(
            "total", f"all {_UNITS[kind]}", sum(old.values()), sum(new.values())
        )
        found.changes[kind] = _changes(scope, old, new)
        found.files[kind] = [
            Change(
                "file", f"{change.name}: {_UNITS[kind]}", change.before, change.after
            )
            for change in _changes("file", _by_file(old), _by_file(new))
        ]
    return found


def _counts(results: CoverageResults, kind: str) -> Counts:
    if kind == "lines":
        return dict(results.counts)
    if kind == "functions":
        calls: Counts = {}
        for (file, _line, name), hits in results.calls.items():
            calls[file, name] = calls.get((file, name), 0) + hits
        return calls
    return {
        (*branch, outcome): hits
        for branch, sides in results.branches.items()
        for outcome, hits in sides.items()
    }


def _by_file(counts: Counts) -> Counts:
    files: Counts = {}
    for (file, *_), hits in counts.items():
        files[file,] = files.get((file,), 0) + hits
    return files


def _changes(
    scope: str, old: Mapping[tuple[Any, ...], int], new: Mapping[tuple[Any, ...], int]
) -> list[Change]:
    found = [
        Change(scope, _described(scope, key), old.get(key, 0), new.get(key, 0))
        for key in old.keys() | new.keys()
        if old.get(key, 0) != new.get(key, 0)
    ]
    return sorted(found, key=lambda change: (-abs(change.by), change.name))


def _described(scope: str, key: tuple[Any, ...]) -> str:
    file = tabular.shown(key[0])
    if scope == "file":
        return file
    if scope == "function":
        return f"{file}: {tabular.printable(key[1])}"
    if scope == "line":
        return f"{file}:{key[1]}"
    (line, _end, column, _end_column), kind, outcome = key[1:]
    where = f"{line}" if column is None else f"{line}:{column}"
    return f"{file}:{where} {kind} {outcome}"
