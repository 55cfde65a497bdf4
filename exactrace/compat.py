"""The undocumented names of the standard module that programs use."""

from __future__ import annotations

import os
import sys

from exactrace import paths, source

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Container
    from types import CodeType

PRAGMA_NOCOVER = "#pragma NO COVER"


_modname = paths._modname


def _fullmodname(path: str) -> str:
    """Return the dotted name that the file would be imported by.

    That is the part of its path behind the longest entry of `sys.path` that
    the file is under, or else the whole path.
    """
    compared = os.path.normcase(path)
    longest = ""
    entries: list[object] = [*sys.path]
    for entry in entries:
        if not isinstance(entry, str):
            continue
        # An empty entry means the current directory.
        folder = os.path.normcase(entry or paths.current_directory())
        if len(folder) > len(longest) and compared.startswith(folder + os.sep):
            longest = folder
    base = path[len(longest) + 1 :] if longest else path
    base = os.path.splitdrive(base)[1].replace(os.sep, ".")
    if os.altsep:
        base = base.replace(os.altsep, ".")
    return os.path.splitext(base)[0].lstrip(".")


def _find_lines_from_code(
    code: CodeType, strs: Container[int | None]
) -> dict[int | None, int]:
    """Return {line: 1} for the lines of one code object that are not in `strs`."""
    import dis

    return {line: 1 for _, line in dis.findlinestarts(code) if line not in strs}


def _find_lines(code: CodeType, strs: Container[int | None]) -> dict[int | None, int]:
    """Return {line: 1} for the lines of a code object and all code within it."""
    lines = _find_lines_from_code(code, strs)
    for item in code.co_consts:
        if isinstance(item, type(code)):
            lines.update(_find_lines(item, strs))
    return lines


def _find_strings(filename: str, encoding: str | None = None) -> dict[int, int]:
    """Return {line: 1} for the lines of every docstring in a source file.

    Raises OSError or UnicodeDecodeError if it cannot be read.
    """
    with open(filename, encoding=encoding) as file:
        return source.docstring_lines(file.read())


def _find_executable_linenos(filename: str) -> dict[int | None, int]:
    """Return {line: 1} for the lines of a source file that can run.

    As in the standard module, a file that cannot be read gives an empty dict
    and a line on stderr. Raises SyntaxError if it does not compile.
    """
    try:
        found = source.read(filename)
        text, _ = source.decode(found.data)
    except OSError as error:
        print(f"Not printing coverage data for {filename!r}: {error}", file=sys.stderr)
        return {}
    return source.executable_lines(found, text)
