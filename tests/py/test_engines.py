"""The engines: what they count is the same, and the program sees none of them."""

from __future__ import annotations

import dis
import gc
import io
import subprocess
import sys
import textwrap
import trace
import types
from collections.abc import Iterator
from typing import Any

import pytest
from beside import ENGINES, MONITORED, NO_PROBES, PACKAGE

import exactrace

needs_monitoring = pytest.mark.skipif(not MONITORED, reason=NO_PROBES)

PROGRAM = """\
def loop(n):
    total = 0
    for i in range(n):
        if i % 3 == 0:
            continue
        elif i % 5 == 0 and i > 20:
            total += 2
        total += i
    else:
        total += 1
    while n: n -= 1
    return total

def numbers(n):
    for i in range(n):
        yield (i,
            i * 2)

def fails(n):
    try:
        for pair in numbers(n):
            if pair[0] == 3:
                raise ValueError(
                    pair)
    except (KeyError,
            ValueError) as error:
        return str(error)
    finally:
        n += 1

class Thing:
    size = 3
    @property
    def double(self): return self.size * 2
    def __getitem__(self, i):
        if i > 3: raise IndexError
        return i

def guard(items):
    match items:
        case []:
            return 0
        case [one] if one > 1:
            return one
        case _:
            return -1

for n in range(30):
    loop(n); fails(n)
    guard(list(range(n)))
thing = Thing()
print(thing.double, [x for x in thing], {
    k: v for k, v in numbers(4) if v})
print(sum(x for x in thing if x), (lambda: 1)())
"""


def run_by(engine: str | None, source: str = PROGRAM, **options: Any) -> Any:
    """Run a program under a new tracer: (tracer, its globals)."""
    tracer = exactrace.Trace(count=1, trace=0, engine=engine, **options)
    code = compile(textwrap.dedent(source), "/program.py", "exec")
    names: dict[str, Any] = {"__name__": "__main__", "__file__": "/program.py"}
    tracer.runctx(code, names, names)
    return tracer, names


