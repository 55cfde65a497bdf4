"""Who calls generators, coroutines and asynchronous generators when they are closed,
thrown into or dropped: as the standard module sees it, whose tracing has the
interpreter take no short cut.
"""

from __future__ import annotations

import sys
import trace
import types
from typing import TYPE_CHECKING, Any

import pytest

import exactrace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator


def log() -> None:
    pass


def plain() -> Iterator[int]:
    yield 1


def guarded() -> Iterator[int]:
    try:
        yield 1
        yield 2
    finally:
        log()


def catches() -> Iterator[int]:
    try:
        yield 1
    except (GeneratorExit, ValueError):
        log()


def delegates() -> Iterator[int]:
    yield from plain()


def delegates_to_guarded() -> Iterator[int]:
    yield from guarded()


def delegates_twice() -> Iterator[int]:
    yield from delegates()


class Numbers:
    def __iter__(self) -> Numbers:
        return self

    def __next__(self) -> int:
        return 1

    def close(self) -> None:
        log()


def delegates_to_object() -> Iterator[int]:
    yield from Numbers()


@types.coroutine
def sleeper() -> Generator[int]:
    yield 1


async def coroutine() -> None:
    await sleeper()


async def outer_coroutine() -> None:
    await coroutine()


async def numbers() -> AsyncIterator[int]:
    yield 1


async def guarded_numbers() -> AsyncIterator[int]:
    try:
        yield 1
    finally:
        log()


async def sleeping_numbers() -> AsyncIterator[int]:
    await sleeper()
    yield 1


def first(made: Any) -> None:
    made.send(None)


def close(made: Any) -> None:
    made.close()


def throw(made: Any) -> None:
    try:  # noqa: SIM105 - a block's own functions would be called, too
        made.throw(ValueError)
    except (ValueError, StopIteration):
        pass


def drop(made: list[Any]) -> None:
    made.clear()


def step(awaitable: Any) -> None:
    try:  # noqa: SIM105
        awaitable.send(None)
    except (StopIteration, StopAsyncIteration, ValueError):
        pass


GENERATORS = [plain, guarded, catches, delegates, delegates_to_guarded]
GENERATORS += [delegates_twice, delegates_to_object]
CLOSED: dict[str, Callable[[Any], None]] = {"close": close, "throw": throw}


def pairs(kind: Any, function: Callable[[], object]) -> set[tuple[str, str]]:
    tracer = kind(count=0, trace=0, countcallers=1)
    tracer.runfunc(function)
    # The standard module names a method by a search for its class.
    return {
        (caller[2].rpartition(".")[2], callee[2].rpartition(".")[2])
        for caller, callee in tracer.results().callers
        if caller[0] == callee[0] == __file__
    }


def check(function: Callable[[], object], *expected: tuple[str, str]) -> None:
    found = pairs(exactrace.Trace, function)
    assert found == pairs(trace.Trace, function)
    # Those of 3.13 took the short cut even then, at first.
    if sys.version_info >= (3, 14):
        assert found >= set(expected)


@pytest.mark.parametrize("end", CLOSED)
@pytest.mark.parametrize("make", [*GENERATORS, coroutine, outer_coroutine])
def test_what_is_closed_after_its_first_step(make: Any, end: str) -> None:
    def run() -> None:
        made = make()
        first(made)
        CLOSED[end](made)

    check(run, ("first", make.__name__), (end, make.__name__))


@pytest.mark.parametrize("make", GENERATORS)
def test_what_is_dropped_after_its_first_step(make: Any) -> None:
    def run() -> None:
        made = [make()]
        first(made[0])
        drop(made)

    check(run, ("drop", make.__name__))


@pytest.mark.parametrize("make", GENERATORS)
def test_what_is_closed_before_its_first_step_does_not_run(make: Any) -> None:
    check(lambda: close(make()), ("<lambda>", "close"))


@pytest.mark.parametrize("end", ["aclose", "athrow"])
@pytest.mark.parametrize("make", [numbers, guarded_numbers])
def test_asynchronous_generators(make: Any, end: str) -> None:
    def run() -> None:
        made = make()
        step(made.asend(None))
        step(made.aclose() if end == "aclose" else made.athrow(ValueError))

    check(run, ("step", make.__name__))


@pytest.mark.parametrize("end", CLOSED)
def test_a_step_of_an_asynchronous_generator(end: str) -> None:
    def run() -> None:
        made = sleeping_numbers()
        waits = made.asend(None)
        first(waits)
        CLOSED[end](waits)

    check(run, (end, "sleeping_numbers"))


@pytest.mark.parametrize("make", GENERATORS)
def test_to_be_closed_is_not_counted_as_a_call(make: Any) -> None:
    def run() -> None:
        made = make()
        first(made)
        close(made)

    tracer = exactrace.Trace(count=0, trace=0, calls=True)
    tracer.runfunc(run)
    calls = {name: hits for (_, _, name), hits in tracer.results().calls.items()}
    assert calls[make.__name__] == 1
