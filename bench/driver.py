# SPDX-License-Identifier: Apache-2.0
"""Run one program under one tool, in this process, and record what it cost.

    python driver.py TOOL RECORD PROGRAM [ARGUMENT ...]

RECORD is a JSON file to write: {"cpu": seconds, "peak": KiB, "events": lines
counted, 0 if the tool does not say how often a line ran}. The time is the CPU
time of all threads from before the program is compiled until the tool has been
stopped and holds its results. What comes before (imports, reading the
configuration) and after it (reports, files) is not in it.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import CodeType

Run = Callable[[], object]


class Program:
    """A program that is to be run as `__main__`."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self.source = Path(self.path).read_text(encoding="utf-8")
        module = type(sys)("__main__")
        module.__dict__.update(__file__=self.path, __builtins__=__builtins__)
        sys.modules["__main__"] = module
        self.namespace = module.__dict__

    def compile(self) -> CodeType:
        return compile(self.source, self.path, "exec")

    def run(self) -> None:
        exec(self.compile(), self.namespace)


def plain(program: Program) -> Run:
    """No tool at all."""
    return program.run


def tracing(module: str, **modes: int) -> Callable[[Program], Run]:
    """The standard module, or a replacement of it, without the standard library."""

    def prepare(program: Program) -> Run:
        tracer = importlib.import_module(module).Trace(
            **{"count": 0, "trace": 0, **modes},
            ignoredirs=[os.path.dirname(os.__file__)],
        )

        def run() -> object:
            tracer.runctx(program.compile(), program.namespace, program.namespace)
            return tracer.results()

        return run

    return prepare


def covering(core: str, *, branch: bool) -> Callable[[Program], Run]:
    """coverage.py with one of its cores."""

    def prepare(program: Program) -> Run:
        os.environ["COVERAGE_CORE"] = core
        coverage: Any = importlib.import_module("coverage")
        meter = coverage.Coverage(data_file=None, branch=branch, config_file=False)

        def run() -> None:
            program.run()
            meter.stop()

        meter.start()
        used = str(dict(meter.sys_info())["core"]).lower()
        wanted = {"ctrace": "ctracer", "sysmon": "sysmonitor"}[core]
        if used != wanted:
            meter.stop()
            sys.exit(f"coverage.py fell back to {used}")
        return run

    return prepare


def slipcover(*, branch: bool) -> Callable[[Program], Run]:
    """SlipCover, put together as its own command line does."""

    def prepare(program: Program) -> Run:
        sc: Any = importlib.import_module("slipcover")
        before: Any = importlib.import_module("slipcover.branch")
        sources = [os.path.dirname(program.path), tempfile.gettempdir()]
        meter = sc.Slipcover(branch=branch, source=sources)
        matcher = sc.FileMatcher(sources=sources)

        def run() -> None:
            tree = ast.parse(program.source)
            if branch:
                tree = before.preinstrument(tree)
            code = meter.instrument(compile(tree, program.path, "exec"))
            with sc.ImportManager(meter, matcher):
                exec(code, program.namespace)

        return run

    return prepare


TOOLS: dict[str, Callable[[Program], Run]] = {
    "bare": plain,
    "exactrace": tracing("exactrace", count=1),
    "exactrace branch": tracing("exactrace", count=1, branch=1),
    "trace": tracing("trace", count=1),
    "exactrace --trace": tracing("exactrace", trace=1),
    "trace --trace": tracing("trace", trace=1),
    "exactrace --listfuncs": tracing("exactrace", countfuncs=1),
    "trace --listfuncs": tracing("trace", countfuncs=1),
    "exactrace --trackcalls": tracing("exactrace", countcallers=1),
    "trace --trackcalls": tracing("trace", countcallers=1),
    "exactrace --calls": tracing("exactrace", calls=1),
    "coverage ctrace": covering("ctrace", branch=False),
    "coverage ctrace branch": covering("ctrace", branch=True),
    "coverage sysmon": covering("sysmon", branch=False),
    "coverage sysmon branch": covering("sysmon", branch=True),
    "slipcover": slipcover(branch=False),
    "slipcover branch": slipcover(branch=True),
}


def peak_memory() -> int:
    """Return the most memory that this process has held, in KiB.

    getrusage also counts what the parent held when it started this process,
    so it is asked only where there is no better.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // 1024 if sys.platform == "darwin" else peak
    return int(status.partition("VmHWM:")[2].split()[0])


def main() -> None:
    tool, record, path, *arguments = sys.argv[1:]
    program = Program(path)
    sys.argv = [path, *arguments]
    sys.path[0] = os.path.dirname(program.path)
    run = TOOLS[tool](program)
    start = time.process_time()
    results = run()
    sys.stdout.flush()
    cpu = time.process_time() - start
    peak = peak_memory()
    events = sum(getattr(results, "counts", {}).values())
    result = {"cpu": cpu, "peak": peak, "events": events}
    Path(record).write_text(json.dumps(result), encoding="ascii")


if __name__ == "__main__":
    main()
