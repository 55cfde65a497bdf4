"""Makes programs: source text from a number, always the same from the same.

They end soon, print what they do, and use every kind of control flow. What can
raise is `hit`, which raises now and then by counting its own calls.

    python tests/py/random_programs.py SEED         print a program
    python tests/py/random_programs.py --hunt 60    compare engines for a minute
"""

from __future__ import annotations

import random
import sys
import textwrap
import time
from typing import Any

HEAD = """\
class Stop(Exception): pass
class Fault(ValueError): pass
calls = 0
budget = 4000
def hit(x, every=7):
    global calls
    calls += 1
    if calls > budget:
        raise SystemExit
    if calls % every == 0:
        raise (Fault, KeyError, ZeroDivisionError, Stop)[calls // every % 4](calls)
    return x
class Guard:
    def __init__(self, swallow): self.swallow = swallow
    def __enter__(self):
        return hit(self, 23)
    def __exit__(self, kind, value, tb):
        return self.swallow and kind is not None and issubclass(kind, Exception)
    async def __aenter__(self): return self
    async def __aexit__(self, kind, value, tb):
        await Once()
        return self.swallow and kind is not None and issubclass(kind, Exception)
class Once:
    def __await__(self):
        yield
class Items:
    def __init__(self, n): self.n = n
    def __iter__(self): return self
    def __next__(self):
        if self.n <= 0: raise StopIteration
        self.n -= 1
        return hit(self.n, 31)
    def __getitem__(self, i):
        if i > 2:
            raise IndexError
        return i
    @property
    def size(self):
        return (self.n +
            hit(1, 29))
    def __aiter__(self): return self
    async def __anext__(self):
        await Once()
        if self.n <= 0: raise StopAsyncIteration
        self.n -= 1
        return self.n
def drive(coroutine):
    try:
        for _ in range(300): coroutine.send(None)
        coroutine.close()
    except StopIteration as end:
        return end.value
"""

NAMES = "abcde"


