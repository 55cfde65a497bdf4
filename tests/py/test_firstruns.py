"""Code that runs for the first time: where events tell which way it goes, it is not
rewritten, or only in its midst, and counted all the same. Bodies of modules and
classes, and functions."""

from __future__ import annotations

import contextlib
import gc
import sys
import tempfile
import textwrap
import threading
import types
import weakref
from typing import Any

import pytest
from beside import ENGINES, FREE, MONITORED, NO_PROBES

import exactrace

# Where counts stand in a mapped file, more is told by events.
IN_FILE = "probe, in a file"

Counts = dict[int, int]


def compiled(source: str, name: str = "/program.py") -> Any:
    """Compile a body."""
    return compile(textwrap.dedent(source), name, "exec")


def lines_of(tracer: Any) -> Counts:
    """Return {line: hits} of the program."""
    return {
        line: hits
        for (name, line), hits in tracer.counts.items()
        if name == "/program.py" and line > 0
    }


def run(engine: str, source: str, **names: Any) -> dict[tuple[str, int], int]:
    """Run a body, which may use the names given, `tracer` and `run_again`."""
    tracer = exactrace.Trace(count=1, trace=0, engine=engine.partition(",")[0])
    code = compiled(source)
    space: dict[str, Any] = {"__name__": "__main__", "__file__": "/program.py"}

    def run_again() -> None:
        exec(code, space)

    space.update(names, tracer=tracer, run_again=run_again, lines_of=lines_of)
    with contextlib.ExitStack() as stack:
        if engine == IN_FILE:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            tracer._keep_in(f"{folder}/counts", tracer._plan() or 0, ())
            stack.callback(tracer._keep_no_more)
        with contextlib.suppress(ValueError, AssertionError, SystemExit):
            tracer.runctx(code, space, space)
        counts = tracer.counts
    return {key: hits for key, hits in counts.items() if "/p" in key[0][:2]}


