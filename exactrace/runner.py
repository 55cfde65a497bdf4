"""Runs a program as Python itself would run it, with an executor of ours.

The program becomes the module `__main__`. While it runs, the frames of this
thread below its own are hidden (see cpython/program.c), and no function
written in Python stands between it and `Program.run`; so its tracebacks, its
stack and the depth of its recursion are what they are under Python alone.
"""

from __future__ import annotations

import builtins
import functools
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


class _Imports:
    """How modules are found now. As a context: they are found so again, beside what
    the program has made of it, for what writes its results is imported then.
    """

    def __init__(self) -> None:
        self._now = [*sys.meta_path], [*sys.path_hooks]

    def __enter__(self) -> None:
        self._then = finders, hooks = sys.meta_path, sys.path_hooks
        sys.meta_path = [*finders, *(it for it in self._now[0] if it not in finders)]
        sys.path_hooks = [*hooks, *(it for it in self._now[1] if it not in hooks)]

    def __exit__(self, *_error: object) -> None:
        sys.meta_path, sys.path_hooks = self._then


_IMPORTS = _Imports()


class ProgramError(Exception):
    """The program's file cannot be read. The message is one line; the cause is
    the OSError.
    """

    status = 2  # the exit status that Python has then


class Outcome:
    """How a program ended. What it had to say about that has been shown."""

    def __init__(self, status: int = 0, *, interrupted: bool = False) -> None:
        """status: the exit status. interrupted: whether Python would have this
        process killed by SIGINT instead, so that a shell sees it.
        """
        self.status = status
        self.interrupted = interrupted

    def exit(self, write_results: Callable[[], object] | None = None) -> None:
        """Write the results, if any, and end this process as Python would
        have ended it. With `python -i` this returns, and a prompt follows.

        A second Ctrl-C, while the results are written, costs no traceback, nor
        does a failure, which makes a status of 0 one of 1.
        """
        if write_results is not None:
            try:
                with _IMPORTS:
                    write_results()
            except KeyboardInterrupt:
                _say("exactrace: interrupted, not all was written")
                self.status, self.interrupted = 1, True
            except SystemExit as error:
                _say(error.code)
                self.status = self.status or 1
            except BrokenPipeError:
                _discard_stdout()
            except Exception as error:  # noqa: BLE001
                # The program may have replaced anything that we use.
                _say(f"exactrace: not all was written: {error}")
                self.status = self.status or 1
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
        with suppress(OSError, ValueError):
            if _native.importer(absolute) is not None:
                return _Folder(path, arguments)
        return _File(path, arguments, shown_as)

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
        namespace = vars(main)
        sys.modules["__main__"] = main
        started, error = self._start(namespace, execute)
        outcome = Outcome()
        if error is not None:
            status, interrupted = _native.end_by(error)
            outcome = Outcome(status, interrupted=interrupted)
        exits = isinstance(error, SystemExit)
        # It would keep alive what the program's frames refer to.
        del error
        _join_threads()
        if not exits or sys.version_info >= (3, 13, 3):
            self._leave(namespace)
        if not started:
            outcome.exit()
        return outcome

    def _set_path(self) -> None:
        """Put the program's folder into `sys.path`, in the place of the entry
        that Python has put there for us. With -P there is neither.
        """
        if not sys.flags.safe_path:
            sys.path[:1] = self._path_entry()

    def _path_entry(self) -> list[str]:
        """Return what Python puts into `sys.path` for the program."""
        raise NotImplementedError

    def _start(
        self, namespace: Namespace, execute: Execute
    ) -> tuple[bool, BaseException | None]:
        """Load the code and have it executed. Returns whether it came so far,
        and the exception that ended it.
        """
        raise NotImplementedError

    def _leave(self, namespace: Namespace) -> None:
        """Take from `__main__` what Python takes when its code has ended."""


