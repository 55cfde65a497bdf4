"""The report as a site: an index, and a page for each file. It needs no server and
no network.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import math
import os
import re
import shutil
from dataclasses import dataclass
from html import escape as quoted

from exactrace.paths import current_directory
from exactrace.reports import highlight, partial, scope, text
from exactrace.reports.model import Branch, FileReport, Function, Totals, file_reports
from exactrace.settings import Settings

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable

    from jinja2 import Environment, Template

    from exactrace.results import CoverageResults, Entered


_TEMPLATES = os.path.join(os.path.dirname(__file__), "templates")
_STATIC = ("style.css", "script.js")
_PAGE = re.compile(r"\w+_[0-9a-f]{12}\.html", re.ASCII)  # as page_name() makes them
_MARK = b'<meta name="generator" content="exactrace">'  # in each of them
_HEATS = 8  # steps of colour
_HOTTEST = 20  # lines in the index


class MissingError(Exception):
    """What makes the pages is not installed; the text says how to get it."""


@dataclass(frozen=True)
class _Caller:
    """Who called a function, and how often. link: to its page, or ""."""

    name: str
    link: str
    hits: int


@dataclass(frozen=True)
class _Called:
    """A function as its page tells of it."""

    name: str
    line: int
    hits: int | None
    callers: list[_Caller]


@dataclass(frozen=True)
class _Entry:
    """A file as the index tells of it."""

    name: str
    page: str
    totals: Totals
    share: str
    trouble: str


def write(
    results: CoverageResults,
    settings: Settings,
    patterns: Iterable[str],
    folder: str,
) -> tuple[int, Totals]:
    """Write the site into a folder, which is made if need be; pages that are there
    are replaced, or removed if there is none for them now. Returns the number of files,
    and the sum over them; with no file, nothing is written.

    Raises MissingError, OSError, and SettingsError.
    """
    return _Site(results, settings, tuple(patterns), folder).write()


def page_name(path: str, shown: str) -> str:
    """Return the name of the page of a file: the same each time, and no other's."""
    readable = re.sub(r"[^A-Za-z0-9_]+", "_", shown)[-80:]
    digest = hashlib.sha256(path.encode(errors="surrogatepass")).hexdigest()[:12]
    return f"{readable}_{digest}.html"


