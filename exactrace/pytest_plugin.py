"""A plugin of pytest: `pytest --exactrace` counts what the tests run.

Tests are counted in the process of pytest, in those that they start, and in the
workers of pytest-xdist, as `exactrace run` does (exactrace/children.py); the counts are
kept in the same folder, and all commands read them.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import sys

import pytest

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from types import FrameType

    from exactrace.children import Process
    from exactrace.reports.model import Totals
    from exactrace.results import CoverageResults
    from exactrace.settings import Settings

_NAME = "exactrace-run"  # of the plugin that holds a run
_TERM = ("term", "none")
_FILES = ("html", "json", "lcov", "xml")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("exactrace", "exact counts of lines, branches and calls")
    group.addoption(
        "--exactrace",
        action="append",
        nargs="?",
        const="",
        metavar="NAME",
        help="count what the tests run, and show a table of it; with a name, only of "
        "this package or folder, also what never ran; can be given several times; the "
        "options below say so too, but for --exactrace-data and --exactrace-append",
    )
    group.addoption(
        "--exactrace-branch",
        action="store_true",
        help="count also how often each side of each branch is taken",
    )
    group.addoption(
        "--exactrace-calls",
        action="store_true",
        help="count also how often each function is called, and by which",
    )
    group.addoption(
        "--exactrace-contexts",
        action="store_true",
        help="note which test ran which line, and how often, for `exactrace who`",
    )
    group.addoption(
        "--exactrace-data",
        metavar="DIR",
        help="folder for the counts (default: as for `exactrace run`)",
    )
    group.addoption(
        "--exactrace-append",
        action="store_true",
        help="add to the counts of earlier runs instead of starting anew",
    )
    group.addoption(
        "--exactrace-report",
        action="append",
        type=_report,
        metavar="KIND",
        help="term (a table, the default), none, or html:DIR, json:FILE, lcov:FILE, "
        "xml:FILE; can be given several times",
    )
    group.addoption(
        "--exactrace-fail-under",
        type=float,
        metavar="PERCENT",
        help="end with status 1 if less is covered (default: fail_under of the "
        "settings in pyproject.toml)",
    )


def _report(text: str) -> str:
    kind, colon, path = text.partition(":")
    if (not colon and kind in _TERM) or (kind in _FILES and path):
        return text
    raise argparse.ArgumentTypeError(
        f"{text!r} is none of term, none, html:DIR, json:FILE, lcov:FILE, xml:FILE"
    )


@contextlib.contextmanager
def _plain_imports() -> Iterator[None]:
    """Import modules as they are: exactrace_pytest.py says why."""
    finders = sys.meta_path
    rewriters = [
        (index, each)
        for index, each in enumerate(finders)
        if type(each).__module__ == "_pytest.assertion.rewrite"
    ]
    for _, each in rewriters:
        finders.remove(each)
    try:
        yield
    finally:
        for index, each in rewriters:
            finders.insert(index, each)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Begin to count, before any conftest.py is read."""
    known = early_config.known_args_namespace
    if not _is_wanted(known):
        return
    plugins = early_config.pluginmanager
    if _is_worker():
        # The workers of xdist are child processes, and are counted as such.
        with _plain_imports():
            from exactrace import children

        process = children.current()
    else:
        with _plain_imports():
            run = _Run(known, str(early_config.rootpath))
        plugins.register(run, _NAME)
        run.begin()
        process = run.process
    if process is not None and known.exactrace_contexts:
        with _plain_imports():
            contexts = _Contexts(process)
        plugins.register(contexts, f"{_NAME}-contexts")


def _is_wanted(known: argparse.Namespace) -> bool:
    return known.exactrace is not None or bool(
        known.exactrace_branch
        or known.exactrace_calls
        or known.exactrace_contexts
        or known.exactrace_report
        or known.exactrace_fail_under is not None
    )


def _is_worker() -> bool:
    """Whether pytest runs in a worker of xdist. Its variable alone does not say so:
    what a worker starts inherits it. But a worker's code is run by execnet.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return False
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_globals.get("__name__") != "__channelexec__":
        frame = frame.f_back
    return frame is not None


class _Contexts:
    """Notes which test ran what: a test with its setup and teardown is a context."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._process.part_by_context()
        self._test = ""

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, None, None]:
        """Run one test."""
        self._process.end_context("")
        self._test = item.nodeid
        yield
        self._process.end_context(item.nodeid)
        self._test = ""

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object]
    ) -> Generator[None, None, None]:
        """Set a fixture up: one that several tests share is of none of them."""
        if fixturedef.scope == "function":
            yield
            return
        self._process.end_context(self._test)
        yield
        self._process.end_context("")


