"""Options that several subcommands share, each defined once."""

from __future__ import annotations

import contextlib
import io
import os
import sys

from exactrace import _native
from exactrace.paths import current_directory
from exactrace.printing import COLORS, _is_for_colors
from exactrace.tracer import ENGINES

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator
    from typing import TextIO

    from exactrace.tracer import Trace

DATA_VARIABLE = "EXACTRACE_DATA"
FOLDER = ".exactrace"  # for counts, where nothing else is said


def default_data() -> str:
    """Return the folder for counts, where none is given. Ends with status 1 and a
    message if the settings cannot be used.
    """
    from exactrace import settings

    named = os.environ.get(DATA_VARIABLE)
    if named:
        return named
    try:
        found = settings.load()
    except settings.SettingsError as error:
        sys.exit(f"exactrace: {error}")
    return FOLDER if found.data is None else found.path(found.data)


def add_data(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add --data DIR, under further names too."""
    parser.add_argument(
        "-d",
        *names,
        "--data",
        metavar="DIR",
        default=default_data(),
        help="folder for the counts (default: the environment variable "
        f"{DATA_VARIABLE}, or `data` in [tool.exactrace] of pyproject.toml, or else "
        "'.exactrace')",
    )


def add_color(parser: argparse.ArgumentParser) -> None:
    """Add --color."""
    parser.add_argument(
        "--color",
        choices=COLORS,
        default="auto",
        help="whether what is printed has colours; auto: on a terminal, unless the "
        "environment variable NO_COLOR is set (default: auto)",
    )


def is_colored(choice: str, stream: TextIO) -> bool:
    """Whether what --color says gives colours on this stream."""
    if choice != "auto":
        return choice == "always"
    return _is_for_colors(None, stream)


def width(stream: TextIO) -> int | None:
    """Return the width of the terminal that a stream leads to; None if to none."""
    try:
        if not stream.isatty():
            return None
        columns = os.environ.get("COLUMNS", "")
        if columns.isdecimal() and int(columns):
            return int(columns)
        return os.get_terminal_size(stream.fileno()).columns or None
    except (AttributeError, OSError, ValueError):
        return None


def add_counting(parser: argparse._ActionsContainer) -> None:
    """Add --engine, --branch and --debug: how lines are counted."""
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        help="how to count lines: by probes in the bytecode, by monitoring events or "
        "by a trace function; all count the same (default: the cheapest that this "
        "interpreter can)",
    )
    parser.add_argument(
        "--branch",
        action="store_true",
        help="count also how often each side of each branch is taken",
    )
    parser.add_argument(
        "--calls",
        action="store_true",
        help="count also how often each function is called, and by which; the report "
        "ends with a list of them",
    )
    parser.add_argument(
        "--debug",
        action="store_true",
        help="say on standard error by which engine the code was counted, and why "
        "any was not counted by probes",
    )


def show_engines(tracer: Trace) -> None:
    """Write what --debug asks for to standard error."""
    used: dict[str, int] = {}
    declined = []
    for filename, line, name, engine, reason in tracer._engines_used():
        used[engine] = used.get(engine, 0) + 1
        if reason:
            declined.append(f"exactrace: {filename}:{line}: {name}: {reason}")
    if not used:
        used = {"settrace": 0} if tracer.counts else {}
    for engine, count in sorted(used.items()):
        objects = f"{count} code objects" if count else "all code objects"
        print(f"exactrace: counted by engine {engine}: {objects}", file=sys.stderr)
    for text in declined:
        print(text, file=sys.stderr)
    if not _native.HAS_GIL:
        print("exactrace: no probes or events: this Python has no GIL", file=sys.stderr)


def note_missing_branches(tracer: Trace) -> None:
    """Say on standard error that --branch could not be done, if so it was."""
    if tracer.branch and tracer.counts and not tracer.branches and not tracer.calls:
        print(
            "exactrace: no branches were counted: that needs CPython 3.12 or later, "
            "with the GIL",
            file=sys.stderr,
        )


def from_zero(text: str) -> int:
    """Return a whole number from 0 on. Raises ArgumentTypeError."""
    if text.isdecimal():
        return int(text)
    from argparse import ArgumentTypeError

    raise ArgumentTypeError(f"{text!r} is no whole number from 0 on")


def signal_name(text: str) -> str:
    """Return the name of a signal, as the module signal has it. Raises
    ArgumentTypeError.
    """
    import signal

    name = text.upper()
    if not name.startswith("SIG"):
        name = f"SIG{name}"
    if name not in signal.Signals.__members__ or name in ("SIGKILL", "SIGSTOP"):
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"no signal {text!r} that can be handled")
    return name


def add_output(parser: argparse.ArgumentParser, default: str) -> None:
    """Add -o/--output FILE. `default` says where the report goes without it."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help=f"write the report to FILE, '-' for standard output (default: {default})",
    )


def add_listing(parser: argparse.ArgumentParser) -> None:
    """Add --listing and --listings DIR."""
    parser.add_argument(
        "-a",
        "--annotate",
        action="store_true",
        help="show the source of each file with the count of each line, not only a "
        "summary",
    )
    parser.add_argument(
        "-C",
        "--coverdir",
        metavar="DIR",
        help="also write the annotated source of each file to a file in DIR",
    )


@contextlib.contextmanager
def open_output(path: str | None, default: TextIO | None) -> Iterator[TextIO]:
    """Open what -o/--output names. Ends with status 1 and a message if the
    file cannot be written. A reader of a pipe may leave early.
    """
    try:
        if path is None or path == "-":
            stream = default if path is None else sys.stdout
            if stream is None:  # closed by whoever started us
                stream = io.StringIO()
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
            yield stream
            stream.flush()
            return
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            yield file
    except BrokenPipeError:
        # Python would fail to flush it once more at exit.
        sys.stdout = io.TextIOWrapper(io.BytesIO())
    except OSError as error:
        sys.exit(f"exactrace: cannot write the report: {error}")


def _encoded(text: str) -> bytes:
    """Return a text in UTF-8, with the bytes of file names as they are."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace")


def write_whole(path: str | None, parts: Iterable[str]) -> None:
    """Write a text to what -o/--output names; default: standard output. A file holds
    what it held until all is written, and what is no file, as /dev/stdout, is written
    to. Ends with status 1 and a message if it cannot be written.
    """
    from exactrace import countsfile

    status = None
    with contextlib.suppress(OSError):
        status = None if path in (None, "-") else os.stat(str(path))
    is_stream = status is not None and countsfile.is_written_to(str(path), status)
    if path is None or path == "-" or is_stream:
        with open_output(path, sys.stdout) as out:
            binary = getattr(out, "buffer", None)
            for part in parts:
                if binary is None:
                    out.write(part)
                else:
                    binary.write(_encoded(part))
        return
    target = os.path.realpath(path)
    temporary = f"{target}.{os.getpid()}.new"
    try:
        with open(temporary, "wb") as file:
            file.writelines(map(_encoded, parts))
        if status is not None:
            os.chmod(temporary, status.st_mode & 0o7777)
        os.replace(temporary, target)
    except OSError as error:
        sys.exit(f"exactrace: cannot write {path!r}: {error.strerror or error}")
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


@contextlib.contextmanager
def directory(path: str) -> Iterator[None]:
    """Work in the directory where the command was given, wherever the program
    has gone, and go back. If it is no more, stay where the program has ended.
    """
    program = current_directory()
    with contextlib.suppress(OSError):
        os.chdir(path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.chdir(program)
