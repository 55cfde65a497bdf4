"""Code objects that come and go: each is counted, and none is kept alive."""

from __future__ import annotations

import gc
import sys
import textwrap
import types
import weakref
from pathlib import Path
from typing import Any

import pytest
from beside import FREE, MONITORED, NO_PROBES, run, write

import exactrace

needs_monitoring = pytest.mark.skipif(not MONITORED, reason=NO_PROBES)


def run_by_probes(source: str, **options: Any) -> Any:
    """Run a program under a new tracer: (tracer, its globals)."""
    tracer = exactrace.Trace(count=1, trace=0, **options)
    names: dict[str, Any] = {"__name__": "__main__", "__file__": "/program.py"}
    code = compile(textwrap.dedent(source), "/program.py", "exec")
    tracer.runctx(code, names, names)
    return tracer, names


@needs_monitoring
def test_code_that_is_made_again_and_again_counts_in_one_place() -> None:
    tracer, _ = run_by_probes(
        """\
        def make(n):
            return lambda x: (x +
                n)
        print(sum(make(i)(i) for i in range(50)))
        for _ in range(20):
            exec(compile("y = 1\\nz = 2\\n", "/program2.py", "exec"))
        """,
    )
    counts = dict(tracer.counts)
    assert counts["/program.py", 3] == 50
    assert counts["/program2.py", 2] == 20


@needs_monitoring
def test_code_that_is_gone_is_let_go_and_keeps_its_counts() -> None:
    source = """\
        def once(i):
            names = {"__file__": "/program.py"}
            code = "def f(n):\\n for j in range(n):\\n  pass\\nf(2)\\nx = [1]\\n"
            exec(compile(code, f"/p{i % 2}.py", "exec"), names)
        for i in range(6000):
            once(i)
        """
    tracer, _ = run_by_probes(source)
    assert tracer.counts["/p0.py", 2] == tracer.counts["/p1.py", 2] == 3 * 3000
    assert tracer.counts["/p0.py", 3] == 2 * 3000
    assert tracer.counts["/p1.py", 5] == 3000


@needs_monitoring
def test_code_that_is_gone_is_not_kept_in_memory() -> None:
    class Marker:
        """A constant that says when it is gone."""

    names: dict[str, Any] = {"__file__": "/program.py", "made": []}

    def once() -> None:
        marker = Marker()
        names["made"].append(weakref.ref(marker))
        code = compile("x = 1", "/p.py", "exec")
        exec(code.replace(co_consts=(1, None, marker)), {"__file__": "/program.py"})

    names["once"] = once
    source = (
        "for _ in range(9000): once()\nalive = sum(r() is not None for r in made)\n"
    )
    tracer = exactrace.Trace(count=1, trace=0)
    tracer.runctx(source, names, names)
    assert names["alive"] < 5_000
    assert tracer.counts["/p.py", 1] == 9_000


ONCE = """\
import gc, weakref
def freed(times):
    names = {"__file__": __file__, "__name__": "once"}
    code = compile("def f():\\n    pass\\nfor i in range(3): pass", "/prog.py", "exec")
    whole = weakref.ref(code)
    for i in range(times):
        exec(code, names)
        inner = weakref.ref(names.pop("f").__code__)
    del code
    gc.collect()
    return whole() is None, inner() is None
once, twice = freed(1), freed(2)
"""


@pytest.mark.skipif(FREE, reason="code is immortal there once there were two threads")
@pytest.mark.parametrize("branch", [False, True])
def test_code_that_runs_once_is_freed_when_the_program_lets_it_go(branch: bool) -> None:
    tracer, names = run_by_probes(ONCE, branch=branch and MONITORED)
    assert names["once"] == (True, True)
    hits = {line: n for (name, line), n in tracer.counts.items() if name == "/prog.py"}
    assert hits == {1: 3, 3: 4 * 3}
    if branch and MONITORED:
        (loop,) = [v for k, v in tracer.branches.items() if k[0] == "/prog.py"]
        assert loop == {True: 9, False: 3}


LET_GO = """\
import weakref
gone = []
for number in range(3):
    source = "def f(n):\\n if n:\\n  return n\\n return 0\\nf(1)\\nf(0)\\nf(2)\\n"
    names = {"__file__": "/p.py"}
    code = compile(source, "/p.py", "exec")
    weakref.finalize(code, gone.append, number)
    exec(code, names)
    weakref.finalize(names["f"].__code__, gone.append, "f")
    names.clear()
    del code
seen = list(gone)
"""


@needs_monitoring
@pytest.mark.parametrize("branch", [False, True])
@pytest.mark.parametrize("engine", ["probe", "event"])
def test_code_ends_when_the_program_lets_go_of_it(engine: str, branch: bool) -> None:
    tracer, names = run_by_probes(LET_GO, engine=engine, branch=branch)
    ended = [who for who in names["seen"] if who != "f"]
    assert ended == [0, 1, 2]
    # A function whose code was rewritten is kept until the next sweep.
    seldom = not branch and sys.version_info >= (3, 13)
    assert names["seen"].count("f") == (3 if engine == "event" or seldom else 0)
    hits = {line: n for (name, line), n in tracer.counts.items() if name == "/p.py"}
    assert hits == {1: 3, 2: 9, 3: 6, 4: 3, 5: 3, 6: 3, 7: 3}
    sides = [sides for (name, *_), sides in tracer.branches.items() if name == "/p.py"]
    assert sides == ([{True: 6, False: 3}] if branch else [])


