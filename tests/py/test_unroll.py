"""Loops that are written several times in rewritten code: each copy does what the loop
did, is counted with it, and shows neither to the program nor to other tools."""

from __future__ import annotations

import _thread
import contextlib
import dis
import gc
import itertools
import signal
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from beside import MONITORED, NO_PROBES, run, write
from seldom import left_by

import exactrace
from exactrace import datafolder

pytestmark = pytest.mark.skipif(not MONITORED, reason=NO_PROBES)

ROUNDS = (0, 1, 2, 7, 8, 9, 15, 16, 17, 30)
OTHER = 4  # the id of a tool

# Each is called with a number of rounds, and `at`, where something happens in one.
LOOPS = {
    "for": """\
        def f(n, at):
            t = 0
            for i in range(n):
                t += i
            return t
        """,
    "while": """\
        def f(n, at):
            t = 0
            while n:
                n -= 1
                t += n
            return t
        """,
    "one line": """\
        def f(n, at):
            for i in range(n): t = i
            while n: n -= 1
            return n
        """,
    "comprehensions": """\
        def f(n, at):
            a = [i for i in range(n)]
            b = {i: 1 for i in a
                 if i != at}
            return [x + 1 for x in
                b]
        """,
    "break": """\
        def f(n, at):
            for i in range(n):
                t = i
                if i == at:
                    break
                t += 1
            else:
                t = 3
            while True:
                n -= 1
                if n < 0: break
            return t
        """,
    "return": """\
        def f(n, at):
            for i in range(n):
                t = i
                if i == at:
                    return t
            return None
        """,
    "continue": """\
        def f(n, at):
            t = at
            for i in range(n):
                if i == at:
                    continue
                t = i
            return t
        """,
    "sides": """\
        def f(n, at):
            t = 0
            for i in range(n):
                t += 1 if i == at else 2
                if i == at and n: t += 1
            return t
        """,
    "nested": """\
        def f(n, at):
            t = 0
            for i in range(3):
                for j in range(n):
                    t += j
                t += i
            return t
        """,
    "raises": """\
        def f(n, at):
            t = 0
            try:
                for i in range(n):
                    t += 1 // (i - at)
            except ZeroDivisionError:
                t = 1
            return t
        """,
    "raises out": """\
        def g(n, at):
            for i in range(n):
                t = 1 // (i - at)
            return t
        def f(n, at):
            try: return g(n, at)
            except ZeroDivisionError: return 1
            except UnboundLocalError: return 2
        """,
    "handles within": """\
        def f(n, at):
            t = 0
            for i in range(n):
                try:
                    t += 1 // (i - at)
                except ZeroDivisionError:
                    t = 1
            return t
        """,
    "calls what raises": """\
        def fail(i, at):
            if i == at: raise KeyError
        def f(n, at):
            t = 0
            try:
                for i in range(n):
                    fail(i, at)
                    t += 1
            except KeyError:
                t = -1
            return t
        """,
    "an iterator that raises": """\
        def items(n, at):
            for i in range(n):
                yield i
                if i == at: raise KeyError
        def f(n, at):
            t = 0
            try:
                for i in items(n, at):
                    t += i
            except KeyError:
                t = -1
            return t
        """,
    "within a generator": """\
        def items(n, at):
            t = 0
            for i in range(n):
                t += i
            yield t
            yield at
        def f(n, at):
            return list(items(n, at))
        """,
    "in a handler": """\
        def f(n, at):
            t = 0
            try: 1 // 0
            except ZeroDivisionError:
                for i in range(n):
                    t += i
            finally:
                for i in range(n):
                    t += i
            return t
        """,
}


def space_of(source: str) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "program", "__file__": "/program.py"}
    exec(compile(textwrap.dedent(source), "/program.py", "exec"), space)
    return space


def calls(function: Callable[[int, int], object]) -> list[object]:
    """What it gives with many rounds, often, and then with each number of rounds."""
    said = [function(30, 40) for _ in range(60)]
    said += [function(n, at) for n in ROUNDS for at in {*range(0, n, 3), n}]
    return said


