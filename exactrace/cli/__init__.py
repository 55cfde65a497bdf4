"""The command line: the standard options, and subcommands beside them.

The two cannot clash: the standard options demand one before the program's
name, a subcommand is a plain word in the first place.
"""

from __future__ import annotations

import importlib
import sys

from exactrace.cli import preload

# Each is the name of a module beside this one, which offers `main(argv, prog,
# expected)`; the last is what a traced program is to find loaded.
COMMANDS = (
    "run",
    "report",
    "affected",
    "annotate",
    "callgrind",
    "combine",
    "convert",
    "diff",
    "dot",
    "growth",
    "html",
    "json",
    "lcov",
    "show",
    "top",
    "who",
    "xml",
)

_PROGRAMS = ("run", "dropin")  # they run a program, to which Ctrl-C belongs


def main(argv: list[str] | None = None, prog: str = "exactrace") -> None:
    """Run `argv` (default: the arguments of this process). Exits by itself
    when the traced program or an error asks for another status than 0.
    """
    arguments = sys.argv[1:] if argv is None else argv
    if arguments and arguments[0] in COMMANDS:
        name, prog, arguments = arguments[0], f"{prog} {arguments[0]}", arguments[1:]
    else:
        name = "dropin"
        preload.load_as_trace()
    expected = preload.loaded_now()
    command = importlib.import_module(f"exactrace.cli.{name}")
    if name in _PROGRAMS:
        command.main(arguments, prog, expected)
        return
    try:
        command.main(arguments, prog, expected)
    except KeyboardInterrupt:
        import signal

        # As Python ends, but for the traceback: shells look at the signal.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
