"""Which files a tracer leaves out."""

from __future__ import annotations

import os

from exactrace import _native, paths

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class _Ignore:
    """The standard module's ignore object, as programs replace and extend it.

    `names` keeps the standard answers, which go by the last part of a module's
    name and are remembered under it. A tracer asks it only when a program put
    an object of its own in its place; else `FileFilter` decides per file.
    """

    def __init__(
        self,
        modules: Iterable[str] | None = None,
        dirs: Iterable[str] | None = None,
    ) -> None:
        self._mods = set(modules or ())
        self._dirs = [os.path.normpath(folder) for folder in dirs or ()]
        self._ignore = {"<string>": 1}

    def names(self, filename: str | None, modulename: str) -> int:
        """Return 1 if the module is to be ignored, else 0."""
        if modulename not in self._ignore:
            rules = _native.Rules(self._mods, self._dirs)
            self._ignore[modulename] = int(
                rules.covers_module(modulename)
                or filename is None  # built in
                or rules.covers_file(filename)
            )
        return self._ignore[modulename]


class FileFilter:
    """Decides for each file by its own full module name and its own path."""

    def __init__(
        self,
        modules: Iterable[str],
        folders: Iterable[str],
        kept: Iterable[str] = (),
    ) -> None:
        """Take module names and folders to ignore, with all below them, and folders
        and files in these that are not.

        Folders may be relative (to the current directory, now) and may be
        reached through symbolic links.
        """
        spellings = _spellings(folders)
        self._kept = frozenset(_spellings(kept))
        self._below_kept = _native.Rules((), self._kept)
        self._start = paths.current_directory() if spellings else ""
        self._resolver = paths.Resolver()
        self._rules = (
            _native.Rules(modules, spellings) if spellings or modules else None
        )

    @property
    def wants_all(self) -> bool:
        """Whether nothing is left out but what is no file."""
        return self._rules is None

    def wants(
        self, filename: str, module_globals: Mapping[str, object], basename: str
    ) -> bool:
        """Whether to trace the file that holds the module with these globals."""
        if filename == "<string>":
            return False
        rules = self._rules
        if rules is None:
            return True
        if rules.covers_module(full_module_name(module_globals, basename)):
            return False
        covered = rules.covers_file(filename)
        if not self._start or (covered and not self._kept):
            return not covered
        path = paths.absolute(self._start, filename)
        real = self._resolver.resolve(path)
        if self._kept and any(
            name in self._kept or self._below_kept.covers_file(name)
            for name in (filename, path, real)
        ):
            return True
        return not (
            covered
            or (path != filename and rules.covers_file(path))
            or (real != path and rules.covers_file(real))
        )


def _spellings(paths: Iterable[str]) -> dict[str, None]:
    found: dict[str, None] = {}
    for path in paths:
        for one in (path, os.path.abspath(path), os.path.realpath(path)):
            found[one.rstrip(os.sep)] = None
    return found


def full_module_name(module_globals: Mapping[str, object], basename: str) -> str:
    """Return the dotted name of the module with these globals.

    A program's main module goes by its real name if it was started as a
    module, else by `basename`, that of its file.
    """
    spec_name = getattr(module_globals.get("__spec__"), "name", None)
    for name in (spec_name, module_globals.get("__name__")):
        if isinstance(name, str) and name and name != "__main__":
            return name
    return basename


def installed_folders() -> list[str]:
    """Return the folders of the standard library and of installed packages."""
    import sysconfig

    names = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = {sysconfig.get_path(name) for name in names}
    return sorted(folder for folder in folders if folder)
