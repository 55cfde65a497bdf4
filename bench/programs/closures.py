# SPDX-License-Identifier: Apache-2.0
"""Functions as values: closures, decorators, partial application, folds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce, wraps

from _scale import scaled

Function = Callable[[int], int]


def counted(function: Function) -> Function:
    """Count the calls of a function."""

    @wraps(function)
    def wrapper(value: int) -> int:
        wrapper.calls += 1  # type: ignore[attr-defined]
        return function(value)

    wrapper.calls = 0  # type: ignore[attr-defined]
    return wrapper


def repeated(times: int) -> Callable[[Function], Function]:
    """Apply a function several times."""

    def decorate(function: Function) -> Function:
        @wraps(function)
        def wrapper(value: int) -> int:
            for _ in range(times):
                value = function(value)
            return value

        return wrapper

    return decorate


def compose(*functions: Function) -> Function:
    """Return a function that applies the given ones from right to left."""
    return reduce(lambda f, g: lambda value: f(g(value)), functions)


def make_counter(start: int) -> Callable[[], int]:
    value = start

    def count() -> int:
        nonlocal value
        value += 1
        return value

    return count


def add(left: int, right: int) -> int:
    return left + right


@counted
@repeated(3)
def advance(value: int) -> int:
    return value * 5 % 1_009 + 1


def main(rounds: int) -> None:
    check = 0
    chain = compose(partial(add, 3), advance, lambda value: value ^ 21, advance)
    for number in range(rounds):
        count = make_counter(number)
        check += chain(number % 500) + count() + count()
        adders = [partial(lambda by, value: value + by, by) for by in range(4)]
        check += sum(adder(number) for adder in adders)
    print(check, advance.calls)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(scaled(91_000))
