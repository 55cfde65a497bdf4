# SPDX-License-Identifier: Apache-2.0
"""Calls: functions that call one another, with keyword and star arguments."""

from _scale import scaled


def is_even(n: int) -> bool:
    if n == 0:
        return True
    return is_odd(n - 1)


def is_odd(n: int) -> bool:
    if n == 0:
        return False
    return is_even(n - 1)


def female(n: int) -> int:
    """Hofstadter's female sequence."""
    return n - male(female(n - 1)) if n else 1


def male(n: int) -> int:
    """Hofstadter's male sequence."""
    return n - female(male(n - 1)) if n else 0


def spread(*values: int, depth: int = 0, **names: int) -> int:
    """Call on with one value fewer, until none is left."""
    if not values:
        return depth + sum(names.values())
    first, *rest = values
    return spread(*rest, depth=depth + first, **names)


def main(rounds: int) -> None:
    total = 0
    for i in range(rounds):
        total += is_even(60 + i % 7)
        total += female(i % 22) + male(i % 19)
        total += spread(1, 2, 3, i, depth=i, left=2, right=3)
    print(total)


if __name__ == "__main__":
    main(scaled(11_000))
