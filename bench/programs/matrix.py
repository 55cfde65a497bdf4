# SPDX-License-Identifier: Apache-2.0
"""Numeric: products of matrices, in three nested loops; a determinant."""

from _scale import scaled

Matrix = list[list[int]]


def product(left: Matrix, right: Matrix) -> Matrix:
    """Return left * right, modulo a prime so that numbers stay small."""
    size = len(left)
    result = [[0] * size for _ in range(size)]
    for i in range(size):
        row = left[i]
        target = result[i]
        for j in range(size):
            total = 0
            for k in range(size):
                total += row[k] * right[k][j]
            target[j] = total % 10_007
    return result


def determinant(matrix: Matrix, prime: int) -> int:
    """Return the determinant modulo a prime, by elimination."""
    rows = [list(row) for row in matrix]
    result = 1
    for i in range(len(rows)):
        pivot = next((j for j in range(i, len(rows)) if rows[j][i]), None)
        if pivot is None:
            return 0
        if pivot != i:
            rows[i], rows[pivot] = rows[pivot], rows[i]
            result = -result
        result = result * rows[i][i] % prime
        inverse = pow(rows[i][i], -1, prime)
        for j in range(i + 1, len(rows)):
            factor = rows[j][i] * inverse % prime
            if factor:
                for k in range(i, len(rows)):
                    rows[j][k] = (rows[j][k] - factor * rows[i][k]) % prime
    return result


def main(rounds: int) -> None:
    size = 30
    matrix = [[(i * 7 + j * 13 + i * j) % 23 for j in range(size)] for i in range(size)]
    for i in range(size):
        matrix[i][i] += 31 * i + 1
    check = 0
    power = matrix
    for _ in range(rounds):
        power = product(power, matrix)
        check = (check * 31 + determinant(power, 10_007)) % 1_000_003
    print(check, sum(map(sum, power)))


if __name__ == "__main__":
    main(scaled(90))
