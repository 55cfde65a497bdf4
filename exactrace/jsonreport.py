"""All counts as plain dicts and lists, for JSON: docs/json.md tells what is where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exactrace import _version, compat, source
from exactrace.results import by_file

if TYPE_CHECKING:
    from exactrace.results import Branch, CoverageResults, Entered, Function

FORMAT = 1  # of what document() returns
Place = tuple[int, ...]


def document(results: CoverageResults) -> dict[str, Any]:
    """Return the counts. Where the source of a file can be read, the lines that did
    not run are listed too.
    """
    lines = by_file(results.counts)
    names = set(lines)
    branches: dict[str, list[dict[str, Any]]] = {}
    for branch, sides in sorted(results.branches.items(), key=_place):
        branches.setdefault(branch[0], []).append(_branch(branch, sides))
    functions: dict[str, list[dict[str, Any]]] = {}
    for (name, line, function), calls in sorted(results.calls.items()):
        functions.setdefault(name, []).append(
            {"name": function, "line": line, "calls": calls}
        )
    unsure: dict[str, dict[str, dict[str, int]]] = {}
    for (name, line), (high, low) in sorted(results.unsure.items()):
        unsure.setdefault(name, {})[str(line)] = {"high": high, "low": low}
    contexts: dict[str, dict[str, dict[str, int]]] = {}
    for (context, name, line), hits in sorted(results.contexts.items(), key=_ran):
        contexts.setdefault(name, {}).setdefault(str(line), {})[context] = hits
    names |= branches.keys() | functions.keys() | contexts.keys()
    base = results._start_directory or compat._current_directory()
    files = {
        name: _file(
            name,
            lines.get(name, {}),
            branches.get(name, []),
            functions.get(name, []),
            contexts.get(name, {}),
            unsure.get(name, {}),
            base,
        )
        for name in sorted(names)
    }
    totals: dict[str, int] = {"files": len(files)}
    for entry in files.values():
        for key, value in entry["summary"].items():
            totals[key] = totals.get(key, 0) + (value or 0)
    return {
        "meta": {"format": FORMAT, "exactrace": _version.__version__},
        "files": files,
        "call_graph": [
            {
                "caller": None if caller is None else _entered(caller),
                "called": _entered(called),
                "calls": calls,
            }
            for (caller, called), calls in sorted(results.call_graph.items(), key=_edge)
        ],
        "functions_called": [
            _function(function) for function in sorted(results.calledfuncs, key=str)
        ],
        "callers": [
            {"caller": _function(caller), "called": _function(called)}
            for caller, called in sorted(results.callers, key=str)
        ],
        "totals": totals or {"files": 0},
    }


def _place(item: tuple[Branch, object]) -> tuple[str, str, Place]:
    name, place, kind = item[0]
    return name, kind, tuple(-1 if part is None else part for part in place)


def _ran(item: tuple[tuple[str, str, int], int]) -> tuple[str, int, str]:
    context, name, line = item[0]
    return name, line, context


def _edge(item: tuple[tuple[Entered | None, Entered], int]) -> tuple[Entered, Entered]:
    caller, called = item[0]
    return caller or ("", -1, ""), called


def _branch(branch: Branch, sides: dict[bool, int]) -> dict[str, Any]:
    line, end_line, column, end_column = branch[1]
    return {
        "line": line,
        "end_line": end_line,
        "column": column,
        "end_column": end_column,
        "kind": branch[2],
        "true": sides.get(True),
        "false": sides.get(False),
    }


def _entered(function: Entered) -> dict[str, Any]:
    filename, line, name = function
    return {"file": filename, "line": line, "name": name}


def _function(function: Function) -> dict[str, Any]:
    filename, module, name = function
    return {"file": filename, "module": module, "name": name}


def _file(
    name: str,
    hits: dict[int, int],
    branches: list[dict[str, Any]],
    functions: list[dict[str, Any]],
    contexts: dict[str, dict[str, int]],
    unsure: dict[str, dict[str, int]],
    base: str,
) -> dict[str, Any]:
    sides = [
        branch[side]
        for branch in branches
        for side in ("true", "false")
        if branch[side] is not None
    ]
    executable = _executable(name, base)
    missing = None if executable is None else sorted(executable - hits.keys())
    return {
        "lines": {str(line): count for line, count in sorted(hits.items())},
        "missing": missing,
        "contexts": contexts,
        "unsure": unsure,
        "branches": branches,
        "functions": functions,
        "summary": {
            "lines_run": sum(line > 0 and count > 0 for line, count in hits.items()),
            "lines_missing": None if missing is None else len(missing),
            "hits": sum(hits.values()),
            "sides": len(sides),
            "sides_taken": sum(count > 0 for count in sides),
            "functions": len(functions),
            "calls": sum(function["calls"] for function in functions),
        },
    }


def _executable(name: str, base: str) -> set[int] | None:
    """Return the lines of a file that can run, but for those with a pragma; None
    where its source cannot be read or compiled.
    """
    if name.startswith("<") and name.endswith(">"):
        return None
    try:
        found = source.read(name, base)
        text, _ = source.decode(found.data)
        lines = source.executable_lines(found, text)
    except (OSError, *source.COMPILE_ERRORS):
        return None
    spared = {
        number
        for number, line in enumerate(text.split("\n"), 1)
        if compat.PRAGMA_NOCOVER in line
    }
    return {line for line in lines if line} - spared