class _Source(Program):
    """A program that is one source file."""

    def __init__(
        self, path: str, arguments: list[str], file: str, shown_as: str
    ) -> None:
        """file: its `__file__`. shown_as: the file name of its code."""
        super().__init__(path, arguments)
        self._path = path
        self._file = file
        self._shown_as = shown_as

    def _read(self) -> bytes:
        raise NotImplementedError

    def _path_entry(self) -> list[str]:
        path = self._path
        with suppress(OSError):
            path = os.path.realpath(path, strict=True)
        return [os.path.dirname(path)]

    def _start(
        self, namespace: Namespace, execute: Execute
    ) -> tuple[bool, BaseException | None]:
        namespace["__file__"] = self._file
        if sys.version_info < (3, 15):
            namespace["__cached__"] = None
        code, error = self._load(self._read(), namespace)
        if code is not None:
            _, error = _native.call_alone(execute, code, namespace, namespace)
        _flush()
        return code is not None, error

    def _load(
        self, data: bytes, namespace: Namespace
    ) -> tuple[CodeType | None, BaseException | None]:
        """Return (code, None) or (None, exception)."""
        code, error = None, None
        if _is_text(data):
            code, error = _compile(data, self._shown_as)
            if code is not None or data.endswith(b"\n"):
                return code, error
        # What it has to say of other files compile() does not say so.
        arguments = (data, self._shown_as, namespace)
        _, error = _native.call_alone(_native.run_source, *arguments)
        return None, error

    def _leave(self, namespace: Namespace) -> None:
        namespace.pop("__file__", None)
        namespace.pop("__cached__", None)


class _File(_Source):
    """A program that is a file with source or with compiled code."""

    def __init__(self, path: str, arguments: list[str], shown_as: str | None) -> None:
        absolute = _absolute(path)
        super().__init__(path, arguments, absolute, shown_as or absolute)
        try:
            with io.open_code(path) as file:
                self._data = file.read()
        except OSError as error:
            reason = f"[Errno {error.errno}] {error.strerror}"
            message = f"can't open file {absolute!r}: {reason}"
            raise ProgramError(message) from error
        except ValueError as error:  # a null character in the name
            raise ProgramError(f"can't open file {absolute!r}: {error}") from error

    def _read(self) -> bytes:
        return self._data

    def _load(
        self, data: bytes, namespace: Namespace
    ) -> tuple[CodeType | None, BaseException | None]:
        # As Python does, go by two bytes: the others say which mistake it is.
        magic = importlib.util.MAGIC_NUMBER
        compiled = self._path.endswith(".pyc") or data[:2] == magic[:2]
        kind = "SourcelessFileLoader" if compiled else "SourceFileLoader"
        loader = getattr(importlib.machinery, kind)
        namespace["__loader__"] = loader("__main__", self._file)
        if not compiled:
            return super()._load(data, namespace)
        if data[:4] != magic:
            return None, RuntimeError("Bad magic number in .pyc file")
        code, _ = _native.call_alone(marshal.loads, data[16:])
        if not isinstance(code, CodeType):
            return None, RuntimeError("Bad code object in .pyc file")
        return code, None


class _Input(_Source):
    """A program that is read from standard input."""

    def __init__(self, path: str, arguments: list[str]) -> None:
        super().__init__(path, arguments, "<stdin>", "<stdin>")

    def _read(self) -> bytes:
        return sys.stdin.buffer.read() if sys.stdin else b""


class _String(Program):
    """A program that is given as text."""

    def __init__(self, source: str, arguments: list[str]) -> None:
        super().__init__("-c", arguments)
        self._source = source

    def _path_entry(self) -> list[str]:
        return [""]

    def _start(
        self, namespace: Namespace, execute: Execute
    ) -> tuple[bool, BaseException | None]:
        source = self._source
        if sys.version_info >= (3, 14):
            import textwrap

            source = textwrap.dedent(source)
        code, error = _compile(source, "<string>")
        if code is None:
            return False, error
        if sys.version_info >= (3, 13):
            # So that tracebacks show lines of it. 3.13 files it by its name.
            by_code = hasattr(linecache, "_interactive_cache")
            key = code if by_code else "<string>"
            linecache._register_code(key, source, "<string>")
        _, error = _native.call_alone(execute, code, namespace, namespace)
        return True, error


