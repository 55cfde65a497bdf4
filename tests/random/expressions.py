"""Makes the expressions and patterns of generated programs."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

NAMES = "abcde"


@dataclass
class Place:
    """Where in a program something stands, which says what may stand there."""

    kind: str = "module"  # or class, def, gen, async, agen
    loop: bool = False  # break and continue may stand here
    leave: bool = True  # so may return, break and continue (not in except*)
    walrus: bool = True
    own: list[str] = field(default_factory=list)  # names a function within can bind
    # Functions that can be called here: (name, kind).
    functions: list[tuple[str, str]] = field(default_factory=list)

    @property
    def function(self) -> bool:
        return self.kind not in ("module", "class")

    @property
    def awaits(self) -> bool:
        return self.kind in ("async", "agen")

    def still(self) -> Place:
        """The same without what suspends or binds: within a comprehension."""
        kind = "def" if self.function else self.kind
        return self.inside(kind=kind, walrus=False)

    def inside(self, **changes: object) -> Place:
        return replace(self, **changes)  # type: ignore[arg-type]


class Expressions:
    """Makes expressions: most give small numbers, some raise."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def name(self) -> str:
        return self.random.choice(NAMES)

    def digit(self) -> int:
        return self.random.randrange(5)

    def every(self) -> int:
        return self.random.choice((4, 7, 11, 19, 40))

    def atom(self) -> str:
        return self.pick(self.name(), self.name(), str(self.digit()))

    def join(self, *parts: str) -> str:
        """Parts of an expression in parentheses, on one line or several."""
        text = parts[0]
        for part in parts[1:]:
            text += self.random.choices(
                (" ", "\n        ", "  # why\n    ", "\n\n  "), (6, 3, 1, 1)
            )[0]
            text += part
        return f"({text})"

    def value(self, depth: int, place: Place) -> str:
        if depth <= 0 or self.chance(0.15):
            return self.atom()
        group = self.random.choice(
            (
                self.arithmetic,
                self.arithmetic,
                self.chosen,
                self.chosen,
                self.comprehension,
                self.object,
                self.call,
                self.call,
                self.suspending,
            )
        )
        return group(depth - 1, place)

    def arithmetic(self, depth: int, place: Place) -> str:
        one, two = self.value(depth, place), self.value(depth, place)
        return self.pick(
            self.join(f"({one} +", f"{two})", "% 9"),
            self.join(f"number({one}) *", f"{self.digit()} -", f"hit({two},", "21)"),
            self.join(one, "//", f"(number({two}) - {self.digit()})"),
            self.join(f"hit({one})", f"if {two} else", "1 // 0"),
            f"-hit({one}, {self.every()})",
            f"[{one}, {two}][{self.atom()}]",
            self.join(f"[{one},", f"{two}][", "-1]"),
            f"{{0: {one}, 1: {two}}}.get({self.atom()}, 2)",
            f"int(f'{{{self.atom()}}}{{{self.atom()}!r}}')",
            f"int(f'{{Box({self.atom()}):{{hit(3, 15)}}}}')",
        )

    def chosen(self, depth: int, place: Place) -> str:
        """Conditional expressions, and boolean ones for their values."""
        one, two = self.value(depth, place), self.value(depth, place)
        test = self.test(depth, place)
        choices = [
            self.join(one, f"if {test}", f"else {two}"),
            self.join(one, f"if {test}", f"else {two}"),
            self.join(one, "and", two),
            self.join(one, "or", two),
            self.join(f"{test}", f"and {one}", f"or {two}"),
            f"int({test})",
        ]
        if place.walrus:
            choices.append(f"(z := {one})")
            choices.append(self.join(f"(z := {one})", "+", "z"))
        return self.pick(*choices)

    def test(self, depth: int, place: Place) -> str:
        one = self.value(depth - 1, place)
        simple = [
            f"{one} {self.pick('<', '>', '==', '!=', '<=')} {self.digit()}",
            f"0 < {one} < {self.digit()}",
            f"{self.atom()} is None",
            f"{self.atom()} is not None",
            f"{one} in ({self.digit()}, {self.digit()})",
            f"{self.atom()} in Box({one})",
            f"Box({one})",
            f"not Box({self.atom()})",
            f"Box({one}) < {self.digit()}",
            self.atom(),
            self.pick("True", "False", "not 0", "__debug__"),
        ]
        if depth <= 0:
            return self.pick(*simple)
        left, right = self.test(depth - 1, place), self.test(depth - 1, place)
        return self.pick(
            *simple[:4],
            self.join(left, "and", right),
            self.join(left, f"or {right}"),
            self.join("not", f"({left}", f"and {right})"),
            self.join(left, "and", right, "or", self.atom(), "is None"),
            self.join(left, "or", f"not {right}", "and", one),
            self.join(left, f"if {right}", f"else {self.atom()}"),
            f"any({self.test(0, place.still())} for x in range(3))",
        )

    def source(self, place: Place) -> str:
        """Something finite to iterate over; iterating may raise."""
        choices = [
            f"range({self.digit()})",
            f"Items({self.atom()})",
            "[1, 2]",
            f"(x for x in range({self.digit()}) if hit(x))",
            f"map(hit, range({self.digit()}))",
            f"zip(Items(3), range({self.digit()}))",
        ]
        choices += [
            f"take({name}({self.atom()}))"
            for name, kind in place.functions[-3:]
            if kind == "gen"
        ]
        return self.pick(*choices)

    def async_source(self, place: Place) -> str:
        choices = [f"Items({self.digit()})"]
        choices += [
            f"{name}({self.atom()})"
            for name, kind in place.functions[-3:]
            if kind == "agen"
        ]
        return self.pick(*choices)

    def clauses(self, place: Place) -> str:
        """The `for ... if ...` of a comprehension over x (and y)."""
        if place.awaits and self.chance(0.4):
            text = f"async for x in {self.async_source(place)}"
        else:
            text = f"for x in {self.source(place)}"
        break_ = self.pick(" ", "\n      ")
        inner = place.inside(walrus=False)
        if self.chance(0.4):
            text += f"{break_}if {self.test(1, inner)}"
        if self.chance(0.3):
            text += f"{break_}for y in {self.pick('range(3)', '(1, hit(2))', '[x]')}"
            if self.chance(0.5):
                text += f" if {self.pick('y', 'hit(y, 5)', 'y != x')}"
        return text

    def comprehension(self, depth: int, place: Place) -> str:
        inner = place.inside(walrus=False)
        if place.kind in ("gen", "agen"):
            inner.kind = {"gen": "def", "agen": "async"}[place.kind]  # no yield within
        item = self.pick("x", "hit(1)", self.value(depth, inner))
        clauses = self.clauses(inner)
        text = self.pick("", "\n   ")
        choices = [
            f"len([{item} {text}{clauses}])",
            f"total(*[{item} {clauses}])",
            f"len({{number({item}) {clauses}}})",
            f"len({{number({item}): {self.atom()} {text}{clauses}}})",
            f"len([[{item} for y in range(2)] {text}{clauses}])",
        ]
        if not any(word in item + clauses for word in ("async", "await")):
            choices += [
                f"total(*({item} {clauses}))",
                f"sum(number({item}) {text}{clauses})",
                f"(next(({item} {clauses}), 0) or 0)",
                f"len(list(filter(lambda x: hit(x), ({item} {clauses}))))",
            ]
        return self.pick(*choices)

    def object(self, depth: int, place: Place) -> str:
        one = self.value(depth, place)
        return self.pick(
            f"Box({one}).size",
            f"Box({one})[{self.atom()}]",
            f"Box({one})({self.atom()})",
            f"(Box({one}) + {self.atom()})",
            self.join(f"Box({one})", ".up()", f".up({self.atom()})", ".value"),
            f"len(sorted([3, 1, {self.atom()}], key=lambda x: hit(x, 12)))",
            f"max(Items({one}), default=0)",
        )

    def call(self, depth: int, place: Place) -> str:
        one, two = self.value(depth, place), self.value(depth, place)
        choices = [
            f"hit({one})",
            f"hit({one}, {self.every()})",
            f"hit(\n    {one},\n    {self.every()},\n)",
            f"(lambda x, y={self.digit()}: {self.pick('x', 'y', 'hit(x)')})({one})",
            f"(lambda: {one.replace('(z := ', '(')})()"
            if "yield" not in one and "a" not in place.kind[:1]
            else "hit(2)",
            f"total({one}, *[{two}, 1], k={self.atom()}, **{{'m': {self.atom()}}})",
            self.join(f"total(*Items({one}),", f"{two},", "*(), k=1)"),
        ]
        for name, kind in place.functions[-4:]:
            called = f"{name}({self.atom()})"
            choices += {
                "def": [f"({called} or 0)", f"number({name}({one}))"],
                "gen": [f"total(*take({called}))", f"poke({called})"],
                "async": [f"drive({called}, {self.random.randrange(-1, 3)})"],
                "agen": [f"drive(poke_async({called}))"],
                "class": [f"{called}.size", f"{called}.run({one})", f"({called} or 1)"],
            }[kind]
        return self.pick(*choices)

    def suspending(self, depth: int, place: Place) -> str:
        """What suspends here, if it can be."""
        one = self.value(depth, place)
        if not place.function:
            return one
        choices = []
        if place.kind in ("gen", "agen") and place.walrus:
            choices += [f"((yield {one}) or 0)", "((yield) or 1)"]
        if place.kind == "gen" and place.walrus:
            choices += [f"((yield from {self.source(place)}) or 0)"]
        if place.awaits:
            choices += [f"(await Once({self.digit()}))", self.join("await", "Once(1)")]
            choices += [
                f"((await {name}({self.atom()})) or 0)"
                for name, kind in place.functions[-3:]
                if kind == "async"
            ]
        return self.pick(*choices) if choices else one

    # Patterns

    def pattern(self, depth: int, used: list[str]) -> str:
        """A pattern that binds names not in `used`, to which it adds them."""

        def capture() -> str:
            free = [name for name in "pqrstuv" if name not in used]
            if not free:
                return "_"
            used.append(free[0])
            return free[0]

        simple = [
            str(self.digit()),
            f"-{self.digit() + 1}",
            "'two'",
            "None",
            "True",
            "Box.one",
            f"({self.digit()} | {self.digit() + 1} | None)",
            "int()",
            "str()",
        ]
        if depth == 0:
            return self.pick("_", capture(), *simple)
        form = self.random.randrange(9)
        if form == 0:
            return self.pick(*simple)
        if form == 1:
            return f"[{self.pattern(depth - 1, used)}, *{self.pick('_', capture())}]"
        if form == 2:
            one, two = self.pattern(depth - 1, used), self.pattern(depth - 1, used)
            return f"({one}, {self.pick('', '*_, ')}{two})"
        if form == 3:
            rest = capture()
            return f"{{'k': {self.pattern(depth - 1, used)}, **{rest}}}"
        if form == 4:
            return f"Box({self.pattern(depth - 1, used)})"
        if form == 5:
            return f"Box(value={self.pattern(0, used)}, size={self.pattern(0, used)})"
        if form == 6:
            return f"({self.pattern(depth - 1, used)} as {capture()})".replace(
                "(_ as", "(int() as"
            )
        if form == 7:
            return f"([] | [0] | {{'k': 1}} | Box({self.digit()}))"
        return f"[_, {self.pattern(depth - 1, used)}]"

    def subject(self, place: Place) -> str:
        one, two = self.atom(), self.value(1, place)
        return self.pick(
            one,
            f"{one}, {two}",
            f"[{one}, {two}, hit(1)]",
            f"{{'k': {two}, 'm': 2}}",
            f"Box({two})",
            f"[{one}, [Box({one}), {two}]]",
            "'two'",
        )
