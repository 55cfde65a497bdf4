"""The classes and functions, documented or not, of the standard module.

Each test runs with both modules as `tool`. Where exactrace does better, the
expectation says so by the name of the module.
"""

from __future__ import annotations

import importlib
import inspect
import io
import os
import pickle
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import pytest
from harness import IMMORTAL_TYPES

NEW_LINES = sys.version_info >= (3, 13)


@pytest.fixture(params=["trace", "exactrace"])
def tool(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def is_exact(tool: ModuleType) -> bool:
    return tool.__name__ == "exactrace"


def counts_of(tracer: Any, function: Callable[..., object]) -> dict[int, int]:
    """Return line, counted from the `def` -> count, of a function here."""
    code = function.__code__  # type: ignore[attr-defined]
    first = code.co_firstlineno
    last = max(line for _, _, line in code.co_lines() if line)
    return {
        line - first: count
        for (filename, line), count in tracer.counts.items()
        if filename == code.co_filename and first <= line <= last
    }


def looped(times: int) -> int:
    total = 0
    for n in range(times):
        total += n
    return total


LOOPED_TWICE = {1: 1, 2: 3, 3: 2, 4: 1}


def doubled(n: int) -> int:
    return n * 2


def calling() -> int:
    return doubled(1) + doubled(2)


def failing() -> None:
    looped(2)
    raise ValueError("on purpose")


# Documented


def test_the_public_names_are_those_of_the_standard_module(tool: ModuleType) -> None:
    assert sorted(tool.__all__) == ["CoverageResults", "Trace"]


@pytest.mark.parametrize(
    "name",
    [
        "Trace",
        "Trace.run",
        "Trace.runctx",
        "Trace.runfunc",
        "Trace.results",
        "Trace.file_module_function_of",
        "Trace.globaltrace_lt",
        "Trace.globaltrace_countfuncs",
        "Trace.globaltrace_trackcallers",
        "Trace.localtrace_count",
        "Trace.localtrace_trace",
        "Trace.localtrace_trace_and_count",
        "CoverageResults",
        "CoverageResults.update",
        "CoverageResults.is_ignored_filename",
        "CoverageResults.write_results",
        "CoverageResults.write_results_file",
        "_Ignore",
        "_Ignore.names",
        "_modname",
        "_fullmodname",
        "_find_lines_from_code",
        "_find_lines",
        "_find_strings",
        "_find_executable_linenos",
        "main",
    ],
)
def test_everything_is_called_with_the_same_arguments(name: str) -> None:
    def parameters(module: str) -> list[tuple[str, object, object]]:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        parameters = inspect.signature(found).parameters.values()
        # A method that is written in C takes no `self` by name.
        return [(p.name, p.kind, p.default) for p in parameters if p.name != "self"]

    expected, got = parameters("trace"), parameters("exactrace")
    # Offered on all versions, where the standard module has it from 3.13 on.
    if not NEW_LINES and name == "CoverageResults.write_results":
        got = [item for item in got if item[0] != "ignore_missing_files"]
    # What the standard module does not have is given by name only.
    added = inspect.Parameter.KEYWORD_ONLY
    if name == "Trace":
        got = [item for item in got if item[1] is not added]
    assert expected == got


ATTRIBUTES = {
    "infile": None,
    "outfile": None,
    "counts": {},
    "pathtobasename": {},
    "_calledfuncs": {},
    "_callers": {},
    "_caller_cache": {},
    "start_time": None,
}


def test_a_tracer_has_the_attributes_of_the_standard_one(tool: ModuleType) -> None:
    tracer = tool.Trace()
    assert {name: getattr(tracer, name) for name in ATTRIBUTES} == ATTRIBUTES
    assert type(tracer.counts) is dict
    assert isinstance(tracer.ignore, tool._Ignore)
    assert isinstance(tool.Trace(timing=True).start_time, float)
    assert tool.Trace(trace=7).trace == 7
    named = tool.Trace(infile="in", outfile="out")
    assert (named.infile, named.outfile) == ("in", "out")


# count, trace, countfuncs, countcallers -> globaltrace, localtrace
HANDLERS = {
    (1, 1, 0, 0): ("globaltrace_lt", "localtrace_trace_and_count"),
    (1, 0, 0, 0): ("globaltrace_lt", "localtrace_count"),
    (0, 1, 0, 0): ("globaltrace_lt", "localtrace_trace"),
    (0, 0, 0, 0): (None, None),
    (1, 1, 1, 0): ("globaltrace_countfuncs", None),
    (0, 0, 1, 0): ("globaltrace_countfuncs", None),
    (1, 1, 1, 1): ("globaltrace_trackcallers", None),
    (0, 0, 0, 1): ("globaltrace_trackcallers", None),
}


@pytest.mark.parametrize("wanted", HANDLERS)
def test_what_is_recorded_goes_by_a_fixed_precedence(
    wanted: tuple[int, ...], tool: ModuleType
) -> None:
    tracer = tool.Trace(*wanted)
    names = tuple(
        getattr(getattr(tracer, attribute, None), "__name__", None)
        for attribute in ("globaltrace", "localtrace")
    )
    assert names == HANDLERS[wanted]
    assert tracer.donothing == (names == (None, None))
    assert hasattr(tracer, "localtrace") == (names[1] is not None)
    assert hasattr(tracer, "globaltrace") == (names[0] is not None)


def test_runfunc_returns_the_result_and_counts(tool: ModuleType) -> None:
    tracer = tool.Trace(count=1, trace=0)
    assert tracer.runfunc(looped, 2) == 1
    assert counts_of(tracer, looped) == LOOPED_TWICE
    assert tracer.runfunc(looped, times=2) == 1
    assert counts_of(tracer, looped) == {1: 2, 2: 6, 3: 4, 4: 2}


def test_runfunc_takes_any_keyword(tool: ModuleType) -> None:
    tracer = tool.Trace(count=1, trace=0)
    assert tracer.runfunc(dict, self=1, func=2, cmd=3) == {
        "self": 1,
        "func": 2,
        "cmd": 3,
    }


def test_runfunc_wants_a_function(tool: ModuleType) -> None:
    tracer = tool.Trace(count=1, trace=0)
    with pytest.raises(TypeError, match="runfunc"):
        tracer.runfunc()
    with pytest.raises(TypeError):
        tracer.runfunc(func=looped)
    with pytest.raises(TypeError):
        tracer.runfunc(1)
    assert sys.gettrace() is None


def test_runctx_takes_strings_code_and_namespaces(tool: ModuleType) -> None:
    tracer = tool.Trace(count=1, trace=0)
    names: dict[str, Any] = {"looped": looped}
    local: dict[str, Any] = {}
    assert tracer.runctx("x = looped(2)", names, local) is None
    assert local == {"x": 1}
    tracer.runctx(compile("y = looped(2)", "<code>", "exec"), globals=names)
    assert "y" not in names  # locals are a dict of their own
    tracer.runctx("z = looped(2)", names, names)
    assert names["z"] == 1
    assert counts_of(tracer, looped) == {1: 3, 2: 9, 3: 6, 4: 3}
    tracer.runctx("global g; g = 1; h = 2")


def test_run_executes_in_main(tool: ModuleType, monkeypatch: Any) -> None:
    main = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    vars(main)["looped"] = looped
    tracer = tool.Trace(count=1, trace=0)
    tracer.run("result = looped(2)")
    assert vars(main)["result"] == 1
    assert counts_of(tracer, looped) == LOOPED_TWICE


def test_nothing_is_recorded_when_nothing_is_wanted(tool: ModuleType) -> None:
    tracer = tool.Trace(count=0, trace=0)
    assert tracer.runfunc(sys.gettrace) is None
    tracer.runctx("looped(2)", {"looped": looped})
    assert tracer.counts == {}


@pytest.mark.parametrize("how", ["runfunc", "runctx"])
def test_an_exception_comes_through_and_data_is_kept(
    how: str, tool: ModuleType
) -> None:
    tracer = tool.Trace(count=1, trace=0)
    runs = {
        "runfunc": lambda: tracer.runfunc(failing),
        "runctx": lambda: tracer.runctx("failing()", {"failing": failing}),
    }
    with pytest.raises(ValueError, match="on purpose"):
        runs[how]()
    assert counts_of(tracer, looped) == LOOPED_TWICE
    assert counts_of(tracer.results(), failing) == {1: 1, 2: 1}
    assert sys.gettrace() is None


@pytest.mark.parametrize("end", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_an_exit_comes_through_as_well(end: BaseException, tool: ModuleType) -> None:
    def ends() -> None:
        looped(2)
        raise end

    tracer = tool.Trace(count=1, trace=0)
    with pytest.raises(type(end)) as caught:
        tracer.runfunc(ends)
    assert caught.value is end
    assert counts_of(tracer, looped) == LOOPED_TWICE


def test_a_syntax_error_leaves_no_tracer_behind(tool: ModuleType) -> None:
    with pytest.raises(SyntaxError):
        tool.Trace(count=1, trace=0).runctx("a b")
    assert sys.gettrace() is None


@pytest.mark.parametrize("how", ["runfunc", "runctx"])
def test_a_tracer_that_was_there_before(how: str, tool: ModuleType) -> None:
    def before(frame: FrameType, event: str, arg: object) -> None:
        return None

    tracer = tool.Trace(count=1, trace=0)
    sys.settrace(before)
    try:
        if how == "runfunc":
            tracer.runfunc(looped, 2)
        else:
            tracer.runctx("looped(2)", {"looped": looped})
        after = sys.gettrace()
    finally:
        sys.settrace(None)
    # The standard module drops it.
    assert after is (before if is_exact(tool) else None)
    assert counts_of(tracer, looped) == LOOPED_TWICE


def in_thread(times: int) -> None:
    thread = threading.Thread(target=looped, args=(times,))
    thread.start()
    thread.join()


def test_runctx_traces_threads(tool: ModuleType) -> None:
    tracer = tool.Trace(count=1, trace=0)
    tracer.runctx("in_thread(2)", {"in_thread": in_thread})
    assert counts_of(tracer, looped) == LOOPED_TWICE
    in_thread(2)
    assert counts_of(tracer, looped) == LOOPED_TWICE


def test_runfunc_traces_threads_unlike_the_standard_module(tool: ModuleType) -> None:
    tracer = tool.Trace(count=1, trace=0)
    tracer.runfunc(in_thread, 2)
    assert counts_of(tracer, looped) == (LOOPED_TWICE if is_exact(tool) else {})


def test_functions_and_callers_are_noted(tool: ModuleType) -> None:
    if IMMORTAL_TYPES and not is_exact(tool):
        pytest.skip("the standard module finds no classes here (gh-117783)")
    here = __file__, "test_api"
    tracer = tool.Trace(countfuncs=1)
    tracer.runfunc(calling)
    assert tracer.results().calledfuncs == {
        (*here, "calling"): 1,
        (*here, "doubled"): 1,
    }
    assert tracer.results().callers == tracer.results().counts == {}
    tracer = tool.Trace(countcallers=1)
    tracer.runfunc(calling)
    root = os.path.splitext(str(tool.__file__))[0] + ".py", "trace", "Trace.runfunc"
    assert tracer.results().callers == {
        (root, (*here, "calling")): 1,
        ((*here, "calling"), (*here, "doubled")): 1,
    }
    assert tracer.results().calledfuncs == tracer.results().counts == {}


# Results


def test_results_share_the_counts_and_copy_the_rest(tool: ModuleType) -> None:
    tracer = tool.Trace(count=1, trace=0)
    tracer.runfunc(looped, 2)
    results = tracer.results()
    assert isinstance(results, tool.CoverageResults)
    assert type(results.counts) is dict
    assert results.counts is tracer.counts
    assert results.counter == results.counts
    assert results.counter is not results.counts
    tracer.runfunc(looped, 2)
    assert counts_of(results, looped) == {1: 2, 2: 6, 3: 4, 4: 2}
    assert results.calledfuncs is not tracer._calledfuncs
    assert results.callers is not tracer._callers
    assert tracer.results() is not results


def test_counts_can_be_changed_between_runs(tool: ModuleType) -> None:
    tracer = tool.Trace(count=1, trace=0)
    tracer.runfunc(looped, 2)
    tracer.counts.clear()
    tracer.runfunc(looped, 2)
    assert counts_of(tracer, looped) == LOOPED_TWICE
    tracer.counts = {}
    tracer.runfunc(looped, 2)
    assert counts_of(tracer, looped) == LOOPED_TWICE
    assert tracer.results().counts is tracer.counts


def test_results_add_the_infile(tool: ModuleType, tmp_path: Path) -> None:
    infile = tmp_path / "counts"
    infile.write_bytes(pickle.dumps(({("f", 1): 2}, {("f", "m", "g"): 1}, {})))
    tracer = tool.Trace(count=1, trace=0, infile=str(infile))
    tracer.counts["f", 1] = 1
    first = tracer.results()
    assert first.counts == {("f", 1): 3}
    assert first.counter == {("f", 1): 1}
    assert first.calledfuncs == {("f", "m", "g"): 1}
    # The standard module adds it each time.
    assert tracer.results().counts == {("f", 1): 3 if is_exact(tool) else 5}


def test_results_are_made_of_dicts(tool: ModuleType) -> None:
    empty = tool.CoverageResults()
    assert (empty.counts, empty.counter, empty.calledfuncs, empty.callers) == (
        {},
        {},
        {},
        {},
    )
    assert (empty.infile, empty.outfile) == (None, None)
    counts, functions = {("f", 1): 1}, {("f", "m", "g"): 1}
    callers = {(("f", "m", "g"), ("f", "m", "h")): 1}
    results = tool.CoverageResults(counts, functions, None, callers, "out")
    assert results.counts is counts
    assert results.calledfuncs == functions
    assert results.callers == callers
    assert results.calledfuncs is not functions
    assert results.outfile == "out"


def test_update_adds_counts_and_joins_the_rest(tool: ModuleType) -> None:
    def made(count: int, name: str) -> Any:
        key = "f", "m", name
        return tool.CoverageResults({("f", 1): count}, {key: 5}, None, {(key, key): 5})

    results = made(1, "a")
    results.update(made(2, "b"))
    results.update(tool.CoverageResults({("f", 2): 7}))
    assert results.counts == {("f", 1): 3, ("f", 2): 7}
    assert results.calledfuncs == {("f", "m", "a"): 5, ("f", "m", "b"): 1}
    assert sorted(results.callers.values()) == [1, 5]
    assert results.counter == {("f", 1): 1}


@pytest.mark.parametrize(
    ("name", "ignored"),
    [("<string>", True), ("<>", True), ("<a", False), ("a>", False), ("a.py", False)],
)
def test_names_in_angle_brackets_are_no_files(
    name: str, ignored: bool, tool: ModuleType
) -> None:
    assert tool.CoverageResults().is_ignored_filename(name) is ignored


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "[Errno 2] No such file or directory: "),
        (b"", "Ran out of input"),
    ],
)
def test_a_counts_file_that_is_not_there_is_skipped_with_a_line(
    content: bytes | None, message: str, tool: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "counts"
    if content is not None:
        path.write_bytes(content)
    errors = io.StringIO()
    with redirect_stderr(errors):
        results = tool.CoverageResults(infile=str(path))
    assert results.counts == {}
    assert errors.getvalue().startswith(
        f"Skipping counts file {str(path)!r}: {message}"
    )


def test_a_counts_file_that_cannot_be_written_costs_a_line(
    tool: ModuleType, tmp_path: Path
) -> None:
    path = str(tmp_path / "missing" / "counts")
    errors = io.StringIO()
    with redirect_stderr(errors):
        tool.CoverageResults(outfile=path).write_results()
    assert errors.getvalue() == (
        "Can't save counts files because [Errno 2] No such file or directory: "
        f"{path!r}\n"
    )


def test_each_module_reads_the_counts_file_of_the_other(
    tool: ModuleType, tmp_path: Path
) -> None:
    path = str(tmp_path / "counts")
    source = tmp_path / "source.py"
    source.write_text("x = 1\n")
    function = (str(source), "source", "f")
    other = "trace" if is_exact(tool) else "exactrace"
    counts = {(str(source), 1): 2**62, ("<string>", 0): 3}
    tool.CoverageResults(
        dict(counts), {function: 1}, None, {(function, function): 1}, path
    ).write_results(coverdir=str(tmp_path))
    read = importlib.import_module(other).CoverageResults(infile=path)
    assert (read.counts, read.calledfuncs) == (counts, {function: 1})
    assert read.callers == {(function, function): 1}
    assert pickle.loads(Path(path).read_bytes()) == (
        counts,
        {function: 1},
        {(function, function): 1},
    )


# Reports

SOURCE = """\
def f(x):
    if x:
        return 1
    return 2  #pragma NO COVER

f(1)
"""


def write_program(folder: Path) -> tuple[str, dict[tuple[str, int], int]]:
    """Write a program: its name, and counts that it could have."""
    path = folder / "program.py"
    path.write_text(SOURCE)
    return str(path), {(str(path), line): n for line, n in ((1, 1), (2, 2), (6, 1))}


@pytest.mark.parametrize("missing", [True, False])
def test_a_report_is_written(missing: bool, tool: ModuleType, tmp_path: Path) -> None:
    name, counts = write_program(tmp_path)
    output = io.StringIO()
    with redirect_stdout(output):
        returned = tool.CoverageResults(counts).write_results(
            show_missing=missing, summary=True, coverdir=str(tmp_path / "covers")
        )
    assert returned is None
    mark = ">>>>>>" if missing else "      "
    module = tool._fullmodname(name)
    assert (tmp_path / "covers" / f"{module}.cover").read_text() == (
        "    1: def f(x):\n"
        "    2:     if x:\n"
        f"{mark}         return 1\n"
        "           return 2  #pragma NO COVER\n"
        "       \n"
        "    1: f(1)\n"
    )
    share = ("75%", "75.0%") if missing else ("100%", "100.0%")
    lines = 4 if missing else 3
    assert output.getvalue() == (
        "lines   cov%   module   (path)\n"
        f"{lines:5d}   {share[sys.version_info >= (3, 14)]:>4}   {module}   ({name})\n"
    )


def test_a_listing_goes_beside_the_source(tool: ModuleType, tmp_path: Path) -> None:
    _, counts = write_program(tmp_path)
    tool.CoverageResults(counts).write_results()
    assert (tmp_path / "program.cover").exists()


def test_a_listing_of_given_lines(tool: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "listing"
    lines = ["a\tb\n", "\tc\n", "d #pragma NO COVER\n", "e\n", "\u00e9"]
    returned = tool.CoverageResults().write_results_file(
        str(path), lines, {2: 1, 3: 1, 5: 1}, {1: 123456, 9: 1}, encoding="latin-1"
    )
    assert returned == (1, 3)
    assert path.read_bytes() == (
        b"123456: a       b\n>>>>>>         c\n       d #pragma NO COVER\n"
        b"       e\n>>>>>> \xe9"
    )


def test_a_listing_that_cannot_be_written_costs_a_line(
    tool: ModuleType, tmp_path: Path
) -> None:
    path = str(tmp_path / "missing" / "listing")
    errors = io.StringIO()
    with redirect_stderr(errors):
        returned = tool.CoverageResults().write_results_file(path, [], {}, {})
    assert returned == (0, 0)
    assert errors.getvalue() == (
        f"trace: Could not open {path!r} for writing: [Errno 2] No such file or "
        f"directory: {path!r} - skipping\n"
    )


def test_a_source_that_is_gone_is_an_error(tool: ModuleType, tmp_path: Path) -> None:
    counts = {(str(tmp_path / "gone.py"), 1): 1}
    with redirect_stderr(io.StringIO()), pytest.raises(FileNotFoundError):
        tool.CoverageResults(counts).write_results(coverdir=str(tmp_path))


@pytest.mark.skipif(not NEW_LINES, reason="the standard module has it from 3.13 on")
def test_a_source_that_is_gone_can_be_passed_over(
    tool: ModuleType, tmp_path: Path
) -> None:
    _, counts = write_program(tmp_path)
    counts[str(tmp_path / "gone.py"), 1] = 1
    errors = io.StringIO()
    with redirect_stderr(errors):
        tool.CoverageResults(counts).write_results(ignore_missing_files=True)
    assert errors.getvalue() == ""
    assert (tmp_path / "program.cover").exists()


def test_functions_and_callers_are_printed(tool: ModuleType) -> None:
    functions = {("b.py", "b", "g"): 1, ("a.py", "a", "f"): 1, ("a.py", "a", "C.m"): 1}
    a, b = ("a.py", "a", "f"), ("b.py", "b", "g")
    output = io.StringIO()
    with redirect_stdout(output):
        tool.CoverageResults(
            calledfuncs=functions, callers={(a, b): 1, (b, a): 1, (a, a): 1, (b, b): 1}
        ).write_results()
    assert output.getvalue() == textwrap.dedent(
        """
        functions called:
        filename: a.py, modulename: a, funcname: C.m
        filename: a.py, modulename: a, funcname: f
        filename: b.py, modulename: b, funcname: g

        calling relationships:

        *** a.py ***
            a.f -> a.f
          --> b.py
            a.f -> b.g

        *** b.py ***
          --> a.py
            b.g -> a.f
            b.g -> b.g
        """
    )


def test_a_replaced_write_results_file_is_called(
    tool: ModuleType, tmp_path: Path
) -> None:
    calls = []

    class Results(tool.CoverageResults):  # type: ignore[name-defined, misc]
        def write_results_file(self, path: str, *rest: Any) -> tuple[int, int]:
            calls.append((path, *rest))
            return 1, 2

    _, counts = write_program(tmp_path)
    output = io.StringIO()
    with redirect_stdout(output):
        Results(counts).write_results(summary=True)
    lines = SOURCE.splitlines(keepends=True)
    assert len(calls) == 1
    path, source, marked, hits, encoding = calls[0]
    assert (path, source) == (str(tmp_path / "program.cover"), lines)
    assert (hits, encoding) == ({1: 1, 2: 2, 6: 1}, "utf-8")
    assert {line for line in marked if line} == {1, 2, 3, 4, 6}
    assert "    2   " in output.getvalue()


def test_a_changed_pragma_is_used(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tool.PRAGMA_NOCOVER == "#pragma NO COVER"
    monkeypatch.setattr(tool, "PRAGMA_NOCOVER", "return 1")
    _, counts = write_program(tmp_path)
    tool.CoverageResults(counts).write_results()
    listing = (tmp_path / "program.cover").read_text().split("\n")
    assert listing[2] == "               return 1"
    assert listing[3] == ">>>>>>     return 2  #pragma NO COVER"


def test_a_replaced_finder_of_lines_is_used(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, counts = write_program(tmp_path)
    asked = []

    def find(filename: str) -> dict[int, int]:
        asked.append(filename)
        return {5: 1}

    monkeypatch.setattr(tool, "_find_executable_linenos", find)
    tool.CoverageResults(counts).write_results()
    assert asked == [name]
    listing = (tmp_path / "program.cover").read_text().split("\n")
    assert listing[2:5:2] == ["               return 1", ">>>>>> "]


# Hooks that were never documented


@contextmanager
def traced(tracer: Any) -> Iterator[None]:
    """The recipe that is copied most: trace a block, and threads."""
    sys.settrace(tracer.globaltrace)
    threading.settrace(tracer.globaltrace)
    try:
        yield
    finally:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]


def test_globaltrace_can_be_given_to_settrace(tool: ModuleType) -> None:
    tracer = tool.Trace(count=1, trace=0)
    with traced(tracer):
        looped(2)
        in_thread(2)
    looped(2)
    assert counts_of(tracer, looped) == {1: 2, 2: 6, 3: 4, 4: 2}
    assert counts_of(tracer.results(), looped) == {1: 2, 2: 6, 3: 4, 4: 2}


@pytest.mark.parametrize("option", ["countfuncs", "countcallers"])
def test_globaltrace_of_functions_can_be_given_to_settrace(
    option: str, tool: ModuleType
) -> None:
    tracer = tool.Trace(count=0, trace=0, **{option: 1})
    with traced(tracer):
        calling()
    results = tracer.results()
    here = __file__, "test_api"
    if option == "countfuncs":
        assert (*here, "calling") in results.calledfuncs
        assert (*here, "doubled") in results.calledfuncs
    else:
        assert ((*here, "calling"), (*here, "doubled")) in results.callers


def test_globaltrace_of_lines_can_be_given_to_settrace(tool: ModuleType) -> None:
    output = io.StringIO()
    with redirect_stdout(output):
        tracer = tool.Trace(count=0, trace=1)
        sys.settrace(tracer.globaltrace)
        doubled(2)
        sys.settrace(None)
    space = "  " if NEW_LINES else " "
    line = doubled.__code__.co_firstlineno + 1
    assert output.getvalue() == (
        " --- modulename: test_api, funcname: doubled\n"
        f"test_api.py({line}):{space}    return n * 2\n"
    )


def by_trace_function(tool: ModuleType) -> Any:
    """Return a tracer that counts by a trace function, as the standard one."""
    options = {"engine": "settrace"} if is_exact(tool) else {}
    return tool.Trace(count=1, trace=0, **options)


def test_the_trace_function_can_be_saved_and_restored(tool: ModuleType) -> None:
    tracer = by_trace_function(tool)

    def program() -> None:
        saved = sys.gettrace()
        sys.settrace(None)
        looped(5)
        sys.settrace(saved)
        looped(2)

    tracer.runfunc(program)
    assert counts_of(tracer, looped) == LOOPED_TWICE


def test_an_overridden_globaltrace_lt_is_called(tool: ModuleType) -> None:
    seen = []

    class Tracer(tool.Trace):  # type: ignore[name-defined, misc]
        def globaltrace_lt(self, frame: FrameType, why: str, arg: object) -> Any:
            seen.append((why, frame.f_code.co_name))
            return super().globaltrace_lt(frame, why, arg)

    tracer = Tracer(count=1, trace=0)
    tracer.runfunc(calling)
    assert seen == [("call", "calling"), ("call", "doubled"), ("call", "doubled")]
    assert counts_of(tracer, doubled) == {1: 2}


def test_an_overridden_globaltrace_lt_can_leave_out_frames(tool: ModuleType) -> None:
    class Tracer(tool.Trace):  # type: ignore[name-defined, misc]
        def globaltrace_lt(self, frame: FrameType, why: str, arg: object) -> Any:
            if frame.f_code.co_name == "doubled":
                return None
            return self.localtrace

    tracer = Tracer(count=1, trace=0)
    tracer.runfunc(calling)
    assert counts_of(tracer, doubled) == {}
    assert counts_of(tracer, calling) == {1: 1}


def test_an_overridden_localtrace_count_is_called(tool: ModuleType) -> None:
    events = []

    class Tracer(tool.Trace):  # type: ignore[name-defined, misc]
        def localtrace_count(self, frame: FrameType, why: str, arg: object) -> Any:
            events.append(why)
            return super().localtrace_count(frame, why, arg)

    tracer = Tracer(count=1, trace=0)
    tracer.runfunc(doubled, 2)
    assert events == ["line", "return"]
    assert counts_of(tracer, doubled) == {1: 1}


@pytest.mark.parametrize("attribute", ["localtrace", "globaltrace"])
def test_a_replaced_trace_function_is_called(attribute: str, tool: ModuleType) -> None:
    events = []

    def replaced(frame: FrameType, why: str, arg: object) -> Any:
        events.append(f"{frame.f_code.co_name} {why}")
        return replaced

    tracer = tool.Trace(count=1, trace=0)
    setattr(tracer, attribute, replaced)
    tracer.runfunc(doubled, 2)
    expected = ["doubled call", "doubled line", "doubled return"]
    assert events == expected[attribute == "localtrace" :]
    assert tracer.counts == {}


def test_a_method_replaced_on_the_class_is_called(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def named(self: object, frame: FrameType) -> tuple[str, str, str]:
        return "file", "module", frame.f_code.co_name.upper()

    monkeypatch.setattr(tool.Trace, "file_module_function_of", named)
    tracer = tool.Trace(countfuncs=1)
    tracer.runfunc(calling)
    assert sorted(tracer.results().calledfuncs) == [
        ("file", "module", "CALLING"),
        ("file", "module", "DOUBLED"),
    ]


def test_handlers_can_be_called_by_hand(tool: ModuleType) -> None:
    tracer = tool.Trace(count=1, trace=0)
    frame = sys._getframe()
    line = frame.f_lineno + 1
    local = tracer.globaltrace(frame, "call", None)
    assert local == tracer.localtrace
    assert local(frame, "line", None) == tracer.localtrace
    assert tracer.globaltrace(frame, "line", None) is None
    assert tracer.counts == {(__file__, line + 2): 1}
    assert tracer.file_module_function_of(frame) == (
        __file__,
        "test_api",
        "test_handlers_can_be_called_by_hand",
    )


class IgnoreByFunction:
    def __init__(self, ignored: str) -> None:
        self.ignored = ignored
        self.asked: list[tuple[str, str]] = []

    def names(self, filename: str, modulename: str) -> bool:
        self.asked.append((filename, modulename))
        return modulename == self.ignored


@pytest.mark.parametrize("ignored", ["test_api", "other"])
def test_a_replaced_ignore_object_is_asked(ignored: str, tool: ModuleType) -> None:
    tracer = tool.Trace(count=1, trace=0)
    tracer.ignore = IgnoreByFunction(ignored)
    tracer.runfunc(calling)
    assert tracer.ignore.asked == [(__file__, "test_api")] * 3
    assert counts_of(tracer, doubled) == ({} if ignored == "test_api" else {1: 2})


def test_a_subclass_of_the_ignore_class_is_asked(tool: ModuleType) -> None:
    asked = []

    class Ignore(tool._Ignore):  # type: ignore[name-defined, misc]
        def names(self, filename: str, modulename: str) -> int:
            asked.append(modulename)
            return int(super().names(filename, modulename))

    tracer = tool.Trace(count=1, trace=0)
    tracer.ignore = Ignore(["doubled"], [])
    tracer.runfunc(calling)
    assert asked == ["test_api"] * 3
    assert counts_of(tracer, doubled) == {1: 2}


@pytest.mark.parametrize(
    ("options", "ignored"),
    [
        ({"ignoremods": ["test_api"]}, True),
        ({"ignoremods": ["test"]}, False),
        ({"ignoremods": ["test_api.inner"]}, False),
        ({"ignoredirs": [os.path.dirname(__file__)]}, True),
        ({"ignoredirs": [os.path.dirname(__file__) + "/../compat/."]}, True),
        ({"ignoredirs": [os.path.dirname(__file__)[:-1]]}, False),
        ({"ignoredirs": [__file__]}, False),
        ({"ignoremods": (), "ignoredirs": ()}, False),
        ({"ignoremods": None, "ignoredirs": None}, False),
    ],
)
def test_modules_and_folders_are_ignored(
    options: dict[str, Any], ignored: bool, tool: ModuleType
) -> None:
    tracer = tool.Trace(count=1, trace=0, **options)
    tracer.runfunc(looped, 2)
    assert counts_of(tracer, looped) == ({} if ignored else LOOPED_TWICE)


def test_the_ignore_class_answers_as_in_the_standard_module(tool: ModuleType) -> None:
    ignore = tool._Ignore(["a", "b.c"], ["/lib", "/other/"])
    asked = [
        ("/x/a.py", "a"),
        ("/x/ab.py", "ab"),
        ("/x/b.py", "b"),
        ("/x/c.py", "b.c"),
        ("/x/d.py", "b.c.d"),
        ("/lib/e.py", "e"),
        ("/lib.py", "lib"),
        ("/other/deep/f.py", "f"),
        ("/otherwise/g.py", "g"),
        (None, "built_in"),
        ("<string>", "<string>"),
        ("/lib/ab.py", "ab"),  # known by its name
    ]
    answers = [ignore.names(filename, name) for filename, name in asked]
    assert answers == [1, 0, 0, 1, 1, 1, 0, 1, 0, 1, 1, 0]
    assert ignore._ignore["e"] == 1


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a/b.py", "b"),
        ("b.pyc", "b"),
        ("/a/.hidden", ".hidden"),
        ("a.b.py", "a.b"),
        ("/a/", ""),
        ("<string>", "<string>"),
        ("", ""),
    ],
)
def test_the_module_name_of_a_path(path: str, name: str, tool: ModuleType) -> None:
    assert tool._modname(path) == name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/x/lib/pkg/mod.py", "pkg.mod"),
        ("/x/lib/pkg/__init__.py", "pkg.__init__"),
        ("/x/lib/site/deep/mod.py", "deep.mod"),
        ("/x/library/mod.py", "x.library.mod"),
        ("relative/mod.py", "relative.mod"),
        ("./mod.py", "mod"),
        ("mod", "mod"),
    ],
)
def test_the_full_module_name_of_a_path(
    path: str, name: str, tool: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", ["/x/lib", "/x/lib/site", "/y"])
    assert tool._fullmodname(path) == name


LINES_SOURCE = '''\
"""Module."""
import os

def f(a,
      b=1):
    """Doc."""
    return (a +
            b)

class C:
    "Doc."
    x = 1

    async def m(self):
        """More
        lines."""
        lambda: 2
'''


def test_the_lines_that_can_run_are_found(tmp_path: Path) -> None:
    path = tmp_path / "lines.py"
    path.write_text(LINES_SOURCE)
    code = compile(LINES_SOURCE, str(path), "exec")
    found: list[list[object]] = []
    for name in ("trace", "exactrace"):
        tool = importlib.import_module(name)
        strings = tool._find_strings(str(path))
        assert strings == {1: 1, 6: 1, 11: 1, 15: 1, 16: 1}
        assert strings == tool._find_strings(str(path), encoding="utf-8")
        found.append(
            [
                tool._find_lines_from_code(code, strings),
                tool._find_lines_from_code(code, {2: 1}),
                tool._find_lines(code, strings),
                tool._find_lines(code, {}),
                tool._find_executable_linenos(str(path)),
            ]
        )
    assert found[0] == found[1]
    lines = found[0][-1]
    assert isinstance(lines, dict)
    assert {2, 4, 7, 8, 10, 12, 14, 17} <= lines.keys()


def test_lines_of_a_file_that_is_gone_cost_a_line(
    tool: ModuleType, tmp_path: Path
) -> None:
    errors = io.StringIO()
    path = str(tmp_path / "gone.py")
    with redirect_stderr(errors):
        assert tool._find_executable_linenos(path) == {}
    assert errors.getvalue() == (
        f"Not printing coverage data for {path!r}: [Errno 2] No such file or "
        f"directory: {path!r}\n"
    )


def test_lines_of_a_file_that_does_not_compile_are_an_error(
    tool: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "bad.py"
    path.write_text("a b\n")
    with pytest.raises(SyntaxError):
        tool._find_executable_linenos(str(path))


# As others use it


def test_coverage_by_hand(tool: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(SOURCE)
    tracer = tool.Trace(count=1, trace=0, ignoredirs=[sys.prefix, sys.exec_prefix])
    names = {"__file__": str(path), "__name__": "program"}
    tracer.runctx(compile(SOURCE, str(path), "exec"), names, names)
    counts = tracer.results().counts
    could = {n for n in tool._find_executable_linenos(str(path)) if n and n > 0}
    did = {line for filename, line in counts if filename == str(path) and line > 0}
    assert could == {1, 2, 3, 4, 6}
    assert did == {1, 2, 3, 6}


def test_a_tracer_that_is_started_and_stopped(tool: ModuleType) -> None:
    class Coverage(tool.Trace):  # type: ignore[name-defined, misc]
        started = False

        def start(self) -> None:
            sys.settrace(self.globaltrace)
            if hasattr(threading, "settrace"):
                threading.settrace(self.globaltrace)
            self.started = True

        def stop(self) -> None:
            sys.settrace(None)
            threading.settrace(None)  # type: ignore[arg-type]
            self.started = False

    coverage = Coverage(count=True, trace=False)
    coverage.ignore = IgnoreByFunction("ignored")
    assert not coverage.donothing
    coverage.start()
    looped(2)
    coverage.stop()
    looped(2)
    assert counts_of(coverage, looped) == LOOPED_TWICE


def test_a_tracer_can_be_seen_by_gettrace(tool: ModuleType) -> None:
    tracer = by_trace_function(tool)
    seen = tracer.runfunc(sys.gettrace)
    assert seen is not None
    assert tracer.runfunc(lambda: callable(sys.gettrace()))


def test_runs_nest(tool: ModuleType) -> None:
    outer, inner = by_trace_function(tool), by_trace_function(tool)

    def program() -> None:
        looped(1)
        inner.runfunc(looped, 2)
        looped(1)

    outer.runfunc(program)
    assert counts_of(inner, looped) == LOOPED_TWICE
    # The standard module does not go on after the inner run.
    times = 2 if is_exact(tool) else 1
    assert counts_of(outer, looped) == {1: times, 2: 2 * times, 3: times, 4: times}
