# SPDX-License-Identifier: Apache-2.0
"""Grids: Conway's game of life, on a torus of lists and on a set of cells."""

from __future__ import annotations

from _scale import scaled

Cell = tuple[int, int]
GLIDER = ((1, 0), (2, 1), (0, 2), (1, 2), (2, 2))


def step_grid(grid: list[list[int]]) -> list[list[int]]:
    """Return the next generation of a grid whose edges touch."""
    height = len(grid)
    width = len(grid[0])
    result = []
    for y in range(height):
        above = grid[y - 1]
        here = grid[y]
        below = grid[(y + 1) % height]
        row = []
        for x in range(width):
            left = x - 1
            right = (x + 1) % width
            around = above[left] + above[x] + above[right]
            around += here[left] + here[right]
            around += below[left] + below[x] + below[right]
            if around == 3 or (around == 2 and here[x]):
                row.append(1)
            else:
                row.append(0)
        result.append(row)
    return result


def neighbours(cell: Cell) -> list[Cell]:
    x, y = cell
    return [(x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy]


def step_cells(cells: set[Cell]) -> set[Cell]:
    """Return the next generation of the living cells of an endless plane."""
    around: dict[Cell, int] = {}
    for cell in cells:
        for neighbour in neighbours(cell):
            around[neighbour] = around.get(neighbour, 0) + 1
    return {
        cell
        for cell, count in around.items()
        if count == 3 or (count == 2 and cell in cells)
    }


def main(generations: int) -> None:
    grid = [[(x * y + x + y // 3) % 5 == 0 for x in range(40)] for y in range(40)]
    numbers = [[int(cell) for cell in row] for row in grid]
    cells = {(x + 9 * i, y + 5 * i) for i in range(8) for x, y in GLIDER}
    for _ in range(generations):
        numbers = step_grid(numbers)
        cells = step_cells(cells)
    print(sum(map(sum, numbers)), len(cells), sum(x * y for x, y in cells))


if __name__ == "__main__":
    main(scaled(840))