def running(of: Any) -> types.CodeType:
    """The code object that a function has, or a frame that has ended, past the
    disguise.
    """
    return next(
        item for item in gc.get_referents(of) if isinstance(item, types.CodeType)
    )


def runs_of(of: Any, name: str) -> int:
    """How often an instruction stands in what runs."""
    return sum(each.opname == name for each in dis.get_instructions(running(of)))


def counts_of(engine: str, source: str, *, branch: bool) -> tuple[object, ...]:
    space = space_of(source)
    tracer = exactrace.Trace(count=1, trace=0, engine=engine, branch=branch)
    said = tracer.runfunc(calls, space["f"])
    results = tracer.results()
    lines = {key: n for key, n in results.counts.items() if key[0] == "/program.py"}
    sides = {key: n for key, n in results.branches.items() if key[0] == "/program.py"}
    return said, lines, sides if branch else None


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("branch", [False, True])
def test_copies_are_counted_as_the_loop(name: str, branch: bool) -> None:
    expected = counts_of("settrace", LOOPS[name], branch=False)
    found = counts_of("probe", LOOPS[name], branch=branch)
    assert found[:2] == expected[:2]
    if branch:
        assert found[2] == counts_of("event", LOOPS[name], branch=True)[2]


def heads_in(source: str, work: Callable[[Any], object], *, branch: bool) -> int:
    """How often FOR_ITER stands in the code that f has when that was done."""
    function = space_of(source)["f"]
    tracer = exactrace.Trace(count=1, trace=0, engine="probe", branch=branch)
    tracer.start()
    try:
        work(function)
        return runs_of(function, "FOR_ITER")
    finally:
        tracer.stop()
        assert running(function) is function.__code__


# What is not followed before it is rewritten: loops within others have copies there.
NESTED = """\
    def f(n, at):
        t = 0
        for j in range(n):
            t += j
        for k in range(2):
            for i in range(n):
                t += i
                if i == at and k: stop()
                t += 1
        yield t
    def stop():
        raise KeyError
    """


def heads_in_body(name: str) -> int:
    """The same of a body that runs in a module of this name."""
    frames: list[types.FrameType] = []
    source = "import sys\nfor i in range(9999):\n    x = i\nkeep(sys._getframe())\n"
    space = {"__name__": name, "__file__": "/program.py", "keep": frames.append}
    tracer = exactrace.Trace(count=1, trace=0, engine="probe")
    tracer.runctx(compile(source, "/program.py", "exec"), space, space)
    assert tracer.counts["/program.py", 3] == 9999
    return runs_of(frames[0], "FOR_ITER")


def few(function: Any) -> None:
    for _ in range(40):
        function(2, 9)


def some(function: Any) -> None:
    for _ in range(3):
        list(function(9, 40))


@pytest.mark.skipif(sys.version_info < (3, 13), reason="3.12 follows nothing")
@pytest.mark.parametrize(
    ("what", "heads"),
    [
        ("heads_in(LOOPS['for'], calls, branch=False)", 8),
        ("heads_in(LOOPS['for'], few, branch=False)", 1),
        ("heads_in(LOOPS['for'], few, branch=True)", 8),
        ("heads_in(NESTED, some, branch=False)", 2 + 8),
        ("heads_in(NESTED, some, branch=True)", 1 + 8 + 8),
        ("heads_in_body('__main__')", 8),
        ("heads_in_body('program')", 1),
    ],
)
def test_which_loops_have_copies(what: str, heads: int, tmp_path: Path) -> None:
    """In a process of its own: what is known of code depends on what else ran."""
    folder = str(Path(__file__).parent)
    write(
        tmp_path,
        "prog.py",
        f"import sys; sys.path.append({folder!r})\n"
        f"from test_unroll import *; print({what})\n",
    )
    assert run(["prog.py"], tmp_path) == (0, f"{heads}\n", "")


