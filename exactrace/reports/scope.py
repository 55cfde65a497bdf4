"""Which files a report is about, and the names they are shown by."""

from __future__ import annotations

import fnmatch
import os
import re
import sys
from itertools import chain

from exactrace.paths import current_directory
from exactrace.settings import SettingsError

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exactrace.settings import Settings


def shown_name(filename: str) -> str:
    """Return the name relative to the current directory if it is below."""
    here = current_directory()
    if here and filename.startswith(here.rstrip(os.sep) + os.sep):
        return os.path.relpath(filename, here)
    return filename


def absolute(name: str, base: str) -> str:
    """Return the path of the source that a name as recorded stands for, if it is
    relative to this folder: one path for all names of a file.
    """
    source = name[:-1] if name.endswith(".pyc") else name
    return os.path.normpath(os.path.join(base, source))


def real_path(path: str) -> str:
    """Return a path without symbolic links; as it is if no file can have it."""
    try:
        return os.path.realpath(path)
    except ValueError:  # a null character
        return path


class Scope:
    """Takes files by their absolute path.

    source: folders and files, of which every source is shown, even if nothing of it
    ran; empty: what was counted is shown. Each is one or more places, of which those
    count where something ran: a package may lie in `src`, and be installed. The others
    are patterns of paths.
    """

    # No dataclass: what makes these is larger than a report that needs no other.
    def __init__(
        self,
        source: tuple[tuple[str, ...], ...] = (),
        include: tuple[re.Pattern[str], ...] = (),
        omit: tuple[re.Pattern[str], ...] = (),
    ) -> None:
        self.source = source
        self.include = include
        self.omit = omit

    def has(self, path: str) -> bool:
        """Whether the file is shown."""
        if self.source and not any(_is_below(path, each) for each in self.places()):
            return False
        if self.include and not any(each.match(path) for each in self.include):
            return False
        return not any(each.match(path) for each in self.omit)

    def places(self) -> list[str]:
        """Return the folders and files where what `source` names may lie."""
        return list(chain.from_iterable(self.source))

    def sources(self, ran: Iterable[str]) -> Iterator[str]:
        """Yield the path of every source file that is shown by `source`, where these
        files ran.
        """
        if not self.source:
            return
        ran = [*ran, *map(real_path, ran)]
        for places in self.source:
            used = [
                place for place in places if any(_is_below(path, place) for path in ran)
            ]
            for place in used or places[:1]:
                paths = [place] if os.path.isfile(place) else _walk(place)
                yield from (path for path in paths if self.has(path))


def of(settings: Settings, patterns: Iterable[str] = ()) -> Scope:
    """Return the scope that settings and the patterns of a command line ask for.

    Raises SettingsError if `source` names what is not there.
    """
    include = _patterns(settings.include, settings)
    more = tuple(_pattern(each, current_directory()) for each in patterns)
    if include and more:
        # Both must match.
        include = tuple(
            re.compile(f"(?={one.pattern}){other.pattern}")
            for one in include
            for other in more
        )
    return Scope(
        tuple(_places(name, settings) for name in settings.source),
        include or more,
        _patterns(settings.omit, settings),
    )


def _patterns(
    patterns: Iterable[str], settings: Settings
) -> tuple[re.Pattern[str], ...]:
    return tuple(_pattern(each, settings.folder) for each in patterns)


def _pattern(pattern: str, folder: str) -> re.Pattern[str]:
    """Return what matches a path, or one below it. A pattern that does not begin
    with '*' starts at the folder.
    """
    if not pattern.startswith("*"):
        whole = re.sub(r"([*?[])", r"[\1]", folder)
        pattern = os.path.normpath(os.path.join(whole, pattern))
    inner = fnmatch.translate(pattern.rstrip(os.sep) + os.sep + "*")
    return re.compile(f"(?:{fnmatch.translate(pattern)}|{inner})")


def _places(name: str, settings: Settings) -> tuple[str, ...]:
    """Return the path of a folder, or where a package or module may lie, by its dotted
    name. Nothing is imported for it.
    """
    found: dict[str, None] = {}
    path = settings.path(name)
    if os.path.exists(path):
        found[path] = None
    if all(part.isidentifier() for part in name.split(".")):
        inner = name.replace(".", os.sep)
        here = [settings.folder, settings.path("src"), current_directory()]
        for folder in [*here, *sys.path]:
            for ending in ("", ".py"):
                path = os.path.abspath(os.path.join(folder, inner + ending))
                if os.path.exists(path):
                    found[path] = None
    if not found:
        raise SettingsError(f"source {name!r} is neither a folder nor a package")
    return tuple(found)


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _walk(folder: str) -> Iterator[str]:
    """Yield the path of every source file below a folder, without hidden folders,
    and those of virtual environments.
    """
    for path, folders, names in os.walk(folder):
        if "pyvenv.cfg" in names and path != folder:
            folders.clear()
            continue
        folders[:] = sorted(
            name for name in folders if name[0] != "." and name != "__pycache__"
        )
        for name in sorted(names):
            if name.endswith(".py"):
                yield os.path.join(path, name)
