"""How often which function called which, and functions listed beside lines."""

from __future__ import annotations

import dis
import gc
import sys
import threading
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import beside
import pytest
from beside import run, write

import exactrace
from exactrace.tracer import ENGINES

EVENTS = sys.version_info >= (3, 12)  # for calls
HERE = __file__
ENGINES_HERE = ENGINES if beside.MONITORED else ("settrace",)


def fib(n: int) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def upto(n: int) -> Any:
    for i in range(n):
        yield i + 0
    return n


def outer(n: int) -> Any:
    def inner() -> int:
        return sum(upto(n)) + max(map(fib, [3, n]))

    class Body:
        value = inner()

        def __init__(self) -> None:
            self.got = list(upto(2))

        def __del__(self) -> None:
            fib(1)

    yield from upto(2)
    Body()
    yield [fib(x) for x in upto(3)]


def thrown() -> None:
    fresh = upto(3)
    with pytest.raises(ValueError):
        fresh.throw(ValueError)
    begun = upto(3)
    next(begun)
    with pytest.raises(ValueError):
        begun.throw(ValueError)
    with pytest.raises(ZeroDivisionError):
        fib(3) / 0
    gc.collect()


def work() -> None:
    list(outer(4))
    thrown()
    thread = threading.Thread(target=fib, args=(3,))
    thread.start()
    thread.join()


def named(code: CodeType) -> tuple[str, int, str]:
    return code.co_filename, code.co_firstlineno, code.co_qualname


def by_hand() -> dict[Any, int]:
    """Count the calls of work() by a plain profile function."""
    counts: Counter[Any] = Counter()

    def profile(frame: FrameType, event: str, _arg: object) -> None:
        code, at = frame.f_code, frame.f_lasti
        if event != "call" or code.co_filename != HERE:
            return
        # A generator that goes on, or into which is thrown, is not at its start.
        if code.co_code[at] != dis.opmap["RESUME"] or code.co_code[at + 1] & 3:
            return
        back = frame.f_back
        outside = back is None or back.f_code.co_filename != HERE or back is mine
        counts[None if outside else named(back.f_code), named(frame.f_code)] += 1

    mine = sys._getframe()
    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return counts


def traced(**options: Any) -> exactrace.CoverageResults:
    with exactrace.tracing(**options) as tracer:
        work()
    return tracer.results()


def own(graph: dict[Any, int]) -> dict[Any, int]:
    """Leave out what tells one way to call work() from another."""
    skipped = {"tracing.__exit__", "work"}
    return {
        (caller, called): hits
        for (caller, called), hits in graph.items()
        if called[2] not in skipped
    }


@pytest.mark.parametrize("engine", ENGINES_HERE)
@pytest.mark.parametrize("count", [False, True])
def test_calls_are_those_that_a_profile_function_sees(engine: str, count: bool) -> None:
    results = traced(count=count, calls=True, engine=engine)
    expected = own(by_hand())
    assert own(results.call_graph) == expected
    sums: Counter[Any] = Counter()
    for (_, called), hits in results.call_graph.items():
        sums[called] += hits
    assert results.calls == sums
    # The test can fail: a recursion, a thread, a class body are among them.
    names = {called[2]: hits for called, hits in results.calls.items()}
    assert names["fib"] == sum(
        hits for (_, called), hits in expected.items() if called[2] == "fib"
    )
    assert names["fib"] > 20
    assert names["outer.<locals>.Body"] == 1


@pytest.mark.skipif(not beside.MONITORED, reason=beside.NO_PROBES)
def test_calls_counted_one_by_one_are_those_that_follow_from_the_flow() -> None:
    assert traced(calls=True).calls == traced(branch=True).calls
    assert traced(calls=True, branch=True).calls == traced(branch=True).calls


def test_many_pairs_at_a_time_are_kept_apart() -> None:
    source = "".join(f"def f{i}(g): return g(None) if g else {i}\n" for i in range(90))
    namespace: dict[str, Any] = {"__file__": "/many.py"}
    exec(compile(source, "/many.py", "exec"), namespace)
    functions = [namespace[f"f{i}"] for i in range(90)]
    with exactrace.tracing(count=False, calls=True) as tracer:
        for _ in range(2):
            for caller in functions:
                for called in functions:
                    caller(called)
    graph = tracer.results().call_graph
    pairs = {k: v for k, v in graph.items() if k[0] and k[0][0] == "/many.py"}
    assert len(pairs) == 90 * 90
    assert set(pairs.values()) == {2}
    assert tracer.results().calls["/many.py", 1, "f0"] == 2 * (90 + 90)