@pytest.mark.parametrize("branch", [False, True])
def test_exceptions_in_code_with_some_copies(branch: bool) -> None:
    """The code is analysed again when they come, with the same copies."""

    def counts(engine: str, *, branch: bool) -> dict[tuple[str, int], int]:
        function = space_of(NESTED)["f"]
        other = space_of(LOOPS["while"])["f"]

        def work() -> None:
            for _ in range(200):
                list(function(9, 20))
                other(9, 0)
            for number in range(100):
                with contextlib.suppress(KeyError):
                    list(function(9, number % 12 - 1))

        tracer = exactrace.Trace(count=1, trace=0, engine=engine, branch=branch)
        tracer.runfunc(work)
        results = tracer.results().counts
        return {key: n for key, n in results.items() if key[0] == "/program.py"}

    assert counts("probe", branch=branch) == counts("settrace", branch=False)


SHORT = """\
import dis, gc, types
import exactrace
def f(n):
    while n > 1:
        n -= 1
    return n
tracer = exactrace.Trace(count=1, trace=0, engine="probe")
tracer.start()
for _ in range(200):
    f(1)
code = next(c for c in gc.get_referents(f) if isinstance(c, types.CodeType))
print(sum(i.opname == "JUMP_BACKWARD" for i in dis.get_instructions(code)))
tracer.stop()
"""


@pytest.mark.skipif(
    sys.version_info < (3, 14),
    reason="before 3.14 a while has its condition twice; 3.12 forgets",
)
def test_short_loops_have_none(tmp_path: Path) -> None:
    """In a process of its own: what jumps remember depends on what else ran."""
    write(tmp_path, "prog.py", SHORT)
    assert run(["prog.py"], tmp_path)[:2] == (0, "1\n")


# --- What others see ---------------------------------------------------------


EVENTS = [
    name
    for name in (
        "LINE",
        "JUMP",
        "BRANCH_LEFT",
        "BRANCH_RIGHT",
        "BRANCH",
        "INSTRUCTION",
        "RAISE",
        "EXCEPTION_HANDLED",
        "PY_START",
        "PY_RETURN",
        "PY_UNWIND",
    )
    if MONITORED and hasattr(sys.monitoring.events, name)
]


def without_numbers(value: object) -> object:
    return value if isinstance(value, (int, str)) else type(value).__name__


def told(event: str, act: Callable[[], object]) -> list[object]:
    """What a tool is told meanwhile of the program."""
    log: list[object] = []

    def note(code: types.CodeType, *what: object) -> None:
        if code.co_filename == "/program.py":
            log.append((code.co_name, *map(without_numbers, what)))

    tools = sys.monitoring
    number = getattr(tools.events, event)
    tools.use_tool_id(OTHER, "other")
    tools.register_callback(OTHER, number, note)
    tools.set_events(OTHER, number)
    try:
        act()
    finally:
        tools.set_events(OTHER, 0)
        tools.register_callback(OTHER, number, None)
        tools.free_tool_id(OTHER)
    return log


def look_on(source: str, look: Callable[[Callable[[], object]], object]) -> None:
    """What is seen of calls, once the loops have copies, is what is seen without."""

    def work() -> object:
        return [function(n, n - 2) for n in ROUNDS]

    function = space_of(source)["f"]
    expected = look(work)
    function = space_of(source)["f"]
    tracer = exactrace.Trace(count=1, trace=0, engine="probe")
    tracer.start()
    try:
        calls(function)
        assert look(work) == expected
    finally:
        tracer.stop()


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("name", LOOPS)
def test_tools_are_told_the_same(name: str, event: str) -> None:
    look_on(LOOPS[name], lambda work: told(event, work))


@pytest.mark.parametrize("name", LOOPS)
def test_trace_functions_are_told_the_same(name: str) -> None:
    def look(work: Callable[[], object]) -> list[object]:
        log: list[object] = []

        def trace(frame: Any, event: str, _: object) -> Any:
            if frame.f_code.co_filename == "/program.py":
                log.append((event, frame.f_lineno, frame.f_lasti))
                return trace
            return None

        sys.settrace(trace)
        try:
            work()
        finally:
            sys.settrace(None)
        return log

    look_on(LOOPS[name], look)


