"""The functions of a source: where they are, and how often they were called."""

from __future__ import annotations

import ast

from exactrace import source
from exactrace.reports.model import Function

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterator

    from exactrace.reports.model import FileReport

# What calls name that is no function of the reader's: modules, and what stands
# within an expression, but lambdas.
_NAMELESS = ("<module>", "<genexpr>", "<listcomp>", "<dictcomp>", "<setcomp>")

# Where a statement, or a part of one, has statements within it.
_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")


def of_file(report: FileReport) -> list[Function]:
    """Return the functions of a file, by line: those of its source, and the lambdas
    that were called. Classes and modules are none.
    """
    calls = report.calls
    found: dict[tuple[int, str], Function] = {}
    classes: set[tuple[int, str]] = set()
    if report.compiles and report.text is not None:
        tree = report.tree or source.parse(report.text)
        for name, line, end_line, is_class in _walk(tree):
            if is_class:
                classes.add((line, name))
            elif line not in report.excluded:
                hits = None if calls is None else calls.get((line, name), 0)
                found[line, name] = Function(name, line, end_line, hits)
    for (line, name), hits in (calls or {}).items():
        known = (line, name) in found or (line, name) in classes
        if not known and not name.endswith(_NAMELESS) and line not in report.excluded:
            found[line, name] = Function(name, line, line, hits)
    return [found[key] for key in sorted(found)]


def _walk(tree: ast.Module) -> Iterator[tuple[str, int, int, bool]]:
    """Yield (qualified name, first line, last line, whether it is a class) for each
    definition. Those of one name in both sides of an `if` are two.
    """
    rest: list[tuple[ast.AST, str]] = [(node, "") for node in tree.body]
    while rest:
        node, prefix = rest.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            name = prefix + node.name
            is_class = isinstance(node, ast.ClassDef)
            yield name, first, node.end_lineno or first, is_class
            prefix = f"{name}." if is_class else f"{name}.<locals>."
        for part in _BLOCKS:
            inner = getattr(node, part, ())
            if isinstance(inner, list):
                rest.extend((each, prefix) for each in inner)
