# SPDX-License-Identifier: Apache-2.0
"""Exceptions: raised, caught, chained, passed on, with `finally` and `with`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from _scale import scaled


class Refused(Exception):
    """An error of our own, with a value."""

    def __init__(self, value: int) -> None:
        super().__init__(value)
        self.value = value


def deep(depth: int, value: int) -> int:
    """Raise from `depth` calls down, for some values."""
    if depth == 0:
        if value % 3 == 0:
            raise Refused(value)
        if value % 3 == 1:
            raise KeyError(value)
        return value
    try:
        return deep(depth - 1, value) + 1
    finally:
        value += 1


def look_up(table: dict[int, int], key: int) -> int:
    try:
        return table[key]
    except KeyError:
        table[key] = key * 2
        return -1


def convert(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise Refused(len(text)) from error


@contextmanager
def noting(notes: list[str], text: str) -> Iterator[None]:
    """Note what happened inside."""
    try:
        yield
    except Refused as error:
        notes.append(f"{text}{error.value}")
    finally:
        notes.append(text)


def main(rounds: int) -> None:
    check = 0
    table: dict[int, int] = {}
    notes: list[str] = []
    for number in range(rounds):
        try:
            check += deep(6, number)
        except Refused as error:
            check += error.value
        except (KeyError, IndexError):
            check += 7
        check += look_up(table, number % 50)
        with noting(notes, "n"):
            check += convert("x" * (number % 4) + "1")
        with suppress(StopIteration):
            check += next(iter(range(number % 2)))
        check %= 1_000_003
    print(check, len(table), len("".join(notes)))


if __name__ == "__main__":
    main(scaled(45_000))
