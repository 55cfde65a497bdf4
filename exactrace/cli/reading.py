"""What subcommands read: counts that are there, or else a message."""

from __future__ import annotations

import os
import sys

from exactrace import countsfile, datafolder, linesfile

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from typing import NoReturn

    from exactrace.results import CoverageResults


def read(path: str) -> CoverageResults:
    """Return what a folder or a counts file holds, also one of the standard module;
    or end with status 1 and a message.
    """
    if not os.path.isdir(path):
        return _read_file(path)
    try:
        names = datafolder.files(path)
    except OSError as error:
        sys.exit(f"exactrace: cannot read the folder {path!r}: {error.strerror}")
    try:
        results, _, troubles = datafolder.read(path, names)
    except countsfile.CountsFileError as error:
        sys.exit(f"exactrace: cannot read the folder {path!r}: {error}")
    for trouble in troubles:
        print(f"exactrace: {trouble}", file=sys.stderr)
    if not names:
        _say_nothing_there(path)
    return results


def lines(path: str) -> CoverageResults:
    """As read(), for those who ask for lines, and for functions called, by file: in
    less memory, where all is in one file.
    """
    alone, linked = path, True
    if os.path.isdir(path):
        try:
            names = datafolder.files(path)
        except OSError:
            return read(path)
        alone, linked = os.path.join(path, *sorted(names)[:1]), False
        if len(names) != 1:
            return read(path)
    found = linesfile.read(alone, follow=linked)
    return read(path) if found is None else found


def _read_file(path: str) -> CoverageResults:
    try:
        return countsfile.load_results(path)[0]
    except FileNotFoundError:
        _say_nothing_there(path)
    except EOFError:
        sys.exit(f"exactrace: cannot read the counts file {path!r}: it is empty")
    except (OSError, countsfile.CountsFileError) as error:
        sys.exit(f"exactrace: cannot read the counts file {path!r}: {error}")


def _say_nothing_there(path: str) -> NoReturn:
    sys.exit(
        f"exactrace: no counts in {path!r}: run a program with `exactrace run` first, "
        "or name another place with --data"
    )
