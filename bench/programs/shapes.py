# SPDX-License-Identifier: Apache-2.0
"""Objects: dataclasses, properties, operators, inheritance, protocols."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace

from _scale import scaled


@dataclass(frozen=True, slots=True)
class Vector:
    """A point in the plane."""

    x: int = 0
    y: int = 0

    def __add__(self, other: Vector) -> Vector:
        return Vector(self.x + other.x, self.y + other.y)

    def __sub__(self, other: Vector) -> Vector:
        return Vector(self.x - other.x, self.y - other.y)

    @property
    def manhattan(self) -> int:
        return abs(self.x) + abs(self.y)


@dataclass
class Shape(ABC):
    """Something with an area and a place."""

    at: Vector
    tags: list[str] = field(default_factory=list, compare=False)

    @abstractmethod
    def area(self) -> int: ...

    def moved(self, by: Vector) -> Shape:
        return replace(self, at=self.at + by)


@dataclass
class Box(Shape):
    width: int = 1
    height: int = 1

    def area(self) -> int:
        return self.width * self.height

    @classmethod
    def square(cls, at: Vector, side: int) -> Box:
        return cls(at, ["square"], side, side)


@dataclass
class Group(Shape):
    parts: list[Shape] = field(default_factory=list)

    def area(self) -> int:
        return sum(part.area() for part in self.parts)

    def moved(self, by: Vector) -> Shape:
        return Group(self.at + by, self.tags, [part.moved(by) for part in self.parts])


def main(rounds: int) -> None:
    check = 0
    for number in range(rounds):
        boxes: list[Shape] = [
            Box.square(Vector(i, number % 10), 1 + i % 3) for i in range(4)
        ]
        group = Group(Vector(), parts=boxes).moved(Vector(number % 5, 2))
        assert isinstance(group, Group)
        distance = (group.parts[-1].at - group.parts[0].at).manhattan
        check = (check * 5 + group.area() + distance) % 1_000_003
        if group.parts[0] == boxes[0]:
            check += 1
    print(check, Box.square(Vector(1, 2), 3))


if __name__ == "__main__":
    main(scaled(15_000))
