"""The command line: the standard options, and subcommands beside them.

The two cannot clash: the standard options demand one before the program's
name, a subcommand is a plain word in the first place.
"""

from __future__ import annotations

import importlib
import sys

# Each is the name of a module beside this one, which offers `main(argv, prog)`
# and, in `SUMMARY`, one line about itself.
COMMANDS = ("run", "report")


def main(argv: list[str] | None = None, prog: str = "exactrace") -> None:
    """Run `argv` (default: the arguments of this process). Exits by itself
    when the traced program or an error asks for another status than 0.
    """
    arguments = sys.argv[1:] if argv is None else argv
    name = arguments[0] if arguments and arguments[0] in COMMANDS else "dropin"
    command = importlib.import_module(f"exactrace.cli.{name}")
    if name == "dropin":
        command.main(arguments, prog)
    else:
        command.main(arguments[1:], f"{prog} {name}")
