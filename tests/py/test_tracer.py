"""The class Trace: a program, and what must come out."""

from __future__ import annotations

import gc
import io
import linecache
import sys
import textwrap
import threading
import weakref
from contextlib import redirect_stdout
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import exactrace
from exactrace import countsfile

Counts = dict[int, int]


def line_counts(tracer: exactrace.Trace, filename: str) -> Counts:
    """Return {line: hits} of one file, line 0 (before the first) left out."""
    return {
        line: hits
        for (name, line), hits in tracer.counts.items()
        if name == filename and line
    }


def run_program(source: str, filename: str = "/program.py", **options: Any) -> Any:
    """Run a program under a new tracer and return the tracer."""
    tracer = exactrace.Trace(**{"trace": 0, **options})
    code = compile(textwrap.dedent(source), filename, "exec")
    namespace = {"__name__": "__main__", "__file__": filename}
    gc.disable()  # hypothesis has it call a function of its own
    try:
        tracer.runctx(code, namespace, namespace)
    finally:
        gc.enable()
    return tracer


def check_counts(source: str, expected: Counts) -> None:
    """Run a program; its counts must be these."""
    assert line_counts(run_program(source), "/program.py") == expected


def test_a_loop_counts_its_header_once_more_than_its_body() -> None:
    check_counts("for i in range(3):\n    str(i)\n", {1: 4, 2: 3})


def test_each_branch_counts_as_often_as_it_is_taken() -> None:
    check_counts(
        """\
        def f(n):
            if n % 2:
                return 1
            return 0
        for i in range(5):
            f(i)
        """,
        {1: 1, 2: 5, 3: 2, 4: 3, 5: 6, 6: 5},
    )


def test_a_generator_closed_early_counts_finally_once() -> None:
    check_counts(
        """\
        def g():
            try:
                yield 1
                yield 2
            finally:
                str()
        for x in g():
            break
        """,
        {1: 1, 2: 1, 3: 1, 6: 1, 7: 1, 8: 1},
    )


def test_a_generator_expression_over_no_iterable_ends_no_frame_but_its_own() -> None:
    check_counts(
        """\
        def f():
            try:
                (x for x in 5)
            except TypeError:
                str()
            return 1
        f()
        """,
        {1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1},
    )


def test_an_exception_counts_in_its_own_file_whatever_returned_before() -> None:
    """The second frame gets the address of the first."""
    tracer = exactrace.Trace(trace=0)
    source = "def f(i):\n  try:\n    [0][i]\n  except IndexError:\n    g()\n    i\n"
    functions = []
    for name in ("/a.py", "/b.py"):
        namespace: dict[str, Any] = {"__file__": name}
        exec(compile(source, name, "exec"), namespace)
        exec(compile("def g(): pass", "/g.py", "exec"), namespace)
        functions.append(namespace["f"])

    def both() -> None:
        for _ in range(50):
            functions[0](0)
            functions[1](1)

    tracer.runfunc(both)
    assert line_counts(tracer, "/a.py") == {2: 50, 3: 50}
    assert line_counts(tracer, "/b.py") == {2: 50, 3: 50, 4: 50, 5: 50, 6: 50}


def test_counts_survive_an_exception() -> None:
    tracer = exactrace.Trace(trace=0)
    code = compile("x = 1\ny = x / 0\nz = 2\n", "/program.py", "exec")
    with pytest.raises(ZeroDivisionError):
        tracer.runctx(code, {"__file__": "/program.py"})
    assert line_counts(tracer, "/program.py") == {1: 1, 2: 1}


def test_a_traceback_holds_no_frame_of_ours() -> None:
    tracer = exactrace.Trace(trace=0)

    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError) as info:
        tracer.runfunc(fail)
    assert [entry.name for entry in info.traceback] == [
        "test_a_traceback_holds_no_frame_of_ours",
        "fail",
    ]


THREADS = """\
import threading
def work(n):
    for i in range(n):
        i + 1
threads = [threading.Thread(target=work, args=({n},)) for _ in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
"""


def test_four_threads_of_400_000_iterations_count_1_600_000() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        tracer = run_program(THREADS.format(n=400_000))
    finally:
        sys.setswitchinterval(before)
    assert line_counts(tracer, "/program.py")[4] == 1_600_000


def test_runfunc_counts_the_threads_that_the_function_starts() -> None:
    tracer = exactrace.Trace(trace=0)
    code = compile(THREADS.format(n=1000), "/program.py", "exec")
    tracer.runfunc(exec, code, {"__file__": "/program.py"})
    assert line_counts(tracer, "/program.py")[4] == 4000


