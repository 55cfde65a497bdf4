"""A debugger has a frame go on at another line: what probes count then is what the
events of lines tell."""

from __future__ import annotations

import itertools
import sys
import textwrap
import warnings
from typing import Any

import pytest
from beside import MONITORED, NO_PROBES

import exactrace

pytestmark = pytest.mark.skipif(not MONITORED, reason=NO_PROBES)

FUNCTIONS = {
    "loops": """\
        def f(n):
            a = 0
            for i in range(n):
                a += 1
                if a % 2:
                    a += 3
                    continue
                b = 1
            while a > 4:
                a -= 5
                if a == 7:
                    break
            return [i for i in range(a)]
        """,
    "ways": """\
        def f(n):
            a = 1
            if n:
                b = 1
                c = a
            else:
                b = 2
                c = n
            if c and \\
                b:
                d = 1
            return b
        """,
    "handlers": """\
        def f(n):
            a = 1
            try:
                b = 6 // (n - 5)
                c = 2
            except ZeroDivisionError:
                d = 3
                e = a
            finally:
                g = 4
            with open("/dev/null"):
                h = 1
            return a
        """,
    "generator": """\
        def f(n):
            return sum(numbers(n))
        def numbers(n):
            a = 0
            while a < n:
                yield a
                a += 1
                b = a
            yield 7
        """,
    "begins in its midst": """\
        def f(n):
            a = 1
            begin()
            for i in range(n):
                b = 2
                c = 3
            d = 4
            return d
        """,
}
# From other lines CPython 3.15 itself crashes.
SAFE = {"generator": [(6, 7), (7, 6)]}
OTHER = 4  # the id of a tool


class Debugger:
    """Has the program's frames go on at `to` when they come to `at`, once."""

    def __init__(
        self, at: int, to: int, time: int, file: str, *, is_tool: bool
    ) -> None:
        self.at, self.to, self.time, self.file = at, to, time, file
        self.is_tool = is_tool
        self.times = 0
        self.log: list[object] = []

    def see(self, frame: Any) -> None:
        self.log.append(frame.f_lineno)
        if frame.f_lineno == self.at:
            self.times += 1
            if self.times == self.time:
                try:
                    frame.f_lineno = self.to
                except ValueError as error:
                    self.log.append(str(error))

    def trace(self, frame: Any, event: str, _: object) -> Any:
        if frame.f_code.co_filename != self.file:
            return None
        if event == "line":
            self.see(frame)
        return self.trace

    def tell(self, code: Any, _: int) -> None:
        if code.co_filename == self.file:
            self.see(sys._getframe(1))

    def begin(self, *, below: bool) -> None:
        if self.is_tool and sys.monitoring.get_tool(OTHER) is None:
            events = sys.monitoring.events
            sys.monitoring.use_tool_id(OTHER, "other")
            sys.monitoring.register_callback(OTHER, events.LINE, self.tell)
            sys.monitoring.set_events(OTHER, events.LINE)
        if not self.is_tool:
            if below:
                sys._getframe(2).f_trace = self.trace
            sys.settrace(self.trace)

    def end(self) -> None:
        if not self.is_tool:
            sys.settrace(None)
        elif sys.monitoring.get_tool(OTHER) is not None:
            sys.monitoring.set_events(OTHER, 0)
            sys.monitoring.free_tool_id(OTHER)


def run(source: str, before: int, debugger: Debugger) -> None:
    """Run a function, and then with a debugger, and once more without one."""
    names: dict[str, Any] = {"__file__": debugger.file}
    exec(compile(source, debugger.file, "exec"), names)
    names["begin"] = lambda: None
    for _ in range(before):
        names["f"](6)
    names["begin"] = lambda: debugger.begin(below=True)
    if "begin()" not in source:
        debugger.begin(below=False)
    try:
        names["f"](6)
    except TypeError as error:  # a variable that was not set is None
        debugger.log.append(str(error))
    finally:
        debugger.end()
    names["begin"] = lambda: None
    names["f"](6)


@pytest.mark.parametrize("branch", [False, True], ids=["lines", "branches"])
@pytest.mark.parametrize("is_tool", [False, True], ids=["trace function", "tool"])
@pytest.mark.parametrize("before", [0, 40])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_jumps_from_each_line_to_each_other(
    name: str, before: int, is_tool: bool, branch: bool
) -> None:
    source = textwrap.dedent(FUNCTIONS[name])
    last = source.count("\n") + 1
    pairs = SAFE.get(name) or itertools.product(range(2, last), repeat=2)
    jumps = [(*pair, time) for pair in pairs for time in (1, 2)]
    told = {}
    for engine in ("event", "probe"):
        tracer = exactrace.Trace(count=1, trace=0, engine=engine, branch=branch)
        debuggers = [
            Debugger(*jump, f"/{number}.py", is_tool=is_tool)
            for number, jump in enumerate(jumps)
        ]

        def work(debuggers: list[Debugger] = debuggers) -> None:
            for debugger in debuggers:
                run(source, before, debugger)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of variables that get None
            tracer.runfunc(work)
        counts: dict[str, dict[int, int]] = {}
        for (file, line), hits in tracer.counts.items():
            counts.setdefault(file, {})[line] = hits
        told[engine] = [
            (jump, counts[debugger.file], debugger.log)
            for jump, debugger in zip(jumps, debuggers, strict=True)
        ]
    assert sum(len(counts) > 1 for _, counts, _ in told["event"]) == len(jumps)
    assert any(log.count(at) >= time for (at, _, time), _, log in told["event"])
    for by_events, by_probes in zip(told["event"], told["probe"], strict=True):
        assert by_probes == by_events
