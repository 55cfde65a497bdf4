"""What reports tell of each file: statements, branches and functions, with hits."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter

from exactrace import _native, source
from exactrace.paths import current_directory
from exactrace.progress import Progress
from exactrace.reports import exclusions, scope, unexpected
from exactrace.settings import Settings

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import CodeType
    from typing import TypeVar

    from exactrace.reports.exclusions import Place
    from exactrace.reports.scope import Scope
    from exactrace.results import CoverageResults, Sides

    _Key = TypeVar("_Key")


@dataclass(frozen=True)
class Branch:
    """A place where a program goes one of two ways.

    Lines are from 1, columns in bytes of UTF-8 from 0, or None if not known. The
    kinds and their outcomes are those of `CoverageResults.branches`, without
    "except". outcomes: {outcome: hits}.
    """

    line: int
    end_line: int
    column: int | None
    end_column: int | None
    kind: str
    outcomes: dict[bool, int]

    @property
    def taken(self) -> int:
        """How many of its sides were taken."""
        outcomes = self.outcomes
        return len(outcomes) - [*outcomes.values()].count(0)

    @property
    def partial(self) -> bool:
        """Whether it was always decided in the same way."""
        return 0 < self.taken < len(self.outcomes)


@dataclass(frozen=True)
class Function:
    """A function, with the hits of its calls; None if calls were not counted.

    line: its first, with decorators, as in `CoverageResults.calls`. name: qualified.
    """

    name: str
    line: int
    hits: int | None


@dataclass(frozen=True)
class Totals:
    """Sums over statements and branches. branches: the number of sides; `taken` of
    them have hits. partial: the number of branches that were always decided in the
    same way. hits: of all lines.
    """

    statements: int = 0
    missed: int = 0
    branches: int = 0
    taken: int = 0
    partial: int = 0
    hits: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.statements + other.statements,
            self.missed + other.missed,
            self.branches + other.branches,
            self.taken + other.taken,
            self.partial + other.partial,
            self.hits + other.hits,
        )

    @property
    def percent(self) -> float:
        """The share of statements that ran and of sides that were taken, from 0 to
        100; 100 if there are none.
        """
        whole = self.statements + self.branches
        part = self.statements - self.missed + self.taken
        return 100 * part / whole if whole else 100.0

    @property
    def is_complete(self) -> bool:
        """Whether every statement ran and every side was taken."""
        return not self.missed and self.taken == self.branches


@dataclass
class FileReport:
    """What is known of one file.

    name: as recorded. path: absolute. shown: relative to the current directory if
    below it. text: the source, or None. compiles: whether the source does. trouble: why
    not, or that it is not the source that ran. statements: {line: hits}, for every
    line that can run, or did, and is not excluded, in order. excluded: lines.
    hits: {line: hits} as counted. branches: None if none were counted anywhere;
    in order. found, code: what the text and the functions are from; the code may
    not be there yet.
    """

    name: str
    path: str
    shown: str
    hits: dict[int, int]
    text: str | None = None
    trouble: str = ""
    compiles: bool = False
    statements: dict[int, int] = field(default_factory=dict)
    excluded: set[int] = field(default_factory=set)
    branches: list[Branch] | None = None
    found: source.Source | None = field(default=None, repr=False)
    code: CodeType | None = field(default=None, repr=False)
    calls: Mapping[tuple[int, str], int] | None = None

    @cached_property
    def totals(self) -> Totals:
        """The sums over this file."""
        sides = taken = partial = 0
        for branch in self.branches or ():
            of_both, of_these = len(branch.outcomes), branch.taken
            sides += of_both
            taken += of_these
            partial += 0 < of_these < of_both
        return Totals(
            statements=len(self.statements),
            missed=[*self.statements.values()].count(0),
            branches=sides,
            taken=taken,
            partial=partial,
            hits=sum(self.hits.values()),
        )

    @property
    def missing(self) -> list[tuple[int, int]]:
        """(first, last) of each run of statements that did not run; lines between
        them that cannot run do not end it.
        """
        ranges: list[tuple[int, int]] = []
        open_ = False
        for line, hits in self.statements.items():
            if hits:
                open_ = False
            elif open_:
                ranges[-1] = ranges[-1][0], line
            else:
                ranges.append((line, line))
                open_ = True
        return ranges

    @cached_property
    def functions(self) -> list[Function]:
        """The functions that are not excluded, by line; those of a source that
        cannot be read or compiled only if they were called.
        """
        from exactrace.reports import functions

        return functions.of_file(self)


def file_reports(
    results: CoverageResults,
    settings: Settings | None = None,
    patterns: Iterable[str] = (),
) -> Iterator[FileReport]:
    """Yield a report on each file in scope, by the names as shown.

    settings: which files, and what is excluded. patterns: of paths, from the
    current directory; if there are any, only files that match one are in scope.
    Each report is made when it is asked for, and can be dropped after use, so that
    only one source need be in memory.

    Raises SettingsError if `settings.source` names what is not there.
    """
    settings = settings or Settings()
    return _Reports(results, settings, scope.of(settings, patterns)).each()


class _Reports:
    """One way through all files."""

    def __init__(
        self, results: CoverageResults, settings: Settings, within: Scope
    ) -> None:
        self._results = results
        self._base = results._start_directory or current_directory()
        self._expressions = exclusions.compiled(settings.exclude_also)
        self._within = within
        self._counted = results._by_file()
        self._files: dict[str, list[str]] = {}  # names as recorded, by path
        for name in self._counted.names:
            self._add(name)
        self._add_sources()
        for name in self._counted.more_names:
            path = scope.absolute(name, self._base)
            if path in self._files:
                self._files[path].append(name)

    def each(self) -> Iterator[FileReport]:
        rows = sorted(
            (scope.shown_name(path), path, names) for path, names in self._files.items()
        )
        self._files.clear()
        with Progress("sources", len(rows)) as progress:
            for shown, path, names in rows:
                yield self._report(path, shown, names)
                progress.step()

    def _add(self, name: str) -> None:
        if self._results.is_ignored_filename(name):
            return
        path = scope.absolute(name, self._base)
        if self._within.has(path):
            self._files.setdefault(path, []).append(name)

    def _add_sources(self) -> None:
        """Add the files that never ran."""
        if not self._within.source:
            return
        # What ran may have been reached by another way, by symbolic links.
        known = {scope.real_path(path) for path in self._files}
        for path in self._within.sources(list(self._files)):
            if path not in self._files and scope.real_path(path) not in known:
                self._files[path] = [path]

    def _hits(self, names: list[str]) -> dict[int, int]:
        hits = self._counted.hits(names[0])
        for name in names[1:]:
            _add_up(hits, self._counted.hits(name))
        return hits

    def _sides(self, names: list[str]) -> Sides | None:
        if not self._counted.has_branches:
            return None
        sides: Sides = {}
        for name in names:
            for (place, kind), outcomes in self._counted.sides(name).items():
                if kind != "except":
                    _add_up(sides.setdefault((place, kind), {}), outcomes)
        return sides

    def _calls(self, names: list[str]) -> dict[tuple[int, str], int] | None:
        if not self._counted.has_calls:
            return None
        calls: dict[tuple[int, str], int] = {}
        for name in names:
            _add_up(calls, self._counted.calls(name))
        return calls

    def _report(self, path: str, shown: str, names: list[str]) -> FileReport:
        name, hits = names[0], self._hits(names)
        report = FileReport(name, path, shown, hits, calls=self._calls(names))
        sides = self._sides(names)
        ran = {line: count for line, count in sorted(hits.items()) if line > 0}
        try:
            found = source.read(_filename(name), self._base)
            report.text, _ = source.decode(found.data)
        except OSError as error:
            report.trouble = f"no source: {error.strerror}"
        except source.DECODE_ERRORS as error:
            report.trouble = f"the source cannot be decoded: {error}"
        if report.text is None:
            report.statements = ran
            report.branches = _branches(sides)
            return report
        try:
            self._analyse(report, found, ran, sides)
        except source.COMPILE_ERRORS as error:
            report.trouble = f"the source does not compile: {error}"
            report.statements = ran
            report.branches = _branches(sides)
        return report

    def _analyse(
        self,
        report: FileReport,
        found: source.Source,
        ran: dict[int, int],
        sides: Sides | None,
    ) -> None:
        """Find what the source has. Raises one of source.COMPILE_ERRORS."""
        text = report.text
        assert text is not None
        code = None
        if sides is None:
            lines = source.executable_lines(found, text)
        else:
            code = source.code(found, text)
            lines = source.lines_of(code, text)
        last = text.count("\n") + 1
        statements = {line: 0 for line in lines if line is not None and line > 0}
        statements.update((line, hits) for line, hits in ran.items() if line <= last)
        possible: Sides = {}
        if code is not None and sides is not None:
            for (_, place, kind), outcomes in _native.possible_branches(code).items():
                possible[place, kind] = outcomes
            for key, outcomes in sides.items():
                possible[key] = {**possible.get(key, {}), **outcomes}
        left_out = exclusions.Exclusions()
        if exclusions.may_have(text, self._expressions):
            tree = source.parse(text)
            left_out = exclusions.find(text, tree, self._expressions)
        elif code is not None:
            places = [place for place, _ in possible]
            try:
                left_out.places = unexpected.places(text, places)
            except unexpected.UnclearError:
                tree = source.parse(text)
                left_out = exclusions.find(text, tree, self._expressions)
        if code is not None:
            report.code = code
            report.branches = _branches(possible, left_out)
        report.excluded = {line for line in left_out.lines if line in statements}
        report.statements = {
            line: hits
            for line, hits in sorted(statements.items())
            if line not in left_out.lines
        }
        beyond = max(ran, default=0)
        if beyond > last:
            report.trouble = f"the source has changed: line {beyond} ran, it has {last}"
        report.found = found
        report.compiles = True


def _add_up(total: dict[_Key, int], more: dict[_Key, int]) -> None:
    for key, count in more.items():
        total[key] = total.get(key, 0) + count


def _filename(name: str) -> str:
    return name[:-1] if name.endswith(".pyc") else name


def _branches(
    sides: Sides | None, left_out: exclusions.Exclusions | None = None
) -> list[Branch] | None:
    if sides is None:
        return None
    try:
        ordered = sorted(sides.items(), key=itemgetter(0))
    except TypeError:  # a place that is not known in full
        ordered = sorted(sides.items(), key=_by_place)
    return [
        Branch(*place, kind, outcomes)
        for (place, kind), outcomes in ordered
        if left_out is None or not left_out.has_branch(place)
    ]


def _by_place(item: tuple[tuple[Place, str], object]) -> tuple[tuple[int, ...], str]:
    place, kind = item[0]
    return tuple(-1 if number is None else number for number in place), kind