def test_a_run_leaves_no_trace_function_behind() -> None:
    run_program("pass")
    assert sys.gettrace() is None
    assert threading.gettrace() is None


def test_the_previous_trace_function_comes_back() -> None:
    def previous(frame: FrameType, why: str, arg: object) -> None:
        return None

    sys.settrace(previous)
    threading.settrace(previous)
    try:
        run_program("pass")
        assert sys.gettrace() is previous
        assert threading.gettrace() is previous
    finally:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]


def test_runs_nest_and_each_counts_its_own_part() -> None:
    inner = exactrace.Trace(trace=0, engine="settrace")
    outer = exactrace.Trace(trace=0, engine="settrace")
    source = "a = 1\ninner.runctx(code, {'__file__': '/inner.py'})\nb = 2\n"
    code = compile("c = 3\n", "/inner.py", "exec")
    outer.runctx(
        compile(source, "/outer.py", "exec"),
        {"__file__": "/outer.py", "inner": inner, "code": code},
    )
    assert line_counts(outer, "/outer.py") == {1: 1, 2: 1, 3: 1}
    assert line_counts(inner, "/inner.py") == {1: 1}
    assert line_counts(outer, "/inner.py") == {}


def test_saving_and_restoring_the_trace_function_keeps_counting() -> None:
    tracer = run_program(
        """\
        import sys
        def f():
            return 1
        trace = sys.gettrace()
        sys.settrace(None)
        f()
        sys.settrace(trace)
        f()
        """,
        engine="settrace",
    )
    assert line_counts(tracer, "/program.py")[3] == 1


def test_a_recursion_counts_every_level() -> None:
    tracer = run_program(
        "def f(n):\n    if n:\n        f(n - 1)\nfor _ in range(3):\n    f(200)\n"
    )
    assert line_counts(tracer, "/program.py")[2] == 603


def test_an_absurd_line_number_is_counted_without_absurd_memory() -> None:
    tracer = exactrace.Trace(trace=0)
    code = compile("x = 1", "/program.py", "exec").replace(co_firstlineno=2_000_000_000)
    for _ in range(2):
        tracer.runctx(code, {"__file__": "/program.py"})
    counts = line_counts(tracer, "/program.py")
    assert max(counts) == 2_000_000_000
    assert set(counts.values()) == {2}


def test_counts_is_one_dict_for_ever() -> None:
    tracer = run_program("x = 1\n")
    counts = tracer.counts
    tracer.runctx(compile("x = 2\n", "/b.py", "exec"), {"__file__": "/b.py"})
    assert tracer.counts is counts
    assert type(counts) is dict
    assert tracer.results().counts is counts
    assert counts["/b.py", 1] == 1


def test_results_adds_the_infile_once(tmp_path: Path) -> None:
    infile = str(tmp_path / "counts")
    function = ("/a.py", "a", "f")
    countsfile.save(infile, {("/a.py", 1): 5}, {function: 1}, {})
    tracer = run_program("x = 1\n", infile=infile)
    for _ in range(2):
        results = tracer.results()
        assert results.counts["/a.py", 1] == 5
        assert results.counts["/program.py", 1] == 1
        assert results.calledfuncs == {function: 1}
        assert results.infile == infile
    run_again = compile("x = 1", "/program.py", "exec")
    tracer.runctx(run_again, {"__file__": "/program.py"})
    assert tracer.results().counts["/a.py", 1] == 5
    assert tracer.results().counts["/program.py", 1] == 2


def test_counts_can_be_read_while_the_program_runs() -> None:
    tracer = exactrace.Trace(trace=0)
    seen: list[int] = []
    source = "for i in range(3):\n    look()\n"
    tracer.runctx(
        compile(source, "/program.py", "exec"),
        {
            "__file__": "/program.py",
            "look": lambda: seen.append(tracer.counts["/program.py", 2]),
        },
    )
    assert seen == [1, 2, 3]
    assert tracer.counts["/program.py", 2] == 3


def test_counts_can_be_any_mapping() -> None:
    from collections import Counter, UserDict

    for mapping in (Counter(), UserDict()):
        tracer = exactrace.Trace(trace=0)
        tracer.counts = mapping  # type: ignore[assignment]
        for _ in range(2):
            tracer.runctx(compile("x = 1", "/p.py", "exec"), {"__file__": "/p.py"})
        assert mapping["/p.py", 1] == 2


