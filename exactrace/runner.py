"""Runs a program as Python itself would run it, with an executor of ours.

The program becomes the module `__main__`. While it runs, the frames of this
thread below its own are hidden (see cpython/program.c), and no function
written in Python stands between it and `Program.run`; so its tracebacks, its
stack and the depth of its recursion are what they are under Python alone.
"""

from __future__ import annotations

import builtins
import importlib.machinery
import importlib.util
import io
import linecache
import marshal
import os
import sys
from contextlib import suppress
from types import CodeType, ModuleType

from exactrace import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Namespace: TypeAlias = dict[str, Any]
    # As the built-in exec(code, globals, locals), and like that, no function
    # written in Python: it would be seen in tracebacks.
    Execute: TypeAlias = Callable[[CodeType, Namespace, Namespace], object]


class ProgramError(Exception):
    """The program's file cannot be read. The message is one line; the cause is
    the OSError.
    """

    status = 2  # the exit status that Python has then


class Outcome:
    """How a program ended. What it had to say about that has been shown."""

    def __init__(self, status: object = 0, *, interrupted: bool = False) -> None:
        """status: for SystemExit, an int. interrupted: whether Python would
        have this process killed by SIGINT, so that a shell sees it.
        """
        self.status = status
        self.interrupted = interrupted

    def exit(self, write_results: Callable[[], object] | None = None) -> None:
        """Write the results, if any, and end this process as Python would
        have ended it. With `python -i` this returns, and a prompt follows.

        A second Ctrl-C, while the results are written, costs no traceback.
        """
        if write_results is not None:
            try:
                write_results()
            except KeyboardInterrupt:
                print("exactrace: interrupted, not all was written", file=sys.stderr)
                self.status, self.interrupted = 1, True
        if sys.flags.inspect:
            return
        if self.interrupted:
            _native.interrupt_at_exit()
        raise SystemExit(self.status)


class Program:
    """A program that can be run as `__main__`, once."""

    def __init__(self, name: str, arguments: list[str]) -> None:
        """name: the first item of `sys.argv`, to begin with."""
        self._argv = [name, *arguments]

    @classmethod
    def from_script(
        cls, path: str, arguments: list[str], *, shown_as: str | None = None
    ) -> Program:
        """Take a file, a folder or zip file with a `__main__`, or '-' for
        standard input. `shown_as` is the file name of the code of a source
        file; by default the absolute path, as in Python.

        Raises ProgramError.
        """
        if path == "-":
            return _Input(path, arguments)
        absolute = _absolute(path)
        with suppress(OSError, UnicodeError, ValueError):
            if _native.importer(absolute) is not None:
                return _Folder(path, arguments)
        return _File(path, arguments, shown_as or absolute)

    @classmethod
    def from_module(cls, name: str, arguments: list[str]) -> Program:
        """Take a module by its name, as -m does: of a package, `__main__`."""
        return _Module(name, arguments)

    @classmethod
    def from_string(cls, source: str, arguments: list[str]) -> Program:
        """Take a program's text, as -c does."""
        return _String(source, arguments)

    def run(self, execute: Execute) -> Outcome:
        """Make the program `__main__` and have `execute` run its code.

        An exception that ends the program is shown as Python shows it. The
        threads that the program leaves behind are waited for, as Python does.

        Ends this process when the program cannot even start (no such module,
        a syntax error): as Python would, and after saying what it says.
        """
        # Functions of ours may still need what is in the old module.
        self._previous = sys.modules["__main__"]
        sys.argv = self._argv
        self._set_path()
        main = _new_main()
        sys.modules["__main__"] = main
        started = _Starter(execute)
        error = self._start(main.__dict__, started)
        outcome = Outcome()
        if error is not None:
            status, interrupted = _native.end_by(error)
            outcome = Outcome(status, interrupted=interrupted)
            # It would keep what the program's frames refer to.
            del error
        _native.join_threads()
        self._leave(main.__dict__)
        return outcome