class _Module(Program):
    """A program that is a module, or the `__main__` of a package. It is run by
    runpy, as in Python: its functions are seen in tracebacks there too.
    """

    def __init__(self, name: str, arguments: list[str]) -> None:
        super().__init__("-m", arguments)
        self._name = name

    _is_named = True  # runpy sets sys.argv[0], and words its errors for -m

    def _path_entry(self) -> list[str]:
        try:
            return [os.getcwd()]
        except OSError:
            return []

    def _start(
        self, namespace: Namespace, execute: Execute
    ) -> tuple[bool, BaseException | None]:
        import runpy

        _native.exec_once(vars(runpy), execute, namespace)
        run = runpy._run_module_as_main  # type: ignore[attr-defined]
        _, error = _native.call_alone(run, self._name, self._is_named)
        return vars(runpy).pop("exec", None) is None, error


class _Folder(_Module):
    """A program that is the `__main__` in a folder or a zip file."""

    def __init__(self, path: str, arguments: list[str]) -> None:
        super().__init__("__main__", arguments)
        self._argv = [path, *arguments]
        self._folder = _absolute(path)

    _is_named = False

    def _set_path(self) -> None:
        # Also with -P: without it, nothing would be found.
        end = 0 if sys.flags.safe_path else 1
        sys.path[:end] = [self._folder]


def _say(text: object) -> None:
    """Print to whatever stderr there is."""
    for stream in (sys.stderr, sys.__stderr__):
        try:
            stream.write(f"{text}\n")  # type: ignore[union-attr]
            stream.flush()  # type: ignore[union-attr]
        except (AttributeError, OSError, ValueError):
            continue
        return


def _discard_stdout() -> None:
    """Have Python not fail once more, at exit, to write to a closed pipe."""
    with suppress(AttributeError, OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())


def _new_main() -> ModuleType:
    """Return a module `__main__` as the interpreter makes it for a program."""
    main = ModuleType("__main__")
    namespace = vars(main)
    namespace["__loader__"] = importlib.machinery.BuiltinImporter
    if sys.version_info < (3, 14):
        namespace["__annotations__"] = {}
    namespace["__builtins__"] = builtins
    return main


def _absolute(path: str) -> str:
    """Return `path` made absolute as the interpreter does: not normalized."""
    if os.name == "nt":
        return os.path.abspath(path)
    if os.path.isabs(path):
        return path
    try:
        folder = os.getcwd()
    except OSError:
        return path
    return folder if path in ("", ".") else f"{folder}/{path}"


def _compile(
    source: bytes | str, filename: str
) -> tuple[CodeType | None, BaseException | None]:
    """Return (code, None) or (None, exception)."""
    function: Callable[..., CodeType] = compile
    if sys.version_info >= (3, 15):  # the filters of warnings see the module
        function = functools.partial(compile, module="__main__")
    flags, inherit = 0, True
    return _native.call_alone(function, source, filename, "exec", flags, inherit)


def _is_text(data: bytes) -> bool:
    """Whether a source file is in the encoding that it says, without nulls."""
    encoding = "utf-8"
    try:
        if any(b"coding" in line for line in data.split(b"\n", 2)[:2]):
            import tokenize

            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return "\0" not in data.decode(encoding)
    except (SyntaxError, LookupError, ValueError):
        return False


def _join_threads() -> None:
    """Wait for threads, and end idle thread pools, as Python does before it
    exits: what they still do belongs to the results.
    """
    if not _native.join_threads():
        # Interrupted: at the exit, Python is not to wait for them once more.
        vars(sys.modules["threading"])["_shutdown"] = lambda: None


def _flush() -> None:
    """Flush the streams as Python does after a file, before it says how the
    program ended.
    """
    for name in ("stderr", "stdout"):
        with suppress(BaseException):
            getattr(sys, name).flush()