class _Run:
    """What is counted from the start of pytest to its end."""

    def __init__(self, wanted: argparse.Namespace, root: str) -> None:
        from exactrace import children, datafolder
        from exactrace.cli import options, selection
        from exactrace.ignore import installed_folders
        from exactrace.settings import SettingsError, load

        try:
            self._settings = load(root)
        except SettingsError as error:
            raise pytest.UsageError(f"exactrace: {error}") from None
        self._reports: list[str] = wanted.exactrace_report or ["term"]
        given: list[str] = wanted.exactrace or []
        names = tuple(selection.source(name) for name in given if name)
        if names:
            self._settings.source = names
        self._least = wanted.exactrace_fail_under
        if self._least is None:
            self._least = self._settings.fail_under
        folder = os.path.abspath(wanted.exactrace_data or options.default_data())
        if os.path.exists(folder) and not os.path.isdir(folder):
            raise pytest.UsageError(f"--exactrace-data: {folder!r} is no folder")
        places = _places(self._settings)
        # What is not asked for costs nothing. But which tests a change can reach is
        # known of what tests and their helpers have run, too.
        only = bool(places) and not wanted.exactrace_contexts
        self.process = children.Process(
            children.Settings(
                folder,
                ignoredirs=[os.sep] if only else installed_folders(),
                kept=places,
                branch=wanted.exactrace_branch or self._settings.branch,
                calls=wanted.exactrace_calls or self._settings.calls,
            )
        )
        try:
            self._before = datafolder.files(folder)
        except OSError as error:
            raise pytest.UsageError(
                f"--exactrace-data: cannot use {folder!r}: {error.strerror}"
            ) from None
        if not wanted.exactrace_append:
            datafolder.remove(folder, self._before)
            self._before = set()
        self._results: CoverageResults | None = None
        self._troubles: list[str] = []
        self._failed = False  # to make what was asked for
        self._totals: Totals | None = None
        self._table = ""

    def begin(self) -> None:
        self.process.watch()
        self.process.tracer.start()

    def _end(self) -> None:
        """Stop counting, and bring together what all processes have counted."""
        if self._results is None and not self.process.is_forked():
            self.process.tracer.stop()
            with _plain_imports():
                self._results, troubles = self.process.bring_together(self._before)
            self._troubles += troubles

    # Inside of the terminal's own hook, which shows the summary, and after that of
    # xdist, which waits for the workers.
    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_sessionfinish(
        self, session: pytest.Session
    ) -> Generator[None, None, None]:
        """Bring the counts together, and judge them."""
        yield
        self._end()
        if self._results is None:
            return
        if self._reports != ["none"] or self._least is not None:
            with _plain_imports():
                self._show(self._results)
        bad = self._failed or self._is_below()
        if bad and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _is_below(self) -> bool:
        totals, least = self._totals, self._least
        return totals is not None and least is not None and totals.percent < least

    def pytest_unconfigure(self) -> None:
        """Keep what was counted, also if there was no session."""
        self._end()

    def _show(self, results: CoverageResults) -> None:
        """Make the table, and write the reports."""
        from exactrace.cli import report
        from exactrace.settings import SettingsError

        wanted = argparse.Namespace(
            annotate=False, calls=False, coverdir=None, output=None, color="never"
        )
        table = io.StringIO()
        try:
            self._totals = report.show(results, self._settings, wanted, table).totals
        except SettingsError as error:
            self._troubles.append(str(error))
            self._failed = True
            return
        self._table = table.getvalue()
        for each in self._reports:
            kind, _, path = each.partition(":")
            if path:
                self._write(kind, path)

    def _write(self, kind: str, path: str) -> None:
        arguments = ["-d", self.process.settings.folder, "-o", path]
        if kind != "json":
            for source in self._settings.source:
                arguments += ["--source", source]
        command = importlib.import_module(f"exactrace.cli.{kind}")
        try:
            command.main(arguments, f"exactrace {kind}", set())
        except SystemExit as error:
            if error.code:
                text = str(error.code).removeprefix("exactrace: ")
                self._troubles.append(text)
                self._failed = True

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Show what was counted."""
        terminal = terminalreporter
        if self._reports != ["none"]:
            terminal.section("exactrace")
            if "term" in self._reports:
                terminal.write(self._table or "no line was counted\n")
            for each in self._reports:
                kind, _, path = each.partition(":")
                if path:
                    terminal.write_line(f"{kind}: {path}")
        for trouble in self._troubles:
            terminal.write_line(f"exactrace: {trouble}", yellow=True)
        if self._is_below() and self._totals is not None:
            percent = self._totals.percent
            terminal.write_line(
                f"exactrace: {percent:.1f}% is covered, less than {self._least:g}%",
                red=True,
                bold=True,
            )


def _places(settings: Settings) -> list[str]:
    """Return where that may lie which is asked for: it is counted there, even if it is
    an installed package.
    """
    from exactrace.reports import scope
    from exactrace.settings import SettingsError

    try:
        return scope.of(settings).places()
    except SettingsError as error:
        raise pytest.UsageError(f"exactrace: {error}") from None