PROGRAMS = {
    "classes within classes": """\
        import sys
        a = 1; b = 2
        class A:
            c = (a,
                 b)
            class B:
                "a docstring"
                d = c if 0 else 1
            e = 3
        class C(A): pass
        """,
    "raises in the midst of the module": """\
        a = 1
        b = [1,
             2]
        raise ValueError(
            a)
        c = 3
        """,
    "raises in the midst of two classes": """\
        class A:
            a = 1
            class B:
                b = 2
                int("no")
                c = 3
            d = 4
        e = 5
        """,
    "what is raised is caught by a function": """\
        def f():
            for i in range(5):
                try:
                    class A:
                        a = 1
                        b = 6 / (i % 3)
                        c = 2
                except ZeroDivisionError:
                    pass
        f()
        f()
        """,
    "exits": "import sys\na = 1\nsys.exit()\nb = 2\n",
    "is run again and again": """\
        names = {"__file__": "/program.py"}
        code = compile("a = 1\\nb = 2\\nc = 3\\n", "/p2.py", "exec")
        exec(code, names)
        exec(code, names)
        [exec(code, names) for i in range(30)]
        """,
    "is compiled again and again": """\
        names = {"__file__": "/program.py"}
        def f(n):
            try:
                exec(compile("a = 1\\n1 / (n % 3)\\nb = 2\\n", "/p2.py", "exec"),
                     dict(names, n=n))
            except ZeroDivisionError:
                pass
        [f(n) for n in range(30)]
        print(eval("1 + 1", names))
        """,
    "runs itself": """\
        depth = globals().get("depth", 0) + 1
        depth < 4 and run_again()
        after = depth
        last = [1,
                depth]
        """,
    "runs itself and raises": """\
        depth = globals().get("depth", 0) + 1
        depth < 4 and run_again()
        depth / 0 if 0 else int("no")
        after = depth
        """,
    "is run in a module that nobody wants, too": """\
        code = compile("a = 1\\nb = 2\\n", "/p2.py", "exec")
        other = {}
        exec(code, {"a": 1})
        exec(code, {"__file__": "/program.py"})
        exec(code, other)
        """,
    "makes generators": """\
        class A:
            def g(self):
                yield 1
                yield 2
            a = 1
        x = list(A().g())
        y = list(A().g())
        """,
    "asks for events of opcodes": """\
        class A:
            a = 1
            def f(frame): frame.f_trace_opcodes = True
        b = 2
        """,
    "has branches": """\
        import sys
        a = 1
        if a:
            b = 2 if a > 1 else 3
        elif b:
            b = 3
        else: b = 4
        c = (a
             and not b
             or a)
        class A:
            if a is None: d = 1
            if a is not None: d = (1 if a
                                   else 2)
            else:
                d = 3
            e = a == 3 and b or (
                c)
        match a:
            case 2:
                f = 2
            case 1 | 3 if b:
                f = 1
            case _:
                f = 3
        assert a, "no"
        if a: pass
        if not a: pass
        g = a if a else b
        """,
    "raises in a branch": """\
        class A:
            a = 1
            if a:
                b = 2
                if not b:
                    c = 3
                else: int("no")
                d = 3
            e = 4
        f = 5
        """,
    "asserts": """\
        a = 1
        assert a
        class B:
            b = 2
            assert b == 3, (
                b)
            c = 3
        """,
    "runs itself in a branch": """\
        depth = globals().get("depth", 0) + 1
        if depth < 4:
            run_again()
            again = 1
        else:
            last = 1
        after = depth
        """,
    "has branches within lines": """\
        a = 1; b = a and 2; c = b or 3
        d = a if b else c; e = [a if b else c,
            a if not b else c, a and
            b]; f = 1
        """,
    "is long and has branches": "a = 1\n"
    + 300 * "b = a\n"
    + "if a:\n    c = 1\n"
    + (300 * "b = a\n" + "d = 1 if a else 2\n"),
    "counts are read between branches": """\
        a = 1
        seen.append(lines_of(tracer))
        if a:
            seen.append(lines_of(tracer))
            b = 1 if a > 1 else 2
            seen.append(lines_of(tracer))
        class B:
            if b == 3: seen.append(lines_of(tracer))
            c = 1
            if a: seen.append(lines_of(tracer))
        d = 3
        """,
    "functions run once, twice and often": """\
        def once(a):
            b = a
            return (b,
                    a)
        def twice(a): b = a; return [a,
            b]
        def often(a):
            return a
        once(1)
        twice(1); twice(2)
        [often(i) for i in range(100)]
        lazy = lambda: (1,
            2)
        lazy()
        """,
    "functions raise the first time": """\
        def f(a):
            b = a
            int(b)
            c = 3
        def g(a):
            f(a)
            return 1
        for i in range(4):
            try:
                g("no")
            except ValueError:
                pass
            g("1")
        """,
    "a function calls itself": """\
        def f(n):
            m = n - 1
            [f, print][m < 0](*[m] * (m >= 0))
            return m
        f(5)
        """,
    "functions are made again and again": """\
        def make():
            def inner(n):
                a = n
                return a
            return inner
        first = make()
        make()(1)
        make()(2)
        first(3)
        del make
        """,
    "code is made again and again": """\
        names = {"__file__": "/program.py"}
        for i in range(30):
            exec(compile("def f(n):\\n  a = 1\\n  6 / n\\n  return a\\n",
                         "/p2.py", "exec"), names)
            try:
                names["f"](i % 3)
            except ZeroDivisionError:
                pass
        """,
    "functions run where nobody wants them, too": """\
        import types
        def f():
            a = 1
            return a
        other = types.FunctionType(f.__code__, {"x": 1})
        other()
        f()
        other()
        third = types.FunctionType(f.__code__, {"__file__": "/program.py"})
        third()
        """,
    "a profile function raises where a function starts again": """\
        import sys
        def f(x):
            a = 1
            return a
        def profile(frame, event, arg):
            if event == "call" and frame.f_code.co_name == "f":
                raise ValueError
        def go(again):
            if again: sys.setprofile(profile)
            try:
                f(1)
            except ValueError:
                pass
            finally:
                sys.setprofile(None)
        go(0)
        go(1)
        """,
    "counts are read in the midst of functions": """\
        def f():
            a = 1
            seen.append(lines_of(tracer))
            return g(
                seen.append(lines_of(tracer)))
        def g(n):
            seen.append(lines_of(tracer))
            return n
        f()
        seen.append(lines_of(tracer))
        """,
    "counts are read in its midst": """\
        a = 1
        seen.append(lines_of(tracer))
        class B:
            b = 1
            seen.append(lines_of(tracer))
            c = [2,
                 seen.append(lines_of(tracer))]
        seen.append(lines_of(tracer))
        d = 3
        """,
    "reads counts and raises": """\
        class A:
            a = 1
            seen.append(lines_of(tracer))
            b = 2
            int("no")
            c = 3
        d = 4
        """,
}