class _Site:
    def __init__(
        self,
        results: CoverageResults,
        settings: Settings,
        patterns: tuple[str, ...],
        folder: str,
    ) -> None:
        self._results = results
        self._settings = settings
        self._patterns = patterns
        self._folder = folder
        self._environment = _environment()
        self._page = self._environment.get_template("file.html")
        self._within = scope.of(settings, patterns)
        self._base = results._start_directory or current_directory()
        self._callers = self._find_callers()

    def write(self) -> tuple[int, Totals]:
        entries: list[_Entry] = []
        hottest = text.Hottest(_HOTTEST)
        links: dict[str, str] = {}
        total = Totals()
        with_branches = False
        for report in file_reports(self._results, self._settings, self._patterns):
            if not entries:
                self._begin()
            entry = self._entry(report)
            self._write_page(report, entry)
            entries.append(entry)
            links[text.printable(report.shown)] = entry.page
            hottest.add(report)
            total += report.totals
            with_branches = with_branches or report.branches is not None
        if entries:
            hot = []
            for hits, where, line in hottest.lines():
                name, _, number = where.rpartition(":")
                hot.append((hits, where, f"{links[name]}#L{number}", line))
            self._write(
                "index.html",
                self._environment.get_template("index.html"),
                entries=entries,
                total=total,
                share=text.percentage(total, self._settings.precision),
                with_branches=with_branches,
                hot=hot,
            )
            self._remove_others({entry.page for entry in entries})
        return len(entries), total

    def _remove_others(self, pages: set[str]) -> None:
        """Remove pages of an earlier report on files that are in this one no more."""
        for name in os.listdir(self._folder):
            if name in pages or not _PAGE.fullmatch(name):
                continue
            path = os.path.join(self._folder, name)
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            with open(path, "rb") as file:
                ours = _MARK in file.read(1024)
            if ours:
                os.unlink(path)

    def _begin(self) -> None:
        try:
            os.makedirs(self._folder, exist_ok=True)
        except FileExistsError:
            reason = os.strerror(errno.ENOTDIR)
            raise NotADirectoryError(errno.ENOTDIR, reason, self._folder) from None
        ignored = os.path.join(self._folder, ".gitignore")
        if not os.path.exists(ignored):
            with open(ignored, "w", encoding="ascii") as file:
                file.write("*\n")
        for name in _STATIC:
            source = os.path.join(_TEMPLATES, name)
            shutil.copyfile(source, os.path.join(self._folder, name))

    def _write(self, name: str, template: Template, **values: object) -> None:
        path = os.path.join(self._folder, name)
        with open(path, "wb") as file:
            file.write(template.render(**values).encode(errors="replace"))

    def _entry(self, report: FileReport) -> _Entry:
        return _Entry(
            text.printable(report.shown),
            page_name(report.path, report.shown),
            report.totals,
            text.percentage(report.totals, self._settings.precision),
            text.printable(report.trouble),
        )

    def _write_page(self, report: FileReport, entry: _Entry) -> None:
        functions = []
        if self._results.calls:
            functions = [self._called(report, each) for each in report.functions]
        self._write(
            entry.page,
            self._page,
            entry=entry,
            totals=report.totals,
            with_branches=report.branches is not None,
            functions=functions,
            rows=rows(report, functions),
        )

    def _called(self, report: FileReport, function: Function) -> _Called:
        callers = self._callers.get((report.path, function.line, function.name), [])
        callers = sorted(callers, key=lambda each: (-each.hits, each.name))
        return _Called(function.name, function.line, function.hits, callers)

    def _find_callers(self) -> dict[Entered, list[_Caller]]:
        callers: dict[Entered, list[_Caller]] = {}
        for (caller, called), hits in self._results.call_graph.items():
            name, line, function = called
            path = self._path(name)
            if self._within.has(path):
                one = self._caller(caller, hits)
                callers.setdefault((path, line, function), []).append(one)
        return callers

    def _caller(self, caller: Entered | None, hits: int) -> _Caller:
        if caller is None:
            return _Caller("(not traced)", "", hits)
        name, line, function = caller
        path = self._path(name)
        shown, link = name, ""
        if not self._results.is_ignored_filename(name):
            shown = scope.shown_name(path)
            if self._within.has(path):
                link = f"{page_name(path, shown)}#L{line}"
        return _Caller(text.printable(f"{function}  {shown}:{line}"), link, hits)

    def _path(self, name: str) -> str:
        return scope.absolute(name, self._base)


def _environment() -> Environment:
    try:
        import jinja2
    except ImportError:
        raise MissingError(
            "the HTML report needs Jinja2: pip install 'exactrace[html]'"
        ) from None
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["number"] = "{:,}".format
    return environment


# --- The lines of a page ----------------------------------------------------


def rows(report: FileReport, functions: Iterable[_Called] = ()) -> str:
    """Return the rows of the table of a source, as HTML."""
    if report.text is None:
        return ""
    source = report.text.removesuffix("\n")
    branches: dict[int, list[Branch]] = {}
    for branch in report.branches or ():
        branches.setdefault(branch.line, []).append(branch)
    source, chips = _with_marks(source, branches)
    contents = highlight.lines(source)
    for line, shown in chips.items():
        contents[line - 1] = _with_chips(contents[line - 1], shown)
    for each in {each.line: each for each in functions}.values():
        if 0 < each.line <= len(contents):
            contents[each.line - 1] += _calls(each)
    partly = {each.line for each in report.branches or () if each.partial}
    margins = _margins(report, partly)
    nothing = _margin("", "", "")
    parts = []
    for line, content in enumerate(contents, 1):
        begin, end = margins.get(line, nothing)
        parts.append(f"<tr id=L{line}{begin}{line}>{line}</a>{end}{content}\n")
    return "".join(parts)


