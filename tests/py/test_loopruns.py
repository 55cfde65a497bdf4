"""Functions with loops, whose first frames are followed by events and not rewritten:
what is counted is what the trace function sees."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import textwrap
import threading
import types
from pathlib import Path
from typing import Any

import pytest
from beside import ENGINES, FREE, MONITORED, NO_PROBES, run, write
from seldom import (
    MEANWHILE,
    TOLD_BY,
    check_meanwhile,
    counted,
    left_by,
    lines_of,
)

import exactrace

FOLLOWS = MONITORED and sys.version_info >= (3, 13)
ROUNDS = (0, 1, 4, 150)  # the last is longer than any frame is followed
CALLS = (1, 2, 3, 12, 70)

# Each is called with numbers up to that of the rounds.
LOOPS = {
    "for": """\
        def f(n):
            t = 0
            for i in range(n):
                if i % 3:
                    t += 1
                elif i: continue
                else:
                    t += 2
            else:
                t += 3
            return t
        """,
    "while": """\
        def f(n):
            while n and n < 1000:
                n -= 1
                if n == 7: break
            else:
                return n
            return n + 1
        """,
    "one line": """\
        def f(n):
            for i in range(n): a = i
            while n: n -= 1
            return [x for x in range(n + 3) if x % 2]
        """,
    "loops in loops": """\
        def f(n):
            for i in range(n % 9):
                for j in range(i % 3):
                    if j == 1:
                        break
                    b = j
                c = i
            return n
        """,
    "handlers": """\
        def f(n):
            for i in range(n):
                try:
                    a = 6 // (i % 3)
                except ZeroDivisionError as error:
                    if i % 2:
                        continue
                    b = 1
                finally:
                    c = 1
            return n
        """,
    "left by an exception": """\
        def g(n):
            for i in range(n):
                if i == n % 5:
                    raise KeyError
                a = 1
            return n
        def f(n):
            try: g(n)
            except KeyError: pass
        """,
    "left by an exception of what it calls": """\
        def fail(n):
            if n % 4 == 3: raise KeyError
        def g(n):
            for i in range(n):
                fail(i + n)
                a = 1
            return n
        def f(n):
            try: g(n)
            except KeyError: pass
        """,
    "blocks of with": """\
        class Guard:
            def __init__(self, swallow): self.swallow = swallow
            def __enter__(self): return self
            def __exit__(self, kind, error, trace): return self.swallow
        def f(n):
            for i in range(n % 20):
                with Guard(True):
                    if i % 3 == 0: raise KeyError
                    a = 1
                if i == 11: return 2
            return 3
        """,
    "recursion": """\
        def f(n, deep=0):
            for i in range(n % 4):
                if deep < 3:
                    f(n, deep + 1)
                a = 1
            return 2
        """,
    "counts are read within it": """\
        def f(n):
            for i in range(n % 40):
                a = 1
                if i % 13 == 2:
                    look()
                b = 2
            if n % 3 == 0: look()
            return 5
        """,
    "another module's globals": """\
        import types
        def f(n):
            for i in range(n): a = 1
            return 2
        other = types.FunctionType(f.__code__, {"__file__": "/elsewhere.py"})
        nowhere = types.FunctionType(f.__code__, {})
        mine = f
        def f(n):
            for g in (mine, other, nowhere, mine): g(n)
        """,
    "new functions of the same code": """\
        def make(n):
            def inner(m):
                for i in range(m): n
                return n
            return inner
        def f(n): return make(n)(n % 7)
        """,
    "cells and generators": """\
        def f(n):
            kept = []
            for i in range(n % 30):
                kept.append(lambda: (i, n))
                def steps():
                    for j in range(3): yield j + i
                total = sum(steps())
            return kept
        """,
}


@pytest.mark.parametrize("calls", CALLS)
@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("engine", TOLD_BY)
def test_loops_are_counted_as_by_the_trace_function(
    engine: str, name: str, rounds: int, calls: int
) -> None:
    source = textwrap.dedent(LOOPS[name])
    source += f"for i in range({calls}): f({rounds} * (i + 1) // {calls})\n"
    assert counted(engine, source) == counted("settrace", source)


BESIDE = """\
    def f(n, at=-1):
        for i in range(5):
            if at == 1 and i == 1:
                begin()
            if (n + i) % 3 == 0:
                a = 1
            elif n % 5:
                a = 2
            if at == 2 and i == 3:
                end()
            b = 1
        return a
    for i in range(2): f(i)
    f(1, 1)
    f(2, 2)
    for i in range(4): f(i)
    """


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
@pytest.mark.parametrize("name", MEANWHILE)
def test_whatever_begins_meanwhile(name: str) -> None:
    check_meanwhile(name, BESIDE, 150)


def loop(call: str = "", after: str = "") -> dict[str, Any]:
    source = f"def f(n):\n    for i in range(n):\n        a = i\n        {call}\n"
    source += f"    {after}\n    return n\n"
    names: dict[str, Any] = {"__file__": "/program.py"}
    exec(compile(source, "/program.py", "exec"), names)
    return names


@pytest.mark.parametrize("calls", CALLS)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_call_that_nobody_wants_hides_no_other(engine: str, calls: int) -> None:
    names = loop("b = 1")
    foreign = types.FunctionType(names["f"].__code__, {"__file__": "/elsewhere/x.py"})

    def work() -> None:
        names["f"](1)
        for n in range(calls):
            foreign(n)
            names["f"](n % 3)

    rounds = 1 + sum(n % 3 for n in range(calls))
    tracer = exactrace.Trace(count=1, trace=0, engine=engine, ignoredirs=["/elsewhere"])
    tracer.runfunc(work)
    assert lines_of(tracer) == {
        2: rounds + calls + 1,
        3: rounds,
        4: rounds,
        6: calls + 1,
    }


@pytest.mark.parametrize("engine", TOLD_BY)
def test_another_session_sees_what_comes_then(engine: str) -> None:
    names = loop("call(i)")
    outer, inner = (exactrace.Trace(count=1, trace=0, engine=engine) for _ in range(2))
    names["call"] = lambda i: None

    def work() -> None:
        names["f"](2)
        inner.start()
        names["f"](2)
        inner.stop()
        names["call"] = lambda i: inner.start() if i == 1 else None
        names["f"](3)
        inner.stop()
        names["f"](1)

    outer.runfunc(work)
    assert lines_of(outer) == {2: 12, 3: 8, 4: 8, 6: 4}
    assert lines_of(inner) == {2: 3 + 2, 3: 2 + 1, 4: 2 + 1, 6: 2}


def test_calls_after_the_main_program_has_ended(tmp_path: Path) -> None:
    program = """\
        import threading
        def f(n):
            for i in range(n):
                a = 1
            return 2
        def late():
            for i in range(20): f(i % 3)
            leave.set()
        f(3)
        leave = threading.Event()
        threading.Thread(target=leave.wait).start()
        threading._register_atexit(late)
        """
    write(tmp_path, "prog.py", program)
    status, *_ = run(["-m", "exactrace", "--count", "-C", "out", "prog.py"], tmp_path)
    assert status == 0
    report = (tmp_path / "out" / "prog.cover").read_text().splitlines()
    found = [int(line.partition(":")[0].strip()) for line in report[2:5]]
    assert found == ([43, 22, 21] if MONITORED else [4, 3, 1])


@pytest.mark.parametrize("engine", TOLD_BY)
def test_frames_of_several_threads(engine: str) -> None:
    names = loop("call(i)")
    arrived, leave = threading.Barrier(4), threading.Event()
    names["call"] = lambda i: None
    tracer = exactrace.Trace(count=1, trace=0, engine=engine)
    found = []

    def work() -> None:
        names["f"](2)
        names["call"] = lambda i: (arrived.wait(), leave.wait()) if i == 1 else None
        threads = [threading.Thread(target=names["f"], args=(3,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        arrived.wait()
        found.append(lines_of(tracer))
        leave.set()
        for thread in threads:
            thread.join()
        names["call"] = lambda i: None
        names["f"](1)

    tracer.runfunc(work)
    assert found == [{2: 3 + 6, 3: 2 + 6, 4: 2 + 6, 6: 1}]
    assert lines_of(tracer) == {2: 3 + 12 + 2, 3: 2 + 9 + 1, 4: 2 + 9 + 1, 6: 5}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork()")
@pytest.mark.skipif(FREE, reason="a fork beside threads may hang there")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("before", [0, 2])
@pytest.mark.parametrize("engine", ENGINES)
def test_frames_of_other_threads_end_in_a_forked_child(
    engine: str, before: int
) -> None:
    names = loop("call(i)")
    tracer = exactrace.Trace(count=1, trace=0, engine=engine)
    arrived, leave = threading.Event(), threading.Event()
    reader, writer = os.pipe()

    def work() -> None:
        names["call"] = lambda i: None
        for _ in range(before):
            names["f"](1)
        names["call"] = lambda i: (arrived.set(), leave.wait())
        thread = threading.Thread(target=names["f"], args=(1,))
        thread.start()
        arrived.wait()
        names["f"](0)
        pid = os.fork()
        if pid == 0:
            names["f"](0)
            os.write(writer, repr(lines_of(tracer)).encode())
            os._exit(0)
        os.waitpid(pid, 0)
        leave.set()
        thread.join()

    tracer.runfunc(work)
    os.close(writer)
    more = before
    with open(reader) as file:
        assert eval(file.read()) == {
            2: 3 + 2 * more,
            3: 1 + more,
            4: 1 + more,
            6: 2 + more,
        }
    assert lines_of(tracer) == {
        2: 3 + 2 * more,
        3: 1 + more,
        4: 1 + more,
        6: 2 + more,
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_code_that_is_freed_is_counted(engine: str) -> None:
    tracer = exactrace.Trace(count=1, trace=0, engine=engine)

    def work() -> None:
        for times in range(1, 20):
            names = loop()
            for n in range(times):
                names["f"](n % 2)

    tracer.runfunc(work)
    gc.collect()
    calls = sum(range(1, 20))
    rounds = sum(times // 2 for times in range(1, 20))
    assert lines_of(tracer) == {1: 19, 2: calls + rounds, 3: rounds, 6: calls}


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
def test_sessions_leave_functions_as_they_were() -> None:
    names = loop()
    before = names["f"].__code__
    for calls in CALLS:
        tracer = exactrace.Trace(count=1, trace=0)
        tracer.runfunc(lambda n=calls: [names["f"](2) for _ in range(n)])
        assert lines_of(tracer) == {2: 3 * calls, 3: 2 * calls, 6: calls}
        assert code_of(names["f"]) is before
        for tool in range(6):
            with contextlib.suppress(ValueError):
                assert sys.monitoring.get_local_events(tool, before) == 0


def code_of(function: Any) -> Any:
    """Return the code that a function has, which we hide otherwise."""
    (code,) = (
        item for item in gc.get_referents(function) if isinstance(item, types.CodeType)
    )
    return code


@pytest.mark.skipif(not FOLLOWS, reason="rewritten at once: before 3.13, or no probes")
@pytest.mark.parametrize(("rounds", "calls"), [(1, 2), (4, 1)])
def test_a_function_that_has_run_little_is_not_rewritten(
    rounds: int, calls: int
) -> None:
    names = loop()
    code = names["f"].__code__
    seen = []

    def work() -> None:
        for _ in range(calls):
            names["f"](rounds)
            seen.append(code_of(names["f"]) is code)
        for _ in range(40):
            names["f"](rounds)
        seen.append(code_of(names["f"]) is code)

    exactrace.Trace(count=1, trace=0).runfunc(work)
    assert seen == [True] * calls + [False]


@pytest.mark.skipif(not FOLLOWS, reason="rewritten at once: before 3.13, or no probes")
def test_a_frame_that_runs_long_is_followed_no_more() -> None:
    names = loop("call()")
    code = names["f"].__code__
    tracer = exactrace.Trace(count=1, trace=0)
    events = []

    def work() -> None:
        tools = range(6)
        (tool,) = (n for n in tools if sys.monitoring.get_tool(n) == "exactrace")
        names["call"] = lambda: events.append(
            sys.monitoring.get_local_events(tool, code) != 0
        )
        names["f"](200)
        names["f"](1)

    tracer.runfunc(work)
    followed = sum(events)
    assert events == [True] * followed + [False] * (201 - followed)
    assert 1 < followed < 100
    assert lines_of(tracer) == {2: 203, 3: 201, 4: 201, 6: 2}


KILLED = """\
import os, sys, exactrace
tracer = exactrace.Trace(count=1, trace=0)
def f(n):
    for i in range(n):
        if i == 2:
            tracer._keep_in(sys.argv[1], tracer._plan() or 0, ())
        killed(i)
        a = 1
        b = 2
    return 3
def killed(i):
    if i == 4:
        os.kill(os.getpid(), 9)
tracer.runfunc(f, 9)
"""


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
def test_what_a_frame_has_not_had_is_not_in_a_journal(tmp_path: Path) -> None:
    results = left_by(tmp_path, KILLED)
    true = {4: 2, 5: 2, 6: 0, 7: 3, 8: 2, 9: 2, 10: 0}  # from then on
    for line, hits in true.items():
        key = str(tmp_path / "prog.py"), line
        high, low = results.unsure.get(key, (0, 0))
        counted = results.counts.get(key, 0)
        assert counted - high <= hits <= counted + low, (line, counted, high, low)
        assert max(high, low) <= 1
