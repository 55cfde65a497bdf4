# SPDX-License-Identifier: Apache-2.0
"""Async generators, `async for`, async comprehensions, on a loop of our own."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Coroutine, Generator
from typing import Self

from _scale import scaled


class Pause:
    """Awaited, it gives the others a turn."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class Door:
    """Counts how often it is passed."""

    def __init__(self) -> None:
        self.passed = 0

    async def __aenter__(self) -> Self:
        self.passed += 1
        return self

    async def __aexit__(self, *exception: object) -> None:
        await Pause()


async def count_to(limit: int) -> AsyncIterator[int]:
    for value in range(limit):
        if value % 5 == 0:
            await Pause()
        yield value


async def squares(values: AsyncIterator[int]) -> AsyncIterator[int]:
    async for value in values:
        yield value * value


async def job(limit: int, door: Door, results: list[int]) -> None:
    total = 0
    async with door:
        async for value in squares(count_to(limit)):
            total += value
    few = [value async for value in count_to(limit) if value % 3 == 0]
    results.append(total + sum(few))


def run(jobs: list[Coroutine[None, None, None]]) -> int:
    """Run all jobs in turns; return the number of turns."""
    waiting = deque(jobs)
    turns = 0
    while waiting:
        current = waiting.popleft()
        turns += 1
        try:
            current.send(None)
        except StopIteration:
            continue
        waiting.append(current)
    return turns


def main(rounds: int) -> None:
    door = Door()
    results: list[int] = []
    turns = 0
    for _ in range(rounds):
        turns += run([job(20 + i, door, results) for i in range(10)])
    print(sum(results), turns, door.passed)


if __name__ == "__main__":
    main(scaled(1_200))
