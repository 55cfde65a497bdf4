# SPDX-License-Identifier: Apache-2.0
"""Comprehensions: of lists, sets, dicts, nested, with conditions, and lambdas."""

from __future__ import annotations

from _scale import scaled


def triples(limit: int) -> list[tuple[int, int, int]]:
    """Return the Pythagorean triples up to `limit`."""
    return [
        (a, b, c)
        for a in range(1, limit)
        for b in range(a, limit)
        for c in range(b, limit)
        if a * a + b * b == c * c
    ]


def transpose(rows: list[list[int]]) -> list[list[int]]:
    return [[row[i] for row in rows] for i in range(len(rows[0]))]


def group(values: list[int]) -> dict[int, set[int]]:
    return {key: {value for value in values if value % 7 == key} for key in range(7)}


def first_match(values: list[int], wanted: int) -> int:
    return next((value for value in values if value * value > wanted), -1)


def main(rounds: int) -> None:
    check = 0
    for number in range(rounds):
        check += len(triples(14))
        rows = [[i * j + number for j in range(8)] for i in range(8)]
        flat = [value for row in transpose(rows) for value in row]
        groups = group(flat)
        check += sum(len(members) for members in groups.values())
        check += first_match(flat, number % 100)
        check += any(value > number + 40 for value in flat)
        check += sum(1 if value & 1 else 2 for value in flat)
        longest = sorted(groups, key=lambda key: (-len(groups[key]), key))
        check += sum(map(lambda key: key * 2, filter(lambda key: key > 2, longest)))  # noqa: C417
    print(check)


if __name__ == "__main__":
    main(scaled(5_000))
