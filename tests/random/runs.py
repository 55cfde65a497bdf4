"""Runs a program under something that counts, and compares such runs.

python tests/random/runs.py            read sources as JSON strings, one a
                                       line, answer with lists of differences
"""

from __future__ import annotations

import gc
import inspect
import json
import sys
import sysconfig
import tempfile
import trace
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from programs import FOLDER, PROGRAM

import exactrace

Lines = dict[tuple[str, int], int]
CHOICE = "engine" in inspect.signature(exactrace.Trace).parameters
FREE = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
MONITORING = sys.version_info >= (3, 12) and not FREE
ENGINES = ("settrace", "event", "probe") if CHOICE and MONITORING else ("settrace",)


@dataclass
class Run:
    """What one run gave."""

    said: list[object] = field(default_factory=list)
    lines: Lines = field(default_factory=dict)
    branches: dict[Any, dict[bool, int]] = field(default_factory=dict)
    calls: dict[Any, int] = field(default_factory=dict)


def plain(value: object) -> object:
    """What can be compared across runs: no addresses."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or type(value) in (int, bool, str):
        return value
    return type(value).__name__


def execute(
    source: str, said: list[object], start: Callable[[CodeType, dict[str, Any]], None]
) -> None:
    """Let `start` run a program, so that nothing else decides what it does."""

    def unraisable(what: Any) -> None:
        said.append(["unraisable", type(what.exc_value).__name__])

    code = compile(source, PROGRAM, "exec", dont_inherit=True)
    names: dict[str, Any] = {"__name__": "program", "__file__": PROGRAM}
    names["say"] = lambda *values: said.append(plain(values))
    hook, sys.unraisablehook = sys.unraisablehook, unraisable
    gc.collect()
    gc.disable()  # cycles would be found at other times when something counts
    try:
        start(code, names)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        said.append(["ended by", type(error).__name__])
    finally:
        names.clear()
        gc.enable()
        gc.collect()
        sys.unraisablehook = hook


def ours(counts: dict[Any, Any]) -> dict[Any, Any]:
    """Of counts by (file name, ...) those of the program and its snippets."""
    return {key: hits for key, hits in counts.items() if key[0].startswith(FOLDER)}


def bare(source: str) -> Run:
    run = Run()
    execute(source, run.said, exec)
    return run


def standard(source: str) -> Run:
    """A run under the standard module."""
    tracer = trace.Trace(count=1, trace=0)
    run = Run()
    execute(source, run.said, lambda code, names: tracer.runctx(code, names, names))
    run.lines = ours(tracer.results().counts)
    return run


def under(
    source: str, engine: str, *, branch: bool = False, in_file: bool = False
) -> Run:
    """A run under an engine of ours, whose counts may stand in a mapped file."""
    options: dict[str, Any] = {"engine": engine} if CHOICE else {}
    if branch:
        options["branch"] = True
    tracer = exactrace.Trace(count=1, trace=0, **options)
    run = Run()
    with ExitStack() as stack:
        if in_file:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            tracer._keep_in(f"{folder}/counts", tracer._plan() or 0, ())
            stack.callback(tracer._keep_no_more)
        execute(source, run.said, lambda code, names: tracer.runctx(code, names, names))
        results = tracer.results()
    run.lines = ours(results.counts)
    if branch:
        run.branches = ours(results.branches)
        run.calls = ours(results.calls)
    return run


def different(name: str, expected: dict[Any, Any], got: dict[Any, Any]) -> list[str]:
    """Say where two dicts of hits differ; what is 0 may be missing."""
    found = []
    for key in sorted({*expected, *got}, key=repr):
        one, two = expected.get(key, 0), got.get(key, 0)
        if one != two:
            found.append(f"{name}: {key}: {one} expected, got {two}")
    return found


def outcomes(source: str) -> tuple[list[object], dict[Any, int], Any]:
    """What the program says, its branches and calls, by INSTRUCTION events."""
    import instruction_reference

    found = instruction_reference.Outcomes()

    def start(code: CodeType, names: dict[str, Any]) -> None:
        instruction_reference.measure(
            lambda: exec(code, names),
            lambda name: name.startswith(FOLDER),
            found,
        )

    said: list[object] = []
    execute(source, said, start)
    return said, flat(found.by_place(), found.unclear), found


def flat(branches: dict[Any, dict[bool, int]], unclear: set[Any]) -> dict[Any, int]:
    """Return the hits of each side; of both together where they look the same."""
    hits: dict[Any, int] = {}
    for place, sides in branches.items():
        for outcome, count in sides.items():
            key = (*place, None if place in unclear else outcome)
            hits[key] = hits.get(key, 0) + count
    return hits


def outcomes_differ(
    source: str, said: list[object], engine: str, run: Run
) -> list[str]:
    """Compare branches and calls with the reference."""
    says, expected, found = outcomes(source)
    if says != said:
        return ["reference: the program said something else under it"]
    if engine == "event":
        for place in found.untold:
            assert place not in run.branches
            for outcome in (True, False, None):
                expected.pop((*place, outcome), None)
    return different(
        "branches", expected, flat(run.branches, found.unclear)
    ) + different("calls", found.calls, run.calls)


def differences(source: str, engines: tuple[str, ...] = ENGINES) -> list[str]:
    """Run a program under the standard module and engines: what differs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        said = bare(source).said
        if "RecursionError" in repr(said):
            return []  # how deep it comes depends on who calls
        counted = standard(source)
        runs = [(engine, under(source, engine)) for engine in engines]
        found = []
        for engine in engines:
            if engine != "settrace":
                runs.append((f"{engine}, branch", under(source, engine, branch=True)))
                found += outcomes_differ(source, said, engine, runs[-1][1])
            if engine == "probe":  # code that runs seldom is counted otherwise there
                runs.append(
                    (f"{engine}, in a file", under(source, engine, in_file=True))
                )
    for name, run in (("the standard module", counted), *runs):
        found += different(name, counted.lines, run.lines)
        if run.said != said:
            pairs = zip(said, run.said, strict=False)
            where = next((pair for pair in pairs if pair[0] != pair[1]), "the length")
            found.append(f"{name}: said something else: {where}")
    return found


def serve() -> None:
    """Answer requests, [source, engines], until there are no more. With no
    engines the program is only run, which shows whether Python itself can.
    """
    for request in sys.stdin:
        source, engines = json.loads(request)
        if engines:
            answer = differences(source, tuple(engines))
        else:
            bare(source)
            answer = []
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve()
