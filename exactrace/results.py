"""The class CoverageResults: what was recorded, merged and reported."""

from __future__ import annotations

import sys

from exactrace import _native

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping
    from typing import Any, Literal

    from exactrace.contextlog import ContextLog

    Counts = dict[tuple[str, int], int]
    Function = tuple[str, str | None, str]  # file name, module name, function
    Call = tuple[Function, Function]
    # (file name, (line, end line, column, end column), kind): see `branches`
    Branch = tuple[str, tuple[int, int, int | None, int | None], str]
    Branches = dict[Branch, dict[bool, int]]
    # (file name, first line, qualified name)
    Entered = tuple[str, int, str]
    Calls = dict[Entered, int]
    CallGraph = dict[tuple[Entered | None, Entered], int]
    # {(place, kind): {outcome: hits}} of one file
    Sides = dict[tuple[tuple[int, int, int | None, int | None], str], dict[bool, int]]
    # What to do when the source of a counted file is not there: go on and
    # raise at the end, say nothing, or say so on stderr.
    Missing = Literal["raise", "ignore", "report"]


class ByFile:
    """Counts of lines, sides of branches, and calls, of one file after the other.

    names: of the files with counts, in their order. more_names: those of which there
    are branches or calls only. has_branches, has_calls: whether there are any at all.
    """

    names: list[str]
    more_names: list[str]
    has_branches: bool
    has_calls: bool

    def hits(self, name: str) -> dict[int, int]:
        """Return {line: hits} of a file, which the caller may change; once."""
        raise NotImplementedError

    def sides(self, name: str) -> Sides:
        """Return the branches of a file, which the caller may change; once."""
        raise NotImplementedError

    def calls(self, name: str) -> dict[tuple[int, str], int]:
        """Return {(first line, qualified name): hits} of a file; once."""
        raise NotImplementedError


class _GroupedByFile(ByFile):
    def __init__(self, results: CoverageResults) -> None:
        self._hits = by_file(results.counts)
        self._sides: dict[str, Sides] = {}
        for (name, place, kind), outcomes in results.branches.items():
            self._sides.setdefault(name, {})[place, kind] = outcomes.copy()
        self._calls: dict[str, dict[tuple[int, str], int]] = {}
        for (name, line, function), hits in results.calls.items():
            self._calls.setdefault(name, {})[line, function] = hits
        self.names = list(self._hits)
        more = dict.fromkeys((*self._sides, *self._calls))
        self.more_names = [name for name in more if name not in self._hits]
        self.has_branches = bool(self._sides)
        self.has_calls = bool(self._calls)

    def hits(self, name: str) -> dict[int, int]:
        return self._hits.pop(name, {})

    def sides(self, name: str) -> Sides:
        return self._sides.pop(name, {})

    def calls(self, name: str) -> dict[tuple[int, str], int]:
        return self._calls.pop(name, {})


