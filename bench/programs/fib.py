# SPDX-License-Identifier: Apache-2.0
"""Calls: the Fibonacci numbers in the most wasteful way."""

from _scale import scaled


def fib(n: int) -> int:
    """Return the n-th Fibonacci number."""
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def main(rounds: int) -> None:
    total = 0
    for _ in range(rounds):
        total += fib(17)
    print(total)


if __name__ == "__main__":
    main(scaled(1_700))
