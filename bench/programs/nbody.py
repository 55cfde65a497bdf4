# SPDX-License-Identifier: Apache-2.0
"""Numeric: planets that pull at each other, in floats and lists."""

from _scale import scaled

PLANETS = [
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 40.0],
    [4.8, -1.2, -0.1, 0.6, 2.8, -0.02, 0.04],
    [8.3, 4.1, -0.4, -1.0, 1.8, 0.008, 0.01],
    [12.9, -15.1, -0.2, 1.1, 0.9, -0.01, 0.002],
    [15.4, -25.9, 0.2, 1.0, 0.6, -0.03, 0.002],
]


def pull(one: list[float], other: list[float], step: float) -> None:
    """Change the speeds of two planets by what each does to the other."""
    dx = one[0] - other[0]
    dy = one[1] - other[1]
    dz = one[2] - other[2]
    square = dx * dx + dy * dy + dz * dz
    force = step / (square * square**0.5)
    for body, sign, mass in ((one, -1.0, other[6]), (other, 1.0, one[6])):
        body[3] += sign * dx * mass * force
        body[4] += sign * dy * mass * force
        body[5] += sign * dz * mass * force


def advance(planets: list[list[float]], step: float) -> None:
    """Move all planets by one step."""
    for i, one in enumerate(planets):
        for other in planets[i + 1 :]:
            pull(one, other, step)
    for planet in planets:
        planet[0] += step * planet[3]
        planet[1] += step * planet[4]
        planet[2] += step * planet[5]


def main(steps: int) -> None:
    planets = [list(planet) for planet in PLANETS]
    for _ in range(steps):
        advance(planets, 0.01)
    print(f"{sum(sum(planet) for planet in planets):.9f}")


if __name__ == "__main__":
    main(scaled(34_000))
