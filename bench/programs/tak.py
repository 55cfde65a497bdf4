# SPDX-License-Identifier: Apache-2.0
"""Calls: Takeuchi's and Ackermann's functions."""

from _scale import scaled


def tak(x: int, y: int, z: int) -> int:
    """Takeuchi's function."""
    if y >= x:
        return z
    return tak(
        tak(x - 1, y, z),
        tak(y - 1, z, x),
        tak(z - 1, x, y),
    )


def ackermann(m: int, n: int) -> int:
    """Ackermann's function."""
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


def main(rounds: int) -> None:
    total = 0
    for _ in range(rounds):
        total += tak(9, 5, 1) + ackermann(2, 20)
    print(total)


if __name__ == "__main__":
    main(scaled(2_700))
