"""Names of files, worked out without calling functions written in Python.

The engine asks which files are wanted while the program stands still. What it
calls then must not be the standard library's functions: they may be counted.
"""

from __future__ import annotations

import os

_LINKS = 40  # on the way to one file, as in Linux


def current_directory() -> str:
    """Return the current directory, or '' if it has been removed."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def _modname(path: str) -> str:
    """Return the name of the file without its folder and extension, as the standard
    module does: by functions of the standard library, which programs may replace.
    """
    return os.path.splitext(os.path.basename(path))[0]


def stem(path: str) -> str:
    """Return the name of the file without its folder and extension."""
    if os.name != "posix":
        return os.path.splitext(os.path.basename(path))[0]
    name = path[path.rfind("/") + 1 :]
    dot = name.rfind(".")
    # Dots that a name begins with are no extension.
    return name[:dot] if dot > 0 and name[:dot].strip(".") else name


def absolute(folder: str, path: str) -> str:
    """Return the path from `folder` on, without '.', '..' and double slashes."""
    if os.name != "posix":
        return os.path.normpath(os.path.join(folder, path))
    whole = path if path.startswith("/") else f"{folder}/{path}"
    if "//" not in whole and "/." not in whole and whole[-1] != "/":
        return whole
    parts: list[str] = []
    for part in whole.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


class Resolver:
    """Resolves symbolic links, and remembers the folders."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {"": ""}

    def resolve(self, path: str) -> str:
        """Return an absolute path without links; the rest of it as it is from
        a part on that is not there.
        """
        if os.name != "posix":
            return os.path.realpath(path)
        return self._resolve(path, _LINKS)

    def _resolve(self, path: str, links: int) -> str:
        folder, _, name = path.rpartition("/")
        real = self._folders.get(folder)
        if real is None:
            real = self._folders[folder] = self._resolve(folder, links)
        path = f"{real}/{name}"
        try:
            target = os.readlink(path)
        except OSError:  # no link, or not there
            return path
        return self._resolve(absolute(real, target), links - 1) if links else path
