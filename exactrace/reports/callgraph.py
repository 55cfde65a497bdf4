"""Calls by the paths of sources: one for all names that a file was recorded by."""

from __future__ import annotations

from exactrace.paths import current_directory
from exactrace.reports import scope

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Callable

    from exactrace.results import CallGraph, Calls, CoverageResults, Entered


def by_path(results: CoverageResults) -> CallGraph:
    """Return the call graph, with paths in the place of names."""
    renamed = _renaming(results)
    graph: CallGraph = {}
    for (caller, called), hits in results.call_graph.items():
        pair = None if caller is None else renamed(caller), renamed(called)
        graph[pair] = graph.get(pair, 0) + hits
    return graph


def entered(results: CoverageResults) -> Calls:
    """Return how often functions were entered, with paths in the place of names."""
    renamed = _renaming(results)
    found: Calls = {}
    for function, hits in results.calls.items():
        key = renamed(function)
        found[key] = found.get(key, 0) + hits
    return found


def _renaming(results: CoverageResults) -> Callable[[Entered], Entered]:
    base = results._start_directory or current_directory()
    paths: dict[str, str] = {}

    def renamed(function: Entered) -> Entered:
        name, line, qualified = function
        if name not in paths:
            ignored = results.is_ignored_filename(name)
            paths[name] = name if ignored else scope.absolute(name, base)
        return paths[name], line, qualified

    return renamed
