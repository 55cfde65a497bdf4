"""`with exactrace.tracing()`, the decorator, and start() and stop() below them."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections import Counter
from typing import Any

import pytest
from beside import ENGINES, MONITORED, NO_PROBES

import exactrace


def work(n: int) -> int:
    total = 0  # 1
    for i in range(n):  # 2
        total += i  # 3
    return total  # 4


FIRST = work.__code__.co_firstlineno


def hits(tracer: Any, first: int = FIRST, until: int = FIRST + 4) -> dict[int, int]:
    """Return {line in the function: hits}, of `work` or of other lines here."""
    counts: Counter[int] = Counter()
    for (name, line), n in tracer.results().counts.items():
        if name == __file__ and first <= line <= until:
            counts[line - first] += n
    return dict(counts)


def of_work(*rounds: int) -> dict[int, int]:
    """Return what calls of `work` have to count."""
    calls, times = len(rounds), sum(rounds)
    counts = {1: calls, 2: times + calls, 3: times, 4: calls}
    return {line: n for line, n in counts.items() if n}


def traces(engine: str) -> bool:
    """Whether an engine's trace function, or its tool, is on in this thread."""
    if engine == "settrace":
        return sys.gettrace() is not None
    return "exactrace" in map(sys.monitoring.get_tool, range(6))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_block_is_counted_where_it_stands(engine: str) -> None:
    def block() -> Any:
        work(9)
        with exactrace.tracing(engine=engine) as tracer:  # 2
            first = work(3)  # 3
            second = [  # 4
                work(first),  # 5
            ]
            del second  # 7
        work(9)
        return tracer

    tracer = block()
    assert hits(tracer) == of_work(3, 3)
    first = block.__code__.co_firstlineno
    # The line of the statement is come to again when the block is left.
    expected = {2: 1, 3: 1, 4: 1, 5: 1, 7: 1}
    assert hits(tracer, first, first + 10) == expected
    assert not traces(engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_exception_ends_the_block(engine: str) -> None:
    watched = exactrace.tracing(engine=engine)

    def fails() -> None:
        with watched:
            work(2)
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    work(5)
    assert hits(watched) == of_work(2)
    assert not traces(engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_each_call_of_a_function_is_counted(engine: str) -> None:
    watched = exactrace.tracing(engine=engine)

    @watched
    def outer(n: int) -> int:
        """Count down."""
        return work(n) + (outer(n - 1) if n else 0)

    work(7)
    assert outer(3) == 4
    work(7)
    assert outer(1) == 0
    assert outer.__name__ == "outer"
    assert outer.__doc__ == "Count down."
    assert hits(watched) == of_work(3, 2, 1, 0, 1, 0)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_coroutine_is_counted_until_it_is_done(engine: str) -> None:
    watched = exactrace.tracing(engine=engine)

    @watched
    async def outer(n: int) -> int:
        await asyncio.sleep(0)
        return work(n)

    assert asyncio.run(outer(3)) == 3
    work(7)
    assert hits(watched) == of_work(3)


@pytest.mark.parametrize("engine", ENGINES)
def test_blocks_of_one_object_within_each_other_are_one(engine: str) -> None:
    again = exactrace.tracing(engine=engine)
    with again:
        work(1)
        with again as tracer:
            work(2)
        work(3)
    work(4)
    with again:
        work(5)
    assert hits(tracer) == of_work(1, 2, 3, 5)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_block_within_a_run_counts_for_both(engine: str) -> None:
    inner = exactrace.tracing(engine=engine)

    def program() -> None:
        work(1)
        with inner:
            work(2)
        work(3)

    outer = exactrace.Trace(count=1, trace=0, engine=engine)
    outer.runfunc(program)
    assert hits(inner) == of_work(2)
    if engine != "settrace":  # there is one trace function at a time
        assert hits(outer) == of_work(1, 2, 3)


@pytest.mark.skipif(not MONITORED, reason="a trace function is a thread's own")
def test_threads_share_an_object() -> None:
    shared = exactrace.tracing()
    ready = threading.Barrier(4)

    def each() -> None:
        ready.wait()
        with shared:
            work(100)

    threads = [threading.Thread(target=each) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hits(shared) == of_work(100, 100, 100, 100)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_suspended_generator_goes_on_in_a_block(engine: str) -> None:
    def numbers() -> Any:
        yield 1
        yield work(2)  # 2
        yield work(3)

    generator = numbers()
    next(generator)
    with exactrace.tracing(engine=engine) as tracer:
        next(generator)
    next(generator)
    first = numbers.__code__.co_firstlineno
    assert hits(tracer) == of_work(2)
    if engine != "settrace":
        assert hits(tracer, first, first + 3) == {2: 1}


@pytest.mark.parametrize("engine", ENGINES)
def test_what_traced_before_traces_again(engine: str) -> None:
    seen = []

    def trace(frame: Any, why: str, arg: object) -> Any:
        seen.append(frame.f_code.co_name)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with exactrace.tracing(engine=engine) as tracer:
            work(1)
        work(2)
    finally:
        sys.settrace(before)
    assert hits(tracer) == of_work(1)
    assert "work" in seen


def test_functions_and_callers_are_noted() -> None:
    with exactrace.tracing(count=False, countfuncs=True) as tracer:
        work(1)
    assert "work" in {name for _, _, name in tracer.results().calledfuncs}
    with exactrace.tracing(countcallers=True) as tracer:
        work(1)
    pairs = {(one[2], other[2]) for one, other in tracer.results().callers}
    assert (
        "test_functions_and_callers_are_noted",
        "work",
    ) in pairs


def test_branches_and_calls_are_counted() -> None:
    if not MONITORED:
        pytest.skip(NO_PROBES)
    with exactrace.tracing(branch=True) as tracer:
        work(3), work(4)
    results = tracer.results()
    assert results.calls[__file__, FIRST, "work"] == 2
    (sides,) = [
        sides
        for (name, place, kind), sides in results.branches.items()
        if (name, place[0], kind) == (__file__, FIRST + 2, "for")
    ]
    assert sides == {True: 7, False: 2}


def test_what_is_begun_twice_or_ended_twice_is_refused() -> None:
    tracer = exactrace.Trace(count=1, trace=0)
    with pytest.raises(RuntimeError, match="was not started"):
        tracer.stop()
    tracer.start()
    try:
        with pytest.raises(RuntimeError, match="was started already: stop it first"):
            tracer.start()
        work(2)
    finally:
        tracer.stop()
    with pytest.raises(RuntimeError, match="stopped already"):
        tracer.stop()
    assert hits(tracer) == of_work(2)


def test_a_trace_function_is_stopped_by_its_own_thread() -> None:
    tracer = exactrace.Trace(count=1, trace=0, engine="settrace")
    errors = []

    def stop() -> None:
        try:
            tracer.stop()
        except RuntimeError as error:
            errors.append(str(error))

    tracer.start()
    thread = threading.Thread(target=stop)
    thread.start()
    thread.join()
    tracer.stop()
    assert errors == [
        "a trace function can only be stopped in the thread that has started it"
    ]


def test_a_tracer_with_nothing_to_do_starts_and_stops() -> None:
    tracer = exactrace.Trace(count=0, trace=0)
    tracer.start()
    work(1)
    tracer.stop()
    assert tracer.results().counts == {}


@pytest.mark.skipif(not MONITORED, reason="a trace function keeps its tracer")
def test_a_tracer_that_is_dropped_without_an_end_leaves_nothing_behind() -> None:
    def begin() -> None:
        exactrace.Trace(count=1, trace=0).start()

    begin()
    gc.collect()
    work(2)
    assert not traces("probe")
    assert type(work.__code__.co_consts[-1]).__name__ != "ProbedCode"
