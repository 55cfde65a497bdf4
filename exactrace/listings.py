"""Listings of sources with the counts of their lines, and lists of functions and calls:
the report of the standard module.
"""

from __future__ import annotations

import linecache
import os
import sys

from exactrace import _native, compat, paths, source
from exactrace.progress import Progress
from exactrace.results import CoverageResults, warn

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping
    from typing import Any

    from exactrace.results import Call, Function, Missing

_EXTENSION = ".cover"


class Report:
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
        self._base = results._start_directory or paths.current_directory()
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


def write(
    path: str,
    lines: Iterable[str],
    lnotab: Container[int],
    lines_hit: Mapping[int, int],
    encoding: str | None,
) -> tuple[int, int]:
    """Do what `CoverageResults.write_results_file` says."""
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


def _hook(name: str) -> Any:
    """Return a name of the package, which a program may have replaced."""
    package = sys.modules.get("exactrace")
    return getattr(package, name, getattr(compat, name))


def function_lines(calledfuncs: Iterable[Function]) -> list[str]:
    """Return the lines of the list of called functions."""
    lines = ["", "functions called:"]
    for filename, module, function in sorted(calledfuncs):
        lines.append(
            f"filename: {filename}, modulename: {module}, funcname: {function}"
        )
    return lines


def call_lines(callers: Iterable[Call]) -> list[str]:
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


def _complain_of_path(path: str, error: OSError) -> None:
    warn(f"trace: Could not open {path!r} for writing: {error} - skipping")
