"""Runs a program as Python itself would run it, with an executor of ours."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import io
import marshal
import os
import sys
from types import CodeType, ModuleType

from exactrace import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.abc import InspectLoader
    from importlib.machinery import ModuleSpec
    from typing import Any

_OUR_FOLDER = os.path.dirname(__file__) + os.sep


class ProgramError(Exception):
    """The program cannot be started. The message is one line."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status  # the exit status that Python would have


class Outcome:
    """How a program ended."""

    def __init__(self, error: BaseException | None) -> None:
        """error: the exception that ended it (already shown, unless it is a
        SystemExit), or None.
        """
        self.error = error

    def exit(self) -> None:
        """End this process as Python would have ended the program's.

        Returns if that is the normal end, which then is the caller's.
        """
        error = self.error
        if error is None:
            return
        if isinstance(error, SystemExit):
            raise error.with_traceback(None)
        if isinstance(error, KeyboardInterrupt):
            # Python ends by the signal, so that a shell sees it, if this
            # reaches the top; it has been shown already.
            sys.excepthook = lambda *_: None
            raise error.with_traceback(None)
        sys.exit(1)


class Program:
    """A program that is ready to become the module `__main__`."""

    def __init__(
        self,
        load: Callable[[], CodeType],
        argv: list[str],
        namespace: dict[str, Any],
    ) -> None:
        """load: gives the code to run. argv: `sys.argv`. namespace: what the
        module `__main__` has beside what every module has.
        """
        self._load = load
        self._argv = argv
        self._namespace = namespace

    @classmethod
    def from_script(
        cls, path: str, arguments: list[str], shown_as: str | None = None
    ) -> Program:
        """Take a file, a folder or zip file with a `__main__`, or '-' for
        standard input. `shown_as` is the file name that the code has, by
        default the absolute path, as in Python.

        Raises ProgramError.
        """
        argv = [path, *arguments]
        if path == "-":
            _set_path("")
            source = sys.stdin.buffer.read()
            return cls(lambda: _compile(source, "<stdin>"), argv, {})
        finder = _find_container(os.path.abspath(path))
        if finder is not None:
            _set_path(os.path.abspath(path))
            spec = finder.find_spec("__main__")
            if spec is None:
                raise ProgramError(f"can't find '__main__' module in {path!r}")
            return cls._from_spec(spec, argv)
        return cls._from_file(path, argv, shown_as)

    @classmethod
    def _from_file(cls, path: str, argv: list[str], shown_as: str | None) -> Program:
        absolute = os.path.abspath(path)
        try:
            with io.open_code(absolute) as file:
                data = file.read()
        except OSError as error:
            named = OSError(error.errno, error.strerror, path)
            raise ProgramError(f"can't open the program: {named}", 2) from named
        except ValueError as error:  # a null character in the name
            raise ProgramError(f"can't open {path!r}: {error}", 2) from error
        _set_path(os.path.dirname(os.path.realpath(path)))
        compiled = data[:4] == importlib.util.MAGIC_NUMBER
        loader = (
            importlib.machinery.SourcelessFileLoader
            if compiled
            else importlib.machinery.SourceFileLoader
        )
        namespace = {
            "__file__": absolute,
            "__loader__": loader("__main__", absolute),
        }
        if sys.version_info < (3, 15):
            namespace["__cached__"] = None
        if compiled:
            return cls(lambda: _load_pyc(data), argv, namespace)
        name = absolute if shown_as is None else shown_as
        return cls(lambda: _compile(data, name), argv, namespace)

    @classmethod
    def from_module(cls, name: str, arguments: list[str]) -> Program:
        """Take a module by its name, as -m does: of a package, its
        `__main__`. Imports the packages that it is in.

        Raises ProgramError.
        """
        _set_path(_current_directory())
        sys.argv = ["-m", *arguments]
        spec = _find_module(name)
        return cls._from_spec(spec, [spec.origin or "-m", *arguments])

    @classmethod
    def from_string(cls, source: str, arguments: list[str]) -> Program:
        """Take a program's text, as -c does."""
        _set_path("")
        data = source.encode("utf-8", "surrogateescape")
        return cls(lambda: _compile(data, "<string>"), ["-c", *arguments], {})

    @classmethod
    def _from_spec(cls, spec: ModuleSpec, argv: list[str]) -> Program:
        loader: InspectLoader = spec.loader  # type: ignore[assignment]
        namespace: dict[str, Any] = {
            "__file__": spec.origin,
            "__loader__": loader,
            "__package__": spec.parent,
            "__spec__": spec,
        }
        if sys.version_info < (3, 15):
            namespace["__cached__"] = spec.cached

        def load() -> CodeType:
            code = loader.get_code(spec.name)
            if code is None:
                raise ImportError(f"No code object available for {spec.name}")
            return code

        return cls(load, argv, namespace)

    def run(self, execute: Callable[[CodeType, dict[str, Any]], object]) -> Outcome:
        """Make the program `__main__` and have `execute` run its code.

        Waits for the threads that the program leaves behind, as Python does.
        An exception that ends the program is shown as Python shows it, and
        becomes part of the outcome.
        """
        main = ModuleType("__main__")
        namespace = main.__dict__
        # What the interpreter puts into the module before a program runs.
        namespace["__builtins__"] = sys.modules["builtins"]
        if sys.version_info < (3, 14):
            namespace["__annotations__"] = {}
        if "__loader__" not in self._namespace:
            namespace["__loader__"] = importlib.machinery.BuiltinImporter
        namespace.update(self._namespace)
        sys.argv = self._argv
        sys.modules["__main__"] = main
        error: BaseException | None = None
        try:
            execute(self._load(), namespace)
        except BaseException as caught:  # noqa: BLE001: whatever ends a program
            error = caught
        if error is not None and not isinstance(error, SystemExit):
            error.__traceback__ = _strip(error.__traceback__)
            _native.print_exception(error)
        _finish_threads()
        return Outcome(error)


