# SPDX-License-Identifier: Apache-2.0
"""Numeric: a spectral norm, by small functions and generator expressions."""

from _scale import scaled


def entry(i: int, j: int) -> float:
    """Return one entry of the endless matrix."""
    return 1.0 / ((i + j) * (i + j + 1) // 2 + i + 1)


def times(vector: list[float]) -> list[float]:
    """Return the matrix times the vector."""
    size = len(vector)
    return [sum(entry(i, j) * vector[j] for j in range(size)) for i in range(size)]


def transposed_times(vector: list[float]) -> list[float]:
    """Return the transposed matrix times the vector."""
    result = []
    for i in range(len(vector)):
        total = 0.0
        for j, value in enumerate(vector):
            total += entry(j, i) * value
        result.append(total)
    return result


def main(rounds: int) -> None:
    u = [1.0] * 80
    v = u
    for _ in range(rounds):
        v = transposed_times(times(u))
        u = transposed_times(times(v))
    above = sum(a * b for a, b in zip(u, v))
    below = sum(b * b for b in v)
    print(f"{(above / below) ** 0.5:.9f}")


if __name__ == "__main__":
    main(scaled(62))
