"""Settings of a project: the table [tool.exactrace] of its pyproject.toml."""

from __future__ import annotations

import os
from types import MappingProxyType

from exactrace.paths import current_directory

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FILE = "pyproject.toml"
_TABLE = "exactrace"

SORTS = ("name", "stmts", "miss", "cover", "hits")
FORMATS = ("text", "markdown", "total")
MOST_PRECISION = 9  # digits behind the point


class SettingsError(ValueError):
    """A setting that cannot be used; the text names the file, the key, and what
    is wanted.
    """


class Settings:
    """What [tool.exactrace] says, or else the defaults.

    Relative paths in them start at `folder`.
    """

    # Where they are from; "" for the defaults.
    file: str = ""
    # The folder of the file, or else the current directory at the time of reading.
    folder: str = ""

    # What is counted by `exactrace run`.
    branch: bool = False
    calls: bool = False
    # The folder for counts; None: not set.
    data: str | None = None

    # Which files reports are about: packages or folders, and patterns of paths.
    source: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    omit: tuple[str, ...] = ()
    # Regular expressions: what they match in a line is excluded, as by a pragma.
    exclude_also: tuple[str, ...] = ()

    # Name: where files lie here, then what that was called elsewhere.
    paths: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    # How reports look.
    fail_under: float | None = None  # percent
    format: str = "text"
    precision: int = 1  # digits behind the point of percentages
    skip_covered: bool = False
    sort: str = "name"  # with "-" in front: from the largest

    def path(self, name: str) -> str:
        """Return the absolute path of a name that stands in the settings."""
        return os.path.normpath(os.path.join(self.folder, name))


def load(folder: str | None = None) -> Settings:
    """Return the settings in the nearest pyproject.toml from `folder` (default: the
    current directory) upwards; the defaults, if there is none or it has no table
    [tool.exactrace]. Raises SettingsError.
    """
    start = os.path.abspath(folder or current_directory() or os.sep)
    settings = Settings()
    settings.folder = start
    path = _find(start)
    if path is None:
        return settings
    table = _read_table(path)
    if table is None:
        return settings
    settings.file = path
    settings.folder = os.path.dirname(path)
    for key, value in table.items():
        setattr(settings, key, _checked(path, key, value))
    return settings


def _find(folder: str) -> str | None:
    while True:
        path = os.path.join(folder, _FILE)
        if os.path.isfile(path):
            return path
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _read_table(path: str) -> dict[str, object] | None:
    """Return the table of a file; None if it has none. Raises SettingsError."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise SettingsError(f"cannot read {path!r}: {error.strerror}") from None
    # Files of projects that say nothing to us need no parser.
    if _TABLE.encode() not in data:
        return None
    import tomllib

    try:
        content = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:  # of TOML, and of UTF-8
        raise SettingsError(f"cannot read {path!r}: {error}") from None
    tools = content.get("tool", {})
    table = tools.get(_TABLE) if isinstance(tools, dict) else None
    if table is None or isinstance(table, dict):
        return table
    raise SettingsError(f"{path}: [tool.{_TABLE}] is to be a table")


def _checked(path: str, key: str, value: object) -> object:
    """Return a value as `Settings` has it. Raises SettingsError."""
    if key not in KEYS:
        import difflib

        near = difflib.get_close_matches(key, KEYS, 1)
        hint = f": is {near[0]!r} meant?" if near else f"; known: {', '.join(KEYS)}"
        raise SettingsError(f"{path}: [tool.{_TABLE}] has no key {key!r}{hint}")
    wanted, check = KEYS[key]
    try:
        return check(value)
    except (TypeError, ValueError) as error:
        reason = f" ({error})" if str(error) else ""
        raise SettingsError(
            f"{path}: {key!r} in [tool.{_TABLE}] is to be {wanted}, "
            f"not {value!r}{reason}"
        ) from None


# --- What a value may be: each takes one, and raises TypeError or ValueError ------


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    if not value or "\0" in value:
        raise ValueError
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(map(_text, value))


def _expressions(value: object) -> tuple[str, ...]:
    import re

    expressions = _texts(value)
    for expression in expressions:
        try:
            re.compile(expression)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"{expression!r}: {error}") from None
    return expressions


def percentage(value: object) -> float:
    """Return a number from 0 to 100. Raises TypeError or ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError
    if not 0 <= value <= 100:
        raise ValueError
    return float(value)


def _precision(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    if not 0 <= value <= MOST_PRECISION:
        raise ValueError
    return value


def _sort(value: object) -> str:
    if not isinstance(value, str) or value.removeprefix("-") not in SORTS:
        raise ValueError
    return value


def _format(value: object) -> str:
    if not isinstance(value, str) or value not in FORMATS:
        raise ValueError
    return value


def _path_table(value: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise TypeError
    table = {name: _texts(paths) for name, paths in value.items()}
    for name, paths in table.items():
        if len(paths) < 2:
            raise ValueError(f"{name}: fewer than two paths")
        if not all(path.strip("/\\") for path in paths[1:]):
            raise ValueError(f"{name}: all files lie below that path")
    return table


_FLAG = ("true or false", _flag)
_PATHS = ("a list of strings", _texts)

# Each key with what it wants, in words, and the function that checks it. What a
# check returns becomes the attribute of `Settings` of that name.
KEYS: dict[str, tuple[str, Callable[[object], object]]] = {
    "branch": _FLAG,
    "calls": _FLAG,
    "data": ("the name of a folder", _text),
    "source": _PATHS,
    "include": _PATHS,
    "omit": _PATHS,
    "paths": ("a table: NAME = [HERE, ELSEWHERE, ...]", _path_table),
    "exclude_also": ("a list of regular expressions", _expressions),
    "fail_under": ("a number from 0 to 100", percentage),
    "format": (f"one of {', '.join(FORMATS)}", _format),
    "precision": (f"a number of digits from 0 to {MOST_PRECISION}", _precision),
    "skip_covered": _FLAG,
    "sort": (f"one of {', '.join(SORTS)}, or '-' and one of them", _sort),
}
