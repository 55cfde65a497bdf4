# SPDX-License-Identifier: Apache-2.0
"""Match statements: literals, sequences, mappings, classes, guards, captures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from _scale import scaled


@dataclass
class Number:
    value: int


@dataclass
class Binary:
    sign: str
    left: Any
    right: Any


def simplify(tree: Any) -> Any:
    """Return a smaller tree of the same value."""
    match tree:
        case Binary("+", Number(0), other) | Binary("+", other, Number(0)):
            return simplify(other)
        case Binary("*", Number(0), _) | Binary("*", _, Number(0)):
            return Number(0)
        case Binary("*", Number(1), other) | Binary("*", other, Number(1)):
            return simplify(other)
        case Binary(sign, left, right):
            return Binary(sign, simplify(left), simplify(right))
        case _:
            return tree


def size(tree: Any) -> int:
    match tree:
        case Binary(left=left, right=right):
            return 1 + size(left) + size(right)
        case Number():
            return 1
    return 0


def command(words: list[str]) -> int:
    """Return what a line of words asks for."""
    match words:
        case []:
            return 0
        case ["go", ("north" | "south") as way]:
            return len(way)
        case ["take", amount, *things] if amount.isdigit():
            return int(amount) * len(things)
        case ["say", *rest]:
            return sum(map(len, rest))
        case [only]:
            return -len(only)
        case _:
            return -1


def event(data: dict[str, Any]) -> int:
    match data:
        case {"kind": "key", "code": int(code), **rest}:
            return code + len(rest)
        case {"kind": "mouse", "at": (x, y)} if x < y:
            return int(x)
        case {"kind": "mouse", "at": [x, _]}:
            return -int(x)
        case {"kind": str(kind)}:
            return len(kind)
    return 0


def state(code: int) -> int:
    match code:
        case 0:
            return 1
        case 1 | 2 | 3:
            return 2
        case n if n > 10:
            return n
        case 7:
            return 3
        case _:
            return 4


LINES = [
    "go north", "go east", "take 3 lamp rope", "take all", "say hello there you",
    "wait", "", "dance on the table",
]  # fmt: skip


def main(rounds: int) -> None:
    check = 0
    for i in range(rounds):
        tree: Any = Number(i % 3)
        for j in range(6):
            sign = "+" if (i + j) % 2 else "*"
            tree = Binary(sign, tree, Number((i + j) % 4))
        check += size(simplify(tree))
        check += command(LINES[i % 8].split())
        check += event({"kind": "key", "code": i % 9, "shift": True})
        check += event({"kind": "mouse", "at": (i % 5, 2)})
        check += event({"kind": "other"})
        check += state(i % 13)
    print(check)


if __name__ == "__main__":
    main(scaled(23_000))