def code_objects(functions: list[Any]) -> dict[int, Any]:
    """Return by its id what the functions have, whatever their attributes tell."""
    return {
        id(item): item
        for function in functions
        for item in gc.get_referents(function)
        if isinstance(item, types.CodeType)
    }


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
@pytest.mark.parametrize("closures", [3, 60_000], ids=["few", "more than are watched"])
def test_every_function_gets_its_code_back(closures: int) -> None:
    def make(n: int) -> Any:
        def inner(m: int) -> int:
            return n if m else n + 1

        return inner

    def other(m: int) -> int:
        return 2 if m else 3

    def work() -> None:
        for _ in range(20):  # until it is rewritten
            make(1)(1)
            other(1)
        kept.extend(make(n) for n in range(closures))
        copied = types.FunctionType(kept[0].__code__, globals(), None, None, (cell,))
        kept.append(copied)
        assert copied(1) == 5
        given.__code__ = other.__code__
        assert [given(1), other(0), kept[1](1)] == [2, 3, 1]
        during.update(code_objects(kept))

    def given(m: int) -> int:
        return 4

    cell = types.CellType(5)
    kept: list[Any] = []
    during: dict[int, Any] = {}
    exactrace.Trace(count=1, trace=0).runfunc(work)
    inner = next(
        item
        for item in make.__code__.co_consts
        if isinstance(item, types.CodeType) and item.co_name == "inner"
    )
    assert len(during) == 1
    assert id(inner) not in during
    assert list(code_objects(kept)) == [id(inner)]
    assert list(code_objects([given, other])) == [id(other.__code__)]


# Code that could not be given back is so by the next session.
REFUSED = """\
import sys, exactrace
refusing = False
def refuse(event, args):
    if refusing and event == "object.__setattr__" and args[1] == "__code__":
        raise RuntimeError("no")
sys.addaudithook(refuse)
names = {"__file__": "/program.py"}
source = "def f():\\n    for i in (1, 2):\\n        pass\\n    return 1\\n"
exec(compile(source, "/program.py", "exec"), names)
for refused in (False, True, False, False):
    tracer = exactrace.Trace(count=1, trace=0)
    tracer.start()
    names["f"]()
    names["f"]()
    refusing = refused
    tracer.stop()
    refusing = False
    print({line: n for (name, line), n in tracer.counts.items() if name == "/program.py"})
"""


@needs_monitoring
def test_code_that_could_not_be_given_back_is_counted_the_next_time(
    folder: Path,
) -> None:
    write(folder, "refused.py", REFUSED)
    _, out, _ = run(["refused.py"], folder)
    assert out.splitlines() == ["{2: 6, 3: 4, 4: 2}"] * 4


@needs_monitoring
def test_code_that_outlives_the_session_knows_nothing_of_it() -> None:
    names: dict[str, Any] = {"__file__": "/p.py"}
    code = compile("for i in range(3):\n pass\n", "/p.py", "exec")
    for _ in range(2):
        tracer = exactrace.Trace(count=1, trace=0, engine="event")
        tracer.runctx(code, names, names)
        assert tracer.counts["/p.py", 2] == 3
    ended: list[int] = []
    weakref.finalize(code, ended.append, 1)
    del code, tracer
    assert ended == [1]


# Whoever notes something of code objects is told when one ends, with NULL if it is one
# of which somebody else has noted something.
NOTED = """\
import ctypes
api = ctypes.pythonapi
free = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
told = []
told_of = free(told.append)
api.PyUnstable_Eval_RequestCodeExtraIndex.argtypes = (free,)
api.PyUnstable_Eval_RequestCodeExtraIndex.restype = ctypes.c_ssize_t
slot = api.PyUnstable_Eval_RequestCodeExtraIndex(told_of)
api.PyUnstable_Code_SetExtra.argtypes = (ctypes.py_object, ctypes.c_ssize_t, ctypes.c_void_p)
def noted(source, note):
    code = compile(source, "/p.py", "exec")
    if note is not None:
        api.PyUnstable_Code_SetExtra(code, slot, ctypes.c_void_p(note))
    exec(code, {"__file__": "/p.py"})
for note in (7, None, 8, None, None):
    noted("x = 1\\nif x:\\n  class C:\\n    y = 2\\n", note)
print(told)
"""


@needs_monitoring
@pytest.mark.parametrize("engine", ["probe", "event"])
def test_who_else_notes_something_of_code_is_told_of_that_alone(
    folder: Path, engine: str
) -> None:
    write(folder, "prog.py", NOTED)
    command = ["-m", "exactrace", "run", "-q", "--engine", engine, "prog.py"]
    assert run(command, folder) == (0, "[7, 8]\n", "")
