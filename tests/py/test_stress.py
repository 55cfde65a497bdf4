"""Much at once: threads, sessions, generators, recursion; each with exact numbers."""

from __future__ import annotations

import gc
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from beside import MONITORED, run, write

import exactrace
from exactrace.cli import report
from exactrace.tracer import ENGINES

ENGINES_HERE = ENGINES if MONITORED else ("settrace",)


def work(n: int) -> int:
    total = 0
    for i in range(n):
        if i % 3:
            total += i
    return total


def hits_of_work(results: exactrace.CoverageResults) -> list[int]:
    """Return the counts of the lines of work(), without its `def`."""
    first = work.__code__.co_firstlineno
    return [results.counts.get((__file__, first + line), 0) for line in range(1, 6)]


def expected(calls: int, n: int) -> list[int]:
    taken = sum(1 for i in range(n) if i % 3)
    return [calls, calls * (n + 1), calls * n, calls * taken, calls]


@pytest.mark.parametrize("engine", ENGINES_HERE)
def test_threads_by_the_thousand_while_sessions_start_and_stop(engine: str) -> None:
    others = [exactrace.Trace(count=1, trace=0, engine=engine) for _ in range(3)]
    done = threading.Event()

    def disturb() -> int:
        runs = 0
        while not done.is_set():
            for other in others:
                other.runfunc(work, 2)
            runs += 1
        return runs

    with exactrace.tracing(engine=engine) as tracer:
        if engine == "settrace":  # a thread has one trace function: in its turn
            for other in others:
                other.runfunc(work, 2)
            disturbing = None
        else:
            pool = ThreadPoolExecutor(1)
            disturbing = pool.submit(disturb)
        for _ in range(40):
            threads = [threading.Thread(target=work, args=(10,)) for _ in range(50)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        done.set()
        runs = 0 if disturbing is None else disturbing.result()
    mine = expected(2000, 10)
    theirs = expected(3 * runs, 2)
    assert hits_of_work(tracer.results()) == [
        one + other for one, other in zip(mine, theirs, strict=True)
    ]


@pytest.mark.parametrize("engine", ENGINES_HERE)
def test_sessions_in_many_threads_count_all_that_runs_meanwhile(engine: str) -> None:
    def session() -> list[int]:
        tracer = exactrace.Trace(count=1, trace=0, engine=engine)
        for _ in range(20):
            tracer.runfunc(work, 5)
        return hits_of_work(tracer.results())

    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(session) for _ in range(40)]
    own = expected(20, 5)
    for each in found:
        if engine == "settrace":
            assert each.result() == own
        else:  # all threads count for all sessions
            pairs = zip(each.result(), own, strict=True)
            assert all(hits >= mine for hits, mine in pairs)


class Cycle:
    """Holds a generator that holds it."""

    def __init__(self) -> None:
        self.steps = self.run()
        next(self.steps)

    def run(self) -> Any:
        try:
            for n in range(3):
                yield n, self
        finally:
            work(2)


@pytest.mark.parametrize("engine", ENGINES_HERE)
def test_generators_closed_by_the_garbage_collector(engine: str) -> None:
    gc.collect()
    with exactrace.tracing(engine=engine) as tracer:
        for _ in range(200):
            Cycle()
        gc.collect()
    results = tracer.results()
    assert hits_of_work(results) == expected(200, 2)
    first = Cycle.run.__code__.co_firstlineno
    hits = [results.counts.get((__file__, first + line)) for line in range(1, 6)]
    assert hits[:3] == [200, 200, 200]
    assert hits[4] == 200


@pytest.mark.parametrize("engine", ENGINES_HERE)
def test_recursion_to_the_limit(folder: Path, engine: str) -> None:
    write(
        folder,
        "prog.py",
        """\
        depth = 0
        def down(n):
            global depth
            depth = max(depth, n)
            try:
                return down(n + 1)
            finally:
                depth += 0
        for _ in range(3):
            try:
                down(1)
            except RecursionError:
                pass
        print(depth)
        """,
    )
    bare = run(["prog.py"], folder)
    command = ["-m", "exactrace", "run", "-q", "--engine", engine, "prog.py"]
    assert run(command, folder) == bare
    depth = int(bare[1])
    counts = report.read(os.environ["EXACTRACE_DATA"]).counts
    hits = {line: n for (name, line), n in counts.items() if name.endswith("prog.py")}
    # The deepest call fails where max() is called or where down() is.
    assert hits[6] in (3 * depth, 3 * (depth - 1))
    assert hits[8] == hits[5]
    assert hits[12] == 3
    assert hits[13] == 3
