"""How lines are printed, where that is not as in the standard module."""

from __future__ import annotations

import os
import stat
import sys

from exactrace import _native
from exactrace.ignore import full_module_name
from exactrace.paths import stem

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, TextIO

    from exactrace.tracer import Trace

COLORS = ("auto", "always", "never")
MOST_LINES = 1_000_000  # that `last` may keep


class Printing:
    """The options of printing, checked. Raises ValueError for what they cannot be,
    TypeError for what they are not.
    """

    def __init__(
        self,
        *,
        file: str | os.PathLike[str] | None,
        only_modules: Iterable[str],
        only_functions: Iterable[str],
        only_lines: Iterable[str],
        only_threads: Iterable[str],
        max_depth: int | None,
        last: int | None,
        calls: object,
        variables: object,
        imports: bool | None,
        color: str,
    ) -> None:
        """Take them as `Trace` does, where they are told of."""
        self._file = file
        self._modules = _names("only_modules", only_modules)
        self._functions = _names("only_functions", only_functions)
        self._lines = tuple(map(parse_lines, _names("only_lines", only_lines)))
        self._threads = _names("only_threads", only_threads)
        self._max_depth = _count("max_depth", max_depth, 2**31 - 1)
        self._last = _count("trace_last", last, MOST_LINES)
        self._calls = bool(calls)
        self._variables = bool(variables)
        if color not in COLORS:
            names = ", ".join(map(repr, COLORS))
            raise ValueError(f"trace_color: {color!r} is none of {names}")
        self._colored = color == "always" or (
            color == "auto" and _is_for_colors(file, sys.stderr if last else sys.stdout)
        )
        # With any other option, the import system is left out by default.
        self._imports = bool(imports)
        self._child = False  # whether this is one of several that print
        options = imports is False or any(
            (
                file is not None,
                self._modules,
                self._functions,
                self._lines,
                self._threads,
                self._max_depth,
                self._last,
                self._calls,
                self._variables,
            )
        )
        # As in the standard module: colours alone leave nothing out.
        self._plain = imports is None and not options
        self._imports |= self._colored and self._plain
        # Whether anybody has asked, and whether there is anything to do.
        self.asked = options or color == "always"
        self.wanted = options or self._colored

    def apply_anyway(self, tracer: Trace) -> None:
        """Apply even if all is as in the standard module, to which children are to
        add.
        """
        if not self.wanted:
            self._imports |= self._plain
            self.wanted = True
            self.apply(tracer)

    @property
    def goes_to_stdout(self) -> bool:
        """Whether lines are printed to sys.stdout."""
        return self._file is None and not self._last

    def items(self) -> list[str]:
        """Return what of_child() takes."""
        file = self._file
        named: list[tuple[str, Iterable[object]]] = [
            ("file", () if file is None else [os.path.abspath(os.fsdecode(file))]),
            ("module", self._modules),
            ("function", self._functions),
            ("lines", map(":".join, self._lines)),
            ("thread", self._threads),
            ("depth", [self._max_depth] * bool(self._max_depth)),
            ("last", [self._last] * bool(self._last)),
        ]
        flags = {
            "calls": self._calls,
            "variables": self._variables,
            "imports": self._imports and not self._plain,
            "colored": self._colored,
        }
        items = [f"{name}={value}" for name, values in named for value in values]
        return items + [name for name, value in flags.items() if value]

    @classmethod
    def of_child(cls, items: Iterable[str], shared: str) -> Printing:
        """Return what items() was called for, in another process, where lines go to
        the same file; or to the file `shared`, if that is what goes_to_stdout.
        """
        values: dict[str, list[str]] = {}
        for item in items:
            name, _, value = item.partition("=")
            values.setdefault(name, []).append(value)
        file = values.get("file", [None])[0]
        depth, last = (
            int(values[name][0]) if name in values else None
            for name in ("depth", "last")
        )
        made = cls(
            file=(file or shared) if last is None else file,
            only_modules=values.get("module", ()),
            only_functions=values.get("function", ()),
            only_lines=values.get("lines", ()),
            only_threads=values.get("thread", ()),
            max_depth=depth,
            last=last,
            calls="calls" in values,
            variables="variables" in values,
            imports="imports" in values,
            color="always" if "colored" in values else "never",
        )
        made._child = True
        return made

    def apply(self, tracer: Trace) -> None:
        """Have the tracer print so. Raises OSError if the file cannot be written."""
        options: dict[str, Any] = {
            "file": self._file,
            "max_depth": self._max_depth,
            "last": self._last,
            "calls": self._calls,
            "changes": self._variables,
            "imports": self._imports,
            "colored": self._colored,
            "child": self._child,
        }
        if self._colored and self._file is None:
            options["terminal"] = sys.stdout
        if self._modules:
            self._rules = _native.Rules(self._modules, ())
            options["module"] = self._wants_module
        if self._functions:
            options["functions"] = self._functions
        if self._lines:
            options["lines"] = self._lines
        if self._threads:
            options["threads"] = self._threads
        tracer._print_by(**options)

    def _wants_module(self, module_globals: Mapping[str, object]) -> bool:
        """Whether the module with these globals is printed."""
        filename = module_globals.get("__file__")
        if filename is not None and not isinstance(filename, str):
            filename = os.fsdecode(filename)  # type: ignore[arg-type]
        name = full_module_name(module_globals, stem(filename or ""))
        main = module_globals.get("__name__") == "__main__"
        return self._rules.covers_module(name) or (
            main and self._rules.covers_module("__main__")
        )


def _is_for_colors(file: str | os.PathLike[str] | None, stream: TextIO | None) -> bool:
    """Whether lines are to have colours in this file, or on the stream if that is
    None, when nobody has said so.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    try:
        if file is None:
            return stream is not None and stream.isatty()
        if not stat.S_ISCHR(os.stat(file).st_mode):
            return False
        fd = os.open(file, os.O_WRONLY | os.O_NOCTTY)
    except (AttributeError, OSError, ValueError):
        return False
    try:
        return os.isatty(fd)
    finally:
        os.close(fd)


def parse_lines(text: str) -> tuple[str, str]:
    """Return the file and the ranges in "FILE:3,10-20,40-". Raises ValueError."""
    file, colon, ranges = text.rpartition(":")
    if not colon or not file or not _native.check_lines(ranges):
        message = (
            f"lines {text!r}: must be FILE:RANGES, as in prog.py:3,10-20,40-"
            " (40- is the rest of the file)"
        )
        raise ValueError(message)
    file = os.path.normpath(file)
    if file.startswith(os.pardir + os.sep):
        file = os.path.abspath(file)
    return file, ranges


def _names(option: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return the names as a tuple."""
    if isinstance(values, str):
        raise TypeError(f"{option}: must be a list of str, not a str: [{values!r}]")
    names = tuple(values)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"{option}: {name!r} is not a str")
        if not name:
            raise ValueError(f"{option}: a name is empty")
    return tuple(map(sys.intern, map(str, names)))


def _count(option: str, value: int | None, most: int) -> int:
    """Return a number from 1 on, or 0 for None."""
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{option}: {value!r} is not an int")
    if not 1 <= value <= most:
        raise ValueError(f"{option}: {value} is not from 1 to {most}")
    return value