LOOPS = {
    "has loops": """\
        import sys
        total = 0
        for i in range(3):
            total += i
            if i == 1: continue
            total += 1
        else:
            total += 1
        while total:
            total -= 1
            if total == 2:
                break
        else:
            total = 9
        for i in (): total = 1
        for i in range(2):
            for j in range(i + 1):
                if j: break
            else: total += 1
        while True:
            total += 1
            if total > 5: break
        class A:
            for name in "abc":
                if name == "b":
                    continue
                locals()[name] = 1
            while name != "d": name = chr(ord(name) + 1)
        for i in range(3): total += 1; total += 2
        """,
    "has comprehensions": """\
        a = [i for i in range(4)]
        b = [i
             for i in a
             if i
             if i > 1]
        c = {i: [j for j in range(i)]
             for i in a}
        class A:
            d = [x for x in range(3)]; e = {x
                for x in d}
            f = f"{[y for y in d]}"
        g = list(i for i in a)
        h = [[i
              for i in range(j)] for j in range(3)]; k = 1
        """,
    "has handlers": """\
        try:
            a = 1
            int("no")
            b = 2
        except KeyError: c = 3
        except (ValueError,
                TypeError) as error:
            d = error
        else:
            e = 4
        finally:
            f = 5
        try:
            a = 2
        except ValueError: b = 3
        else: c = 4
        finally: d = 5
        class A:
            try: from sys import nothing
            except ImportError: nothing = None
            try:
                try: int("no")
                except KeyError: pass
                finally: a = 1
            except ValueError: b = 1
            try:
                try: int("no")
                except ValueError as error:
                    c = 1
                    raise KeyError from error
            except KeyError:
                d = 1
        import contextlib
        with contextlib.suppress(ValueError), contextlib.suppress(KeyError):
            e = 1
            int("no")
            f = 1
        with contextlib.nullcontext():
            g = 1
        h = 1
        """,
    "raises out of handlers": """\
        class A:
            for i in range(3):
                try:
                    a = 1
                    try:
                        int("12n"[i])
                    finally:
                        b = 2
                except KeyError:
                    c = 3
                else: d = 4
        e = 5
        """,
    "raises in a loop": """\
        for i in range(5):
            a = i
            try:
                if i % 2: 1 // 0
                b = [6 // (j - 3) for j in range(i + 1)]
            except ZeroDivisionError: c = 1
            try: continue
            finally: d = 1
        for i in range(9):
            if i == 4:
                int("no")
            e = 1
        """,
    "raises where an iterator ends": """\
        class Ends:
            left = 2
            def __iter__(self): return self
            def __next__(self):
                self.left -= 1
                if self.left < 0: raise StopIteration
                if self.left == 7: raise KeyError
                return self.left
        for i in Ends():
            a = 1
        try:
            ends = Ends(); ends.left = 9
            for i in ends:
                b = 1
            c = 1
        except KeyError:
            d = 1
        def numbers():
            yield 1
            yield 2
        for i in numbers():
            e = 1
        for i in numbers(): f = 1; g = [j for j in numbers()]
        """,
    "raises behind a jump to the end of a loop": """\
        x = 0
        class A:
            int("no").x = any(1 for x in range(3))
            a = 1
        b = 1
        """,
    "its file asks for events of opcodes while it is in a loop": """\
        other = compile("def f(frame): frame.f_trace_opcodes = True",
                        "/program.py", "exec")
        exec(other, {"__file__": "/program.py"})
        for a in range(100):
            b = 1
        c = 1
        """,
    "is in a loop for long": """\
        total = 0
        for i in range(2000):
            if i % 3: total += 1
            elif i % 5:
                total += 2
                continue
            else:
                try: 6 // (i % 2)
                except ZeroDivisionError: total += 3
                else: total += 4
            total += 5
        a = 1
        for i in range(3):
            total += [j for j in range(50) if j][0]
        while total > 0: total -= 1
        b = 1
        """,
    "is in loops within loops for long": """\
        class A:
            total = 0
            for i in range(40):
                for j in range(40):
                    if i == j: break
                    total += 1
                else:
                    total -= 1
                    for k in (1, 2):
                        total = (total or
                                 1)
                while total % 7: total += 1
            after = 1
        done = 1
        """,
    "raises out of a loop after long": """\
        class A:
            for i in range(3000):
                a = 1
                if i == 2500:
                    int("no")
                b = 1 if i % 2 else 2
            c = 1
        d = 1
        """,
    "is long in a loop without branches of its own": """\
        total = 0
        for i in range(3000):
            total += i
            total -= 1
        for i in range(3000): total += 1
        a = 1
        """,
    "is long in a loop within a handler": """\
        import contextlib
        try:
            int("no")
        except ValueError as error:
            with contextlib.suppress(KeyError):
                for i in range(3000):
                    a = 1
                    if i == 2990: {}[a]
            b = 1
        finally:
            for i in range(1000):
                c = 1
            d = 1
        e = 1
        """,
    "counts are read in a loop": """\
        for i in range(900):
            a = 1
            if i % 300 == 5: seen.append(lines_of(tracer))
            try:
                if i % 400 == 5:
                    seen.append(lines_of(tracer))
                    int("no")
                b = 1
            except ValueError:
                seen.append(lines_of(tracer))
        class B:
            c = [seen.append(lines_of(tracer)) for i in range(2)]
        d = 1
        """,
    "runs itself in a loop": """\
        depth = globals().get("depth", 0) + 1
        for i in range(200):
            if i == 150 and depth < 4:
                run_again()
            a = 1
        after = depth
        """,
}
PROGRAMS |= LOOPS

