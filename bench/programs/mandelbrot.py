# SPDX-License-Identifier: Apache-2.0
"""Numeric: the Mandelbrot set, once in floats and once in complex numbers."""

from _scale import scaled

LIMIT = 60


def escape(cx: float, cy: float) -> int:
    """Return after how many steps the point leaves the circle."""
    x = y = 0.0
    for step in range(LIMIT):
        xx = x * x
        yy = y * y
        if xx + yy > 4.0:
            return step
        y = 2.0 * x * y + cy
        x = xx - yy + cx
    return LIMIT


def escape_complex(point: complex) -> int:
    """Return the same for a complex number."""
    z = 0j
    step = 0
    while step < LIMIT and abs(z) <= 2.0:
        z = z * z + point
        step += 1
    return step


def main(size: int) -> None:
    total = 0
    for row in range(size):
        cy = 2.4 * row / size - 1.2
        for column in range(size):
            cx = 3.0 * column / size - 2.1
            if (row + column) % 2:
                total += escape(cx, cy)
            else:
                total += escape_complex(complex(cx, cy))
    print(total)


if __name__ == "__main__":
    main(scaled(340))