class Maker:
    """Makes one program."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.functions: list[tuple[str, str]] = []  # name, kind

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def name(self) -> str:
        return self.random.choice(NAMES)

    def number(self) -> int:
        return self.random.randrange(5)

    def atom(self) -> str:
        return self.pick(self.name(), self.name(), str(self.number()))

    def value(self, depth: int = 2) -> str:
        """An expression that gives a small number."""
        if depth == 0:
            return self.atom()
        one, two = self.value(depth - 1), self.value(depth - 1)
        test = self.test(depth - 1)
        return self.pick(
            self.atom(),
            f"hit({one})",
            f"({one} + {two}) % 9",
            f"({one} +\n  {two}) % 7",
            f"({one} if {test} else {two})",
            f"(hit({one})\n  if {test}\n  else {two})",
            f"len([x for x in range({one} % 4) if x != {two}])",
            f"len({{x: y for x in range(2)\n  for y in range({one} % 3)}})",
            f"sum(hit(x, 41) for x in Items({one} % 4))",
            f"(lambda x: x % 5)({one})",
            f"Items({one}).size",
            f"int(f'{{{self.atom()}}}')",
            self.call(),
        )

    def test(self, depth: int = 1) -> str:
        one = self.value(0)
        if depth == 0:
            return f"{one} {self.pick('<', '>', '==', '!=')} {self.number()}"
        left, right = self.test(depth - 1), self.test(depth - 1)
        return self.pick(
            left,
            f"{left} and {right}",
            f"{left} or {right}",
            f"not ({left} and\n  {right} or hit(0))",
            f"{one} is None or {left}",
            f"0 < {one} < 3",
        )

    def call(self) -> str:
        plain = [name for name, kind in self.functions if kind == "def"]
        made = [name for name, kind in self.functions if kind == "gen"]
        awaited = [name for name, kind in self.functions if kind == "async"]
        choices = ["hit(1)"]
        if plain:
            choices.append(f"({self.random.choice(plain)}({self.atom()}) or 0)")
        if made:
            maker = self.random.choice(made)
            choices.append(f"sum(x or 0 for x in {maker}({self.atom()}))")
            choices.append(f"(next({maker}({self.atom()}), 0) or 0)")
        if awaited:
            waiter = self.random.choice(awaited)
            choices.append(f"(drive({waiter}({self.atom()})) or 0)")
        return self.random.choice(choices)

    def block(self, depth: int, kind: str, loop: bool) -> str:
        """Indented statements."""
        count = self.random.randrange(1, 4)
        parts = [self.statement(depth, kind, loop) for _ in range(count)]
        return textwrap.indent("".join(parts), "    ")

    def statement(self, depth: int, kind: str, loop: bool) -> str:
        """A statement, with its line end."""
        simple = [
            f"{self.name()} = {self.value()}\n",
            f"{self.name()} += {self.value(1)}; {self.name()} = {self.atom()}\n",
            f"{self.name()} = hit(\n    {self.value(1)},\n    {self.number() + 5})\n",
            f"assert {self.test()}, {self.atom()}\n",
            "pass\n",
            f"for {self.name()} in range({self.number()}): hit({self.atom()})\n",
            f"if {self.test()}: {self.name()} = {self.atom()}\n",
            f"if (z := {self.value(1)}) > 1: {self.name()} = z\n",
        ]
        if kind != "module":
            simple += [f"return {self.value(1)}\n", f"if {self.test(0)}: return\n"]
        if kind == "gen":
            yields = f"{self.name()} = (yield {self.atom()}) or 0\n"
            simple += [yields, yields, "yield from range(2)\n", "yield from Items(2)\n"]
        if kind == "async":
            simple += [
                "await Once()\n",
                f"await Once(); {self.name()} = {self.atom()}\n",
            ]
        if loop:
            simple += ["break\n", "continue\n", f"if {self.test(0)}: continue\n"]
        if depth == 0 or self.random.random() < 0.4:
            return self.random.choice(simple)
        return self.compound(depth - 1, kind, loop)

    def compound(self, depth: int, kind: str, loop: bool) -> str:
        def block(inside: bool = loop) -> str:
            return self.block(depth, kind, inside)

        mark = self.pick("", "async ") if kind == "async" else ""
        items = (
            "Items(3)"
            if mark
            else self.pick(
                "range(3)", "Items(3)", "[1, 2]", f"(x for x in range({self.number()}))"
            )
        )
        choices = [
            lambda: f"if {self.test()}:\n{block()}elif {self.test()}:\n{block()}",
            lambda: f"if {self.test()}:\n{block()}else:\n{block()}",
            lambda: f"{mark}for {self.name()} in {items}:\n{block(True)}",
            lambda: (
                f"{mark}for {self.name()} in {items}:\n{block(True)}else:\n{block()}"
            ),
            lambda: (
                f"n{depth} = {self.number()}\nwhile n{depth} > 0:\n"
                f"    n{depth} -= 1\n{block(True)}"
            ),
            lambda: f"try:\n{block()}except {self.kinds()}:\n{block()}",
            lambda: (
                f"try:\n{block()}except {self.kinds()} as error:\n{block()}"
                f"except Exception:\n    {self.pick('raise', 'pass')}\nelse:\n{block()}"
            ),
            lambda: f"try:\n{block()}finally:\n{block(False)}",
            lambda: (
                f"try:\n{block()}except* {self.kinds()}:\n    {self.name()} = hit(1)\n"
                if not self.leaves(kind, loop)
                else "pass\n"
            ),
            lambda: f"{mark}with Guard({self.pick('True', 'False')}) as g:\n{block()}",
            lambda: f"{mark}with (Guard(False) as g,\n    Guard(True)):\n{block()}",
            lambda: (
                f"match {self.atom()}, {self.atom()}:\n    case 0, x:\n"
                f"{textwrap.indent(block(), '    ')}    case (1 | 2), int() as y if y > 1:\n"
                f"{textwrap.indent(block(), '    ')}    case _:\n"
                f"{textwrap.indent(block(), '    ')}"
            ),
        ]
        return self.random.choice(choices)()

    def leaves(self, kind: str, loop: bool) -> bool:
        """Whether a block may jump out, which except* must not."""
        return kind != "module" or loop

    def kinds(self) -> str:
        return self.pick(
            "Fault", "(Fault, Stop)", "ValueError", "ZeroDivisionError", "KeyError"
        )

    def function(self, number: int) -> str:
        kind = self.pick("def", "def", "gen", "gen", "async")
        start = "a = b = c = d = e = z = 0\n"
        body = textwrap.indent(start, "    ") + self.block(3, kind, False)
        if kind == "gen":
            body += "    yield 1\n"
        keyword = "async def" if kind == "async" else "def"
        name = f"f{number}"
        self.functions.append((name, kind))
        inner = self.pick(
            "", "", f"    def inner(): return e\n    {name}.last = inner()\n"
        )
        return f"{keyword} {name}(a):\n{body}{inner}"

    def program(self) -> str:
        parts = [HEAD, "a = b = c = d = e = z = 0\n"]
        parts += [self.function(number) for number in range(4)]
        for _ in range(6):
            body = textwrap.indent(self.statement(3, "module", False), "    ")
            parts.append(
                f"try:\n{body}except Exception as error:\n    print(type(error))\n"
            )
        for name, kind in self.functions:
            if kind == "gen":
                parts.append(GENERATOR.format(name=name))
            call = f"drive({name}(3))" if kind == "async" else f"{name}(3)"
            parts.append(
                f"try: print({call} and 1)\nexcept Exception as error: print(error)\n"
            )
        parts.append("print(a, b, c, d, e, calls)\n")
        return "".join(parts)


GENERATOR = """\
g = {name}(2)
try:
    print(next(g), g.send(1))
    print(g.throw(Fault))
