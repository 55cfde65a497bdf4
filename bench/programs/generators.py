# SPDX-License-Identifier: Apache-2.0
"""Generators: pipelines, recursion with `yield from`, `send` and `close`."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator

from _scale import scaled


def numbers(count: int) -> Iterator[int]:
    value = 12_345
    for _ in range(count):
        value = (value * 1_103 + 12_345) % 65_536
        yield value


def odd(values: Iterable[int]) -> Iterator[int]:
    for value in values:
        if value % 2:
            yield value


def pairs(values: Iterable[int]) -> Iterator[tuple[int, int]]:
    iterator = iter(values)
    for first in iterator:
        second = next(iterator, 0)
        yield first, second


def permutations(items: list[int]) -> Iterator[list[int]]:
    """Yield every order of the items."""
    if len(items) <= 1:
        yield items
        return
    for i, item in enumerate(items):
        for rest in permutations(items[:i] + items[i + 1 :]):
            yield [item, *rest]


def tree(depth: int) -> Iterator[int]:
    """Yield the nodes of a full tree, in order."""
    if depth:
        yield from tree(depth - 1)
        yield depth
        yield from tree(depth - 1)


def averager() -> Generator[int, int, None]:
    """Take numbers, give the average so far, rounded down."""
    total = count = 0
    average = 0
    try:
        while True:
            total += yield average
            count += 1
            average = total // count
    finally:
        total = 0


def main(rounds: int) -> None:
    check = 0
    for _ in range(rounds):
        average = averager()
        next(average)
        for first, second in pairs(odd(numbers(600))):
            check = (check + average.send(first ^ second)) % 1_000_003
        average.close()
        check += sum(order[0] * order[-1] for order in permutations([1, 2, 3, 4, 5]))
        check += sum(tree(6))
    print(check)


if __name__ == "__main__":
    main(scaled(1_200))
