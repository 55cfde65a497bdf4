"""Which files a report is about: options that all reports share, over the settings
of the project.
"""

from __future__ import annotations

import contextlib
import os
import sys

from exactrace import settings as project
from exactrace.settings import KEYS, Settings, SettingsError

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn


def add(parser: argparse.ArgumentParser) -> None:
    """Add FILE..., --source, --include, --omit and --exclude-also."""
    add_ = parser.add_argument
    add_(
        "files",
        nargs="*",
        metavar="FILE",
        help="show only these; patterns such as 'app/*.py' too (default: all)",
    )
    add_(
        "--source",
        action="append",
        type=source,
        metavar="NAME",
        help="show the files of this package or folder, also those of which nothing "
        "ran, and no others; can be given several times",
    )
    add_(
        "--include",
        action="append",
        type=_pattern,
        metavar="PATTERN",
        help="show only files whose path matches; can be given several times",
    )
    add_(
        "--omit",
        action="append",
        type=_pattern,
        metavar="PATTERN",
        help="leave out files whose path matches; can be given several times",
    )
    add_(
        "--exclude-also",
        action="append",
        type=_expression,
        metavar="REGEX",
        help="leave out lines with a match, and what they open, as with the comment "
        "'# pragma: no cover'; can be given several times",
    )


def source(value: str) -> str:
    """Return the path of what is there, but the name of a package as it is: it may
    lie elsewhere too.
    """
    if value.isidentifier():
        return value
    path = os.path.abspath(value)
    return path if os.path.exists(path) else value


def _pattern(value: str) -> str:
    return value if value.startswith("*") else os.path.abspath(value)


def _expression(value: str) -> str:
    checked("exclude_also", [value])
    return value


def checked(key: str, value: Any, convert: Callable[[Any], Any] | None = None) -> Any:
    """Return an option's value as the settings have it under a key. Raises
    ArgumentTypeError.
    """
    import argparse

    wanted, check = KEYS[key]
    try:
        return check(value if convert is None else convert(value))
    except (TypeError, ValueError) as error:
        reason = f": {error}" if str(error) and convert is None else ""
        raise argparse.ArgumentTypeError(f"{value!r} is not {wanted}{reason}") from None


def settings(wanted: argparse.Namespace | None = None) -> Settings:
    """Return the settings of the project, changed by those options of the command
    line that are given and have the name of a key. Ends with status 1 and a message
    if the settings cannot be used.
    """
    with errors():
        found = project.load()
    for key in KEYS:
        value = getattr(wanted, key, None)
        if value is not None and key != "data":
            setattr(found, key, tuple(value) if isinstance(value, list) else value)
    return found


@contextlib.contextmanager
def errors() -> Iterator[None]:
    """End with status 1 and a message if settings cannot be used."""
    try:
        yield
    except SettingsError as error:
        sys.exit(f"exactrace: {error}")


def say_nothing_to_show(wanted: argparse.Namespace) -> NoReturn:
    """End with status 1 and the message that there is nothing to show."""
    named = any(
        getattr(wanted, each, None) for each in ("files", "source", "include", "omit")
    )
    what = "of these files " if named else ""
    sys.exit(f"exactrace: {wanted.data!r} holds no counts {what}to show")
