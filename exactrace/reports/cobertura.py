"""Cobertura's XML (coverage-04.dtd), with real hits."""

from __future__ import annotations

import os
import re
import time
from xml.sax.saxutils import quoteattr

from exactrace import __version__
from exactrace.reports import functions
from exactrace.reports.model import Totals

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exactrace.reports.model import Branch, FileReport, Function

DTD = "http://cobertura.sourceforge.net/xml/coverage-04.dtd"
# What no XML 1.0 document can hold.
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(reports: Iterable[FileReport]) -> Iterator[str]:
    """Yield the document in parts. File names are relative to the current directory,
    or absolute if they are not below it.
    """
    packages: dict[str, list[str]] = {}
    sums: dict[str, Totals] = {}
    for report in reports:
        name = os.path.dirname(report.shown).strip("/").replace("/", ".") or "."
        packages.setdefault(name, []).append(_class(report))
        sums[name] = sums.get(name, Totals()) + report.totals
    total = sum(sums.values(), Totals())
    yield f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE coverage SYSTEM "{DTD}">\n'
    yield (
        f"<coverage {_rates(total)} "
        f'lines-covered="{total.statements - total.missed}" '
        f'lines-valid="{total.statements}" branches-covered="{total.taken}" '
        f'branches-valid="{total.branches}" complexity="0" '
        f'version="exactrace {__version__}" '
        f'timestamp="{int(time.time() * 1000)}">\n'
    )
    yield f" <sources>\n  <source>{_text(os.getcwd())}</source>\n </sources>\n"
    yield " <packages>\n"
    for name in sorted(packages):
        yield f'  <package name={_quoted(name)} {_rates(sums[name])} complexity="0">\n'
        yield "   <classes>\n"
        yield from packages[name]
        yield "   </classes>\n  </package>\n"
    yield " </packages>\n</coverage>\n"


def _clean(text: str) -> str:
    return _UNFIT.sub("\ufffd", text)


def _quoted(text: str) -> str:
    return quoteattr(_clean(text))


def _text(text: str) -> str:
    return _quoted(text)[1:-1].replace("&quot;", '"')


def _rates(totals: Totals) -> str:
    lines = (
        (totals.statements - totals.missed) / totals.statements
        if totals.statements
        else 1
    )
    sides = totals.taken / totals.branches if totals.branches else 1
    return f'line-rate="{lines:.4g}" branch-rate="{sides:.4g}"'


def _class(report: FileReport) -> str:
    name = os.path.basename(report.shown)
    start = f"    <class name={_quoted(name)} filename={_quoted(report.shown)} "
    parts = [start, f'{_rates(report.totals)} complexity="0">\n', "     <methods>\n"]
    branches: dict[int, list[Branch]] = {}
    for branch in report.branches or ():
        branches.setdefault(branch.line, []).append(branch)
    if report.calls is not None:
        lines_of = functions.lines_of(report)
        for function in report.functions:
            lines = sorted(lines_of.get((function.line, function.name), ()))
            parts += _method(report, function, lines, branches)
    parts.append("     </methods>\n     <lines>\n")
    for line, hits in report.statements.items():
        parts.append(_line(line, hits, branches.get(line, [])))
    parts.append("     </lines>\n    </class>\n")
    return "".join(parts)


def _method(
    report: FileReport,
    function: Function,
    lines: list[int],
    branches: dict[int, list[Branch]],
) -> Iterator[str]:
    """Yield a method with the lines of its own code, as they stand in the class."""
    statements = report.statements
    lines = [line for line in lines if line in statements]
    own = [branch for line in lines for branch in branches.get(line, ())]
    totals = Totals(
        statements=len(lines) or 1,  # what stands on its first line, if all does
        missed=sum(not statements[line] for line in lines)
        if lines
        else int(not function.hits),
        branches=sum(len(branch.outcomes) for branch in own),
        taken=sum(branch.taken for branch in own),
    )
    yield (
        f'      <method name={_quoted(function.name)} signature="" {_rates(totals)} '
        'complexity="0">\n       <lines>\n'
    )
    for line in lines:
        whole = _line(line, statements[line], branches.get(line, []))
        yield "  " + whole.replace("\n ", "\n   ")
    yield "       </lines>\n      </method>\n"


def _line(number: int, hits: int, branches: list[Branch]) -> str:
    start = f'      <line number="{number}" hits="{hits}"'
    if not branches:
        return f"{start}/>\n"
    sides = sum(len(branch.outcomes) for branch in branches)
    taken = sum(branch.taken for branch in branches)
    conditions = "".join(
        f'        <condition number="{place}" type="jump" '
        f'coverage="{100 * branch.taken // len(branch.outcomes)}%"/>\n'
        for place, branch in enumerate(branches)
    )
    return (
        f'{start} branch="true" '
        f'condition-coverage="{100 * taken // sides}% ({taken}/{sides})">\n'
        f"       <conditions>\n{conditions}       </conditions>\n      </line>\n"
    )