if sys.version_info >= (3, 13):  # before, a signal is handled behind that, and later
    # still where the frame is moved
    PROGRAMS |= {
        "a function is interrupted before its second start is told": """\
            import _thread, collections
            keys = collections.defaultdict(_thread.interrupt_main)
            keys["yes"] = 1
            def f(x):
                a = 1
                return a
            def go(key):
                try:
                    f(keys[key])
                except KeyboardInterrupt:
                    pass
            for key in ("yes", "no"):
                go(key)
            """,
    }

# What other tools do meanwhile.
TOOLS = {
    event: f"""\
        import sys
        a = 1
        tools = sys.monitoring
        tools.use_tool_id(4, "other")
        tools.register_callback(4, tools.events.{event}, lambda *_: None)
        tools.set_events(4, tools.events.{event})
        if a:
            b = 1
            b = 2
        tools.set_events(4, 0)
        c = 1 if b == 1 else 2
        tools.free_tool_id(4)
        d = c
        """
    for event in ("LINE", "INSTRUCTION", "PY_RETURN", "JUMP")
} | {
    "a tool has events in a body alone": """\
        import sys
        tools = sys.monitoring
        tools.use_tool_id(4, "other")
        code = sys._getframe().f_code
        tools.set_local_events(4, code, tools.events.LINE)
        if code:
            a = 1
        tools.set_local_events(4, code, 0)
        if code:
            a = 2
        tools.free_tool_id(4)
        """,
    "a trace function begins in a long loop": """\
        import sys
        for i in range(2000):
            if i == 3:
                before = sys.gettrace()
                sys.settrace(lambda *_: None)
            a = 1
        sys.settrace(before)
        b = 1
        for i in range(3): b = 2
        c = 1
        d = 1
        """,
    "a tool has events in a long loop": """\
        import sys
        tools = sys.monitoring
        for i in range(3000):
            if i == 3:
                tools.use_tool_id(4, "other")
                tools.register_callback(4, tools.events.LINE, lambda *_: None)
                tools.set_events(4, tools.events.LINE)
            elif i == 9:
                tools.set_events(4, 0)
                tools.free_tool_id(4)
            a = 1
            if i % 2: b = 1
        c = 1
        d = 1
        """,
    "a session by other engines within a body": """\
        import exactrace
        def inner(**options):
            tracer = exactrace.Trace(count=1, trace=0, **options)
            tracer.start()
            return tracer
        if inner:
            first = inner(branch=True)
            if first:
                a = 1
            first.stop()
            second = inner(engine="settrace")
            b = a if second else 2
            second.stop()
        c = 1
        """,
    "a trace function begins within a body": """\
        import sys
        before = sys.gettrace()
        sys.settrace(lambda *_: None)
        a = 1
        sys._getframe().f_trace = lambda *_: None
        if a:
            b = 1
        sys.settrace(before)
        c = 1 if b else 2
        """,
    "a tool raises where a function starts again": """\
        import sys
        def f(x):
            a = 1
            return a
        def refuse(code, offset):
            if code.co_name == "f":
                raise ValueError
        tools = sys.monitoring
        tools.use_tool_id(4, "other")
        tools.register_callback(4, tools.events.PY_START, refuse)
        def go(again):
            tools.set_events(4, again and tools.events.PY_START)
            try:
                f(1)
            except ValueError:
                pass
            tools.set_events(4, 0)
        go(0)
        go(1)
        tools.free_tool_id(4)
        """,
}


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
@pytest.mark.parametrize("name", TOOLS)
def test_a_first_run_goes_on_whatever_other_tools_do(name: str) -> None:
    counts = {engine: run(engine, TOOLS[name]) for engine in ("event", "probe")}
    assert counts["event"] == counts["probe"]
    assert len(counts["probe"]) > 8


