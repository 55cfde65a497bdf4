"""Solves sudokus by trying, the way people do: most constrained cell first.

Try it under exactrace and look which lines run most:

    exactrace run -a examples/sudoku.py
"""

import sys

PUZZLES = """
53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79
..............3.85..1.2.......5.7.....4...1...9.......5......73..2.1........4...9
4.....8.5.3..........7......2.....6.....8.4......1.......6.3.7.5..2.....1.4......
""".split()

# For each cell, the cells that may not hold the same digit.
PEERS = [
    {
        other
        for other in range(81)
        if other != cell
        and (
            other // 9 == cell // 9
            or other % 9 == cell % 9
            or (other // 27, other % 9 // 3) == (cell // 27, cell % 9 // 3)
        )
    }
    for cell in range(81)
]


def candidates(grid, cell):
    """Return the digits that the cell may hold."""
    taken = {grid[peer] for peer in PEERS[cell]}
    return [digit for digit in "123456789" if digit not in taken]


def most_constrained(grid):
    """Return (cell, its candidates) of the empty cell with the fewest."""
    best = None
    for cell in range(81):
        if grid[cell] == ".":
            choices = candidates(grid, cell)
            if best is None or len(choices) < len(best[1]):
                best = cell, choices
                if len(choices) <= 1:
                    break
    return best


def solve(grid, budget):
    """Fill the grid in place. Returns whether that worked within the budget."""
    found = most_constrained(grid)
    if found is None:
        return True
    cell, choices = found
    for digit in choices:
        budget[0] -= 1
        if budget[0] < 0:
            return False
        grid[cell] = digit
        if solve(grid, budget):
            return True
    grid[cell] = "."
    return False


def show(grid):
    """Print the grid, nine rows of nine."""
    for row in range(9):
        print("".join(grid[9 * row : 9 * row + 9]))


def main(arguments):
    tries = int(arguments[0]) if arguments else 3000
    for puzzle in PUZZLES:
        grid = list(puzzle)
        if solve(grid, [tries]):
            show(grid)
        else:
            print(f"not solved within {tries} tries")
        print()


if __name__ == "__main__":
    main(sys.argv[1:])
