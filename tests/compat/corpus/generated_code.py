# dataclasses, named tuples, enums: code that libraries generate
from collections import namedtuple
from dataclasses import dataclass, field
from enum import Enum, Flag, auto
from typing import NamedTuple


@dataclass(order=True)
class Item:
    name: str
    price: float = 1.0
    tags: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.name = self.name.title()

    @property
    def label(self):
        return f"{self.name} {self.price}"


@dataclass(frozen=True)
class Key:
    a: int
    b: int = 2


class Pair(NamedTuple):
    left: int
    right: int = 0

    def total(self):
        return self.left + self.right


class Shape(Enum):
    ROUND = "round"
    FLAT = "flat"

    def describe(self):
        return self.value


class Permission(Flag):
    READ = auto()
    WRITE = auto()


Old = namedtuple("Old", "x y")
print(Item("pear"), Item("fig", 2.0) < Item("nut"), Item("a").label)
print(Key(1), hash(Key(1)) == hash(Key(1)), Pair(3).total(), Old(1, 2))
try:
    Key(1).a = 3
except AttributeError as error:
    print(type(error).__name__)
print(Shape("flat").describe(), [s.name for s in Shape])
print(Permission.READ | Permission.WRITE)
