"""Code without loops that has run a few times only: what it did is read from what
the interpreter remembers of its branches, and is what the trace function sees."""

from __future__ import annotations

import contextlib
import dis
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
    Counts,
    check_meanwhile,
    counted,
    left_by,
    lines_of,
)

import exactrace

TIMES = (1, 2, 14, 15, 16, 17, 40)  # fifteen calls are remembered

CALLED = {
    "branches": """\
        def f(n):
            a = 1 if n % 2 else 2
            if n % 3 == 0: a += 1
            elif n % 5:
                a += 2
            else:
                pass
            if n is None or \\
                a is not None and \\
                n > 3:
                a = 4
            match n:
                case 0 | 1: a = 5
                case [x] if x: a = 6
                case _: pass
            return a
        """,
    "straight": """\
        def f(n):
            a = n
            b = (a,
                 n)
            return b
        """,
    "handlers": """\
        def f(n):
            try:
                a = 6 // (n % 3)
                if n % 2:
                    raise KeyError
                b = a
            except ZeroDivisionError as error:
                b = 1
            except KeyError:
                if n % 4 == 1:
                    return 2
                b = 3
            finally:
                c = 1
            return b
        """,
    "exceptions that leave": """\
        def g(n):
            if n % 3 == 0:
                raise KeyError(n)
            return n
        def f(n):
            try:
                h(n)
            except KeyError:
                pass
        def h(n):
            a = g(n)
            if a % 2:
                b = g(a - 1)
                c = 1
            d = 1
        """,
    "straight, left by exceptions": """\
        def h(n):
            a = 1
            b = 6 // (n % 3)
            c = 2
            return c
        def f(n):
            try: h(n)
            except ZeroDivisionError: pass
        """,
    "blocks of with": """\
        class Guard:
            def __init__(self, swallow): self.swallow = swallow
            def __enter__(self): return self
            def __exit__(self, kind, error, trace):
                return self.swallow
        def g(n):
            with Guard(n % 2), \\
                 Guard(False):
                if n % 3:
                    raise KeyError
                a = 1
                b = 2
            c = 1
        def f(n):
            try: g(n)
            except KeyError: pass
        """,
    "recursion": """\
        def f(n, deep=0):
            if deep < n:
                a = f(n, deep + 1)
                b = 1
            else:
                return 1
            return b if n % 2 else 2
        """,
    "recursion, left by an exception": """\
        def g(n):
            if n == 0:
                raise KeyError
            a = g(n - 1)
            b = 1
            return a
        def f(n):
            try: g(n)
            except KeyError: pass
        """,
    "counts are read within it": """\
        def f(n):
            a = 1
            if n % 4 == 1:
                look()
                b = 2
            try:
                if n % 4 == 2:
                    look()
                    raise KeyError
                c = 3
            except KeyError:
                look()
                d = 4
            return 5
        """,
    "counts are read within recursion": """\
        def f(n, deep=0):
            if deep < n % 5:
                f(n, deep + 1)
            elif n % 3 == 0:
                look()
            a = 1
            if deep: b = 2
            return 3
        """,
    "another module's globals": """\
        import types
        def f(n):
            if n % 2: a = 1
            return 2
        other = types.FunctionType(f.__code__, {"__file__": "/elsewhere.py"})
        nowhere = types.FunctionType(f.__code__, {})
        def g(n): return [f, other, nowhere][n % 3](n)
        f, g = g, f
        f, g = types.FunctionType(f.__code__, {**globals(), "f": g}), g
        """,
    "frames that nobody wants, at the same time": """\
        import types
        def f(n, other=None, deep=0):
            if deep < 2:
                other(n, f, deep + 1)
            if n % 2 and deep:
                a = 1
            return 2
        mine = f
        other = types.FunctionType(f.__code__, {"f": f}, None, (None, 0))
        def f(n): other(n, mine)
        """,
    "new functions of the same code": """\
        def make(n):
            def inner(m):
                return n if m else n + 1
            return inner
        def f(n): return make(n)(n % 2)
        """,
    "a class each time": """\
        def f(n):
            class A:
                a = 1 if n % 2 else 2
                if n % 3:
                    b = 3
                try:
                    c = 6 // (n % 5)
                except ZeroDivisionError:
                    c = 4
            return A
        """,
}


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("name", CALLED)
@pytest.mark.parametrize("engine", TOLD_BY)
def test_calls_are_counted_as_by_the_trace_function(
    engine: str, name: str, times: int
) -> None:
    source = textwrap.dedent(CALLED[name]) + f"for i in range({times}): f(i)\n"
    assert counted(engine, source) == counted("settrace", source)