# Code is freed, and code that nobody wants gets its place, where it is left by an
# exception at the place of the frame that ran it.
REUSED = """\
    lib = {"__name__": "lib", "__file__": "/lib/other.py"}
    mine = {"__name__": "mine", "__file__": "/program.py"}
    def make():
        exec(compile("def u(x):\\n    return 1 // x\\n", "/lib/other.py", "exec"), lib)
        lib["u"](1)
        return lib["u"]
    def go():
        kept = [make() for i in range(5)]
        code = compile("\\n" * 100 + "a = 1\\nb = 2\\nc = 3\\n", "/program.py", "exec")
        where = id(code)
        exec(code, mine)
        del code
        for i in range(300):
            u = make()
            kept.append(u)
            if id(u.__code__) == where:
                try: u(0)
                except ZeroDivisionError: return
    go()
    """


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_ends_before_its_code_is_freed(engine: str) -> None:
    tracer = exactrace.Trace(count=1, trace=0, engine=engine, ignoredirs=["/lib"])
    names = {"__name__": "__main__", "__file__": "/program.py"}
    tracer.runctx(compiled(REUSED), names, names)
    found = {line: hits for line, hits in lines_of(tracer).items() if line > 100}
    assert found == {101: 1, 102: 1, 103: 1}


@pytest.mark.parametrize("engine", [*ENGINES, *[IN_FILE] * MONITORED])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_first_run_counts_what_the_trace_function_counts(
    name: str, engine: str
) -> None:
    seen: dict[str, list[Counts]] = {engine: [], "settrace": []}
    counts = {by: run(by, PROGRAMS[name], seen=seen[by]) for by in seen}
    assert counts["settrace"] == counts[engine]
    assert seen["settrace"] == seen[engine]
    assert len(counts[engine]) > 2