def test_frames_and_tracebacks_show_the_loop() -> None:
    source = """\
        def f(n, at):
            t = 0
            try:
                for i in range(n):
                    see()
                    if i == at: raise KeyError
            except KeyError as error:
                t = error.__traceback__.tb_lineno, error.__traceback__.tb_lasti
            return t
        def see():
            pass
        """

    def look(work: Callable[[], object]) -> object:
        log: list[object] = []

        def see() -> None:
            frame = sys._getframe(1)
            log.append((frame.f_lineno, frame.f_lasti, frame.f_code.co_code))

        function = work.__closure__[0].cell_contents  # type: ignore[attr-defined]
        function.__globals__["see"] = see
        return work(), log

    look_on(source, look)


MOVES = """\
t = 0
saved = None
while q:
    try:
        for i in q.pop():
            t += 1
            t = d[i]
    except KeyError as error:
        t = 0
        saved = error.__traceback__
    see(saved)
"""


def test_tracebacks_from_a_jump_back_keep_their_place() -> None:
    """The frame goes on in rewritten code later, where the jump leads to a copy."""

    class Interrupts(dict[int, int]):
        __missing__ = staticmethod(_thread.interrupt_main)

    def fail(*_: object) -> None:
        raise KeyError

    def look(act: Callable[[types.CodeType, dict[str, Any]], object]) -> list[object]:
        seen: list[object] = []

        def see(saved: types.TracebackType) -> None:
            places = list(saved.tb_frame.f_code.co_positions())
            where = places[saved.tb_lasti // 2]
            seen.append((saved.tb_lasti, saved.tb_lineno, where))

        space = {
            "__name__": "program",
            "__file__": "/program.py",
            "q": [[0] * 20000, [0, 0, int(signal.SIGUSR1), 0]],
            "d": Interrupts({0: 0}),
            "see": see,
        }
        act(compile(MOVES, "/program.py", "exec"), space)
        return seen

    before = signal.signal(signal.SIGUSR1, fail)
    try:
        expected = look(exec)
        tracer = exactrace.Trace(count=1, trace=0, engine="probe")
        assert look(lambda code, space: tracer.runfunc(exec, code, space)) == expected
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(expected) == 2


def test_a_tool_that_disables_is_not_told_of_each_copy() -> None:
    """Of a loop that is rewritten while a tool looks on: once in either code."""
    function = space_of(LOOPS["for"])["f"]
    tools = sys.monitoring
    told: list[int] = []

    def note(code: types.CodeType, line: int) -> object:
        if code.co_filename == "/program.py":
            told.append(line)
        return tools.DISABLE

    tools.use_tool_id(OTHER, "other")
    tools.register_callback(OTHER, tools.events.LINE, note)
    tools.set_events(OTHER, tools.events.LINE)
    tracer = exactrace.Trace(count=1, trace=0, engine="probe")
    try:
        tracer.runfunc(calls, function)
    finally:
        tools.set_events(OTHER, 0)
        tools.free_tool_id(OTHER)
    assert {2, 3, 4, 5} == set(told)
    assert max(map(told.count, told)) <= 2


# --- Loops that do not come to an end ---------------------------------------------


def positions() -> Iterator[tuple[int, int]]:
    return itertools.product((0, 3, 8, 13), (1, 2))


@pytest.mark.parametrize(("n", "depth"), list(positions()))
def test_frames_in_a_copy_are_counted_up_to_where_they_stand(
    n: int, depth: int
) -> None:
    source = """\
        def f(n, at):
            for i in range(n):
                t = i
                if i == at: look()
                t += 1
            return t if n else 0
        def look():
            pass
        """

    def counts(engine: str) -> list[dict[Any, int]]:
        space = space_of(source)
        tracer = exactrace.Trace(count=1, trace=0, engine=engine)
        seen: list[dict[Any, int]] = []

        def work() -> None:
            calls(space["f"])
            space["look"] = lambda: seen.append(
                {key: n for key, n in tracer.counts.items() if key[0] == "/program.py"}
            )
            for _ in range(depth):
                space["f"](20, n)

        tracer.runfunc(work)
        return seen

    found = counts("probe")
    assert len(found) == depth
    assert found == counts("settrace")


KILLED = """\
import os, sys, exactrace
tracer = exactrace.Trace(count=1, trace=0)
def f(n, at):
    t = 0
    for i in range(n):
        t += i
        if i == at: die()
        t += 1
    return t
def die():
    os.kill(os.getpid(), 9)
def main():
    for _ in range(100): f(30, 40)
    tracer._keep_in(sys.argv[1], tracer._plan() or 0, ())
    for _ in range(3): f(30, 40)
    f(30, AT)
tracer.runfunc(main)
"""


@pytest.mark.parametrize("at", [0, 5, 8, 12])
def test_what_a_journal_cannot_know_of_copies_is_unsure(
    at: int, tmp_path: Path
) -> None:
    """It has begun after they had run; else there are none."""
    results = left_by(tmp_path, KILLED.replace("AT", str(at)))
    rounds = 90 + at
    true = {4: 4, 5: rounds + 4, 6: rounds + 1, 7: rounds + 1, 8: rounds, 9: 3}
    for line, hits in true.items():
        key = str(tmp_path / "prog.py"), line
        high, low = results.unsure.get(key, (0, 0))
        counted = results.counts.get(key, 0)
        assert counted - high <= hits <= counted + low, (line, counted, high, low)


KILLED_NESTED = """\
import os, sys, exactrace
tracer = exactrace.Trace(count=1, trace=0)
F
def main():
    for _ in range(100): list(f(30, 40))
    tracer._keep_in(sys.argv[1], tracer._plan() or 0, ())
    for _ in range(3): list(f(30, 40))
    list(f(30, AT))
tracer.runfunc(main)
"""


@pytest.mark.parametrize("at", [0, 5, 8, 12])
def test_what_a_journal_knows_of_some_copies(at: int, tmp_path: Path) -> None:
    """It has begun when loops within others had copies, and the rest had none."""
    function = textwrap.dedent(NESTED)
    killed = function.replace("raise KeyError", "os.kill(os.getpid(), 9)")
    results = left_by(
        tmp_path, KILLED_NESTED.replace("F", killed, 1).replace("AT", str(at))
    )
    tracer = exactrace.Trace(count=1, trace=0, engine="settrace")
    space: dict[str, Any] = {"__file__": "/program.py"}
    exec(compile("\n\n" + function, "/program.py", "exec"), space)

    def work() -> None:
        for _ in range(3):
            list(space["f"](30, 40))
        with contextlib.suppress(KeyError):
            list(space["f"](30, at))

    tracer.runfunc(work)
    lines = range(4, 3 + function.count("\n") - 2)
    for line in lines:
        hits = tracer.counts.get(("/program.py", line), 0)
        key = str(tmp_path / "prog.py"), line
        high, low = results.unsure.get(key, (0, 0))
        counted = results.counts.get(key, 0)
        assert counted - high <= hits <= counted + low, (line, counted, high, low)
    assert tracer.counts["/program.py", lines[-1]] == 3


def test_what_is_kept_in_a_file_has_none(tmp_path: Path) -> None:
    source = KILLED.replace("def main():", "import gc, types\ndef main():").replace(
        "f(30, AT)",
        """for _ in range(100): g(30)
    code = next(c for c in gc.get_referents(g) if isinstance(c, types.CodeType))
    import dis
    print(sum(i.opname == "FOR_ITER" for i in dis.get_instructions(code)))
def g(n):
    for i in range(n):
        t = i""",
    )
    write(tmp_path, "prog.py", source)
    path = tmp_path / f"counts{datafolder.SUFFIX}"
    assert "1" in run(["prog.py", str(path)], tmp_path)[1].split()