def lines_of(tracer: Any) -> dict[int, int]:
    """Return {line: hits} of the program."""
    return {
        line: hits for (name, line), hits in tracer.counts.items() if "/p" in name[:2]
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_counts_what_the_trace_function_counts(engine: str) -> None:
    expected = lines_of(run_by("settrace")[0])
    assert expected[4] == sum(range(30))
    assert lines_of(run_by(engine)[0]) == expected


@needs_monitoring
def test_counting_branches_changes_no_line() -> None:
    assert lines_of(run_by("probe", branch=True)[0]) == lines_of(run_by("settrace")[0])


@needs_monitoring
def test_both_sides_of_branches_are_counted() -> None:
    tracer, _ = run_by(
        None,
        """\
        def f(a, b):
            if a and b:
                return 1
            return 2 if a is None else 3
        for a, b in [(1, 1), (1, 0), (None, 1), (0, 0), (1, 1)]:
            f(a, b)
        try:
            1 / 0
        except ZeroDivisionError:
            pass
        """,
        branch=True,
    )
    found = {
        (place[0], place[2], kind): sides
        for (_, place, kind), sides in tracer.branches.items()
    }
    assert found[2, 7, "bool"] == {True: 3, False: 2}
    assert found[2, 13, "bool"] == {True: 2, False: 1}
    assert found[4, 16, "none"] == {True: 1, False: 2}
    loops = [sides for (_, _, kind), sides in found.items() if kind == "for"]
    assert loops == [{True: 5, False: 1}]
    assert found[9, 0, "bool"] == {True: 1, False: 0}
    calls = {(line, name): hits for (_, line, name), hits in tracer.calls.items()}
    assert calls == {(1, "<module>"): 1, (1, "f"): 5}
    results = tracer.results()
    assert results.branches == tracer.branches
    assert results.calls == tracer.calls
    results.update(results)
    assert {"f": 10, "<module>": 2} == {k[2]: v for k, v in results.calls.items()}


@needs_monitoring
def test_each_operand_of_a_value_is_a_branch_of_its_own() -> None:
    source = """\
        def f(a, b, c):
            x = a or b or c
            return [x and b, (a or
                              b and c)]
        for values in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)):
            f(*values)
        """
    tracer, _ = run_by(None, source, branch=True)
    found = {
        (place[0], *place[2:]): sides
        for (name, place, kind), sides in tracer.branches.items()
        if name == "/program.py" and kind == "bool"
    }
    assert found == {
        (2, 8, 9): {True: 1, False: 3},
        (2, 13, 14): {True: 1, False: 2},
        (3, 12, 13): {True: 3, False: 1},
        (3, 22, 23): {True: 1, False: 3},
        (4, 22, 23): {True: 1, False: 2},
    }


@needs_monitoring
def test_handlers_are_branches_where_exceptions_arrive() -> None:
    tracer, _ = run_by(
        None,
        """\
        def f(n):
            try:
                try:
                    1 / n
                except:
                    n = 7
                    raise
                finally:
                    n = 8
            except ZeroDivisionError:
                n = 9
        f(1); f(0); f(0)
        """,
        branch=True,
    )
    arrived = {
        place[0]: sides[True]
        for (_, place, kind), sides in tracer.branches.items()
        if kind == "except"
    }
    assert {line: arrived[line] for line in (5, 9, 10)} == {5: 2, 9: 2, 10: 2}


@needs_monitoring
def test_generators_are_entered_once_and_not_again_when_resumed() -> None:
    tracer, _ = run_by(
        None,
        "def g():\n    yield 1\n    yield 2\nlist(g()); next(g()); g().close()\n",
        branch=True,
    )
    assert tracer.calls["/program.py", 1, "g"] == 2


@pytest.mark.parametrize("engine", ENGINES)
def test_counts_can_be_read_while_the_program_runs(engine: str) -> None:
    seen = []
    tracer = exactrace.Trace(count=1, trace=0, engine=engine)
    code = compile(
        "def f(n):\n    for i in range(n):\n        look()\n        i += 1\nf(3)\n",
        "/program.py",
        "exec",
    )
    names = {"look": lambda: seen.append(lines_of(tracer)), "__file__": "/program.py"}
    tracer.runctx(code, names, names)
    rounds = [{key: hits for key, hits in counts.items() if key > 1} for counts in seen]
    assert rounds == [
        {2: n, 3: n, **({4: n - 1} if n > 1 else {}), 5: 1} for n in (1, 2, 3)
    ]
    assert lines_of(tracer) == {**rounds[-1], 2: 4, 4: 3, 1: 1}


@pytest.mark.parametrize("engine", ENGINES)
def test_several_runs_add_up(engine: str) -> None:
    tracer, names = run_by(engine, "def f(n):\n    while n:\n        n -= 1\n")
    for n in (3, 0, 5):
        tracer.runfunc(names["f"], n)
    assert {2: 11, 3: 8} == {k: v for k, v in lines_of(tracer).items() if k > 1}


@pytest.mark.parametrize("engine", ENGINES)
def test_what_runs_after_the_end_is_not_counted(engine: str) -> None:
    tracer, names = run_by(
        engine, "def f():\n    return [1]\ng = (x\n for x in 'ab')\n"
    )
    before = dict(tracer.counts)
    names["f"]()
    assert next(names["g"]) == "a"
    assert tracer.counts == before


@pytest.mark.parametrize("engine", ENGINES)
def test_generators_from_before_the_run_are_counted_within(engine: str) -> None:
    names: dict[str, Any] = {"__file__": "/program.py"}
    source = "def g():\n    for i in range(9):\n        yield (\n            i)\n"
    exec(compile(source, "/program.py", "exec"), names)
    running, fresh = names["g"](), names["g"]()
    next(running)
    tracer = exactrace.Trace(count=1, trace=0, engine=engine)
    tracer.runfunc(lambda: [next(running), next(running), next(fresh), next(fresh)])
    assert lines_of(tracer) == {2: 4, 3: 4, 4: 4}
    next(running)
    assert lines_of(tracer) == {2: 4, 3: 4, 4: 4}


@pytest.mark.parametrize("engine", ENGINES)
def test_exceptions_anywhere_are_counted_right(engine: str) -> None:
    source = """\
        def inner(n):
            if n % 2:
                raise KeyError(n)
            return n
        def outer(n):
            total = 0
            for i in range(n):
                try:
                    total += inner(i) + (
                        1 // (i % 3))
                except KeyError:
                    continue
                except ZeroDivisionError as error:
                    total += 1
                else:
                    total += 2
                finally:
                    total += 3
            return total
        def gen():
            try:
                while True:
                    try:
                        yield 1
                    except ValueError:
                        yield 2
            finally:
                closed.append(1)
        closed = []
        outer(20)
        for _ in range(3):
            g = gen()
            next(g); g.throw(ValueError); next(g)
            g.close()
        try:
            gen().throw(TypeError)
        except TypeError:
            pass
        """
    assert lines_of(run_by(engine, source)[0]) == lines_of(
        run_by("settrace", source)[0]
    )


# What the program sees


FAR = """\
class Guard:
    def __init__(self, fails): self.fails = fails
    def __enter__(self): return 1
    def __exit__(self, *error):
        if self.fails: raise KeyError
try:
  with Guard(0), Guard(1):
    x = (
        1 if Guard else 2)
except KeyError:
  pass
"""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("lines", [100, 130, 200, 3000])
def test_lines_far_from_the_beginning_are_counted_alike(
    engine: str, lines: int
) -> None:
    """3.13 reports a handler's line anew if it is far from the first line."""
    source = "x = 1\n" * lines + FAR
    standard = trace.Trace(count=1, trace=0)
    names = {"__name__": "__main__", "__file__": "/program.py"}
    standard.runctx(compile(source, "/program.py", "exec"), names, names)
    tracer, _ = run_by(engine, source)
    assert lines_of(tracer) == lines_of(standard.results())


def disassembled(function: Any) -> str:
    """Return what dis prints, without addresses."""
    out = io.StringIO()
    dis.dis(function, file=out)
    return out.getvalue()


SEES = """\
import dis, io, marshal, pickle, sys, traceback
def f(x):
    frame = sys._getframe()
    for i in range(3):
        if i == x:
            offsets.append(frame.f_lasti)
    return (x +
        1 / (x - 1))
def g():
    yield sys._getframe().f_lasti
    yield 2
offsets = []
def listing(code):
    out = io.StringIO()
    dis.dis(code, file=out)
    return out.getvalue()
for _ in range(3):
    f(2)
it = g()
next(it)
code = f.__code__
facts = [offsets, code.co_code, code.co_stacksize, code.co_exceptiontable,
    list(code.co_positions()), listing(f), marshal.loads(marshal.dumps(code)) == code,
    it.gi_frame.f_lasti, it.gi_code is g.__code__, next(it), code.co_consts]
try:
    f(1)
except ZeroDivisionError as error:
    entry = error.__traceback__.tb_next
    facts += [entry.tb_lasti, entry.tb_lineno, entry.tb_frame.f_code is f.__code__,
        traceback.format_exc()]
again = type(f)(f.__code__, globals())
f.__code__ = f.__code__
facts += [again(5), f(7), again.__code__ == f.__code__, hash(code) == hash(f.__code__)]
f.__code__ = (lambda x: x * 2).__code__
facts += [f(4)]
"""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("branch", [False, True])
def test_the_program_sees_its_own_code(engine: str, branch: bool) -> None:
    names: dict[str, Any] = {"__name__": "__main__", "__file__": "/program.py"}
    exec(compile(SEES, "/program.py", "exec"), names)
    options = {"branch": True} if engine == "probe" and branch else {}
    _, seen = run_by(engine, SEES, **options)
    assert seen["facts"] == names["facts"]


@needs_monitoring
def test_coroutines_and_asynchronous_generators_show_their_own_code() -> None:
    _, names = run_by(
        None,
        """\
        async def c():
            return 1
        async def a():
            yield 1
        one, two = c(), a()
        same = one.cr_code is c.__code__ and two.ag_code is a.__code__
        import dis
        clean = "Counter" not in dis.Bytecode(one).dis() + dis.Bytecode(two).dis()
        one.close()
        """,
    )
    assert names["same"]
    assert names["clean"]


STARTS = """\
import gc, types
def kind(generator):
    codes = [item for item in gc.get_referents(generator)
             if isinstance(item, types.CodeType)]
    return [type(code.co_consts[-1]).__name__ for code in codes]
def numbers(n):
    for i in range(n):
        yield i
async def waits():
    await nothing()
@types.coroutine
def nothing():
    yield
async def items():
    for i in range(2):
        yield i
made, later = numbers(3), numbers(4)
squares = (i * i for i in range(5) if i % 2)
one, two = waits(), items()
before = kind(made)
next(made), next(squares), one.send(None)
try:
    two.__anext__().send(None)
except StopIteration:
    pass
kinds = [kind(made), kind(squares), kind(one), kind(two), kind(later)]
sums = sum(made), sum(squares), sum(later)
kinds += [kind(numbers(1))]
one.close()
"""


@needs_monitoring
def test_generators_run_in_rewritten_code_from_their_first_start_on() -> None:
    tracer, names = run_by("probe", STARTS)
    assert "ProbedCode" not in names["before"]
    probed = ["ProbedCode"]
    made, squares, one, two, later, new = names["kinds"]
    assert made == squares == two == new == probed
    # 3.12 may report the line of an await again: see docs/probes.md.
    assert (one == probed) == (sys.version_info >= (3, 13))
    assert later != probed  # made before its code was rewritten, and has not run
    assert names["sums"] == (3, 9, 6)
    traced, _ = run_by("settrace", STARTS)
    one, other = (
        {line: n for (_, line), n in by.results().counts.items() if line > 5}
        for by in (tracer, traced)
    )
    assert one == other


NO_ROOM = """\
class Items:
    def __init__(self, n):
        self.n = n
    def __aiter__(self):
        return self
    async def __anext__(self):
        if self.n == 0:
            raise StopAsyncIteration
        self.n -= 1
        return self.n + 1
async def numbers():
    found = [x async for x in Items(3)]
    try:
        pass
    except* ValueError:
        pass  # nobody knows what lies on the stack here, where nothing leads
    return found
def run():
    try:
        numbers().send(None)
    except StopIteration as end:
        return end.value
found = run()
"""


@needs_monitoring
def test_a_coroutine_without_room_for_probes_has_all_its_branches() -> None:
    """Once it has begun, its first frame cannot be moved to where the probes are."""
    tracer, names = run_by("probe", NO_ROOM, branch=True)
    assert names["found"] == [3, 2, 1]
    sides = [
        (sides[True], sides[False])
        for (_, place, kind), sides in tracer.results().branches.items()
        if place[0] == 12 and kind == "for"
    ]
    assert sides == [(3, 1)]


COPIES = """\
import gc, types
def make():
    def f():
        return 1
    f()
    # Whom the collector asks sees the code that runs.
    code = next(x for x in gc.get_referents(f) if isinstance(x, types.CodeType))
    names = map("g{}".format, range(20))
    return [types.FunctionType(code.replace(co_name=name), {}) for name in names]
copies = make()
del make
gc.collect()
"""


@needs_monitoring
@pytest.mark.parametrize("kept", ["", "def kept(): pass\nkept()\n"])
def test_copies_of_rewritten_code_are_not_left_behind(kept: str) -> None:
    """Be there other functions that have some, or none at all."""
    _, names = run_by("probe", kept + COPIES)
    names["gc"].collect()
    consts = [copy.__code__.co_consts for copy in names["copies"]]
    assert [each for each in consts if "ProbedCode" in str(list(map(type, each)))] == []
    assert [copy() for copy in names["copies"]] == [1] * 20


@needs_monitoring
def test_nothing_is_left_behind() -> None:
    _, names = run_by(None, PROGRAM + "class Sub(Thing): pass\n")
    gc.collect()
    left = [
        function.__qualname__
        for function in gc.get_objects()
        if isinstance(function, types.FunctionType)
        and any(
            type(item).__name__ == "ProbedCode" for item in function.__code__.co_consts
        )
    ]
    assert left == []
    monitoring = sys.monitoring
    assert all(monitoring.get_tool(tool) is None for tool in range(6))
    for kind, name in (
        (types.FunctionType, "__code__"),
        (types.FrameType, "f_code"),
        (types.TracebackType, "tb_lasti"),
    ):
        assert f"'{name}' of '{kind.__name__}'" in repr(kind.__dict__[name])
    assert type(types.TracebackType.tb_lasti) is types.MemberDescriptorType
    assert disassembled(names["loop"]) == disassembled(
        next(
            code
            for code in compile(PROGRAM, "/program.py", "exec").co_consts
            if getattr(code, "co_name", "") == "loop"
        )
    )


@needs_monitoring
def test_sessions_within_sessions_count_both() -> None:
    outer = exactrace.Trace(count=1, trace=0)
    inner = exactrace.Trace(count=1, trace=0)
    names: dict[str, Any] = {"__file__": "/program.py", "inner": inner}
    source = """\
def f(n):
    while n:
        n -= 1
f(2)
inner.runfunc(f, 3)
f(4)
"""
    outer.runctx(compile(source, "/program.py", "exec"), names, names)
    assert {2: 12, 3: 9} == {k: v for k, v in lines_of(outer).items() if k in (2, 3)}
    assert lines_of(inner) == {2: 4, 3: 3}


@needs_monitoring
def test_a_session_counts_only_the_files_it_wants() -> None:
    names: dict[str, Any] = {"__file__": "/program.py", "__name__": "program"}
    exec(compile("def f():\n    return 1\n", "/program.py", "exec"), names)
    wants, ignores = (
        exactrace.Trace(count=1, trace=0, ignoremods=mods) for mods in ([], ["program"])
    )
    wants.runfunc(ignores.runfunc, names["f"])
    assert lines_of(wants) == {2: 1}
    assert lines_of(ignores) == {}


@pytest.mark.parametrize("engine", ENGINES)
def test_all_threads_are_counted_exactly(engine: str) -> None:
    source = """\
        import threading
        def work(n):
            for i in range(n):
                if i % 2:
                    continue
        threads = [threading.Thread(target=work, args=(20_000,)) for _ in range(6)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """
    counts = lines_of(run_by(engine, source)[0])
    assert (counts[3], counts[4], counts[5]) == (120_006, 120_000, 60_000)


@needs_monitoring
def test_thousands_of_threads_come_and_go() -> None:
    source = """\
        import threading
        def work():
            for i in range(3):
                total[0:0] = [i]
        total = []
        for _ in range(2_000):
            thread = threading.Thread(target=work)
            thread.start(); thread.join()
        """
    counts = lines_of(run_by(None, source)[0])
    assert (counts[3], counts[4]) == (8_000, 6_000)


@needs_monitoring
def test_sessions_leave_no_memory_behind() -> None:
    def once() -> None:
        run_by(None, PROGRAM.replace("30", "5"), branch=True)

    def count() -> int:
        gc.collect()
        return len(gc.get_objects())

    for _ in range(3):
        once()
    before = count()
    for _ in range(30):
        once()
    assert count() - before < 30  # caches of the interpreter


@pytest.mark.parametrize("engine", ENGINES)
def test_globals_decide_and_not_the_code(engine: str) -> None:
    source = """\
        import types
        def f():
            return 1
        def g():
            return 1
        bare = types.FunctionType(f.__code__, {})
        bare(); bare(); f(); f(); f()
        bare = types.FunctionType(g.__code__, {})
        g(); g(); g(); bare(); bare()
        """
    counts = lines_of(run_by(engine, source)[0])
    assert (counts[3], counts[5]) == (3, 3)


@needs_monitoring
@pytest.mark.parametrize("tools", [(0,), (1, 2), (3, 4, 5)], ids=str)
def test_tools_that_were_there_before_keep_their_callbacks(tools: Any) -> None:
    monitoring = sys.monitoring
    seen: list[str] = []

    def started(code: Any, offset: int) -> None:
        seen.append(code.co_name)

    for tool in tools:
        monitoring.use_tool_id(tool, "other")
        monitoring.register_callback(tool, monitoring.events.PY_START, started)
        monitoring.set_events(tool, monitoring.events.PY_START)
    try:
        tracer, _ = run_by(None, "def f(): return 1\nf(); f()\n")
        kept = [
            monitoring.register_callback(tool, monitoring.events.PY_START, None)
            for tool in tools
        ]
    finally:
        for tool in tools:
            monitoring.set_events(tool, 0)
            monitoring.free_tool_id(tool)
    assert kept == [started] * len(tools)
    assert seen.count("f") == 2 * len(tools)
    assert lines_of(tracer) == {1: 3, 2: 1}


# Settings


LATECOMERS = """\
import sys
def lines(log):
    a = 1
    monitoring = sys.monitoring
    events = monitoring.events
    monitoring.use_tool_id(2, "other")
    monitoring.register_callback(
        2, events.LINE, lambda code, line: log.append((code.co_name, line)))
    monitoring.register_callback(
        2, events.PY_RETURN, lambda code, at, _: log.append((code.co_name, at)))
    monitoring.set_events(2, events.LINE | events.PY_RETURN)
    for i in range(2):
        b = i
    called(b)
    monitoring.set_events(2, 0)
    monitoring.free_tool_id(2)
def called(n):
    m = n
    return m
def traced(log):
    def trace(frame, event, _):
        log.append((frame.f_code.co_name, event, frame.f_lineno))
        return trace
    sys._getframe().f_trace = trace
    sys.settrace(trace)
    b = 2
    called(b)
    sys.settrace(None)
def profiled(log):
    sys.setprofile(lambda frame, event, _: log.append((frame.f_code.co_name, event)))
    b = len("x")
    called(b)
    sys.setprofile(None)
log = []
for f in lines, lines, traced, traced, profiled, profiled:
    f(log)
"""


@pytest.fixture
def no_collections() -> Iterator[None]:
    """Others' gc.callbacks would be seen by who sees all that runs."""
    gc.disable()
    yield
    gc.enable()


@needs_monitoring
@pytest.mark.usefixtures("no_collections")
@pytest.mark.parametrize("engine", ["probe", "event"])
def test_who_joins_in_while_a_function_runs_sees_all_of_it(engine: str) -> None:
    names: dict[str, Any] = {"__file__": "/program.py"}
    exec(compile(LATECOMERS, "/program.py", "exec"), names)
    assert len(names["log"]) > 40
    assert names["log"] == run_by(engine, LATECOMERS)[1]["log"]


def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(ValueError, match="'fast' is none of 'probe'"):
        exactrace.Trace(engine="fast")
    with pytest.raises(ValueError, match="'settrace' counts lines only"):
        exactrace.Trace(engine="settrace", branch=True)


@needs_monitoring
def test_the_command_line_says_which_engine_counted(tmp_path: Any) -> None:
    (tmp_path / "program.py").write_text("x = [i for i in range(3)]\n")

    command = [sys.executable, "-m", "exactrace", "run", "-q", "--debug"]

    def run(*options: str) -> str:
        done = subprocess.run(
            [*command, *options, "-d", str(tmp_path / "counts"), "program.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={"PYTHONPATH": PACKAGE},
            check=True,
        )
        return done.stderr

    assert "counted by engine probe: 1 code objects" in run()
    assert "counted by engine event: 1 code objects" in run("--engine", "event")
    assert "not used in this run" in run("--engine", "event")
    assert "engine settrace: all code objects" in run("--engine", "settrace")


NOSY = """\
class File:
    def __fspath__(self):
        return "/nosy.py"
    def __str__(self):
        return "/nosy.py"
    def __eq__(self, other):
        return isinstance(other, File)
    def __hash__(self):
        return 1
    def __bool__(self):
        return True

def use(files):
    return [(os.fspath(file), str(file), bool(file), {file: file}) for file in files]

import os
use([File(), File()])
def later(n):
    for i in range(n):
        globals()["__file__"] = File()
    return n
__file__ = File()
later(3)
later(2)
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_what_a_program_has_put_for_its_file_is_not_asked(engine: str) -> None:
    names: dict[str, Any] = {"__name__": "nosy", "__file__": "/nosy.py"}
    tracer = exactrace.Trace(count=1, trace=0, engine=engine)
    tracer.runctx(compile(NOSY, "/nosy.py", "exec"), names, names)
    hits = {line: n for (name, line), n in tracer.counts.items() if name == "/nosy.py"}
    assert [hits[line] for line in (3, 5, 9, 11)] == [2, 2, 2, 2]
    assert 7 not in hits
    assert [hits[line] for line in (19, 20, 21)] == [2 + 5, 5, 2]
