"""The call graph for Graphviz."""

from __future__ import annotations

from exactrace.reports import callgraph, scope

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from exactrace.results import CoverageResults, Entered

# What would end a label, or stand for something else in one.
_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("&", "&amp;"))


def write(
    results: CoverageResults, paths: Container[str], least: int = 1
) -> Iterator[str]:
    """Yield the graph in parts: functions, and how often which called which.

    paths: only functions of these. least: leave out pairs with fewer calls.
    """
    entered = callgraph.entered(results)
    edges = {
        pair: hits
        for pair, hits in callgraph.by_path(results).items()
        if hits >= least
        and pair[1][0] in paths
        and (pair[0] is None or pair[0][0] in paths)
    }
    nodes: set[Entered] = {one for pair in edges for one in pair if one is not None}
    numbers = {node: number for number, node in enumerate(sorted(nodes))}
    yield "digraph calls {\n  rankdir=LR;\n  node [shape=box];\n"
    for (file, line, name), number in numbers.items():
        place = f"{scope.shown_name(file)}:{line}"
        hits = entered.get((file, line, name), 0)
        times = "1 call" if hits == 1 else f"{hits:,} calls"
        yield f"  f{number} [label={_label(name, place, times)}];\n"
    for (caller, called), hits in sorted(
        edges.items(), key=lambda item: (item[0][0] or ("", 0, ""), item[0][1])
    ):
        if caller is not None:
            start, end = numbers[caller], numbers[called]
            yield f'  f{start} -> f{end} [label="{hits:,}"];\n'
    yield "}\n"


def _label(*lines: str) -> str:
    def escaped(text: str) -> str:
        plain = "".join(each if each.isprintable() else "?" for each in text)
        for special, whole in _ESCAPES:
            plain = plain.replace(special, whole)
        return plain

    return '"' + "\\n".join(map(escaped, lines)) + '"'
