"""Threads that run already when counting begins: counted, and left as they were."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from beside import run, write

import exactrace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TEXT = """\
def work(n):
    total = 0
    for i in range(n):
        if i % 2:
            total += i
    return total
"""
HITS = {2: 1, 3: 31, 4: 30, 5: 15, 6: 1}
THREADS = 4


def module(text: str = TEXT) -> dict[str, Any]:
    space: dict[str, Any] = {"__file__": "F", "__name__": "F"}
    exec(compile(text, "F", "exec"), space)
    return space


def lines(tracer: exactrace.Trace) -> dict[int, int]:
    return {line: hits for (file, line), hits in tracer.counts.items() if file == "F"}


class Servants:
    """Threads that wait, and all do the same when they are told to."""

    def __init__(self, count: int) -> None:
        self.begin = threading.Barrier(count + 1)
        self.end = threading.Barrier(count + 1)
        self.task: Callable[[], object] | None = None
        self.threads = [threading.Thread(target=self.serve) for _ in range(count)]

    def serve(self) -> None:
        while True:
            self.begin.wait()
            if self.task is None:
                return
            self.task()
            self.end.wait()

    def run(self, task: Callable[[], object] | None) -> None:
        self.task = task
        self.begin.wait()
        if task is not None:
            self.end.wait()


@contextlib.contextmanager
def servants(count: int = THREADS) -> Iterator[Servants]:
    made = Servants(count)
    for thread in made.threads:
        thread.start()
    try:
        yield made
    finally:
        made.run(None)
        for thread in made.threads:
            thread.join()


def called(tracer: exactrace.Trace, function: Callable[[], object]) -> None:
    tracer.runfunc(function)


def started(tracer: exactrace.Trace, function: Callable[[], object]) -> None:
    tracer.start()
    function()
    tracer.stop()


@pytest.mark.parametrize("begin", [called, started])
def test_each_session_counts_threads_that_ran_before(begin: Any) -> None:
    space = module()

    def task() -> None:
        for _ in range(10):
            space["work"](30)

    with servants() as others:
        others.run(task)
        for _ in range(20):
            tracer = exactrace.Trace(trace=0)
            begin(tracer, lambda: others.run(task))
            others.run(task)
            assert lines(tracer) == {k: v * 10 * THREADS for k, v in HITS.items()}


def test_a_tracer_counts_them_in_each_of_its_runs() -> None:
    space = module()
    tracer = exactrace.Trace(trace=0)
    with servants() as others:
        for _ in range(10):
            # Once with an event between the runs, once with none.
            for task in (lambda: None, None):
                if task is not None:
                    others.run(task)
                tracer.runfunc(others.run, lambda: space["work"](30))
    assert lines(tracer) == {k: v * 20 * THREADS for k, v in HITS.items()}


def test_a_thread_that_has_run_a_session_is_counted_in_that_of_another() -> None:
    space = module()
    tracer = exactrace.Trace(trace=0)
    with servants(1) as other:
        other.run(lambda: tracer.runfunc(space["work"], 30))
        tracer.runfunc(other.run, lambda: space["work"](30))
        other.run(lambda: space["work"](30))
        assert lines(tracer) == {k: v * 2 for k, v in HITS.items()}
        found: list[Any] = []
        other.run(lambda: found.append(sys.gettrace()))
        assert found == [None]


def test_the_trace_function_asked_for_counts_its_own_threads_alone() -> None:
    space = module()
    tracer = exactrace.Trace(trace=0, engine="settrace")
    with servants() as others:
        tracer.runfunc(others.run, lambda: space["work"](30))
    assert lines(tracer) == {}


def test_afterwards_they_have_no_trace_function() -> None:
    space = module()
    found: list[Any] = []
    with servants() as others:
        for _ in range(3):
            tracer = exactrace.Trace(trace=0)
            tracer.runfunc(others.run, lambda: space["work"](30))
            others.run(lambda: found.append(sys.gettrace()))
    assert found == [None] * 3 * THREADS


def test_sessions_come_and_go_while_threads_do() -> None:
    """Only that it is safe, and that what is asked for is exact."""
    space = module()
    end = threading.Event()

    def churn() -> None:
        while not end.is_set():
            thread = threading.Thread(target=sum, args=((1, 2),))
            thread.start()
            thread.join()

    threads = [threading.Thread(target=churn) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(50):
            tracer = exactrace.Trace(trace=0)
            tracer.runfunc(space["work"], 30)
            assert lines(tracer) == HITS
    finally:
        end.set()
        for thread in threads:
            thread.join()


def test_a_loop_that_runs_already_is_counted_from_where_it_is(folder: Path) -> None:
    source = """\
        import sys, threading
        import exactrace
        go, at_work, done, end = (threading.Event() for _ in range(4))
        def before():
            total = 0
            at_work.set()
            go.wait()
            for i in range(100):
                total += i
            done.set()
            end.wait()
            print(sys.gettrace())
        thread = threading.Thread(target=before)
        thread.start()
        at_work.wait()
        def work():
            go.set()
            done.wait()
        tracer = exactrace.Trace(trace=0)
        tracer.runfunc(work)
        end.set()
        thread.join()
        counts = tracer.results().counts
        print([counts.get((__file__, line)) for line in (8, 9, 10)])
        """
    write(folder, "loop.py", source)
    status, out, err = run(["loop.py"], folder)
    assert (status, err) == (0, "")
    assert out == "None\n[101, 100, 1]\n"
