"""Makes a failing program smaller, for people to read.

Statements are cut out of the text, so that the layout of the rest stays as it
is: a difference may depend on it.
"""

from __future__ import annotations

import ast
import textwrap
import time
import warnings
from collections.abc import Callable, Iterator

BODIES = ("body", "orelse", "finalbody", "handlers", "cases")


def _valid(source: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "shrink", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _first_line(node: ast.AST) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])  # type: ignore[attr-defined]


def _statements(tree: ast.AST) -> list[ast.AST]:
    kinds = (ast.stmt, ast.excepthandler, ast.match_case)
    found = [node for node in ast.walk(tree) if isinstance(node, kinds)]
    for node in found:
        if isinstance(node, ast.match_case):  # has no place of its own
            node.lineno = node.pattern.lineno  # type: ignore[attr-defined]
            node.end_lineno = node.body[-1].end_lineno  # type: ignore[attr-defined]
            node.col_offset = node.pattern.col_offset  # type: ignore[attr-defined]
    return found


def _without(lines: list[str], first: int, last: int, put: str = "") -> str:
    """The text with lines first..last (from 1) replaced."""
    return "".join([*lines[: first - 1], put, *lines[last:]])


def _smaller(source: str, node: ast.AST) -> Iterator[str]:
    """Texts with less of a statement, the smallest first."""
    lines = source.splitlines(keepends=True)
    first, last = _first_line(node), node.end_lineno  # type: ignore[attr-defined]
    margin = lines[first - 1][: len(lines[first - 1]) - len(lines[first - 1].lstrip())]
    yield _without(lines, first, last)
    yield _without(lines, first, last, f"{margin}pass\n")
    for name in BODIES:  # what is within, in the place of the whole
        body = getattr(node, name, None)
        if body and isinstance(body[0], ast.stmt):
            inner = lines[_first_line(body[0]) - 1 : body[-1].end_lineno]
            text = textwrap.indent(textwrap.dedent("".join(inner)), margin)
            if _first_line(body[0]) > first:
                yield _without(lines, first, last, text)
    for name in ("orelse", "finalbody"):  # without a clause
        body = getattr(node, name, None)
        if body and isinstance(body[0], ast.stmt):
            yield _without(lines, _first_line(body[0]) - 1, body[-1].end_lineno or 0)
    start = node.col_offset  # type: ignore[attr-defined]
    if isinstance(node, ast.stmt) and not isinstance(node, ast.Pass):
        # One of several on a line: columns count bytes, programs are ASCII.
        end = node.end_col_offset or 0
        before, after = lines[first - 1][:start], lines[last - 1][end:]
        yield _without(lines, first, last, f"{before}pass{after}")


def _smaller_expressions(source: str) -> Iterator[str]:
    """Texts in which an expression is a number or a part of itself."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.expr) or isinstance(node, (ast.Constant, ast.Name)):
            continue
        first, last = node.lineno, node.end_lineno or 0
        before = lines[first - 1][: node.col_offset]
        after = lines[last - 1][node.end_col_offset :]
        parts = [ast.get_source_segment(source, x) for x in ast.iter_child_nodes(node)]
        for part in ("1", *filter(None, parts)):
            yield _without(lines, first, last, before + part + after)


def _by_size(source: str) -> list[ast.AST]:
    nodes = _statements(ast.parse(source))
    return sorted(
        nodes,
        key=lambda node: _first_line(node) - node.end_lineno,  # type: ignore[attr-defined]
    )


def shrink(source: str, fails: Callable[[str], bool], seconds: float = 120) -> str:
    """Return a smaller program for which `fails` still holds."""
    end = time.monotonic() + seconds

    def first_failing(candidates: Iterator[str]) -> str | None:
        for text in candidates:
            if time.monotonic() > end:
                return None
            if len(text) < len(source) and _valid(text) and fails(text):
                return text
        return None

    before = ""
    while before != source and time.monotonic() < end:
        before = source
        index = 0
        while index < len(nodes := _by_size(source)):
            text = first_failing(_smaller(source, nodes[index]))
            if text is None:
                index += 1
            else:
                source = text  # what was tried before it in the order still fits
        text = first_failing(_smaller_expressions(source))
        while text is not None:
            source = text
            text = first_failing(_smaller_expressions(source))
    return source
