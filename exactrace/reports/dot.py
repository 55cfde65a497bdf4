"""The call graph for Graphviz."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from exactrace.results import CoverageResults, Entered


def write(
    results: CoverageResults, files: Container[str], least: int = 1
) -> Iterator[str]:
    """Yield the graph in parts: functions, and how often which called which.

    files: only functions of these. least: leave out pairs with fewer calls.
    """
    edges = {
        pair: hits
        for pair, hits in results.call_graph.items()
        if hits >= least
        and pair[1][0] in files
        and (pair[0] is None or pair[0][0] in files)
    }
    nodes: set[Entered] = {one for pair in edges for one in pair if one is not None}
    numbers = {node: number for number, node in enumerate(sorted(nodes))}
    yield "digraph calls {\n  rankdir=LR;\n  node [shape=box];\n"
    for (file, line, name), number in numbers.items():
        place = f"{os.path.basename(file)}:{line}"
        hits = results.calls.get((file, line, name), 0)
        yield f"  f{number} [label={_label(name, place, f'{hits:,} calls')}];\n"
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
        return plain.replace("\\", "\\\\").replace('"', '\\"')

    return '"' + "\\n".join(map(escaped, lines)) + '"'