# RERAISE sets a frame back before it is left: counts that are read in the midst of that
# may be off by one, but those that are read later are not.
LEFT = """\
    class Guard:
        def __enter__(self): return self
        def __exit__(self, *_): return False
        def __del__(self): look()
    def fail(n):
        if n: raise KeyError
    def g(n):
        with Guard():
            fail(n)
            a = 1
            b = 1
        c = 1
    def f(n):
        try: g(n % 4)
        except KeyError: pass
    """


@pytest.mark.skipif(sys.version_info < (3, 13), reason="has probes from the start")
@pytest.mark.parametrize("times", [1, 2, 14, 15])  # with probes, lines stay too high
@pytest.mark.parametrize("engine", TOLD_BY)
def test_counts_are_read_while_a_frame_is_left(engine: str, times: int) -> None:
    source = textwrap.dedent(LEFT) + f"for i in range({times}): f(i)\n"
    found = []
    for by in (engine, "settrace"):
        hits = counted(by, source)
        last = max(hits) // 1000
        found.append({line: n for line, n in hits.items() if line // 1000 == last})
    assert found[0] == found[1]


BESIDE = """\
    def f(n, at=-1):
        a = 1 if n % 2 else 2
        if at == 1:
            begin()
        if n % 3 == 0:
            a += 1
        elif n % 5:
            a += 2
        if at == 2:
            end()
        if a:
            b = 1
        return a
    for i in range(3): f(i)
    f(1, 1)
    f(2, 2)
    for i in range(4): f(i)
    """


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
@pytest.mark.parametrize("name", MEANWHILE)
def test_whatever_begins_meanwhile(name: str) -> None:
    check_meanwhile(name, BESIDE, 30)


AUDITED = """\
    import sys
    def f(n):
        if n:
            a = 1
        return 2
    def hook(event, _):
        if event == "test.it" and active:
            for i in range(TIMES): f(0)
    active = True
    for i in range(3): f(1)
    sys.addaudithook(hook)
    sys.audit("test.it")
    active = False
    for i in range(3): f(1)
    """


@pytest.mark.parametrize("times", TIMES)
def test_an_audit_hook_that_calls_it_loses_no_call(times: int, tmp_path: Path) -> None:
    write(tmp_path, "prog.py", AUDITED.replace("TIMES", str(times)))
    status, *_ = run(["-m", "exactrace", "--count", "-C", "out", "prog.py"], tmp_path)
    assert status == 0
    report = (tmp_path / "out" / "prog.cover").read_text().splitlines()
    first, one, last = (int(line.partition(":")[0]) for line in report[2:5])
    assert one == 6
    # What a hook calls is counted by probes, and not by events.
    assert first == last
    assert first in (6, 6 + times)


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_call_that_nobody_wants_hides_no_other(engine: str, times: int) -> None:
    source = "def f(n):\n    if n:\n        a = 1\n    return 2\n"
    names: dict[str, Any] = {"__file__": "/program.py"}
    exec(compile(source, "/program.py", "exec"), names)
    foreign = types.FunctionType(names["f"].__code__, {"__file__": "/elsewhere/x.py"})

    def work() -> None:
        names["f"](1)
        for n in range(times):
            foreign(n)
            names["f"](n % 2)

    tracer = exactrace.Trace(count=1, trace=0, engine=engine, ignoredirs=["/elsewhere"])
    tracer.runfunc(work)
    assert lines_of(tracer) == {2: 1 + times, 3: 1 + times // 2, 4: 1 + times}


# The file's name is compared by code of the program, which reads counts.
COMPARES = """    class Name(str):
        __hash__ = str.__hash__
        def __eq__(self, other):
            if armed: armed.pop(); look()
            return str.__eq__(self, other)
    armed = []
    source = "".join(
        f"def g{i}(n):\\n    if n:\\n        a = 1\\n    return 2\\n" for i in range(6)
    )
    module = {"__name__": "module", "__file__": "/program.py"}
    exec(compile("\\n" * 100 + source, "/pro" + "gram.py", "exec"), module)
    def loop(n):
        for i in range(n): pass
    loop.__code__ = loop.__code__.replace(co_filename=Name("/program.py"))
    loop(3)
    look()
    for i in range(6):
        for n in range(15): module[f"g{i}"](n % 2)
    armed.extend((1, 2, 3))
    look()
    """


@pytest.mark.parametrize("engine", ENGINES)
def test_counts_are_read_while_they_are_read(engine: str) -> None:
    hits = counted(engine, COMPARES)
    last = {
        line % 1000: n for line, n in hits.items() if line // 1000 == max(hits) // 1000
    }
    for first in range(101, 125, 4):
        assert [last[first + i] for i in range(4)] == [1, 15, 7, 15]


@pytest.mark.parametrize("engine", TOLD_BY)
def test_a_frame_that_only_the_other_session_ignores(engine: str) -> None:
    source = """\
        def f(n, call=None):
            if n:
                a = 1
            if call: call()
            if n:
                b = 1
            return 2
        """
    names: dict[str, Any] = {"__file__": "/elsewhere/program.py"}
    exec(compile(textwrap.dedent(source), "/program.py", "exec"), names)
    outer = exactrace.Trace(count=1, trace=0, engine=engine, ignoredirs=["/elsewhere"])
    inner = exactrace.Trace(count=1, trace=0, engine=engine)

    def calls() -> None:
        for _ in range(3):
            names["f"](1)

    def work() -> None:
        names["f"](1)
        names["f"](1, lambda: inner.runfunc(calls))

    outer.runfunc(work)
    assert lines_of(outer) == {}
    assert lines_of(inner) == dict.fromkeys(range(2, 8), 3)


def test_calls_after_the_main_program_has_ended(tmp_path: Path) -> None:
    program = """\
        import threading
        def f(n):
            if n:
                a = 1
            return 2
        def late():
            for i in range(20): f(0)
            leave.set()
        for i in range(10): f(1)
        leave = threading.Event()
        threading.Thread(target=leave.wait).start()
        threading._register_atexit(late)
        """
    write(tmp_path, "prog.py", program)
    status, *_ = run(["-m", "exactrace", "--count", "-C", "out", "prog.py"], tmp_path)
    assert status == 0
    report = (tmp_path / "out" / "prog.cover").read_text().splitlines()
    found = [line.partition(":")[0].strip() for line in report[2:5]]
    assert found == (["30", "10", "30"] if MONITORED else found)
    assert int(found[1]) == 10


@pytest.mark.parametrize("engine", TOLD_BY)
def test_another_session_sees_what_comes_then(engine: str) -> None:
    source = "def f(n):\n    if n:\n        a = 1\n    return 2\n"
    names: dict[str, Any] = {"__file__": "/program.py"}
    exec(compile(source, "/program.py", "exec"), names)
    outer, inner = (exactrace.Trace(count=1, trace=0, engine=engine) for _ in range(2))

    def work() -> None:
        for n in (0, 1, 1):
            names["f"](n)
        inner.start()
        for n in (0, 1):
            names["f"](n)
        inner.stop()
        names["f"](0)

    outer.runfunc(work)
    assert lines_of(outer) == {2: 6, 3: 3, 4: 6}
    assert lines_of(inner) == {2: 2, 3: 1, 4: 2}


@pytest.mark.parametrize("engine", ENGINES)
def test_frames_that_ran_before_are_no_calls(engine: str) -> None:
    source = "def f(n):\n    if n:\n        call(n)\n    if n:\n        a = 1\n    return n\n"
    names: dict[str, Any] = {"__file__": "/program.py"}
    exec(compile(source, "/program.py", "exec"), names)
    tracer = exactrace.Trace(count=1, trace=0, engine=engine)
    arrived, leave = threading.Event(), threading.Event()

    def wait(_: int) -> None:
        arrived.set()
        leave.wait()

    names["call"] = wait
    thread = threading.Thread(target=names["f"], args=(1,))
    thread.start()
    arrived.wait()

    def work() -> None:
        for n in (0, 1, 0):
            names["f"](n)
        leave.set()
        thread.join()
        names["f"](1)

    names["call"] = lambda _: None
    tracer.runfunc(work)
    rest = engine != "settrace"  # what they do from then on
    assert lines_of(tracer) == {2: 4, 3: 2, 4: 4 + rest, 5: 2 + rest, 6: 4 + rest}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork()")
@pytest.mark.skipif(FREE, reason="a fork beside threads may hang there")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("engine", ENGINES)
def test_frames_of_other_threads_end_in_a_forked_child(engine: str) -> None:
    source = (
        "def f(n):\n    if n:\n        call()\n    if n:\n        a = 1\n    return n\n"
    )
    names: dict[str, Any] = {"__file__": "/program.py"}
    exec(compile(source, "/program.py", "exec"), names)
    tracer = exactrace.Trace(count=1, trace=0, engine=engine)
    arrived, leave = threading.Event(), threading.Event()
    names["call"] = lambda: (arrived.set(), leave.wait())
    reader, writer = os.pipe()

    def work() -> None:
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
    with open(reader) as file:
        assert file.read() == repr({2: 3, 3: 1, 4: 2, 6: 2})
    assert lines_of(tracer) == {2: 2, 3: 1, 4: 2, 5: 1, 6: 2}


@pytest.mark.parametrize("engine", ENGINES)
def test_code_that_is_freed_is_counted(engine: str) -> None:
    source = "def f(n):\n    if n:\n        a = 1\n    return 2\n"
    tracer = exactrace.Trace(count=1, trace=0, engine=engine)

    def work() -> None:
        for times in range(1, 30):
            names: dict[str, Any] = {"__file__": "/program.py"}
            exec(compile(source, "/program.py", "exec"), names)
            for n in range(times):
                names["f"](n % 2)

    tracer.runfunc(work)
    gc.collect()
    calls = sum(range(1, 30))
    ones = sum(times // 2 for times in range(1, 30))
    assert lines_of(tracer) == {1: 29, 2: calls, 3: ones, 4: calls}


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
def test_sessions_leave_functions_as_they_were() -> None:
    source = "def f(n):\n    if n:\n        a = 1\n    return 2\n"
    names: dict[str, Any] = {"__file__": "/program.py"}
    exec(compile(source, "/program.py", "exec"), names)
    before = names["f"].__code__
    for times in TIMES:
        tracer = exactrace.Trace(count=1, trace=0)
        tracer.runfunc(lambda n=times: [names["f"](i % 2) for i in range(n)])
        assert lines_of(tracer)[2] == times
        assert lines_of(tracer).get(3, 0) == times // 2
        (after,) = (
            item
            for item in gc.get_referents(names["f"])
            if isinstance(item, types.CodeType)
        )
        assert after is before
        for tool in range(6):
            with contextlib.suppress(ValueError):
                assert sys.monitoring.get_local_events(tool, before) == 0


# Each decision has a side that is seldom taken, by its outcomes so far.
DECISIONS = """\
def f(a, b, c):
    if a:
        d = c
        e = d
    else:
        d = b
        e = d
    g = e
    if b:
        h = g
        i = h
    else:
        h = c
        i = h
    return [i, i, i, i, i, i]
"""


def probed_lines(function: Any) -> set[int]:
    """The lines from which, or if nothing falls into them, to which probes count."""
    code = next(
        item for item in gc.get_referents(function) if isinstance(item, types.CodeType)
    )
    lines = set()
    before: int | None = None
    waits = False
    for instruction in dis.get_instructions(code):
        place = instruction.positions
        line = None if place is None else place.lineno
        if waits or "Counter" in instruction.argrepr:
            waits = before is None and line is None
            lines.update({before or line} - {None})
        before = line or before
        if instruction.opname.startswith(("JUMP", "RETURN")):
            before = None
    return lines


def planned_by(
    source: str, calls: int, often: tuple[int, ...], once: tuple[int, ...]
) -> tuple[set[int], Counts]:
    """The lines of probes after so many calls with the same arguments, and what was
    counted of these and of one with others.
    """
    names: dict[str, Any] = {"__file__": "/program.py"}
    exec(compile(source, "/program.py", "exec"), names)
    tracer = exactrace.Trace(count=1, trace=0, engine="probe")
    lines: set[int] = set()

    def work() -> None:
        for _ in range(calls):
            names["f"](*often)
        lines.update(probed_lines(names["f"]))
        names["f"](*once)

    tracer.runfunc(work)
    return lines, lines_of(tracer)


REMEMBERS = pytest.mark.skipif(
    not MONITORED or sys.version_info < (3, 13),
    reason="no probes, or branches that remember nothing: before 3.13",
)


@REMEMBERS
@pytest.mark.parametrize("a", [0, 1])
@pytest.mark.parametrize("b", [0, 1])
def test_probes_stand_where_control_seldom_goes(a: int, b: int) -> None:
    lines, hits = planned_by(DECISIONS, 40, (a, b, 2), (not a, not b, 2))
    seldom = {6, 7} if a else {3, 4}, {13, 14} if b else {10, 11}
    often = ({3, 4, 6, 7} - seldom[0]) | ({10, 11, 13, 14} - seldom[1])
    assert all(len(lines & of) == 1 for of in seldom)
    assert len(lines & (often | {2, 8, 9, 15})) == 1  # for the call itself
    true = {2: 41, 8: 41, 9: 41, 15: 41}
    true |= dict.fromkeys(often, 40) | dict.fromkeys(seldom[0] | seldom[1], 1)
    assert hits == true


LOOPED = """\
def f(a, n):
    for i in range(n):
        if a:
            b = i
            c = b
        else:
            b = a
            c = b
        d = c
        if a:
            b = d
            c = b
        else:
            b = c
            c = d
        d = c
    return n
"""


@REMEMBERS
@pytest.mark.parametrize("a", [0, 1])
@pytest.mark.parametrize("rounds", [3, 20, 1000])
def test_so_they_do_in_loops_that_were_followed(a: int, rounds: int) -> None:
    lines, hits = planned_by(LOOPED, 2, (a, rounds), (not a, 5))
    sides = ({4, 5}, {11, 12}), ({7, 8}, {14, 15})
    often, seldom = (sides[0], sides[1]) if a else (sides[1], sides[0])
    assert all(len(lines & of) == 1 for of in seldom)
    always = {3, 9, 10, 16}
    assert len(lines & (always | often[0] | often[1])) == 1  # for the round
    true = {2: 2 * rounds + 8, 17: 3} | dict.fromkeys(always, 2 * rounds + 5)
    true |= dict.fromkeys(often[0] | often[1], 2 * rounds)
    true |= dict.fromkeys(seldom[0] | seldom[1], 5)
    assert hits == true


RECALLED = (
    DECISIONS
    + """\
def loops(n):
    while n > 0:
        n -= 1
        if n % 8 == 7:
            a = 1
            b = a
        else:
            a = 2
            b = a
        c = b
    return c
import os, sys, exactrace
tracer = exactrace.Trace(count=1, trace=0)
def work():
    for i in range(40):
        f(0, 1, i)
        loops(8)
    tracer._keep_in(sys.argv[1], tracer._plan() or 0, ())
    for i in range(60):
        f(i % 3 == 0, i % 4 == 0, i)
        loops(16)
    os.kill(os.getpid(), 9)
tracer.runfunc(work)
"""
)


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
def test_a_journal_knows_what_the_plan_was_made_of(tmp_path: Path) -> None:
    results = left_by(tmp_path, RECALLED)
    file = str(tmp_path / "prog.py")
    hits = {line: results.counts.get((file, line), 0) for line in range(2, 27)}
    true = dict.fromkeys((2, 8, 9, 15), 60) | dict.fromkeys((3, 4), 20)
    true |= dict.fromkeys((6, 7), 40) | dict.fromkeys((10, 11), 15)
    true |= dict.fromkeys((13, 14), 45) | {5: 0, 12: 0, 16: 0, 17: 60 * 17}
    true |= dict.fromkeys((18, 19, 25), 60 * 16) | dict.fromkeys((20, 21), 60 * 2)
    true |= {22: 0} | dict.fromkeys((23, 24), 60 * 14) | {26: 60}
    assert hits == true