def test_code_without_a_file_is_not_traced() -> None:
    tracer = exactrace.Trace(trace=0)
    gc.disable()  # what it calls has files
    try:
        tracer.runctx("x = 1", {})
        tracer.runctx("x = 1", {"__file__": None})
        tracer.runctx("x = 1", {"__file__": "<string>"})
    finally:
        gc.enable()
    assert tracer.counts == {}


def test_a_string_inherits_no_future_import_from_us() -> None:
    namespace: dict[str, Any] = {}
    exactrace.Trace(trace=0).runctx("def f(x: 1 + 1): pass", namespace, namespace)
    assert namespace["f"].__annotations__ == {"x": 2}


def test_a_tracer_is_freed_when_nothing_holds_it() -> None:
    tracer = run_program("x = 1\n", countcallers=1)
    gone = weakref.ref(tracer)
    del tracer
    gc.collect()
    assert gone() is None


def test_run_executes_in_main() -> None:
    import __main__

    exactrace.Trace(trace=0).run(cmd="made_by_run = 1")
    assert __main__.__dict__.pop("made_by_run") == 1


def test_nothing_is_done_when_nothing_is_wanted() -> None:
    tracer = exactrace.Trace(count=0, trace=0)
    assert tracer.runfunc(sys.gettrace) is None
    assert not hasattr(tracer, "globaltrace")


def test_sys_settrace_with_globaltrace_counts_from_the_next_call_on() -> None:
    tracer = exactrace.Trace(trace=0)
    namespace: dict[str, Any] = {"__file__": "/program.py"}
    exec(compile("def f():\n    return 1\n", "/program.py", "exec"), namespace)
    sys.settrace(tracer.globaltrace)
    try:
        namespace["f"]()
        namespace["f"]()
    finally:
        sys.settrace(None)
    assert tracer.counts == {("/program.py", 2): 2}


# Hooks that a program replaces


class Ours(exactrace.Trace):
    """Overrides the hook for calls, as test runners do."""

    def globaltrace_lt(self, frame: FrameType, why: str, arg: object) -> object:
        if frame.f_code.co_name == "skipped":
            return None
        return super().globaltrace_lt(frame, why, arg)


HOOKED = """\
def skipped():
    return 1
def counted():
    return 2
skipped()
counted()
"""


def test_an_overridden_globaltrace_is_called() -> None:
    tracer = Ours(trace=0)
    tracer.runctx(compile(HOOKED, "/program.py", "exec"), {"__file__": "/program.py"})
    counts = line_counts(tracer, "/program.py")
    assert 2 not in counts
    assert counts[4] == 1


def test_a_replaced_localtrace_is_called() -> None:
    tracer = exactrace.Trace(trace=0)
    lines: list[int] = []

    def localtrace(frame: FrameType, why: str, arg: object) -> object:
        if why == "line":
            lines.append(frame.f_lineno)
        return localtrace

    tracer.localtrace = localtrace
    tracer.runctx(
        compile("x = 1\ny = 2\n", "/program.py", "exec"), {"__file__": "/program.py"}
    )
    assert [line for line in lines if line] == [1, 2]
    assert tracer.counts == {}


def test_a_replaced_ignore_object_is_asked() -> None:
    asked: list[tuple[str, str]] = []

    class Ignore:
        def names(self, filename: str, modulename: str) -> int:
            asked.append((filename, modulename))
            return 1

    tracer = exactrace.Trace(trace=0)
    tracer.ignore = Ignore()
    tracer.runctx(compile("x = 1", "/a/b.py", "exec"), {"__file__": "/a/b.py"})
    assert asked == [("/a/b.py", "b")]
    assert tracer.counts == {}


# Printing


def printed(source: str, **options: Any) -> str:
    out = io.StringIO()
    filename = "/printed.py"
    source = textwrap.dedent(source)
    linecache.cache[filename] = (
        len(source),
        None,
        source.splitlines(keepends=True),
        filename,
    )
    try:
        with redirect_stdout(out):
            run_program(source, filename, **{"count": 0, "trace": 1, **options})
    finally:
        del linecache.cache[filename]
    return out.getvalue()


def test_lines_are_printed_before_they_run() -> None:
    colon = ":  " if sys.version_info >= (3, 13) else ": "
    assert printed("x = 1\nprint(x)\n") == (
        " --- modulename: printed, funcname: <module>\n"
        f"printed.py(1){colon}x = 1\n"
        f"printed.py(2){colon}print(x)\n"
        "1\n"
    )


