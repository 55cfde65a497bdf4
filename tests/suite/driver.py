"""Runs one module of the standard library's tests and notes each outcome.

    python driver.py MODULE OUTCOMES [OPTIONS]

OPTIONS is JSON:

    without: names of tests that are not run
    package: the folder of the package that is to count everything; else nothing is
    engine, branch: what its Trace is given
    counts: a file that gets the counts, as a pickle, of a run that chance has as
        little part in as can be

OUTCOMES gets a line of JSON for each thing that happens, at once, so that what
kills the process is known.
"""

import gc
import importlib
import json
import os
import pickle
import random
import sys
import traceback
import unittest
import warnings


class Journal:
    """A file of lines of JSON. It is open only while a line is written.

    Some tests close all files, replace open(), or fork: only the process that
    made the journal writes to it.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._process = os.getpid()
        self._open, self._write, self._close = os.open, os.write, os.close

    def note(self, *fields: object) -> None:
        if os.getpid() != self._process:
            return
        file = self._open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            self._write(file, (_ENCODE(fields) + "\n").encode())
        finally:
            self._close(file)


_ENCODE = json.JSONEncoder().encode


def _id(test) -> str:
    """Return a test's id. Some tests keep something else under that name."""
    return str(test.id() if callable(test.id) else type(test).id(test))


# ruff: noqa: N802 - what a TestResult's methods are called
class Result(unittest.TestResult):
    """Writes down what becomes of each test."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal
        self._subtests = 0

    def _note(self, test: unittest.TestCase, kind: str, *details: str) -> None:
        self._journal.note("test", _id(test), kind, *details)

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self._subtests = 0
        self._journal.note("start", _id(test))

    def addSuccess(self, test):
        super().addSuccess(test)
        self._note(test, "ok")

    def addError(self, test, err):
        super().addError(test, err)
        self._note(test, "error", err[0].__name__, _shown(err))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._note(test, "fail", err[0].__name__, _shown(err))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._note(test, "skip", str(reason))

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self._note(test, "expected failure", err[0].__name__, _shown(err))

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self._note(test, "unexpected success")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is None:
            self._subtests += 1
        else:
            kind = "fail" if issubclass(err[0], test.failureException) else "error"
            self._note(subtest, f"subtest {kind}", err[0].__name__, _shown(err))

    def stopTest(self, test):
        super().stopTest(test)
        self._journal.note("stop", _id(test), self._subtests)


def _shown(err) -> str:
    """Return an exception as text; it is shown, not compared."""
    try:
        return "".join(traceback.format_exception(*err))[-3000:]
    except Exception as error:  # noqa: BLE001 - any may be in a traceback
        return f"(not shown: {error!r})"


def leave_out(suite, names: list[str]):
    """Return the suite without the tests of these names."""
    if isinstance(suite, unittest.TestSuite):
        kept = [leave_out(test, names) for test in suite if _id_of(test) not in names]
        return type(suite)(kept)
    return suite


def _id_of(test) -> str:
    return "" if isinstance(test, unittest.TestSuite) else _id(test)


def run(module: str, journal: Journal, without: list[str]) -> None:
    """Import the module and run its tests."""
    try:
        loaded = importlib.import_module(f"test.{module}")
    except unittest.SkipTest as reason:
        journal.note("test", module, "skip", str(reason))
        return
    except BaseException as error:  # noqa: BLE001 - a module may do anything
        details = type(error).__name__, _shown((type(error), error, None))
        journal.note("test", module, "not importable", *details)
        return
    suite = unittest.TestLoader().loadTestsFromModule(loaded)
    if without:
        suite = leave_out(suite, without)
    suite.run(Result(journal))


def tracer_of(options):
    """Return an object that counts everything, of the package to be tested."""
    sys.path.append(options["package"])
    exactrace = importlib.import_module("exactrace")
    sys.path.remove(options["package"])
    wanted = {"engine": options["engine"], "branch": options["branch"]}
    chosen = {name: value for name, value in wanted.items() if value}
    return exactrace.Trace(count=1, trace=0, **chosen)


class Aside:
    """Keeps our tool of sys.monitoring out of the way of that module's tests.

    They demand that no tool has events before and after each test, and that
    the tools 2, 3 and 4 are free; they would check nothing more without.
    """

    TOOLS = 2, 3, 4

    def __init__(self) -> None:
        """Take the tools, so that ours becomes another one."""
        self._monitoring = getattr(sys, "monitoring", None)
        if self._monitoring is not None:
            for tool in self.TOOLS:
                self._monitoring.use_tool_id(tool, "aside")

    def step(self) -> None:
        """Free the tools and hide ours, and those of sys.settrace()."""
        monitoring = self._monitoring
        if monitoring is None:
            return
        for tool in self.TOOLS:
            monitoring.free_tool_id(tool)
        get_events, all_events = monitoring.get_events, monitoring._all_events
        hidden = 1 << 6 | 1 << 7
        for tool in range(6):
            if monitoring.get_tool(tool) == "exactrace":
                hidden |= 1 << tool

        def get_events_of_others(tool: int, /) -> int:
            ours = tool in range(6) and hidden >> tool & 1
            return 0 if ours else get_events(tool)

        def all_events_of_others() -> dict[str, int]:
            events = {name: tools & ~hidden for name, tools in all_events().items()}
            return {name: tools for name, tools in events.items() if tools}

        monitoring.get_events = get_events_of_others
        monitoring._all_events = all_events_of_others


def use_no_resources() -> None:
    """Set up the tests for a machine without network, screen and patience."""
    # Here, as the counted run is to see its import.
    support = importlib.import_module("test.support")
    support.use_resources = []
    random.seed(0)
    warnings.simplefilter("default")


def main() -> None:
    module, output, text = sys.argv[1:]
    options = json.loads(text)
    without = options.pop("without", [])
    journal = Journal(output)
    # The folder of this file is no place to import from; and the tests see the
    # arguments of a program without any.
    del sys.path[0], sys.argv[1:]
    use_no_resources()
    if "package" in options:
        tracer = tracer_of(options)
        if "counts" in options:
            # It runs finalizers at moments that depend on what was allocated,
            # by the engine too.
            gc.collect()
            gc.disable()
        names = {"__name__": "__main__", "run": run, "module": module}
        names.update(journal=journal, without=without)
        if module == "test_monitoring":
            names["aside"] = Aside()
            tracer.runctx("aside.step(); run(module, journal, without)", names, names)
        else:
            tracer.runctx("run(module, journal, without)", names, names)
        counts = tracer.results().counts
        home = os.path.dirname(importlib.import_module("test").__file__)
        mine = os.path.join(home, module)
        lines = [key for key in counts if key[0].startswith(mine)]
        if "counts" in options:
            with open(options["counts"], "wb") as file:
                pickle.dump(dict(counts), file)
        journal.note("counted", len(counts), sum(counts.values()), len(lines))
    else:
        run(module, journal, without)
    journal.note("end")


if __name__ == "__main__":
    main()
