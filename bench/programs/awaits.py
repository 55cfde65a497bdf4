# SPDX-License-Identifier: Apache-2.0
"""Coroutines: asyncio with tasks, queues and locks, and awaits that never wait."""

from __future__ import annotations

import asyncio

from _scale import scaled


async def twice(value: int) -> int:
    return value * 2


async def nested(depth: int) -> int:
    """Await oneself, `depth` deep."""
    if depth == 0:
        return await twice(1)
    return await nested(depth - 1) + 1


async def producer(queue: asyncio.Queue[int | None], count: int) -> None:
    for value in range(count):
        await queue.put(await twice(value))
    await queue.put(None)


async def consumer(queue: asyncio.Queue[int | None], lock: asyncio.Lock) -> int:
    total = 0
    while (value := await queue.get()) is not None:
        async with lock:
            total = (total * 3 + value) % 1_000_003
        total += await nested(5)
    return total


async def job(count: int) -> int:
    queue: asyncio.Queue[int | None] = asyncio.Queue(4)
    lock = asyncio.Lock()
    feeding = asyncio.create_task(producer(queue, count))
    total = await consumer(queue, lock)
    await feeding
    await asyncio.sleep(0)
    return total


async def run(count: int) -> list[int]:
    return await asyncio.gather(*(job(count + i) for i in range(6)))


def main(count: int) -> None:
    print(asyncio.run(run(count)))


if __name__ == "__main__":
    main(scaled(9_400))