class CoverageResults:
    """Counts of lines, called functions and calls between functions.

    Beside what the standard module has, and empty unless the tracer was asked
    for branches:

    branches: {(filename, (line, end line, column, end column), kind): {outcome:
    hits}}, with the place of what decides, in lines from 1 and in bytes of UTF-8
    from 0 (`None` if not known). The kinds and their outcomes: "bool" (`if`,
    `while`, `and`, `or`, `assert`, a conditional expression, a `match` case, the
    choice of an `except`): True, False as the condition was; "none" (a test for
    None): True if it was None, else False; "for" (a loop, also of a comprehension):
    True for each item, False for each end; "except" (exceptions arrive here: an
    `except`, a `finally`, the end of a `with`): True for each. What the compiler
    has put into the bytecode several times is summed.

    calls: {(filename, first line, qualified name): hits}, how often a function,
    a class body, a module was entered; for generators, how often one was started.

    unsure: {(filename, line): (too high by, too low by)}: lines whose count may be
    off, of a process that was killed, or is running: by so much at most for each
    frame of their function that was running then, or had been when other code last
    ran for the first time.

    contexts: {(context, filename, line): hits}: of the lines, what was counted in each
    context, if there were any: the test that ran, for one. sources: (filename, digest)
    of the files there, as `source.digest` gives it, when they were counted.

    call_graph, empty unless the tracer was asked for calls: {(caller, called): hits},
    both as in `calls`; the caller is None where it is not Python code, or is not
    traced.
    """

    # Relative names of counted files start here: the current directory when
    # the counting began, if whoever made this object knows it.
    _start_directory: str | None = None
    # Those of `infile`, if it is of our own kind.
    _notes: dict[str, str] | None = None

    def __init__(
        self,
        counts: Counts | None = None,
        calledfuncs: dict[Function, int] | None = None,
        infile: str | None = None,
        callers: dict[Call, int] | None = None,
        outfile: str | None = None,
    ) -> None:
        """Take results, and add those of the counts file `infile` to them.

        counts: {(filename, line): count}; kept as it is, and updated.
        calledfuncs: {(filename, module, function): 1}; copied.
        callers: {(calling function, called function): 1}; copied.
        outfile: counts file that `write_results` writes.
        """
        self.counts: Counts = {} if counts is None else counts
        self.counter = self.counts.copy()
        self.calledfuncs = {} if calledfuncs is None else calledfuncs.copy()
        self.callers = {} if callers is None else callers.copy()
        self.branches: Branches = {}
        self.calls: Calls = {}
        self.call_graph: CallGraph = {}
        self._contexts: dict[tuple[str, str, int], int] = {}
        self._logs: list[ContextLog] = []  # what is not in there yet
        self.sources: set[tuple[str, str]] = set()
        self.unsure: dict[tuple[str, int], tuple[int, int]] = {}
        self.infile = infile
        self.outfile = outfile
        if infile:
            self._add_file(infile)

    def _add_file(self, infile: str) -> None:
        """Add the content of a counts file, or say on stderr why not."""
        from exactrace import countsfile

        try:
            results, self._notes = countsfile.load_results(infile)
        except (OSError, EOFError, ValueError) as error:
            warn(f"Skipping counts file {infile!r}: {error}")
            return
        self.update(results)

    def _take_rest(self) -> CoverageResults:
        """Take out all that the standard module does not have, and return it."""
        rest = CoverageResults()
        for name in ("branches", "calls", "call_graph", "contexts", "unsure"):
            setattr(rest, name, getattr(self, name))
            setattr(self, name, {})
        rest.sources, self.sources = self.sources, set()
        rest._notes = self._notes
        return rest

    @property
    def contexts(self) -> dict[tuple[str, str, int], int]:
        """{(context, filename, line): hits}: see above."""
        if self._logs:
            total = dict(self._contexts)
            for log in self._logs:
                _add_to(total, log.as_dict())
            # In place, as a shallow copy of us has the same two.
            self._contexts.update(total)
            self._logs.clear()
        return self._contexts

    @contexts.setter
    def contexts(self, contexts: dict[tuple[str, str, int], int]) -> None:
        self._contexts = contexts
        self._logs = []

    def _add_contexts(self, log: ContextLog) -> None:
        """Add what was counted in contexts; nobody may change the log any more."""
        if log.parts:
            self._logs.append(log)

    def _only_log(self) -> ContextLog | None:
        """Return the log that holds all contexts, if there is such."""
        return self._logs[0] if len(self._logs) == 1 and not self._contexts else None

    def is_ignored_filename(self, filename: str) -> bool:
        """Whether the name stands for code without a file, such as <string>."""
        return filename.startswith("<") and filename.endswith(">")

    def _by_file(self) -> ByFile:
        """Return counts, branches and calls as they are now, by file."""
        return _GroupedByFile(self)

    def is_empty(self) -> bool:
        """Whether nothing was recorded."""
        return not (self.counts or self.calls or self.calledfuncs or self.callers)

    def update(self, other: CoverageResults) -> None:
        """Add the results of another object to those of this one."""
        _add_to(self.counts, other.counts)
        self.calledfuncs.update(dict.fromkeys(other.calledfuncs, 1))
        self.callers.update(dict.fromkeys(other.callers, 1))
        for branch, outcomes in other.branches.items():
            sides = self.branches.get(branch)
            if sides is None:
                self.branches[branch] = outcomes.copy()
            else:
                _add_to(sides, outcomes)
        _add_to(self.calls, other.calls)
        if other._contexts:
            _add_to(self._contexts, other._contexts)
        self._logs += other._logs
        self.sources |= other.sources
        for key, (high, low) in other.unsure.items():
            most = self.unsure.get(key, (0, 0))
            self.unsure[key] = high + most[0], low + most[1]
        _add_to(self.call_graph, other.call_graph)

    def write_results(
        self,
        show_missing: bool = True,
        summary: bool = False,
        coverdir: str | None = None,
        *,
        ignore_missing_files: bool = False,
    ) -> None:
        """Print called functions and calls, write listings and the counts file.

        show_missing: mark the lines that could have run but did not.
        summary: print the share of lines that ran, for each file.
        coverdir: the folder for listings; None: each beside its source.
        ignore_missing_files: pass over files whose source is gone. Otherwise
        FileNotFoundError is raised for the first of them, after everything
        else has been written.
        """
        missing: Missing = "ignore" if ignore_missing_files else "raise"
        self._write_results(show_missing, summary, coverdir, missing)

    def _write_results(
        self,
        show_missing: bool,
        summary: bool,
        coverdir: str | None,
        missing: Missing,
        within: Callable[[str], bool] | None = None,
    ) -> None:
        """Do what `write_results` says. Raises OSError only at the end.

        within: whether there is to be a listing of the source with that path.
        """
        from exactrace import listings

        self._save_counts()  # first: what follows may fail
        if self.calledfuncs:
            _show(listings.function_lines(self.calledfuncs))
        if self.callers:
            _show(listings.call_lines(self.callers))
        report = listings.Report(self, show_missing, coverdir, missing)
        report.write_listings(within)
        if summary and report.rows:
            rows = sorted(report.rows, key=lambda row: (row[0], row[3]))
            tenths = sys.version_info >= (3, 14)
            _show([_native.summary(rows, tenths).removesuffix("\n")])
        if report.failure is not None:
            raise report.failure

    def _save_counts(self) -> None:
        """Write the counts file, if there is to be one, or say on stderr why
        not. A file that could not be read is kept under another name.
        """
        from exactrace import countsfile

        if not self.outfile:
            return
        try:
            if self._notes is not None and self.infile == self.outfile:
                from exactrace import datafile

                # A file keeps its kind, and all that it holds.
                data = datafile.dumps(self, self._notes)
                countsfile.replace(self.outfile, data)
                return
            kept = countsfile.save(
                self.outfile,
                self.counts,
                self.calledfuncs,
                self.callers,
                keep_unreadable=True,
            )
        except (OSError, countsfile.CountsFileError) as error:
            warn(f"Can't save counts files because {error}")
            return
        if kept is not None:
            warn(f"Counts file {self.outfile!r} could not be read; it is now {kept!r}")

    def write_results_file(
        self,
        path: str,
        lines: Iterable[str],
        lnotab: Container[int],
        lines_hit: Mapping[int, int],
        encoding: str | None = None,
    ) -> tuple[int, int]:
        """Write the listing of one file, and return (lines hit, lines).

        lines: the source, each with its newline. lnotab: the lines that can
        run. lines_hit: counts by line. The second number includes the lines
        that did not run but could. When `path` cannot be opened, stderr gets
        a line and both numbers are 0.
        """
        from exactrace import listings

        return listings.write(path, lines, lnotab, lines_hit, encoding)


def _add_to(total: dict[Any, int], more: dict[Any, int]) -> None:
    """Add up numbers by key."""
    if not total:
        total.update(more)
        return
    for key, number in more.items():
        total[key] = total.get(key, 0) + number


def by_file(counts: Counts) -> dict[str, dict[int, int]]:
    """Turn {(filename, line): count} into {filename: {line: count}}."""
    try:
        return _native.group_counts(counts)
    except TypeError:  # not quite the usual types
        files: dict[str, dict[int, int]] = {}
        for key, count in counts.items():
            filename, line = key
            files.setdefault(filename, {})[line] = count
        return files


_print = print  # a traced program may replace it


def warn(text: str) -> None:
    """Print a line to stderr, if that can be written to."""
    try:
        _print(text, file=sys.stderr)
    except (AttributeError, OSError, ValueError):
        return


def _show(lines: list[str]) -> None:
    """Print lines, even when stdout cannot encode the name of some file."""
    text = "\n".join(lines)
    try:
        _print(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding
        _print(text.encode(encoding, "backslashreplace").decode(encoding))