def _set_path(entry: str) -> None:
    """Put `entry` where Python puts the program's folder, in the place of the
    entry that it has put there for us. With -P there is none.
    """
    if not sys.flags.safe_path:
        sys.path[:1] = [entry]


def _current_directory() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


def _find_container(path: str) -> Any:
    """Return the finder for a folder or an archive, None for other files."""
    for hook in sys.path_hooks:
        try:
            return hook(path)
        except ImportError:
            continue
    return None


def _find_module(name: str) -> ModuleSpec:
    """Return the spec of what -m would run. Raises ProgramError."""
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            if name == "__main__" or name.endswith(".__main__"):
                raise ProgramError("Cannot use package as __main__ module")
            spec = importlib.util.find_spec(f"{name}.__main__")
            if spec is None:
                raise ProgramError(
                    f"No module named {name}.__main__; {name!r} is a package and "
                    "cannot be directly executed"
                )
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # an import within the program's packages
        raise ProgramError(
            f"Error while finding module specification for {name!r} "
            f"(ModuleNotFoundError: {error})"
        ) from None
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ProgramError(
            f"Error while finding module specification for {name!r} "
            f"({type(error).__name__}: {error})"
        ) from None
    if spec is None:
        raise ProgramError(f"No module named {name}")
    if not hasattr(spec.loader, "get_code"):
        raise ProgramError(f"No code object available for {name}")
    return spec


def _compile(source: bytes, filename: str) -> CodeType:
    code: CodeType = compile(source, filename, "exec", dont_inherit=True)
    return code


def _load_pyc(data: bytes) -> CodeType:
    code = marshal.loads(data[16:])
    if not isinstance(code, CodeType):
        raise RuntimeError("Bad code object in .pyc file")
    return code


def _strip(traceback: Any) -> Any:
    """Leave out what stands before the program's own frames: ours."""
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_filename
        if not name.startswith(_OUR_FOLDER):
            break
        traceback = traceback.tb_next
    return traceback


def _finish_threads() -> None:
    """Wait for threads, and end idle thread pools, as Python does before it
    exits: what they still do belongs to the results.
    """
    threading = sys.modules.get("threading")
    shutdown = getattr(threading, "_shutdown", None)
    if shutdown is None:
        return
    try:
        shutdown()
    except BaseException as error:  # noqa: BLE001: Ctrl-C while waiting
        error.__traceback__ = _strip(error.__traceback__)
        _native.print_unraisable(error, threading)
