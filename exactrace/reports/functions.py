"""The functions of a source: where they are, and how often they were called."""

from __future__ import annotations

from exactrace import source
from exactrace.reports.model import Function

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from exactrace.reports.model import FileReport

    Key = tuple[int, str]  # first line, qualified name

_OPTIMIZED = 0x1  # a flag of code: of a function, not of a class or module
_LAMBDA = "<lambda>"
# How the line begins where a `def` does: with its first decorator, if it has one.
_DEFINITIONS = ("def", "async", "@")


def of_file(report: FileReport) -> list[Function]:
    """Return the functions of a file, by line: those of its code, and the lambdas
    that were called. Classes and modules are none.
    """
    calls = report.calls
    found: dict[Key, Function] = {}
    others: set[Key] = set()
    if report.compiles and report.text is not None and report.found is not None:
        code = report.code or source.code(report.found, report.text)
        begins = report.text.split("\n")
        for kind, key, _ in _walk(code, begins):
            called = calls is not None and key in calls
            if kind in ("", "class"):
                others.add(key)
            elif kind == "lambda" and not called:
                continue
            elif key[0] not in report.excluded:
                hits = None if calls is None else calls.get(key, 0)
                found[key] = Function(key[1], key[0], hits)
    for (line, name), hits in (calls or {}).items():
        known_ = (line, name) in found or (line, name) in others
        if not known_ and not _is_nameless(name) and line not in report.excluded:
            found[line, name] = Function(name, line, hits)
    return [found[key] for key in sorted(found)]


def lines_of(report: FileReport) -> dict[Key, set[int]]:
    """Return the lines of each function's own code, but for its first."""
    found: dict[Key, set[int]] = {}
    if report.compiles and report.text is not None and report.found is not None:
        code = report.code or source.code(report.found, report.text)
        begins = report.text.split("\n")
        for kind, key, inner in _walk(code, begins):
            if kind in ("function", "lambda"):
                # The compiler may have copied the body of a `finally`.
                found.setdefault(key, set()).update(_lines(inner, begins))
                found[key].discard(key[0])
    return found


def _is_nameless(name: str) -> bool:
    """Whether a qualified name is that of code which is no function of the reader's:
    a module, what stands within an expression, type parameters.
    """
    last = name.rpartition(".")[2]
    return name.endswith(">") and not last.endswith(_LAMBDA)


def _walk(code: CodeType, begins: list[str]) -> Iterator[tuple[str, Key, CodeType]]:
    """Yield kind ("" for what is nameless), key and code of all that a piece of code
    defines.
    """
    rest = [code]
    while rest:
        outer = rest.pop()
        for inner in outer.co_consts:
            if not isinstance(inner, type(code)):
                continue
            rest.append(inner)
            key = inner.co_firstlineno, inner.co_qualname
            yield _kind(inner, begins), key, inner


def _kind(code: CodeType, begins: list[str]) -> str:
    name, line = code.co_name, code.co_firstlineno
    if name == _LAMBDA:
        return "lambda"
    if name.startswith("<") or not 0 < line <= len(begins):
        return ""
    if not code.co_flags & _OPTIMIZED:
        return "class"
    begin = begins[line - 1].lstrip()
    if name == "__annotate__" and name not in begin:
        return ""  # of another function, from 3.14 on
    return "function" if begin.startswith(_DEFINITIONS) else ""


def _lines(code: CodeType, begins: list[str]) -> Iterator[int]:
    for _, _, line in code.co_lines():
        if line:
            yield line
    for inner in code.co_consts:
        if isinstance(inner, type(code)) and not _kind(inner, begins):
            yield from _lines(inner, begins)
