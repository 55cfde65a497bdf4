"""What the tests of code that runs seldom share."""

from __future__ import annotations

import contextlib
import itertools
import textwrap
from pathlib import Path
from typing import Any

from beside import ENGINES, run, write

import exactrace
from exactrace import datafolder
from exactrace.results import CoverageResults

TOLD_BY = [engine for engine in ENGINES if engine != "settrace"]

Counts = dict[int, int]


def counted(engine: str, source: str, **names: Any) -> Counts:
    """Run a body, which may use the names given and `look`, which reads counts."""
    tracer = exactrace.Trace(count=1, trace=0, engine=engine)
    code = compile(textwrap.dedent(source), "/program.py", "exec")
    space: dict[str, Any] = {"__name__": "__main__", "__file__": "/program.py"}
    space.update(names, look=lambda: looks.append(lines_of(tracer)), tracer=tracer)
    looks: list[Counts] = []
    with contextlib.suppress(ValueError, SystemExit):
        tracer.runctx(code, space, space)
    looks.append(lines_of(tracer))
    for early, late in itertools.pairwise(looks):
        assert all(late.get(line, 0) >= hits for line, hits in early.items())
    return {
        1000 * number + line: n
        for number, of in enumerate(looks)
        for line, n in of.items()
    }


def lines_of(tracer: Any) -> Counts:
    return {
        line: hits
        for (name, line), hits in tracer.counts.items()
        if name == "/program.py" and line > 0
    }


def left_by(folder: Path, source: str) -> CoverageResults:
    """What a program leaves that is killed, in the file that it is told."""
    write(folder, "prog.py", source)
    (folder / "data").mkdir(mode=0o700)
    data = str(folder / "data")
    run(["prog.py", f"{data}/counts{datafolder.SUFFIX}"], folder)
    results, _, _ = datafolder.read(data, datafolder.files(data))
    return results


# What may have the interpreter forget, or run code without telling us. The settrace
# engine gives way to some of it: the other engines are told the same by events.
MEANWHILE = {
    "a tool begins in a call": """\
        import sys
        tools = sys.monitoring
        def begin():
            tools.use_tool_id(4, "other")
            for event in (tools.events.LINE, tools.events.BRANCH, tools.events.PY_START):
                tools.register_callback(4, event, lambda *_: None)
            tools.set_events(4, tools.events.LINE | tools.events.BRANCH)
        def end():
            tools.set_events(4, 0)
            tools.free_tool_id(4)
        """,
    "a tool without callbacks": """\
        import sys
        tools = sys.monitoring
        def begin():
            tools.use_tool_id(4, "other")
            tools.set_events(4, tools.events.BRANCH | tools.events.LINE)
        def end():
            tools.set_events(4, 0)
            tools.free_tool_id(4)
        """,
    "a tool of one code object": """\
        import sys
        tools = sys.monitoring
        def begin():
            tools.use_tool_id(4, "other")
            tools.set_local_events(4, f.__code__, tools.events.BRANCH)
        def end():
            tools.set_local_events(4, f.__code__, 0)
            tools.free_tool_id(4)
        """,
    "a profile function that calls it": """\
        import sys
        def profile(*_):
            if len(deep) < 30:
                deep.append(1)
                f(7)
        deep = []
        def begin(): sys.setprofile(profile)
        def end(): sys.setprofile(None)
        """,
    "a trace function that calls it": """\
        import sys
        def tracing(*_):
            if len(deep) < 30:
                deep.append(1)
                f(7)
        deep = []
        def begin(): sys.settrace(tracing)
        def end(): sys.settrace(None)
        """,
    "another session": """\
        import exactrace
        def begin():
            global other
            other = exactrace.Trace(count=1, trace=0)
            other.start()
        def end():
            other.stop()
        """,
}


def check_meanwhile(name: str, beside: str, most: int) -> None:
    """Probes count as events do a program that calls `begin` and `end` of one of
    MEANWHILE; in callbacks probes count too, where there are any: up to `most` more.
    """
    source = textwrap.dedent(MEANWHILE[name]) + textwrap.dedent(beside)
    counts = {engine: counted(engine, source) for engine in ("event", "probe")}
    if "that calls it" in name:
        more = {
            key: counts["probe"].get(key, 0) - n for key, n in counts["event"].items()
        }
        assert all(0 <= difference <= most for difference in more.values())
    else:
        assert counts["probe"] == counts["event"]
