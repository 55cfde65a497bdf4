"""The profile format of Callgrind (Valgrind's manual, "Callgrind Format
Specification"), which KCachegrind opens: hits of lines, and calls between functions.
"""

from __future__ import annotations

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exactrace.reports.model import FileReport
    from exactrace.results import CoverageResults, Entered

    Called = dict[tuple[int, str], dict[Entered, int]]


def write(reports: Iterable[FileReport], results: CoverageResults) -> Iterator[str]:
    """Yield the profile in parts. The hits of a line belong to the function that it
    stands in. What a call costs in all is not known: it is 0.
    """
    yield "# callgrind format\nversion: 1\ncreator: exactrace\n"
    yield "positions: line\nevents: Hits\n\n"
    calls: dict[str, Called] = {}
    for (caller, called), hits in sorted(
        results.call_graph.items(), key=lambda item: (item[0][0] or ("", 0, ""), item)
    ):
        if caller is not None:
            file, line, name = caller
            of_caller = calls.setdefault(file, {}).setdefault((line, name), {})
            of_caller[called] = hits
    for report in reports:
        yield _file(report, calls.get(report.name, {}))


def _plain(name: str) -> str:
    """Return a name without what would end its line or begin a number of its own."""
    text = "".join(each if each.isprintable() else "?" for each in name)
    return f"./{text}" if text.startswith("(") else text


def _file(report: FileReport, calls: Called) -> str:
    lines_of: dict[tuple[int, str], list[int]] = {(1, "<module>"): []}
    for function in report.functions:
        lines_of[function.line, function.name] = []
    for line in report.hits:
        lines_of[_innermost(report, line)].append(line)
    for function_key in calls:
        lines_of.setdefault(function_key, [])
    parts = [f"fl={_plain(report.path)}\n"]
    for (first, name), lines in sorted(lines_of.items()):
        called = calls.get((first, name), {})
        if not lines and not called:
            continue
        parts.append(f"fn={_plain(name)}\n")
        parts += [f"{line} {report.hits[line]}\n" for line in sorted(lines)]
        for (file, line, callee), hits in called.items():
            parts.append(f"cfi={_plain(file)}\ncfn={_plain(callee)}\n")
            parts.append(f"calls={hits} {line}\n{first} 0\n")
    return "".join(parts) + "\n"


def _innermost(report: FileReport, line: int) -> tuple[int, str]:
    """Return the function that a line stands in. Its first line runs outside."""
    found = (1, "<module>")
    for function in report.functions:  # by line: inner ones come later
        if function.line < line <= function.end_line:
            found = function.line, function.name
    return found
