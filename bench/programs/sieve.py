# SPDX-License-Identifier: Apache-2.0
"""Numeric: prime numbers by crossing out, each one by hand, and Collatz lengths."""

from _scale import scaled


def primes(limit: int) -> list[int]:
    """Return the primes below `limit`."""
    crossed = [False] * limit
    found = []
    for number in range(2, limit):
        if crossed[number]:
            continue
        found.append(number)
        multiple = number * number
        while multiple < limit:
            crossed[multiple] = True
            multiple += number
    return found


def collatz(limit: int) -> int:
    """Return the sum of the lengths of the Collatz sequences below `limit`."""
    total = 0
    for start in range(1, limit):
        number = start
        while number != 1:
            if number & 1:
                number = 3 * number + 1
            else:
                number >>= 1
            total += 1
    return total


def main(limit: int) -> None:
    found = primes(limit)
    print(len(found), sum(found), collatz(limit // 12))


if __name__ == "__main__":
    main(scaled(400_000))