def test_a_body_may_forget_where_it_is_from() -> None:
    source = "a = 1\ndel __file__\nb = 2\nint('no')\nc = 3\n"
    assert run("settrace", source) == run(ENGINES[0], source)


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
@pytest.mark.parametrize("engine", ["probe", "event"])
def test_a_session_may_begin_and_end_in_the_midst_of_a_body(engine: str) -> None:
    code = compiled("""\
        a = 1
        start(0)
        class A:
            b = 2
            start(1)
            c = 3
            stop(0)
            d = 4
        e = 5
        stop(1)
        f = 6
        """)

    tracers = [exactrace.Trace(count=1, trace=0, engine=engine) for _ in range(2)]
    names = {
        "__file__": "/program.py",
        "start": lambda i: tracers[i].start(),
        "stop": lambda i: tracers[i].stop(),
    }
    exec(code, names)
    first, second = map(lines_of, tracers)
    assert {3: 2, 4: 1, 5: 1, 6: 1, 7: 1} == first
    assert {6: 1, 7: 1, 8: 1, 9: 1, 10: 1} == second


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
@pytest.mark.parametrize("engine", ["probe", "event"])
def test_a_session_may_begin_and_end_between_branches(engine: str) -> None:
    code = compiled("""\
        a = start(0)
        class A:
            b = 2 if a else 3
            if b == 3:
                start(1)
                c = b or 1
            if b:
                stop(0)
            d = 4 if c else 5
        def f():
            e = 5
            stop(1)
            return e
        f()
        """)
    tracers = [exactrace.Trace(count=1, trace=0, engine=engine) for _ in range(2)]
    names = {
        "__file__": "/program.py",
        "start": lambda i: tracers[i].start(),
        "stop": lambda i: tracers[i].stop(),
    }
    exec(code, names)
    first, second = map(lines_of, tracers)
    assert {2: 2, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1, 8: 1} == first
    assert {6: 1, 7: 1, 8: 1, 9: 1, 10: 1, 14: 1, 11: 1, 12: 1} == second


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
@pytest.mark.parametrize("engine", ["probe", "event"])
def test_a_session_leaves_no_events_of_branches_behind(engine: str) -> None:
    code = compiled("for a in (0, 1):\n    b = 2\nc = 3\n")
    tracer = exactrace.Trace(count=1, trace=0, engine=engine)
    names = {"__file__": "/program.py"}
    seen: list[list[int]] = []

    def work() -> None:
        exec(code, names)
        seen.append([events_of(code, tool) for tool in range(6)])

    tracer.runfunc(work)
    assert {1: 3, 2: 2, 3: 1} == lines_of(tracer)
    assert any(seen[0]) or sys.version_info < (3, 13)  # is rewritten at once there
    assert not any(events_of(code, tool) for tool in range(6))


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
def test_a_body_that_runs_long_is_rewritten_in_its_midst() -> None:
    code = compiled("""\
        look()
        for i in range(3000):
            a = 1
        look()
        """)
    seen: list[bool] = []
    names = {
        "__file__": "/program.py",
        "look": lambda: seen.append(any(events_of(code, tool) for tool in range(6))),
    }
    tracer = exactrace.Trace(count=1, trace=0)
    tracer.runctx(code, names, names)
    followed = sys.version_info >= (3, 13)  # or rewritten when it starts
    assert [followed, False] == seen
    assert {1: 1, 2: 3001, 3: 3000, 4: 1} == lines_of(tracer)


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
@pytest.mark.parametrize("begin", [1, 3, 100, 200, 290])
def test_a_trace_function_sees_all_of_a_body_in_a_loop(begin: int) -> None:
    source = f"""\
import sys
def trace(frame, event, arg):
    if frame.f_code.co_filename != "/program.py":
        return None  # what the collector calls at any time
    log.append((frame.f_lineno, event))
    return trace
log = []
for i in range(300):
    if i == {begin}:
        sys.settrace(trace)
        sys._getframe().f_trace = trace
    x = i
    if i % 2: y = 1
    elif i % 3:
        z = 1
    while i % 5 == 0: i += 1
    z = [k for k in range(i % 3)]
sys.settrace(None)
"""
    plain: dict[str, Any] = {}
    before = sys.gettrace()
    try:
        exec(compile(source, "/program.py", "exec"), plain)
        names: dict[str, Any] = {"__name__": "__main__", "__file__": "/program.py"}
        tracer = exactrace.Trace(count=1, trace=0)
        tracer.runctx(compile(source, "/program.py", "exec"), names, names)
    finally:
        sys.settrace(before)
    assert plain["log"] == names["log"]
    assert lines_of(tracer)[8] == 301


MANY = "".join(f"if q == {number}: q = 1\n" for number in range(60))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_body_that_gets_long_where_an_exception_is_held_up(engine: str) -> None:
    block = "".join(f"    {line}\n" for line in MANY.splitlines())
    for rounds in range(200, 250):
        source = f"""\
import contextlib
class A:
    q = 0
{block}
    for p in range({rounds}): q += 1
    with contextlib.nullcontext():
        for i in range(30):
            x = 1
            y = 1
        int("no")
"""
        assert run("settrace", source) == run(engine, source), rounds


