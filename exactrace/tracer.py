"""The class Trace: what to record, and the hooks that programs override."""

from __future__ import annotations

import linecache
import os
import sys
from time import monotonic

from exactrace import _native, paths
from exactrace.ignore import FileFilter, _Ignore
from exactrace.printing import Printing
from exactrace.results import CoverageResults

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import FrameType
    from typing import Any

    LocalTrace = Callable[[FrameType, str, object], object]
    Function = tuple[str, str | None, str]  # file name, module name, function


class Trace(_native.Tracer):
    """Trace the execution of a statement, a string of code or a function.

    The C engine records everything as long as the hooks (`globaltrace`,
    `localtrace`, `ignore` and the methods behind them) are our own. When a
    program replaces or overrides one of them, its hook is called through
    `sys.settrace`, in the way of the standard module.
    """

    _modname = staticmethod(paths._modname)
    # Who the callers' report shows as the caller of the traced program.
    _own_file = os.path.join(os.path.dirname(__file__), "__init__.py")

    def __init__(
        self,
        count: object = 1,
        trace: object = 1,
        countfuncs: object = 0,
        countcallers: object = 0,
        ignoremods: Iterable[str] = (),
        ignoredirs: Iterable[str] = (),
        infile: str | None = None,
        outfile: str | None = None,
        timing: object = False,
        *,
        engine: str | None = None,
        branch: object = False,
        calls: object = False,
        together: object = False,
        trace_file: str | os.PathLike[str] | None = None,
        trace_calls: object = False,
        trace_vars: object = False,
        trace_last: int | None = None,
        trace_imports: bool | None = None,
        trace_color: str = "never",
        only_modules: Iterable[str] = (),
        only_functions: Iterable[str] = (),
        only_lines: Iterable[str] = (),
        only_threads: Iterable[str] = (),
        max_depth: int | None = None,
    ) -> None:
        """Say what to record.

        count: count how often each line runs. trace: print each line before
        it runs. countfuncs: note which functions are called (instead of count
        and trace). countcallers: note which function calls which (instead of
        all others). ignoremods, ignoredirs: modules and folders to leave out.
        infile, outfile: counts file to add to the results, and to write them
        to. timing: begin printed lines with the seconds since now.
        engine: "probe", "event" or "settrace"; the first that this interpreter
        can by default (see docs/how-it-works.md). branch: count with the lines
        how often each side of each branch was taken and how often each
        function was entered; the results then have `branches` and `calls`.
        calls: count, beside all else, how often which function called which;
        the results then have `calls` and `call_graph`. together: do all of count,
        trace, countfuncs and countcallers that are asked for.

        How lines are printed (with trace; see docs/printing.md).
        trace_file: the file that they go to, emptied now, instead of sys.stdout.
        trace_calls: print calls with their arguments, how functions end, exceptions,
        and all indented by depth. trace_vars: print which local variables have
        changed since the last line of their function.
        trace_last: keep so many lines, and print them (to stderr or trace_file)
        only when an exception or a signal ends the run.
        trace_imports: whether those of the import system (`<frozen importlib...>`)
        are printed: not, if any option of this paragraph is given, else they are.
        trace_color: "always", "never", or "auto": on a terminal.
        only_modules: names of modules, each with those below it. only_functions:
        names or qualified names of functions; "Class.*" is all within. only_lines:
        "FILE:3,10-20,40-". only_threads: names of threads, or "main"; "name*" is
        all that begin so. max_depth: how many frames deep.

        Raises ValueError for an engine that does not exist, or that cannot do
        what is asked for, and for options that cannot be; OSError if trace_file
        cannot be written.
        """
        super().__init__()
        if engine not in (None, *ENGINES):
            names = ", ".join(map(repr, ENGINES))
            raise ValueError(f"engine {engine!r} is none of {names}")
        if branch and engine == "settrace":
            raise ValueError(f"branch: the engine {engine!r} counts lines only")
        self.engine = engine
        self.branch = branch
        self._debug = False  # whether _engines_used() will be asked
        self.infile = infile
        self._added_infile: str | None = None
        self._infile_rest = CoverageResults()  # what it has beside lines
        self.outfile = outfile
        self.ignore: Any = _Ignore(ignoremods, ignoredirs)
        self._kept: list[str] = []  # folders and files in ignoredirs to trace
        self.counts = {}
        self.pathtobasename: dict[str, str] = {}
        self.donothing = 0
        self.trace = trace
        self._calledfuncs: dict[Function, int] = {}
        self._callers: dict[tuple[Function, Function], int] = {}
        self._caller_cache: dict[object, str | None] = {}
        self._start_directory = paths.current_directory()
        self._printing = Printing(
            file=trace_file,
            only_modules=only_modules,
            only_functions=only_functions,
            only_lines=only_lines,
            only_threads=only_threads,
            max_depth=max_depth,
            last=trace_last,
            calls=trace_calls,
            variables=trace_vars,
            imports=trace_imports,
            color=trace_color,
        )
        prints = trace and (together or not (countfuncs or countcallers))
        if self._printing.asked and not prints:
            raise ValueError("options of printing (trace_file, ...) need trace=1")
        if self._printing.wanted and prints:
            self._printing.apply(self)
        self.start_time: float | None = monotonic() if timing else None
        self._calls = calls
        self._functions = (_native.FUNCTIONS if countfuncs else 0) | (
            _native.CALLERS if countcallers else 0
        )
        together = together and self._functions
        if countcallers and not together:
            self.globaltrace: Any = self.globaltrace_trackcallers
        elif countfuncs and not together:
            self.globaltrace = self.globaltrace_countfuncs
        elif trace or count:
            self.globaltrace = self.globaltrace_lt
            self.localtrace: Any = (
                self.localtrace_trace_and_count
                if trace and count
                else self.localtrace_trace
                if trace
                else self.localtrace_count
            )
        elif not (calls or together):
            self.donothing = 1
        if together or (calls and not (self._functions or trace or count)):
            self.globaltrace = self.globaltrace_together

    def results(self) -> CoverageResults:
        """Return what was recorded so far, with the counts of `infile` added.

        They are added to our own too, by the first call for that file only.
        """
        infile = None if self.infile == self._added_infile else self.infile
        self._added_infile = self.infile
        results = CoverageResults(
            self.counts,
            infile=infile,
            outfile=self.outfile,
            calledfuncs=self._calledfuncs,
            callers=self._callers,
        )
        results.infile = self.infile
        if infile:
            self._infile_rest = results._take_rest()
        own = CoverageResults()
        own.branches = self.branches
        own.calls = self.calls
        own.call_graph = self.call_graph
        results.update(own)
        results.update(self._infile_rest)
        results._notes = self._infile_rest._notes
        self._calledfuncs.update(results.calledfuncs)
        self._callers.update(results.callers)
        results._start_directory = self._start_directory
        return results

    # What the C engine asks

    def _plan(self) -> int | None:
        """Return what the C engine is to do (bits), or None if it cannot."""
        mode = self._find_plan()
        if mode is None and self._printing.asked:
            message = (
                "options of printing (trace_file, ...) cannot be had together with "
                "a hook of one's own (globaltrace, localtrace, ignore, ...): leave "
                "one of them out"
            )
            raise RuntimeError(message)
        if mode is not None or self.donothing:
            return mode
        if self.branch:
            import warnings

            message = (
                "exactrace: no branches are counted: hooks of Trace that are "
                "overridden see lines only"
            )
            warnings.warn(message, RuntimeWarning, stacklevel=2)
        return _native.HOOKS | self._plan_calls(0, 0) if self._calls else None

    def _find_plan(self) -> int | None:
        for name, hook in _OWN_HOOKS.items():
            if getattr(type(self), name) is not hook:
                return None
            if name in self.__dict__:
                return None
        name = self._own_method(self.globaltrace)
        functions = {
            "globaltrace_trackcallers": _native.CALLERS,
            "globaltrace_countfuncs": _native.FUNCTIONS,
            "globaltrace_lt": 0,
            "globaltrace_together": self._functions,
        }.get(name)
        if functions is None:
            return None
        lines: int | None = 0
        if hasattr(self, "localtrace") and name.endswith(("_lt", "_together")):
            lines = self._plan_lines()
        if lines is None:
            return None
        return functions | lines | self._plan_calls(functions, lines)

    def _plan_lines(self) -> int | None:
        """Return what is to be done with lines (bits), or None if C cannot."""
        if not self._has_own_ignore():
            return None
        mode = {
            "localtrace_count": _native.COUNT,
            "localtrace_trace": _native.LINES,
            "localtrace_trace_and_count": _native.COUNT | _native.LINES,
        }.get(self._own_method(self.localtrace))
        # The headers of calls go by `trace`, the lines by `localtrace`: in
        # agreement, unless a program has set one of them.
        if mode is None or bool(self.trace) != bool(mode & _native.LINES):
            return None
        self._filter = FileFilter(self.ignore._mods, self.ignore._dirs, self._kept)
        if mode == _native.COUNT:
            if self._filter.wants_all:
                mode |= _native.ALL
            mode |= _ENGINE_BITS[self.engine or ENGINES[0]]
            if self.branch:
                mode |= _native.BRANCHES
            if self._debug:
                mode |= _native.DEBUG
        elif mode == _native.LINES and self._printing.asked:
            mode |= _ENGINE_BITS[self.engine or "event"] & _native.EVENT
        return mode

    def _plan_calls(self, functions: int, lines: int) -> int:
        """Return how functions and calls are to be recorded (bits).

        The standard module lists all functions, and so do we if there is no rule
        that leaves some out. Calls are counted where lines would be.
        """
        mode = _native.CALLS if self._calls else 0
        if (functions or mode) and self._has_own_ignore():
            rules = self.ignore._mods, self.ignore._dirs
            if any(rules) or not functions:
                self._filter = FileFilter(*rules, self._kept)
                mode |= _native.FILTERED
        return mode

    def _has_own_ignore(self) -> bool:
        """Whether C may decide in place of `ignore`."""
        return (
            type(self.ignore) is _Ignore
            and "names" not in self.ignore.__dict__
            and _Ignore.names is _OWN_NAMES
        )

    def _own_method(self, hook: object) -> str:
        """Return the name of a bound method of this object, else ''."""
        if getattr(hook, "__self__", None) is not self:
            return ""
        return str(getattr(hook, "__name__", ""))

    def _judge(self, filename: str, module_globals: Mapping[str, object]) -> str | None:
        """Return the file's module name if it is to be traced, else None."""
        if not filename:
            return None
        basename = paths.stem(filename)
        wanted = self._filter.wants(filename, module_globals, basename)
        return basename if wanted else None

    # The hooks, as sys.settrace calls them

    def globaltrace_lt(self, frame: FrameType, why: str, arg: object) -> object:
        """Handle a call: return `localtrace` if the new frame is wanted."""
        if why != "call" or self._take_over(frame, why):
            return None
        filename = frame.f_globals.get("__file__", None)
        if not filename:
            return None
        modulename = paths._modname(filename)
        if self.ignore.names(filename, modulename):
            return None
        if self.trace:
            print(f" --- modulename: {modulename}, funcname: {frame.f_code.co_name}")
        return self.localtrace

    def globaltrace_countfuncs(self, frame: FrameType, why: str, arg: object) -> object:
        """Handle a call: note the function."""
        if why == "call" and not self._take_over(frame, why):
            self._calledfuncs[self.file_module_function_of(frame)] = 1
        return None

    def globaltrace_trackcallers(
        self, frame: FrameType, why: str, arg: object
    ) -> object:
        """Handle a call: note the function together with its caller."""
        if why == "call" and not self._take_over(frame, why):
            this = self.file_module_function_of(frame)
            if frame.f_back is not None:
                parent = self.file_module_function_of(frame.f_back)
                self._callers[(parent, this)] = 1
        return None

    def globaltrace_together(self, frame: FrameType, why: str, arg: object) -> object:
        """Handle a call: all that was asked for."""
        if self._functions & _native.FUNCTIONS:
            self.globaltrace_countfuncs(frame, why, arg)
        if self._functions & _native.CALLERS:
            self.globaltrace_trackcallers(frame, why, arg)
        if not hasattr(self, "localtrace"):
            return None
        return self.globaltrace_lt(frame, why, arg)

    def localtrace_count(self, frame: FrameType, why: str, arg: object) -> LocalTrace:
        """Count a line."""
        if why == "line":
            self._count_line(frame)
        return self.localtrace  # type: ignore[no-any-return]

    def localtrace_trace(self, frame: FrameType, why: str, arg: object) -> LocalTrace:
        """Print a line."""
        if why == "line":
            self._print_line(frame)
        return self.localtrace  # type: ignore[no-any-return]

    def localtrace_trace_and_count(
        self, frame: FrameType, why: str, arg: object
    ) -> LocalTrace:
        """Count a line and print it."""
        if why == "line":
            self._count_line(frame)
            self._print_line(frame)
        return self.localtrace  # type: ignore[no-any-return]

    def _count_line(self, frame: FrameType) -> None:
        key = frame.f_code.co_filename, frame.f_lineno
        counts = self.counts
        counts[key] = counts.get(key, 0) + 1

    def _print_line(self, frame: FrameType) -> None:
        filename = frame.f_code.co_filename
        if self.start_time:
            print(f"{monotonic() - self.start_time:.2f}", end=" ")
        print(f"{os.path.basename(filename)}({frame.f_lineno})", end="")
        source = linecache.getline(filename, frame.f_lineno)
        if sys.version_info < (3, 13):
            print(f": {source}", end="")
        elif source:
            print(f":  {source}", end="")
        else:
            print()

    def file_module_function_of(self, frame: FrameType) -> Function:
        """Return (file name, module name, function name) of a frame."""
        return _native.function_name(frame.f_code, paths._modname)


_OWN_NAMES = _Ignore.names

# From the cheapest on; all count the same.
ENGINES = ("probe", "event", "settrace")
_ENGINE_BITS = {
    "probe": _native.PROBE | _native.EVENT,
    "event": _native.EVENT,
    "settrace": 0,
}

# The methods whose work the C engine does, and which so must be our own for it
# to be used.
_OWN_HOOKS = {
    name: getattr(Trace, name)
    for name in (
        "globaltrace_lt",
        "globaltrace_countfuncs",
        "globaltrace_trackcallers",
        "globaltrace_together",
        "localtrace_count",
        "localtrace_trace",
        "localtrace_trace_and_count",
        "file_module_function_of",
    )
}
