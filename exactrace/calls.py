"""Calls in the report: how often each function was called, and by which."""

from __future__ import annotations

from exactrace.text import shown_name

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from exactrace.results import CoverageResults, Entered

# What stands for a caller that is not known: C code, a new thread, or code that is
# left out.
_OUTSIDE = "(not traced)"


def table(results: CoverageResults) -> str:
    """Return every function with the number of its calls, the most first, and below
    it its callers; "" if no calls were counted.
    """
    if not results.calls:
        return ""
    callers: dict[Entered, list[tuple[int, str]]] = {}
    for (caller, called), hits in results.call_graph.items():
        name = _OUTSIDE if caller is None else _described(caller)
        callers.setdefault(called, []).append((hits, name))
    width = max(len("calls"), *(len(f"{hits:,}") for hits in results.calls.values()))
    lines = [f"{'calls':>{width}}  function"]
    for function, hits in sorted(results.calls.items(), key=_most_first):
        lines.append(f"{hits:{width},}  {_described(function)}")
        for times, name in sorted(callers.get(function, []), key=_most_first_row):
            lines.append(f"{'':{width}}  {times:{width},}  from {name}")
    return "\n".join(lines) + "\n"


def _most_first(item: tuple[Entered, int]) -> tuple[int, Entered]:
    return -item[1], item[0]


def _most_first_row(item: tuple[int, str]) -> tuple[int, str]:
    return -item[0], item[1]


def _described(function: Entered) -> str:
    filename, line, name = function
    return f"{name}  {shown_name(filename)}:{line}"
