# SPDX-License-Identifier: Apache-2.0
"""Threads: a pool of workers that share a queue, and sum up at the end."""

from __future__ import annotations

import threading
from queue import SimpleQueue

from _scale import scaled


def digits(number: int) -> int:
    """Return the sum of the digits."""
    total = 0
    while number:
        number, digit = divmod(number, 10)
        total += digit
    return total


def work(jobs: SimpleQueue[int | None], totals: list[int], index: int) -> None:
    """Take jobs until there is a None."""
    while True:
        job = jobs.get()
        if job is None:
            return
        for number in range(job, job + 100):
            totals[index] += digits(number * number)


def main(count: int) -> None:
    jobs: SimpleQueue[int | None] = SimpleQueue()
    totals = [0] * 4
    threads = [
        threading.Thread(target=work, args=(jobs, totals, index)) for index in range(4)
    ]
    for thread in threads:
        thread.start()
    for job in range(count):
        jobs.put(job * 100)
    for _ in threads:
        jobs.put(None)
    for thread in threads:
        thread.join()
    print(sum(totals))


if __name__ == "__main__":
    main(scaled(3_000))
