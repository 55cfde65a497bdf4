"""All counts as JSON: docs/json.md tells what is where."""

from __future__ import annotations

import json

from exactrace import __version__, source
from exactrace.paths import current_directory
from exactrace.reports import exclusions, scope
from exactrace.settings import Settings

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, TypeAlias

    from exactrace.results import CoverageResults, Entered, Function

    Place: TypeAlias = tuple[int, ...]

FORMAT = 1  # of the document
_INDENT = 2


def write(
    results: CoverageResults,
    settings: Settings | None = None,
    patterns: Iterable[str] = (),
    *,
    pretty: bool = False,
) -> Iterator[str]:
    """Yield the document in parts, a file in each. Where the source of a file can be
    read, the lines that did not run are listed too.

    settings: which files, and what is excluded. patterns: of paths; if there are any,
    only files that match one are there.

    Raises SettingsError if `settings.source` names what is not there.
    """
    settings = settings or Settings()
    files = _Files(results, scope.of(settings, patterns), settings)
    shown = files.shown
    text = _Text(pretty)
    meta = {"format": FORMAT, "exactrace": __version__}
    yield text.opening(0) + text.item("meta", meta) + text.comma(1)
    totals: dict[str, int] = {"files": 0}
    yield text.key("files")
    for number, (name, entry) in enumerate(files.each()):
        yield text.comma(2) if number else text.opening(1)
        yield text.item(name, entry, 2)
        totals["files"] += 1
        for key, value in entry["summary"].items():
            totals[key] = totals.get(key, 0) + (value or 0)
    yield text.closing(1) if totals["files"] else "{}"
    graph = [
        {
            "caller": None if caller is None else _entered(caller),
            "called": _entered(called),
            "calls": calls,
        }
        for (caller, called), calls in sorted(results.call_graph.items(), key=_edge)
        if shown(called[0]) and (caller is None or shown(caller[0]))
    ]
    yield text.comma(1) + text.item("call_graph", graph)
    called = [
        _function(function)
        for function in sorted(results.calledfuncs, key=str)
        if shown(function[0])
    ]
    yield text.comma(1) + text.item("functions_called", called)
    callers = [
        {"caller": _function(one), "called": _function(other)}
        for one, other in sorted(results.callers, key=str)
        if shown(one[0]) and shown(other[0])
    ]
    yield text.comma(1) + text.item("callers", callers)
    yield text.comma(1) + text.item("totals", totals) + text.closing(0)


class _Text:
    """How the document is written."""

    def __init__(self, pretty: bool) -> None:
        self._pretty = pretty
        self._encode = json.JSONEncoder(indent=_INDENT if pretty else None).encode

    def item(self, key: str, value: object, depth: int = 1) -> str:
        """Return a key and its value, which stand so deep."""
        encoded = self._encode(value)
        if self._pretty:  # there is no other line break in JSON
            encoded = encoded.replace("\n", self._line(depth))
        return self.key(key) + encoded

    def key(self, key: str) -> str:
        return f"{self._encode(key)}: "

    def opening(self, depth: int) -> str:
        return "{" + self._line(depth + 1)

    def comma(self, depth: int) -> str:
        return "," + (self._line(depth) or " ")

    def closing(self, depth: int) -> str:
        return self._line(depth) + "}"

    def _line(self, depth: int) -> str:
        return "\n" + " " * (_INDENT * depth) if self._pretty else ""


class _Files:
    """The entries of files."""

    def __init__(
        self, results: CoverageResults, within: scope.Scope, settings: Settings
    ) -> None:
        self._results = results
        self._base = results._start_directory or current_directory()
        self._within = within
        self._is_narrow = bool(within.source or within.include or within.omit)
        self._expressions = exclusions.compiled(settings.exclude_also)

    def shown(self, name: str) -> bool:
        """Whether a file is in scope; one that is none, if all are."""
        if not self._is_narrow:
            return True
        if self._results.is_ignored_filename(name):
            return False
        return self._within.has(scope.absolute(name, self._base))

    def each(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each name, and what there is of it."""
        results = self._results
        unsure: dict[str, dict[str, dict[str, int]]] = {}
        for (name, line), (high, low) in sorted(results.unsure.items()):
            unsure.setdefault(name, {})[str(line)] = {"high": high, "low": low}
        contexts: dict[str, dict[str, dict[str, int]]] = {}
        for (context, name, line), hits in sorted(results.contexts.items(), key=_ran):
            lines = contexts.setdefault(name, {})
            lines.setdefault(str(line), {})[context] = hits
        counted = results._by_file()
        names = {*counted.names, *counted.more_names, *contexts}
        known = {scope.absolute(name, self._base) for name in names}
        real = {scope.real_path(path) for path in known} if self._within.source else ()
        names.update(
            path
            for path in self._within.sources(known)
            if path not in known and scope.real_path(path) not in real
        )
        for name in sorted(filter(self.shown, names)):
            yield (
                name,
                _file(
                    counted.hits(name),
                    self._executable(name),
                    [
                        _branch(*item)
                        for item in sorted(counted.sides(name).items(), key=_place)
                    ],
                    [
                        {"name": function, "line": line, "calls": calls}
                        for (line, function), calls in sorted(
                            counted.calls(name).items()
                        )
                    ],
                    contexts.get(name, {}),
                    unsure.get(name, {}),
                ),
            )

    def _executable(self, name: str) -> set[int] | None:
        """Return the lines of a file that can run and are not left out; None where
        its source cannot be read or compiled.
        """
        if self._results.is_ignored_filename(name):
            return None
        try:
            found = source.read(
                name[:-1] if name.endswith(".pyc") else name, self._base
            )
            text, _ = source.decode(found.data)
            lines = {line for line in source.executable_lines(found, text) if line}
            if exclusions.may_have(text, self._expressions):
                tree = source.parse(text)
                lines -= exclusions.find(text, tree, self._expressions).lines
        except (OSError, *source.DECODE_ERRORS, *source.COMPILE_ERRORS):
            return None
        return lines


def _place(item: tuple[Any, object]) -> tuple[str, Place]:
    place, kind = item[0]
    return kind, tuple(-1 if part is None else part for part in place)


def _ran(item: tuple[tuple[str, str, int], int]) -> tuple[str, int, str]:
    context, name, line = item[0]
    return name, line, context


def _edge(item: tuple[tuple[Entered | None, Entered], int]) -> tuple[Entered, Entered]:
    caller, called = item[0]
    return caller or ("", -1, ""), called


def _branch(branch: Any, sides: dict[bool, int]) -> dict[str, Any]:
    (line, end_line, column, end_column), kind = branch
    return {
        "line": line,
        "end_line": end_line,
        "column": column,
        "end_column": end_column,
        "kind": kind,
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
    hits: dict[int, int],
    executable: set[int] | None,
    branches: list[dict[str, Any]],
    functions: list[dict[str, Any]],
    contexts: dict[str, dict[str, int]],
    unsure: dict[str, dict[str, int]],
) -> dict[str, Any]:
    sides = [
        branch[side]
        for branch in branches
        for side in ("true", "false")
        if branch[side] is not None
    ]
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
