"""The profile format of Callgrind (Valgrind's manual, "Callgrind Format
Specification"), which KCachegrind opens: hits of lines, and calls between functions.
"""

from __future__ import annotations

from exactrace.reports import callgraph, functions

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exactrace.reports.model import FileReport
    from exactrace.results import CoverageResults, Entered

    Called = dict[tuple[int, str], dict[Entered, int]]


def write(reports: Iterable[FileReport], results: CoverageResults) -> Iterator[str]:
    """Yield the profile in parts. The hits of a line belong to the function whose
    code it is. What a call costs in all is not known: it is 0.

    Functions are told apart by nothing but their names: of several that a file has of
    one name, each is called NAME@LINE.
    """
    yield "# callgrind format\nversion: 1\ncreator: exactrace\n"
    yield "positions: line\nevents: Hits\n\n"
    graph = callgraph.by_path(results)
    names = _names(one for pair in graph for one in pair if one is not None)
    called_by: dict[str, Called] = {}
    for (caller, called), hits in sorted(
        graph.items(), key=lambda item: (item[0][0] or ("", 0, ""), item)
    ):
        if caller is not None:
            path, line, name = caller
            of_caller = called_by.setdefault(path, {}).setdefault((line, name), {})
            of_caller[called] = hits
    for report in reports:
        yield _file(report, called_by.get(report.path, {}), names)


def _names(entered: Iterable[Entered]) -> dict[Entered, str]:
    """Return the names of functions that have not their own."""
    lines: dict[tuple[str, str], set[int]] = {}
    for file, line, name in entered:
        lines.setdefault((file, name), set()).add(line)
    return {
        (file, line, name): f"{name}@{line}"
        for (file, name), several in lines.items()
        if len(several) > 1
        for line in several
    }


def _plain(name: str) -> str:
    """Return a name without what would end its line or begin a number of its own."""
    text = "".join(each if each.isprintable() else "?" for each in name)
    return f"./{text}" if text.startswith("(") else text


def _file(report: FileReport, called_by: Called, names: dict[Entered, str]) -> str:
    module = 1, "<module>"
    owners = {
        line: key for key, lines in functions.lines_of(report).items() for line in lines
    }
    lines_of: dict[tuple[int, str], list[int]] = {module: []}
    for line in report.hits:
        lines_of.setdefault(owners.get(line, module), []).append(line)
    for function_key in called_by:
        lines_of.setdefault(function_key, [])
    parts = [f"fl={_plain(report.path)}\n"]
    for (first, name), lines in sorted(lines_of.items()):
        called = called_by.get((first, name), {})
        if not lines and not called:
            continue
        known = names.get((report.path, first, name), name)
        parts.append(f"fn={_plain(known)}\n")
        parts += [f"{line} {report.hits[line]}\n" for line in sorted(lines)]
        for callee, hits in called.items():
            file, line, plain = callee
            parts.append(
                f"cfi={_plain(file)}\ncfn={_plain(names.get(callee, plain))}\n"
            )
            parts.append(f"calls={hits} {line}\n{first} 0\n")
    return "".join(parts) + "\n"
