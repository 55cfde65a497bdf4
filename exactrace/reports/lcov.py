"""The format of lcov's tracefiles (man geninfo, "FILES"), with real hits."""

from __future__ import annotations

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exactrace.reports.model import Branch, FileReport, Function


class UnfitError(Exception):
    """What a format cannot say, in one line."""


def write(reports: Iterable[FileReport]) -> Iterator[str]:
    """Yield the text of a tracefile, a part for each file.

    Raises UnfitError for a name that cannot stand in one.
    """
    for report in reports:
        lines = [
            "TN:",
            f"SF:{_name(report.path)}",
            *(_functions(report.functions) if report.calls is not None else ()),
            *_branches(report.branches or ()),
        ]
        lines += [f"DA:{line},{hits}" for line, hits in report.statements.items()]
        totals = report.totals
        lines += [
            f"LF:{totals.statements}",
            f"LH:{totals.statements - totals.missed}",
            "end_of_record",
        ]
        yield "\n".join(lines) + "\n"


def _name(name: str) -> str:
    if "\n" in name or "\r" in name:
        raise UnfitError(f"{name!r}: a name with a line break cannot stand in this")
    return name


def _plain(name: str) -> str:
    """Return the name of a function without what would end its line."""
    return "".join(each if each.isprintable() else "?" for each in name)


def _functions(functions: Iterable[Function]) -> list[str]:
    """Return the records of functions whose calls were counted. Two of one name are
    told apart by their lines.
    """
    counted = [function for function in functions if function.hits is not None]
    names: dict[str, int] = {}
    for function in counted:
        names[function.name] = names.get(function.name, 0) + 1
    named = [
        (
            each,
            _plain(each.name if names[each.name] == 1 else f"{each.name}@{each.line}"),
        )
        for each in counted
    ]
    lines = [f"FN:{each.line},{name}" for each, name in named]
    lines += [f"FNDA:{each.hits},{name}" for each, name in named]
    if lines:
        lines += [
            f"FNF:{len(named)}",
            f"FNH:{sum(bool(each.hits) for each in counted)}",
        ]
    return lines


def _branches(branches: Iterable[Branch]) -> list[str]:
    """Return the records of branches: a block for each, in the order of the line,
    with 0 for the side that is taken if what was asked is true, 1 for the other.
    """
    lines = []
    taken = 0
    blocks: dict[int, int] = {}
    for branch in branches:
        block = blocks.get(branch.line, 0)
        blocks[branch.line] = block + 1
        never = not any(branch.outcomes.values())
        for outcome, hits in sorted(branch.outcomes.items(), reverse=True):
            side = "-" if never else str(hits)
            lines.append(f"BRDA:{branch.line},{block},{int(not outcome)},{side}")
            taken += hits > 0
    if lines:
        lines += [f"BRF:{len(lines)}", f"BRH:{taken}"]
    return lines