except Exception as error:
    print(repr(error))
finally:
    g.close()
left = {name}(1)
next(left, 0) if calls % 2 else None
"""


def program(seed: int) -> str:
    """Return the program of this number."""
    return Maker(seed).program()


def run(source: str, engine: str | None, **options: Any) -> tuple[dict[int, int], Any]:
    """Run a program under an engine: ({line: hits}, the tracer)."""
    import exactrace

    tracer = exactrace.Trace(count=1, trace=0, engine=engine, **options)
    code = compile(source, "/random.py", "exec")
    names: dict[str, Any] = {"__name__": "program", "__file__": "/random.py"}
    names["print"] = lambda *values: printed.append(repr(values))
    printed: list[str] = []
    try:
        tracer.runctx(code, names, names)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises
        printed.append(type(error).__name__)
    del names["print"]
    names.clear()
    return (
        {
            line: hits
            for (name, line), hits in tracer.counts.items()
            if name == "/random.py"
        },
        (printed, tracer),
    )


def differences(seed: int, engines: tuple[str | None, ...]) -> list[str]:
    """Return what differs between the trace function and other engines."""
    source = program(seed)
    expected, (said, _) = run(source, "settrace")
    found = []
    for engine in engines:
        for branch in (False, True) if engine == "probe" else (False,):
            got, (says, _) = run(source, engine, **({"branch": True} if branch else {}))
            if got != expected:
                wrong = {
                    line: (expected.get(line), got.get(line))
                    for line in sorted({*expected, *got})
                    if expected.get(line) != got.get(line)
                }
                found.append(f"seed {seed}, {engine}, branch={branch}: {wrong}")
            if said != says:
                found.append(f"seed {seed}, {engine}: it said something else")
    return found


def hunt(seconds: float, seed: int) -> int:
    """Compare until the time is over, or a difference is found."""
    end = time.monotonic() + seconds
    first = seed
    while time.monotonic() < end:
        for text in differences(seed, ("event", "probe")):
            print(text)
            return 1
        seed += 1
        if seed % 100 == 0:
            print(f"\r{seed - first} programs", end="", file=sys.stderr, flush=True)
    print(f"{seed - first} programs, no difference")
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "--hunt":
        sys.exit(hunt(float(sys.argv[2]), int([*sys.argv, "0"][3])))
    print(program(int(sys.argv[1])))
