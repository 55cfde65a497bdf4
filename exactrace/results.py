"""The class CoverageResults: what was recorded, merged and reported."""

from __future__ import annotations

import linecache
import os
import sys

from exactrace import _native, compat, source
from exactrace.progress import Progress

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

_EXTENSION = ".cover"


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
        self._save_counts()  # first: what follows may fail
        if self.calledfuncs:
            _show(_function_lines(self.calledfuncs))
        if self.callers:
            _show(_call_lines(self.callers))
        report = _Report(self, show_missing, coverdir, missing)
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
        n_hits = n_missing = 0
        pragma = _hook("PRAGMA_NOCOVER")
        try:
            outfile = open(path, "w", encoding=encoding)
        except OSError as error:
            _complain_of_path(path, error)
            return 0, 0
        with outfile:
            for number, line in enumerate(lines, 1):
                margin = " " * 7
                if number in lines_hit:
                    # Unlike an f-string this takes a float, too.
                    margin = "%5d: " % lines_hit[number]
                    n_hits += 1
                elif number in lnotab and pragma not in line:
                    margin = ">>>>>> "
                    n_missing += 1
                outfile.write(margin + line.expandtabs(8))
        return n_hits, n_hits + n_missing


class _Report:
    """One run through all counted files: writes their listings."""

    def __init__(
        self,
        results: CoverageResults,
        show_missing: bool,
        coverdir: str | None,
        missing: Missing,
    ) -> None:
        self.rows: list[tuple[str, int, int, str]] = []  # for the summary
        self.failure: OSError | None = None  # the first one
        self._results = results
        self._show_missing = show_missing
        self._coverdir = coverdir
        self._missing = missing
        self._base = results._start_directory or compat._current_directory()
        self._taken: set[str] = set()  # paths of listings
        self._progress = Progress("listings", 0)
        # What programs override or replace is called with the arguments of
        # the standard module; if all is our own, C does the work.
        own = CoverageResults.write_results_file
        self._by_hand = (
            getattr(results.write_results_file, "__func__", None) is not own
            or _hook("_find_executable_linenos") is not compat._find_executable_linenos
        )

    def write_listings(self, within: Callable[[str], bool] | None) -> None:
        """Write the listing of every file that is not to be ignored."""
        counted = self._results._by_file()
        files = self._files(counted.names)
        if within is not None:
            files = {path: names for path, names in files.items() if within(path)}
        with Progress("listings", len(files)) as self._progress:
            for first, *others in files.values():
                hits = counted.hits(first)
                for name in others:
                    for line, count in counted.hits(name).items():
                        hits[line] = hits.get(line, 0) + count
                filename = first[:-1] if first.endswith(".pyc") else first
                self._write_listing(filename, hits)
                self._progress.step()

    def _files(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Return the names of each file, by its path."""
        files: dict[str, list[str]] = {}
        for name in names:
            if not self._results.is_ignored_filename(name):
                filename = name[:-1] if name.endswith(".pyc") else name
                path = os.path.normpath(os.path.join(self._base, filename))
                files.setdefault(path, []).append(name)
        return files

    def _write_listing(self, filename: str, hits: dict[int, int]) -> None:
        try:
            found = source.read(filename, self._base)
        except OSError as error:
            self._note_missing(filename, error)
            return
        try:
            folder, module = self._place(found)
        except OSError as error:
            self.failure = self.failure or error
            return
        path = self._free_path(folder, module, found)
        if self._by_hand:
            n_hits, n_lines = self._write_by_hand(path, found, hits)
        else:
            n_hits, n_lines = self._write(path, found, hits)
        if n_lines:
            self.rows.append((module, n_hits, n_lines, filename))

    def _note_missing(self, filename: str, error: OSError) -> None:
        if self._missing == "ignore":
            return
        if self._missing == "raise":
            self.failure = self.failure or error
        if self._missing == "report" or self._show_missing:
            self._complain(f"Not printing coverage data for {filename!r}: {error}")

    def _complain(self, text: str) -> None:
        self._progress.clear()
        warn(text)

    def _place(self, found: source.Source) -> tuple[str, str]:
        """Return the folder of a listing and the module's name. Raises OSError."""
        if self._coverdir is not None:
            os.makedirs(self._coverdir, exist_ok=True)
        if found.archive is not None:
            folder = os.path.dirname(found.archive)
            member = os.path.splitext(found.path[len(found.archive) + 1 :])[0]
            return self._coverdir or folder, member.replace(os.sep, ".")
        if self._coverdir is not None:
            return self._coverdir, compat._fullmodname(found.filename)
        return os.path.dirname(found.path), compat._modname(found.filename)

    def _free_path(self, folder: str, module: str, found: source.Source) -> str:
        """Return a path for a listing that none of this report has."""
        path = os.path.join(folder, module + _EXTENSION)
        if path in self._taken:
            # A second module of one name goes by its whole path, or by its
            # whole file name if both are in one folder.
            name = os.path.basename(found.path)
            if self._coverdir is not None:
                whole = os.path.splitdrive(os.path.splitext(found.path)[0])[1]
                name = whole.strip(os.sep).replace(os.sep, ".")
            path = os.path.join(folder, name + _EXTENSION)
            number = 2
            while path in self._taken:
                path = os.path.join(folder, f"{name}.{number}{_EXTENSION}")
                number += 1
        self._taken.add(path)
        return path

    def _write(
        self, path: str, found: source.Source, hits: dict[int, int]
    ) -> tuple[int, int]:
        """Write a listing with the help of C."""
        text, encoding, decoded = self._decode(found)
        if not text:
            return self._write_by_hand(path, found, hits)
        marked = self._executable_set(found, text) if decoded else b""
        try:
            listing, n_hits, n_lines = _native.annotate(
                text, hits, marked, _hook("PRAGMA_NOCOVER")
            )
        except (TypeError, OverflowError, UnicodeEncodeError):
            # Counts of other types or of more than 64 bits; lone surrogates.
            return self._write_by_hand(path, found, hits)
        if encoding == "utf-8-sig":
            listing = b"\xef\xbb\xbf" + listing
        elif encoding != "utf-8":
            listing = listing.decode().encode(encoding, "backslashreplace")
        if os.linesep != "\n":
            listing = listing.replace(b"\n", os.linesep.encode())
        try:
            outfile = open(path, "wb")
        except OSError as error:
            self._progress.clear()
            _complain_of_path(path, error)
            return 0, 0
        try:
            with outfile:
                outfile.write(listing)
        except OSError as error:
            self._complain(f"trace: Could not write {path!r}: {error}")
        return n_hits, n_lines

    def _decode(self, found: source.Source) -> tuple[str, str, bool]:
        """Return (text, encoding, whether that is the encoding declared).

        What does not decode is taken byte by byte as latin-1.
        """
        try:
            return *source.decode(found.data), True
        except source.DECODE_ERRORS as error:
            self._complain(f"Cannot decode {found.filename!r}: {error}")
            return found.data.decode("latin-1"), "latin-1", False

    def _executable_set(self, found: source.Source, text: str) -> bytes:
        """Return the lines that are to be marked if they did not run."""
        if not self._show_missing:
            return b""
        try:
            return source.executable_set(found, text)
        except source.COMPILE_ERRORS as error:
            self._complain_of_code(found, error)
            return b""

    def _complain_of_code(self, found: source.Source, error: Exception) -> None:
        self._complain(f"Not showing missing lines of {found.filename!r}: {error}")

    def _write_by_hand(
        self, path: str, found: source.Source, hits: dict[int, int]
    ) -> tuple[int, int]:
        """Write a listing as the standard module does, by what may be hooks."""
        text, encoding, decoded = self._decode(found)
        lnotab: dict[Any, int] = {}
        if self._show_missing and decoded:
            try:
                lnotab = self._executable_lines(found, text)
            except source.COMPILE_ERRORS as error:
                self._complain_of_code(found, error)
        lines = [line + "\n" for line in text.removesuffix("\n").split("\n")]
        if not text:
            # From some version on linecache finds one line in an empty file.
            lines = linecache.getlines(found.path)
        self._progress.clear()
        write = self._results.write_results_file
        try:
            return write(path, lines, lnotab, hits, encoding)
        except OSError as error:  # a full disk
            self.failure = self.failure or error
            return 0, 0

    def _executable_lines(self, found: source.Source, text: str) -> dict[Any, int]:
        hook = _hook("_find_executable_linenos")
        if hook is not compat._find_executable_linenos:
            lines: dict[Any, int] = hook(found.filename)
            return lines
        return source.executable_lines(found, text)


def _hook(name: str) -> Any:
    """Return a name of the package, which a program may have replaced."""
    package = sys.modules.get("exactrace")
    return getattr(package, name, getattr(compat, name))


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


def _function_lines(calledfuncs: Iterable[Function]) -> list[str]:
    """Return the lines of the list of called functions."""
    lines = ["", "functions called:"]
    for filename, module, function in sorted(calledfuncs):
        lines.append(
            f"filename: {filename}, modulename: {module}, funcname: {function}"
        )
    return lines


def _call_lines(callers: Iterable[Call]) -> list[str]:
    """Return the lines of the list of calls, grouped by the calling file."""
    lines = ["", "calling relationships:"]
    last_file = last_called = ""
    for caller, called in sorted(callers):
        file, module, function = caller
        called_file, called_module, called_function = called
        if file != last_file:
            lines += ["", f"*** {file} ***"]
            last_file, last_called = file, ""
        if called_file not in (file, last_called):
            lines.append(f"  --> {called_file}")
            last_called = called_file
        lines.append(f"    {module}.{function} -> {called_module}.{called_function}")
    return lines


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


def _complain_of_path(path: str, error: OSError) -> None:
    warn(f"trace: Could not open {path!r} for writing: {error} - skipping")