def _margins(report: FileReport, partly: set[int]) -> dict[int, tuple[str, str]]:
    """Return what stands about the number of each line that can run."""
    hits = report.hits
    hottest = math.log(max(hits.values(), default=0) + 1) or 1.0
    margins = {
        line: _margin("x", f"{hits[line]:,}" if line in hits else "", "excluded")
        for line in report.excluded
    }
    kinds = {0: _margin("m", "0", "missing")}
    for line, count in report.statements.items():
        if count and line in partly:
            heat = _heat(count, hottest)
            margins[line] = _margin(f"h{heat} p", f"{count:,}", "partial")
            continue
        margin = kinds.get(count)
        if margin is None:
            heat = _heat(count, hottest)
            margin = kinds[count] = _margin(f"h{heat}", f"{count:,}", "")
        margins[line] = margin
    return margins


def _heat(count: int, hottest: float) -> int:
    return math.ceil(_HEATS * math.log(count + 1) / hottest)


def _margin(classes: str, count: str, said: str) -> tuple[str, str]:
    """Return what stands before and behind the number of a line, as HTML."""
    return (
        f' class="{classes}"><td class=l><a href=#L',
        f"<td class=h>{count}<td class=w>{said}<td class=t>",
    )


def _with_marks(
    source: str, branches: dict[int, list[Branch]]
) -> tuple[str, dict[int, list[str]]]:
    """Return a source with a NUL before each branch, and what is to stand in the
    place of each, by line. A source that compiles has none of its own.
    """
    if "\0" in source:
        return source.replace("\0", "\N{REPLACEMENT CHARACTER}"), {}
    lines = source.split("\n")
    chips: dict[int, list[str]] = {}
    for line, found in branches.items():
        if line > len(lines):
            continue
        data = lines[line - 1].encode(errors="surrogatepass")
        parts = []
        start = 0
        found.sort(key=lambda each: each.column or 0)
        for branch in found:
            column = min(branch.column or 0, len(data))
            parts.append(data[start:column])
            start = column
        parts.append(data[start:])
        lines[line - 1] = b"\0".join(parts).decode(errors="replace")
        chips[line] = [_chip(each) for each in found]
    return "\n".join(lines), chips


def _with_chips(content: str, chips: list[str]) -> str:
    parts = content.split("\0")
    return parts[0] + "".join(
        chip + part for chip, part in zip(chips, parts[1:], strict=True)
    )


def _chip(branch: Branch) -> str:
    """Return how often a branch went each way, as HTML."""
    outcomes = branch.outcomes
    return _chip_of(branch.kind, outcomes.get(True), outcomes.get(False))


@functools.lru_cache(maxsize=4096)  # most are of few kinds
def _chip_of(kind: str, true: int | None, false: int | None) -> str:
    known = {True: true, False: false}
    outcomes = {side: hits for side, hits in known.items() if hits is not None}
    branch = Branch(0, 0, None, None, kind, outcomes)
    counts = {True: true or 0, False: false or 0}
    title = ", ".join(
        f"{partial.SIDES[kind, outcome]} {count:,}" for outcome, count in counts.items()
    )
    never = partial.said(branch)
    if never:
        title += f": {never}"
    classes = "b p" if never else "b" if branch.taken else "b m"
    taken = "|".join(
        f"<i class=z>{each}</i>" if not each else f"{each:,}"
        for each in counts.values()
    )
    return f'<span class="{classes}" title="{title}">{taken}</span>'


def _calls(function: _Called) -> str:
    calls = "1 call" if function.hits == 1 else f"{function.hits or 0:,} calls"
    title = quoted(function.name)
    return f' <span class=f title="{title}">{calls}</span>'
