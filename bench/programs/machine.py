# SPDX-License-Identifier: Apache-2.0
"""Interpreters: a stack machine whose loop is one long chain of branches."""

from __future__ import annotations

from _scale import scaled

PUSH, LOAD, STORE, ADD, SUB, MUL, LESS, JUMP, UNLESS, PRINT, HALT = range(11)

# The sum of the squares below the limit, and the factorials modulo a prime.
PROGRAM = [
    (PUSH, 0), (STORE, 1), (PUSH, 0), (STORE, 2), (PUSH, 1), (STORE, 3),
    (LOAD, 1), (LOAD, 0), (LESS, 0), (UNLESS, 26),
    (LOAD, 2), (LOAD, 1), (LOAD, 1), (MUL, 0), (ADD, 0), (STORE, 2),
    (LOAD, 3), (LOAD, 1), (PUSH, 1), (ADD, 0), (MUL, 0), (STORE, 3),
    (LOAD, 1), (PUSH, 1), (ADD, 0), (JUMP, 29),
    (LOAD, 2), (LOAD, 3), (JUMP, 31),
    (STORE, 1), (JUMP, 6), (SUB, 0), (PRINT, 0), (HALT, 0),
]  # fmt: skip


def run(program: list[tuple[int, int]], limit: int) -> list[int]:
    """Run a program whose first register is `limit`; return what it prints."""
    registers = [limit, 0, 0, 0]
    stack: list[int] = []
    printed = []
    at = 0
    while True:
        operation, operand = program[at]
        at += 1
        if operation == PUSH:
            stack.append(operand)
        elif operation == LOAD:
            stack.append(registers[operand])
        elif operation == STORE:
            registers[operand] = stack.pop()
        elif operation == ADD:
            right = stack.pop()
            stack[-1] = (stack[-1] + right) % 1_000_003
        elif operation == SUB:
            right = stack.pop()
            stack[-1] = (stack[-1] - right) % 1_000_003
        elif operation == MUL:
            right = stack.pop()
            stack[-1] = stack[-1] * right % 1_000_003
        elif operation == LESS:
            right = stack.pop()
            stack[-1] = int(stack[-1] < right)
        elif operation == JUMP:
            at = operand
        elif operation == UNLESS:
            if not stack.pop():
                at = operand
        elif operation == PRINT:
            printed.append(stack.pop())
        else:
            return printed


def main(rounds: int) -> None:
    check = 0
    for limit in range(rounds):
        for value in run(PROGRAM, 20 + limit % 50):
            check = (check * 3 + value) % 1_000_003
    print(check)


if __name__ == "__main__":
    main(scaled(3_100))