def test_counting_goes_on_over_several_runs_and_looks_in_between() -> None:
    tracer = exactrace.Trace(count=0, trace=0, calls=True)
    for rounds in (1, 2, 3):
        tracer.runfunc(fib, 4)
        assert tracer.results().calls[named(fib.__code__)] == 9 * rounds
    tracer.start()
    fib(2)
    assert tracer.results().calls[named(fib.__code__)] == 27 + 3
    fib(2)
    tracer.stop()
    assert tracer.results().calls[named(fib.__code__)] == 27 + 6


@pytest.mark.skipif(not EVENTS, reason="a trace function is a thread's own")
def test_all_threads_are_seen() -> None:
    import _thread

    ready, go, done = (threading.Event() for _ in range(3))

    def running() -> None:
        ready.set()
        go.wait()
        fib(2)
        done.set()

    thread = threading.Thread(target=running)
    thread.start()
    ready.wait()
    started = threading.Event()

    def by_hand() -> None:
        fib(3)
        started.set()

    options = {"countfuncs": True, "countcallers": True, "calls": True}
    with exactrace.tracing(count=False, **options) as tracer:
        go.set()
        done.wait()
        _thread.start_new_thread(by_hand, ())
        started.wait()
    thread.join()
    results = tracer.results()
    assert results.calls[named(fib.__code__)] == 3 + 5
    assert (HERE, "test_calls", "by_hand") in results.calledfuncs
    callers = {(a, b) for (_, _, a), (_, _, b) in results.callers}
    assert {("running", "fib"), ("by_hand", "fib"), ("fib", "fib")} <= callers


def test_results_of_several_tracers_add_up() -> None:
    both = traced(calls=True)
    both.update(traced(calls=True))
    once = traced(calls=True)
    assert both.call_graph == {pair: 2 * n for pair, n in once.call_graph.items()}


def test_nothing_is_kept_of_code_that_is_gone_when_tracing_has_ended() -> None:
    tracer = exactrace.Trace(count=0, trace=0, calls=True)
    tracer.runfunc(eval, "fib(3)", {"fib": fib})
    before = sys.getrefcount(fib.__code__)
    del tracer
    gc.collect()
    assert sys.getrefcount(fib.__code__) <= before


PROGRAM = """\
import helper
def f(n):
    return f(n - 1) if n else helper.g()
f(2)
f(0)
"""
LISTS = """\

functions called:
filename: {0}/helper.py, modulename: helper, funcname: <module>
filename: {0}/helper.py, modulename: helper, funcname: g
filename: program.py, modulename: program, funcname: <module>
filename: program.py, modulename: program, funcname: f

calling relationships:

*** {ours} ***
  --> program.py
    trace.Trace.runctx -> program.<module>

*** program.py ***
    program.<module> -> program.f
  --> {0}/helper.py
    program.f -> helper.g
    program.f -> program.f
"""
CALLS = """\

calls  function
    4  f  program.py:2
           2  from <module>  program.py:1
           2  from f  program.py:2
    2  g  helper.py:1
           2  from f  program.py:2
    1  <module>  helper.py:1
           1  from (not traced)
    1  <module>  program.py:1
           1  from (not traced)
"""


def test_lists_and_counts_can_be_asked_for_together(folder: Path) -> None:
    write(folder, "program.py", PROGRAM)
    write(folder, "helper.py", "def g(): return 1\n")
    command = ["-m", "exactrace", "-lcT", "--calls", "-s", "-C", "covers"]
    hidden = ["--ignore-dir", f"$prefix:{OURS}:{sys.prefix}"]
    status, output, error = run([*command, *hidden, "program.py"], folder)
    assert (status, error) == (0, "")
    lists, _, rest = output.partition("lines   cov%")
    assert lists == LISTS.format(folder, ours=OURS / "__init__.py")
    assert rest.endswith(CALLS)
    assert (folder / "covers" / "helper.cover").read_text() == (
        "    3: def g(): return 1\n"
    )
    assert "    4:     return f(" in (folder / "covers" / "program.cover").read_text()


