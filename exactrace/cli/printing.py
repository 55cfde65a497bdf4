"""The options of printing that the standard module has not."""

from __future__ import annotations

import argparse

from exactrace.printing import COLORS, MOST_LINES, parse_lines

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from typing import Any


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"a name is empty in {text!r}")
    return names


def _lines(text: str) -> str:
    try:
        parse_lines(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _number(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= MOST_LINES:
        message = f"{text!r} is not a number from 1 to {MOST_LINES}"
        raise argparse.ArgumentTypeError(message)
    return number


def add(parser: argparse.ArgumentParser) -> None:
    """Add all options, none of which may make a prefix ambiguous that is not so
    in the standard module.
    """
    group = parser.add_argument_group(
        "Printing (not in the standard module)", "These need --trace"
    )
    add = group.add_argument
    add(
        "--trace-file",
        metavar="FILE",
        help="print to FILE, which is emptied first, instead of to standard output",
    )
    add(
        "--trace-calls",
        action="store_true",
        help="print calls with their arguments, what functions return, yield and "
        "raise, and indent all by depth",
    )
    add(
        "--trace-vars",
        action="store_true",
        help="print which local variables have changed since the last line of their "
        "function; calls their __repr__",
    )
    add(
        "--trace-last",
        metavar="N",
        type=_number,
        help="keep the last N lines, and print them only when the program dies of an "
        "exception or a signal: to standard error, or to the file of --trace-file",
    )
    add(
        "--trace-imports",
        choices=("never", "always"),
        help="whether the lines of the import system (<frozen importlib...>) are "
        "printed, too (default: as in the standard module they are; but never with "
        "any other option of this group but --color)",
    )
    add(
        "--color",
        choices=COLORS,
        help="whether what is printed has colours; auto: on a terminal, unless the "
        "environment variable NO_COLOR is set (default: auto)",
    )
    add(
        "--only-module",
        metavar="NAME[,NAME]",
        action="extend",
        type=_names,
        default=[],
        help="print only this module and those below it; __main__ is the program",
    )
    add(
        "--only-function",
        metavar="NAME[,NAME]",
        action="extend",
        type=_names,
        default=[],
        help="print only functions of this name or qualified name (method or "
        "Class.method), not what they call; 'Class.*' is all within Class",
    )
    add(
        "--only-lines",
        metavar="FILE:FROM-TO",
        action="append",
        type=_lines,
        default=[],
        help="print only these lines of files whose path is FILE or ends in /FILE, "
        "as in prog.py:3,10-20,40- (40- is the rest); can be given several times",
    )
    add(
        "--max-depth",
        metavar="N",
        type=_number,
        help="print only N levels of calls: 1 is the program's own code outside of "
        "functions; what is ignored does not count",
    )
    add(
        "--thread",
        metavar="NAME",
        action="append",
        default=[],
        help="print only the thread of this name, 'main' for the main thread, "
        "'pool*' for all whose names begin so; can be given several times",
    )


_OPTIONS = (
    "trace_file",
    "trace_calls",
    "trace_vars",
    "trace_last",
    "trace_imports",
    "color",
    "only_module",
    "only_function",
    "only_lines",
    "max_depth",
    "thread",
)


def check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End with status 2 and a message unless the options go with the others."""
    if options.trace:
        return
    for name in _OPTIONS:
        if getattr(options, name):
            option = "--" + name.replace("_", "-")
            parser.error(f"{option} needs -t/--trace")


def arguments(options: argparse.Namespace) -> dict[str, Any]:
    """Return the keyword arguments for `Trace`."""
    imports = {"never": False, "always": True}.get(options.trace_imports)
    return {
        "trace_file": options.trace_file,
        "trace_calls": options.trace_calls,
        "trace_vars": options.trace_vars,
        "trace_last": options.trace_last,
        "trace_imports": imports,
        "trace_color": options.color or ("auto" if options.trace else "never"),
        "only_modules": options.only_module,
        "only_functions": options.only_function,
        "only_lines": options.only_lines,
        "only_threads": options.thread,
        "max_depth": options.max_depth,
    }
