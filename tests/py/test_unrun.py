"""Where a line begins with a probe, its event comes before the probe has run: what a
callback raises then, or sees, is counted with that line all the same."""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from typing import Any

import pytest
from beside import MONITORED, NO_PROBES
from seldom import lines_of

import exactrace

pytestmark = pytest.mark.skipif(not MONITORED, reason=NO_PROBES)

PROGRAM = textwrap.dedent(
    """\
    def f(n):
        a = 0
        while a < n:
            a += 1
            if a % 2:
                continue
            b = 1
            if a > 3:
                break
        for i in numbers(3):
            if i:
                continue
            try:
                c = i
                if n == 5:
                    break
            finally:
                d = 2
        with open("/dev/null"):
            e = 1
            while e < 3:
                e += 1
                continue
            g = 2
        try:
            h = 6 // (n - 4)
        except ZeroDivisionError:
            j = 1
            while j < 3:
                j += 1
                continue
            k = 2
        while True:
            a -= 1
            if a < 0:
                return 1
            elif a == 2:
                continue
            else:
                m = None
    def numbers(n):
        a = 0
        while a < n:
            yield a
            a += 1
            continue
        b = 1
    """
)
SILENT = {17, 39, 41}  # `finally`, `else` and `def` are none of theirs
LINES = [line for line in range(2, 48) if line not in SILENT]
# What a trace function that has raised is not told of.
UNSEEN = {18, 19, 27}
OTHER = 4  # the id of a tool
CALLS = 40


def run_beside(
    callback: Any,
    *,
    settrace: bool,
    branch: bool,
    begin_call: Any = lambda _: None,
) -> dict[int, int]:
    """Run the program while another tool, or a trace function, sees its lines. Calls
    callback(tracer, line) for each, and begin_call(number) before.
    """
    tracer = exactrace.Trace(count=1, trace=0, engine="probe", branch=branch)
    names: dict[str, Any] = {"__file__": "/program.py"}
    exec(compile(PROGRAM, "/program.py", "exec"), names)

    def see(code: Any, line: int) -> None:
        if code.co_filename == "/program.py":
            callback(tracer, line)

    def trace(frame: Any, event: str, _: object) -> Any:
        if event == "line":
            see(frame.f_code, frame.f_lineno)
        return trace if frame.f_code.co_filename == "/program.py" else None

    def work() -> None:
        for number in range(CALLS):
            begin_call(number)
            if settrace:
                sys.settrace(trace)
            try:
                names["f"](4 + number % 3)
            except ValueError:
                pass
            finally:
                sys.settrace(None)

    tools = sys.monitoring
    if not settrace:
        tools.use_tool_id(OTHER, "other")
        tools.register_callback(OTHER, tools.events.LINE, see)
        tools.set_events(OTHER, tools.events.LINE)
    try:
        tracer.runfunc(work)
    finally:
        if not settrace:
            tools.set_events(OTHER, 0)
            tools.free_tool_id(OTHER)
    return lines_of(tracer)


@pytest.mark.parametrize("branch", [False, True], ids=["lines", "branches"])
@pytest.mark.parametrize("settrace", [False, True], ids=["tool", "trace function"])
@pytest.mark.parametrize("line", LINES)
def test_what_is_raised_where_a_line_begins(
    line: int, settrace: bool, branch: bool
) -> None:
    seen: Counter[int] = Counter()

    def callback(_: object, at: int) -> None:
        seen[at] += 1
        if at == line and seen[at] % 3 == 0:
            raise ValueError(at)

    counts = run_beside(callback, settrace=settrace, branch=branch)
    for unseen in UNSEEN if settrace else ():
        counts.pop(unseen, None)
        del seen[unseen]
    assert counts == seen
    assert settrace or seen[line] >= 3


@pytest.mark.parametrize("branch", [False, True], ids=["lines", "branches"])
@pytest.mark.parametrize("settrace", [False, True], ids=["tool", "trace function"])
def test_what_is_seen_where_a_line_begins(settrace: bool, branch: bool) -> None:
    seen: Counter[int] = Counter()
    looked: Counter[int] = Counter()
    different = []
    numbers = []

    def callback(tracer: Any, at: int) -> None:
        seen[at] += 1
        # To look at all frames, and greenlets, takes long in a process of tests.
        if numbers[-1] < CALLS - 3 or looked[at] == 2:
            return
        looked[at] += 1
        counts = lines_of(tracer)
        if counts != seen:
            different.append((at, counts, dict(seen)))

    counts = run_beside(
        callback, settrace=settrace, branch=branch, begin_call=numbers.append
    )
    assert counts == seen
    assert different == []
    assert len(looked) >= len(LINES) - 3


@pytest.mark.parametrize("branch", [False, True], ids=["lines", "branches"])
@pytest.mark.parametrize("line", LINES)
def test_what_is_raised_while_each_instruction_is_told(line: int, branch: bool) -> None:
    """No instruction looks like that of a probe meanwhile, and all do after it."""
    seen: Counter[int] = Counter()
    told: Counter[int] = Counter()
    tools = sys.monitoring

    def tell(code: Any, _: object) -> None:
        told[code.co_filename == "/program.py"] += 1

    def callback(_: object, at: int) -> None:
        seen[at] += 1
        if at == line and seen[at] % 3 == 0:
            raise ValueError(at)

    def begin_call(number: int) -> None:
        if number == 1:
            tools.register_callback(OTHER, tools.events.INSTRUCTION, tell)
            tools.set_events(OTHER, tools.events.LINE | tools.events.INSTRUCTION)
        elif number == CALLS // 2:
            tools.set_events(OTHER, tools.events.LINE)

    counts = run_beside(callback, settrace=False, branch=branch, begin_call=begin_call)
    assert counts == seen
    assert seen[line] >= 6
    assert told[True] > 500