def events_of(code: Any, tool: int) -> int:
    """Return the local events that a tool has for the code."""
    if sys.monitoring.get_tool(tool) is not None:
        return sys.monitoring.get_local_events(tool, code)
    sys.monitoring.use_tool_id(tool, "test")
    try:
        return sys.monitoring.get_local_events(tool, code)
    finally:
        sys.monitoring.free_tool_id(tool)


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
@pytest.mark.parametrize("engine", ["probe", "event"])
def test_a_body_within_a_session_within_a_body_counts_for_both(engine: str) -> None:
    seen: list[Counts] = []
    source = """\
        import exactrace
        a = 1
        inner = exactrace.Trace(count=1, trace=0, engine=tracer.engine)
        names = {"__file__": "/program.py", "b": 1}
        inner.runctx(compile("\\n" * 9 + "b = 2\\nc = 3\\n", __file__, "exec"), names)
        d = 4
        seen.append(lines_of(inner))
        """
    counts = run(engine, source, seen=seen)
    assert [{10: 1, 11: 1}] == seen
    assert {1, 2, 3, 4, 5, 6, 7, 10, 11} == {line for _, line in counts if line}
    assert {1} == set(counts.values())


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
def test_an_outer_session_goes_on_when_one_within_a_body_has_taken_its_frames() -> None:
    tracer = exactrace.Trace(count=1, trace=0)
    inner = exactrace.Trace(count=1, trace=0)
    names = {"__file__": "/program.py", "inner": inner, "first": inner.start}
    code = compiled("a = 1\nfirst()\nb = 2\nc = 3\ninner.stop()\nd = 4\n")
    tracer.runctx(code, names, names)
    assert dict.fromkeys(range(1, 7), 1) == lines_of(tracer)
    assert {3: 1, 4: 1, 5: 1} == lines_of(inner)