OURS = Path(exactrace.__file__).parent


def test_run_shows_calls_behind_the_table(folder: Path) -> None:
    write(folder, "program.py", PROGRAM)
    write(folder, "helper.py", "def g(): return 1\n")
    command = ["-m", "exactrace", "run", "--calls", "program.py"]
    status, output, error = run(command, folder)
    assert (status, output) == (0, "")
    assert error.endswith(CALLS)


def test_printing_and_listing_together(folder: Path) -> None:
    write(folder, "program.py", "def f(): return 1\nf()\n")
    command = ["-m", "exactrace", "-tl", "--ignore-dir", "$prefix", "program.py"]
    status, output, _ = run(command, folder)
    assert status == 0
    assert " --- modulename: program, funcname: f\n" in output
    assert output.endswith("modulename: program, funcname: f\n")


def test_hooks_of_a_program_see_what_is_asked_for_together() -> None:
    class Mine(exactrace.Trace):
        def localtrace_count(self, frame: Any, why: str, arg: object) -> Any:
            return super().localtrace_count(frame, why, arg)

    options = {"count": 1, "trace": 0, "countfuncs": 1, "countcallers": 1}
    tracers = [kind(**options, together=True) for kind in (Mine, exactrace.Trace)]
    for tracer in tracers:
        tracer.runfunc(fib, 3)
    slow, fast = (tracer.results() for tracer in tracers)
    key = (HERE, "test_calls", "fib")
    assert slow.counts == fast.counts == {(HERE, fib.__code__.co_firstlineno + 1): 5}
    for results in (slow, fast):
        assert key in results.calledfuncs
        assert (key, key) in results.callers


HOOKED = """\
import exactrace, sys, threading
class Mine(exactrace.Trace):
    def localtrace_count(self, frame, why, arg):
        return super().localtrace_count(frame, why, arg)
    def globaltrace_lt(self, frame, why, arg):
        return super().globaltrace_lt(frame, why, arg)
def f(n):
    return f(n - 1) if n else 0
def work():
    f(2)
    thread = threading.Thread(target=f, args=(1,))
    thread.start()
    thread.join()
"""


@pytest.mark.skipif(not EVENTS, reason="there a trace function counts calls")
def test_calls_are_counted_beside_hooks_of_a_program(folder: Path) -> None:
    """As without them; and so are the lines."""
    end = """\
rest = []
for kind in (Mine, exactrace.Trace):
    tracer = kind(1, 0, calls=True, ignoredirs=[sys.prefix, sys.base_prefix])
    tracer.runfunc(work)
    tracer.runfunc(work)
    results = tracer.results()
    rest.append((results.calls, results.call_graph, results.counts))
assert rest[0] == rest[1], rest
calls = {name: hits for (_, _, name), hits in rest[0][0].items()}
print(sorted(calls.items()))
"""
    write(folder, "prog.py", HOOKED + end)
    done = run(["-W", "error", "prog.py"], folder)
    assert done == (0, "[('f', 10), ('work', 2)]\n", "")


@pytest.mark.parametrize("broken", [False, True])
def test_what_cannot_be_counted_beside_hooks_is_said_once(
    folder: Path, *, broken: bool
) -> None:
    taken = """\
if hasattr(sys, "monitoring"):
    for tool in range(6):
        sys.monitoring.use_tool_id(tool, "other")
tracer = Mine(1, 0, calls=True)
for _ in range(2):
    tracer.runfunc(f, 2)
assert tracer.results().counts
branches = Mine(1, 0, branch=True)
branches.runfunc(f, 2)
"""
    if broken:
        taken = "import warnings\nwarnings.simplefilter('error')\n" + taken
    write(folder, "prog.py", HOOKED + taken)
    status, out, error = run(["prog.py"], folder)
    assert "no calls are counted: where hooks" in error
    assert out == ""
    if broken:
        assert "no branches are counted" in error
    else:
        assert status == 0
        assert error.count("RuntimeWarning: exactrace: no calls") == 1
        assert error.count("RuntimeWarning: exactrace: no branches") == 1