def test_a_change_in_linecache_is_seen() -> None:
    text = printed(
        """\
        import linecache
        for i in range(2):
            linecache.cache["/printed.py"] = (0, None, [f"v{i}\\n"] * 9, "")
        """
    )
    printed_lines = [line.split()[-1] for line in text.splitlines()]
    assert printed_lines[-3:] == ["v0", "v0", "v1"]


class BrokenOutput(io.StringIO):
    """Fails after three pieces."""

    pieces = 0

    def write(self, text: str) -> int:
        self.pieces += 1
        if self.pieces > 3:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_a_full_disk_stops_the_printing_and_not_the_program() -> None:
    namespace: dict[str, Any] = {"__file__": "/program.py"}
    tracer = exactrace.Trace(count=1, trace=1)
    code = compile("x = 1\n" * 10 + "done = True\n", "/program.py", "exec")
    out = BrokenOutput()
    with redirect_stdout(out), pytest.warns(RuntimeWarning, match="No space left"):
        tracer.runctx(code, namespace, namespace)
    assert namespace["done"]
    assert out.pieces == 4
    assert len(line_counts(tracer, "/program.py")) == 11


def test_what_the_output_cannot_encode_is_printed_as_escapes(tmp_path: Path) -> None:
    script = tmp_path / "umlaut.py"
    script.write_text("x = 'ä'\n", encoding="utf-8")
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    tracer = exactrace.Trace(count=0, trace=1)
    with redirect_stdout(out):
        tracer.runctx(
            compile(script.read_text("utf-8"), str(script), "exec"),
            {"__file__": str(script)},
        )
    out.flush()
    assert b"x = '\\xe4'\n" in out.buffer.getvalue()  # type: ignore[attr-defined]


# Functions and callers


METHODS = """\
class C:
    def plain(self):
        def inner():
            pass
        inner()
    @staticmethod
    def static():
        pass
    @classmethod
    def klass(cls):
        pass
    @property
    def prop(self):
        pass
    class D:
        def deep(self):
            pass
c = C()
c.plain()
c.static()
c.klass()
c.prop
C.D().deep()
"""


def test_methods_are_named_with_their_class() -> None:
    tracer = run_program(METHODS, countfuncs=1)
    assert set(tracer.results().calledfuncs) == {
        ("/program.py", "program", name)
        for name in (
            "<module>",
            "C",
            "C.plain",
            "inner",
            "C.static",
            "C.klass",
            "C.prop",
            "D",
            "C.D.deep",
        )
    }


def test_callers_begin_with_the_run() -> None:
    source = "def f():\n    pass\ndef g():\n    f()\ng()\n"
    callers = run_program(source, countcallers=1).results().callers
    root = (exactrace.__file__, "trace", "Trace.runctx")
    names = [("/program.py", "program", name) for name in ("<module>", "g", "f")]
    assert callers == dict.fromkeys(zip([root, *names], names, strict=False), 1)


def test_listing_functions_twice_lists_them_twice() -> None:
    """What a run switched off must be on again in the next."""
    code = compile("def f():\n    pass\nf()\n", "/program.py", "exec")
    for _ in range(3):
        tracer = exactrace.Trace(countfuncs=1)
        tracer.runctx(code, {})
        assert ("/program.py", "program", "f") in tracer.results().calledfuncs


@pytest.mark.parametrize("mode", ["countfuncs", "countcallers"])
def test_functions_of_threads_are_noted(mode: str) -> None:
    tracer = run_program(THREADS.format(n=1), **{mode: 1})
    results = tracer.results()
    functions = set(results.calledfuncs) | {callee for _, callee in results.callers}
    assert ("/program.py", "program", "work") in functions


@pytest.mark.skipif(
    sys.version_info < (3, 12), reason="sys.monitoring is new in Python 3.12"
)
def test_functions_are_noted_without_a_free_tool_id() -> None:
    monitoring = sys.monitoring
    taken = [i for i in range(6) if monitoring.get_tool(i) is None]
    for tool in taken:
        monitoring.use_tool_id(tool, "test")
    try:
        tracer = run_program("def f():\n    pass\nf()\n", countfuncs=1)
    finally:
        for tool in taken:
            monitoring.free_tool_id(tool)
    assert ("/program.py", "program", "f") in tracer.results().calledfuncs
