# match with all kinds of patterns
from enum import Enum


class Color(Enum):
    RED = 1
    GREEN = 2


class Point:
    __match_args__ = ("x", "y")

    def __init__(self, x, y):
        self.x = x
        self.y = y


def kind(value):
    match value:
        case 0:
            return "zero"
        case 1 | 2 | -3:
            return "small"
        case "text" | b"bytes":
            return "literal"
        case None:
            return "none"
        case True:
            return "true"
        case 1.5 | 2 + 3j:
            return "float or complex"
        case Color.RED:
            return "red"
        case Color():
            return "color"
        case []:
            return "empty"
        case [single]:
            return f"one {single}"
        case [first, *_, last] if first == last:
            return f"same ends {first}"
        case (first, *rest):
            return f"first {first} rest {rest}"
        case {"name": str(name), **others}:
            return f"named {name} {others}"
        case {"id": int() | float() as number}:
            return f"numbered {number}"
        case {}:
            return "mapping"
        case Point(0, y=0):
            return "origin"
        case Point(x, y) if x == y:
            return f"diagonal {x}"
        case Point(x=x):
            return f"point {x}"
        case str() as text:
            return f"string {text}"
        case _:
            return "other"


for value in (
    0, 2, -3, "text", b"bytes", None, True, 1.5, 2 + 3j, Color.RED,
    Color.GREEN, [], [7], [1, 2, 1], (1, 2, 3), {"name": "n", "k": 1},
    {"id": 3}, {"x": 1}, Point(0, 0), Point(2, 2), Point(1, 2), "free", 9,
):
    print(kind(value))


def command(line):
    match line.split():
        case ["go", ("north" | "south") as where]:
            print("going", where)
        case ["drop", *things]:
            for thing in things:
                print("dropping", thing)
        case [_, _]:
            pass


for line in ("go north", "go up", "drop a b", "quit"):
    command(line)
match 1, 2:
    case a, b:
        print(a + b)