def seen_midway(
    tracer: Any, targets: list[Any], arrived: threading.Barrier, leave: threading.Event
) -> Counts:
    """Count threads of these functions, which all arrive and wait until they may
    leave: return what is counted meanwhile.
    """
    seen: list[Counts] = []

    def work() -> None:
        threads = [threading.Thread(target=target) for target in targets]
        for thread in threads:
            thread.start()
        arrived.wait()
        seen.append(lines_of(tracer))
        leave.set()
        for thread in threads:
            thread.join()

    tracer.runfunc(work)
    return seen[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_bodies_of_several_threads_are_counted_as_far_as_they_are(engine: str) -> None:
    tracer = exactrace.Trace(count=1, trace=0, engine=engine)
    arrived = threading.Barrier(4)
    leave = threading.Event()

    def body(stop: int) -> None:
        source = "a = 1\n" * stop + "wait()\n" + "b = 2\n" * (6 - stop)
        names = {
            "__file__": "/program.py",
            "wait": lambda: arrived.wait() + leave.wait(),
        }
        exec(compile(source, "/program.py", "exec"), names)

    seen = seen_midway(tracer, [lambda i=i: body(i) for i in (1, 3, 5)], arrived, leave)
    assert seen == {1: 3, 2: 3, 3: 2, 4: 2, 5: 1, 6: 1}
    assert dict.fromkeys(range(1, 8), 3) == lines_of(tracer)


@pytest.mark.parametrize("engine", ENGINES)
def test_first_runs_of_a_function_in_several_threads(engine: str) -> None:
    tracer = exactrace.Trace(count=1, trace=0, engine=engine)
    arrived = threading.Barrier(4)
    leave = threading.Event()
    names: dict[str, Any] = {
        "__file__": "/program.py",
        "wait": lambda: arrived.wait() + leave.wait(),
    }
    exec(compiled("def f():\n    a = 1\n    wait()\n    return a\n"), names)

    seen = seen_midway(tracer, [names["f"]] * 3, arrived, leave)
    assert seen == {2: 3, 3: 3}
    assert {2: 3, 3: 3, 4: 3} == lines_of(tracer)


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
def test_what_runs_seldom_is_not_rewritten() -> None:
    names: dict[str, Any] = {"__file__": "/program.py"}
    source = "def f(n):\n    a = n\n    return a\ndef g(n):\n    return 1 if n else 2\n"
    source += "def h(n):\n    for i in range(n):\n        a = i\n"
    exec(compiled(source), names)
    rewritten: dict[str, list[bool]] = {"f": [], "g": [], "h": []}

    def work() -> None:
        for name, seen in rewritten.items():
            for number in range(70):
                names[name](number % 3)
                seen.append(referent(names[name]) is not original[name])

    original = {name: names[name].__code__ for name in rewritten}
    tracer = exactrace.Trace(count=1, trace=0)
    tracer.runfunc(work)
    # More the interpreter does not remember; and before 3.13 nothing.
    seldom = 15 if sys.version_info >= (3, 13) else 0
    for seen in (rewritten["f"], rewritten["g"]):
        assert [False] * seldom + [True] * (70 - seldom) == seen
    followed = rewritten["h"].index(True)
    assert [False] * followed + [True] * (70 - followed) == rewritten["h"]
    assert (followed > 1) == (seldom > 0)
    assert {2: 70, 3: 70, 5: 70, 7: 139, 8: 69} == lines_of(tracer)


def referent(function: Any) -> Any:
    """Return the code object that a function has, which attributes do not tell."""
    return next(
        item for item in gc.get_referents(function) if isinstance(item, types.CodeType)
    )


@pytest.mark.skipif(FREE, reason="code is immortal there once there were two threads")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_body_is_freed_with_its_frame(engine: str) -> None:
    tracer = exactrace.Trace(count=1, trace=0, engine=engine)
    gone: list[bool] = []

    def work() -> None:
        code = compiled("a = 1\nb = 2\n")
        exec(code, {"__file__": "/program.py"})
        ref = weakref.ref(code)
        del code
        gone.append(ref() is None)

    tracer.runfunc(work)
    assert [True] == gone or engine == "event"
    assert {1: 1, 2: 1} == lines_of(tracer)


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
def test_a_body_is_a_call_where_calls_are_counted() -> None:
    tracer = exactrace.Trace(count=1, trace=0, branch=True)
    names = {"__file__": "/program.py"}
    code = compiled("class A:\n    a = 1\n")
    tracer.runctx(code, names, names)
    tracer.runctx(code, names, names)
    calls = {name: hits for (_, _, name), hits in tracer.calls.items()}
    assert {"<module>": 2, "A": 2} == calls


class Failing(dict[tuple[str, int], int]):
    """Counts that cannot be kept at first."""

    left = 3

    def __setitem__(self, key: tuple[str, int], hits: int) -> None:
        """Fail, some times."""
        if self.left:
            self.left -= 1
            raise MemoryError
        super().__setitem__(key, hits)


@pytest.mark.parametrize("engine", ENGINES)
def test_more_bodies_than_are_noted_one_by_one(engine: str) -> None:
    lines, bodies = 200, 1600  # 320,000 lines, more than the log has room for
    source = f"""\
        body = "a = 1\\n" * {lines}
        for i in range({bodies}):
            exec(compile(body, "/part.py", "exec"))
        """
    counts = run(engine, source)
    assert counts.pop(("/program.py", 3)) == bodies
    parts = {line: hits for (name, line), hits in counts.items() if name == "/part.py"}
    assert parts == dict.fromkeys(range(1, lines + 1), bodies)


@pytest.mark.parametrize("engine", ENGINES)
def test_counts_that_could_not_be_kept_are_kept_the_next_time(engine: str) -> None:
    tracer = exactrace.Trace(count=1, trace=0, engine=engine)
    counts = tracer.counts = Failing()
    space = {"__name__": "__main__", "__file__": "/program.py"}
    code = compiled("a = 1\nb = 2\nc = 3\nd = 4\n")
    for _ in range(4):
        with contextlib.suppress(MemoryError):
            tracer.runctx(code, space, space)
    with contextlib.suppress(MemoryError):
        tracer.results()
    assert not counts.left
    assert {line: hits for (_, line), hits in counts.items() if line} == dict.fromkeys(
        range(1, 5), 4
    )
