# SPDX-License-Identifier: Apache-2.0
"""Backtracking: queens on a board, subset sums, and a maze."""

from __future__ import annotations

from _scale import scaled


def queens(size: int, row: int, columns: set[int], up: set[int], down: set[int]) -> int:
    """Return the number of ways to place the queens of the rows from `row` on."""
    if row == size:
        return 1
    found = 0
    for column in range(size):
        if column in columns or row + column in up or row - column in down:
            continue
        columns.add(column)
        up.add(row + column)
        down.add(row - column)
        found += queens(size, row + 1, columns, up, down)
        columns.remove(column)
        up.remove(row + column)
        down.remove(row - column)
    return found


def subsets(values: list[int], at: int, left: int) -> int:
    """Return the number of subsets of values[at:] whose sum is `left`."""
    if left == 0:
        return 1
    if at == len(values) or left < 0:
        return 0
    return subsets(values, at + 1, left - values[at]) + subsets(values, at + 1, left)


def walk(grid: list[list[bool]], x: int, y: int) -> int:
    """Return the number of ways from (x, y) to the far corner, once per cell."""
    size = len(grid)
    if x == size - 1 and y == size - 1:
        return 1
    grid[x][y] = True
    ways = 0
    for dx, dy in ((1, 0), (0, 1), (-1, 0), (0, -1)):
        nx, ny = x + dx, y + dy
        if 0 <= nx < size and 0 <= ny < size and not grid[nx][ny]:
            ways += walk(grid, nx, ny)
    grid[x][y] = False
    return ways


def main(rounds: int) -> None:
    total = 0
    for number in range(rounds):
        total += queens(6, 0, set(), set(), set())
        total += subsets([3, 5, 7, 11, 13, 17, 19, 23, 29], 0, 40 + number % 9)
        total += walk([[False] * 4 for _ in range(4)], 0, 0)
    print(total)


if __name__ == "__main__":
    main(scaled(440))
