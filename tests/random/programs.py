"""Makes programs for differential tests: source text from a number.

The same number always gives the same text. A program ends soon (loops are
bounded, functions return at once when enough was done), does the same on every
run, says what it does with `say(...)`, which who runs it provides, and uses
every kind of control flow that Python has, laid out in many ways.

    python tests/random/programs.py SEED        print a program
"""

from __future__ import annotations

import sys
import textwrap
import warnings
from collections.abc import Callable

from expressions import Expressions, Place
from prelude import PRELUDE

FOLDER = "/random/"
PROGRAM = FOLDER + "program.py"
KINDS = ("Fault", "(Fault, Stop)", "ValueError", "ZeroDivisionError", "KeyError")
WIDE = ("Exception", "BaseException", "(LookupError, ArithmeticError, Stop)")


def indent(text: str, columns: int = 4) -> str:
    return textwrap.indent(text, " " * columns)


class Programs(Expressions):
    """Makes one program."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.numbers = 0

    def fresh(self, prefix: str) -> str:
        self.numbers += 1
        return f"{prefix}{self.numbers}"

    # Blocks and simple statements

    def block(self, depth: int, place: Place) -> str:
        """Statements, not indented."""
        count = self.random.choices((1, 2, 3), (3, 3, 1))[0]
        text = ""
        for _ in range(count):
            if self.chance(0.12):
                text += self.pick("\n", "# a comment\n", "\n\n    # one more\n")
            text += self.statement(depth, place)
        return text

    def suite(self, depth: int, place: Place) -> str:
        """What stands behind a colon: on the same line or indented below."""
        if self.chance(0.15):
            return " " + self.simple(place, alone=False)
        if self.chance(0.1):
            return "  # below\n\n" + indent(self.block(depth, place), 2)
        columns = self.random.choice((4, 4, 4, 1, 8))
        return "\n" + indent(self.block(depth, place), columns)

    def statement(self, depth: int, place: Place) -> str:
        if depth <= 0 or self.chance(0.35):
            return self.simple(place)
        return self.compound(depth - 1, place)

    def simple(self, place: Place, *, alone: bool = True) -> str:
        """Simple statements on a line (which may be split); if not `alone`,
        such as can stand behind a colon.
        """
        text = ""
        if self.chance(0.3) and place.leave:
            text = self.leaving(place)
            if alone and (self.chance(0.7) or text.startswith("raise")):
                # Mostly not reached, so that what follows is.
                text = f"if {self.test(1, place)}: {text}"
            elif self.chance(0.3):
                text = f"hit(); {text}"
        else:
            text = self.one_simple(place)
            while self.chance(0.2):
                text += self.pick("; ", ";") + self.one_simple(place)
        return text + self.pick("\n", "\n", "\n", "  # so\n")

    def one_simple(self, place: Place) -> str:
        name, one = self.name(), self.value(2, place)
        return self.pick(
            f"{name} = {one}",
            f"{name} = {one}",
            f"{name} = \\\n  {one}",
            f"{name} += {one}",
            f"{name} = {self.name()} = {one}",
            f"{name}, {self.name()} = {one}, {self.atom()}",
            f"{name}, *rest = {one}, *range({self.digit()})",
            f"({name}, [{self.name()}, *rest]) = hit(1), take([1, 2, 3])",
            f"{name}, {self.name()} = take({self.source(place.still())}, 2)",
            one,
            one if not one.startswith("-") else f"({one})",
            f"hit({one}); {name} = {self.atom()}",
            f"assert {self.test(1, place)}, {self.pick(one, 'hit(2)')}",
            f"assert {self.test(1, place)}",
            f"del {name}; {name} = {one}",
            f"{name} = Box({one}).size",
            "box = Box(1); box.size = " + one,
            f"Box()[{self.atom()}] = {one}",
            f"({name}, Box()[0], Box().size) = {self.atom()}, 2, {one}",
            f"noted: {self.atom()} = {one}",
            "pass",
            "...",
            "say(" + one.replace("\n", " \\\n" if "#" not in one else "\n") + ")"
            if "yield" not in one
            else "say(1)",
        )

    def leaving(self, place: Place) -> str:
        """What may leave where it stands."""
        choices = [
            f"raise Fault({self.atom()})",
            f"raise {self.pick('Stop', 'Fault(1)')} from {self.pick('None', 'Fault()')}",
            "raise",
            f"raise hit(Fault({self.digit()}))",
        ]
        if place.loop:
            choices += ["break", "continue", "continue", "break"]
        if place.kind in ("def", "gen", "async"):
            choices += [f"return {self.value(2, place)}", "return", "return None"]
        elif place.kind == "agen":
            choices += ["return"]
        if place.kind in ("gen", "agen"):
            value = self.value(1, place.inside(walrus=False))
            choices += [f"yield {value}", f"{self.name()} = (yield {value}) or 2"] * 2
        if place.kind == "gen":
            choices += [f"yield from {self.source(place)}", "yield from Items(3)"]
        if place.awaits:
            choices += ["await Once(2)", f"{self.name()} = await Once({self.digit()})"]
        return self.pick(*choices)

    # Compound statements

    def compound(self, depth: int, place: Place) -> str:
        makers: tuple[Callable[[int, Place], str], ...] = (
            self.condition,
            self.condition,
            self.for_loop,
            self.for_loop,
            self.while_loop,
            self.try_except,
            self.try_except,
            self.try_finally,
            self.try_star,
            self.with_block,
            self.match,
            self.function_within,
            self.short_loop,
            self.loop_with_try,
        )
        return self.random.choice(makers)(depth, place)

    def condition(self, depth: int, place: Place) -> str:
        text = f"if {self.test(2, place)}:{self.suite(depth, place)}"
        while self.chance(0.3):
            text += f"elif {self.test(1, place)}:{self.suite(depth, place)}"
        if self.chance(0.5):
            text += f"else:{self.suite(depth, place)}"
        return text

    def maybe_else(self, depth: int, place: Place) -> str:
        return f"else:{self.suite(depth, place)}" if self.chance(0.35) else ""

    def for_loop(self, depth: int, place: Place) -> str:
        body = self.suite(depth, place.inside(loop=True, leave=True))
        if not place.leave:  # in except*: what leaves the loop would leave it too
            body = self.suite(depth, place)
        target = self.pick(self.name(), self.name(), "Box().size", "*rest, a")
        source = self.source(place)
        if target.startswith("*"):
            source = f"[(1, 2), {self.pick('(3,)', '()', 'Items(2)')}]"
        if place.awaits and self.chance(0.5):
            target, source = self.name(), self.async_source(place)
            head = f"async for {target} in {source}:"
        else:
            head = f"for {target} in {source}:"
        return head + body + self.maybe_else(depth, place)

    def while_loop(self, depth: int, place: Place) -> str:
        count = self.fresh("n")
        inner = place.inside(loop=True) if place.leave else place
        body = indent(self.block(depth, inner))
        test = self.pick(
            f"{count} > 0",
            f"{count}",
            self.join(f"{count} > 0", "and", f"({self.test(1, place)})"),
            self.join(f"{count} and not over()"),
        )
        first = f"{count} = {self.digit()}\n"
        if self.chance(0.3) and place.leave:
            test = self.pick("True", "1", "not False")
            step = f"    {count} -= 1\n    if {count} < 0: break\n"
        else:
            step = f"    {count} -= 1\n"
        return f"{first}while {test}:\n{step}{body}{self.maybe_else(depth, place)}"

    def short_loop(self, depth: int, place: Place) -> str:
        """Loops of one line."""
        count = self.fresh("n")
        still = place.inside(walrus=False)
        return self.pick(
            f"for {self.name()} in {self.source(place)}: hit({self.value(1, still)})\n",
            f"{count} = {self.digit()}\nwhile {count}: {count} -= 1\n",
            f"{count} = {self.digit()}\nwhile {count} > 0: {count} -= 1; hit({count})\n",
            f"for x in range(3): {self.pick('pass', 'x', 'a = x; hit(a)')}\n",
            f"{count} = {self.digit()}\n"
            f"while ({count} := {count} - 1) > 0: hit({count}, 7)\n"
            if place.kind != "class"
            else "pass\n",
            f"for x in range({self.digit()}): say(x) if hit(x) else say(-x)\n",
        )

    def loop_with_try(self, depth: int, place: Place) -> str:
        """A try in a loop whose clauses leave it."""
        if not place.leave:
            return self.simple(place)
        inner = place.inside(loop=True)
        last = self.pick(
            "continue\n", "break\n", "hit(1, 5)\n", "if hit(1): continue\n"
        )
        if place.kind in ("def", "async", "gen"):
            last = self.pick(last, "return 3\n", f"if {self.test(1, place)}: return\n")
        text = f"for {self.name()} in {self.source(place)}:\n    try:"
        text += indent(self.suite(depth, inner), 4).lstrip(" ")
        if self.chance(0.5):
            text += f"    except {self.pick(*KINDS)}:\n"
            text += indent(self.block(depth, inner), 8)
        return f"{text}    finally:\n{indent(self.block(0, inner) + last, 8)}"

    def except_clauses(self, depth: int, place: Place) -> str:
        text = ""
        for _ in range(self.random.choice((1, 1, 2))):
            kind = self.pick(*KINDS, *KINDS, "hit(Fault, 12)")
            bound = self.pick("", "", " as error", " as error")
            text += f"except {kind}{bound}:{self.suite(depth, place)}"
        if self.chance(0.4):
            last = self.pick(
                "    raise\n",
                "    show(error)\n",
                "    raise Stop from error\n",
                indent(self.block(depth, place)),
            )
            text += f"except {self.pick(*WIDE)} as error:\n{last}"
        elif self.chance(0.2):
            text += f"except:{self.suite(depth, place)}"
        return text

    def try_except(self, depth: int, place: Place) -> str:
        text = f"try:{self.suite(depth, place)}{self.except_clauses(depth, place)}"
        text += self.maybe_else(depth, place)
        if self.chance(0.3):
            text += f"finally:{self.suite(depth, place)}"
        return text

    def try_finally(self, depth: int, place: Place) -> str:
        return f"try:{self.suite(depth, place)}finally:{self.suite(depth, place)}"

    def try_star(self, depth: int, place: Place) -> str:
        handler = place.inside(leave=False, loop=False)
        text = f"try:{self.suite(depth, place)}"
        for kind in self.random.sample(KINDS, self.random.choice((1, 2))):
            bound = self.pick("", " as error")
            text += f"except* {kind}{bound}:{self.suite(depth, handler)}"
        return text + self.maybe_else(depth, place)

    def with_block(self, depth: int, place: Place) -> str:
        word = "async with" if place.awaits and self.chance(0.6) else "with"
        guards = ("Guard()", "Guard(True)", "Guard(True)", f"Guard({self.atom()})")
        one, two = self.pick(*guards), self.pick(*guards)
        items = self.pick(
            one,
            f"{one} as {self.name()}",
            f"{one} as {self.name()}, {two}",
            f"({one} as {self.name()},\n    {two})",
            f"({one},\n    {two} as g,  # two\n)",
        )
        return f"{word} {items}:{self.suite(depth, place)}"

    def match(self, depth: int, place: Place) -> str:
        text = f"match {self.subject(place)}:\n"
        for _ in range(self.random.choice((1, 2, 3))):
            guard = f"if {self.test(1, place)}"
            pattern = self.valid_pattern(guard)
            if self.chance(0.6) and self.is_case(f"{pattern}"):
                guard = ""
            case = f"case {pattern} {guard}:{self.suite(depth, place)}"
            text += indent(case)
        if self.chance(0.5):
            text += indent(f"case {self.pick('_', 'p')}:{self.suite(depth, place)}")
        return text

    def valid_pattern(self, guard: str) -> str:
        while True:
            pattern = self.pattern(2, [])
            if self.is_case(f"{pattern} if 0"):
                return pattern

    @staticmethod
    def is_case(text: str) -> bool:
        """Whether a case can be this and have others behind it."""
        source = f"match 0:\n case {text}: pass\n case _: pass\n"
        try:
            compile(source, "case", "exec")
        except SyntaxError:
            return False
        return True

    # Functions, classes, programs within the program

    def function_within(self, depth: int, place: Place) -> str:
        """A function with its call, which sees the names around it."""
        name = self.fresh("inner")
        kind = self.pick("def", "def", "gen", "async")
        text = self.function(name, kind, depth, place)
        call = {
            "def": f"{name}({self.atom()})",
            "gen": f"total(*take({name}({self.atom()})))",
            "async": f"drive({name}({self.atom()}))",
        }[kind]
        if place.awaits and kind == "async" and place.kind == "async":
            call = f"(await {name}({self.atom()}))"
        return f"{text}{self.name()} = {call} or 0\n"

    def function(
        self,
        name: str,
        kind: str,
        depth: int,
        place: Place,
        *,
        first: str = "",
    ) -> str:
        word = "async def" if kind in ("async", "agen") else "def"
        inner = Place(kind=kind, functions=[*place.functions, (name, kind)])
        parameter = self.pick(
            "a", "a", "a=1", "a, *rest, k=2", "a=1, /, b=2, **more", "a,\n      b=3"
        )
        if first:
            parameter = f"self, {parameter}"
        rest = [other for other in "bcde" if f" {other}=" not in parameter]
        shared = self.name()
        binding = ""
        if shared in rest and self.chance(0.5):
            binding = f"{'nonlocal' if shared in place.own else 'global'} {shared}\n"
            rest.remove(shared)
        inner.own = rest
        decorator = self.pick(
            "", "", "", f"@named({name!r})\n", f"@named('f',\n    {self.digit()})\n"
        )
        if kind == "def" and self.chance(0.15):
            decorator += "@again\n"
        head = f"{decorator}{word} {name}({parameter}):"
        if self.chance(0.1) and kind == "def":
            # Nothing ends a function of one line that calls itself.
            others = [other for other in place.functions if other[0] != name]
            value = self.value(2, Place(kind=kind, functions=others, own=rest))
            return f"{head} {self.pick('hit(1); ', '')}return {value}\n"
        body = f"{binding}if over(): return\n{' = '.join(rest)} = {self.digit()}\n"
        if self.chance(0.2):
            body = '"""What it does."""\n' + body
        body += self.block(depth + 1, inner)
        if kind in ("gen", "agen"):
            body += self.pick("yield 1\n", f"yield {self.atom()}\n")
        if self.chance(0.3):
            body += self.pick("return\n", "hit(2)\n", self.statement(1, inner))
        return f"{head}\n{indent(body)}"

    def class_(self, name: str, place: Place) -> str:
        inner = Place(kind="class", walrus=False, functions=place.functions)
        parts = [f"size = {self.digit()}\n"]
        if self.chance(0.6):
            parts.append(self.statement(1, inner))
        parts.append(self.function("run", "def", 1, place, first="self"))
        size = Place(kind="def", functions=place.functions)
        forms = [
            f"@property\ndef size(self): return {self.value(2, size)}\n",
            f"def __getitem__(self, i): return hit({self.atom()}, 15)\n",
            f"def __bool__(self):\n    return {self.atom()} == hit(1)\n",
            "def __iter__(self):\n    yield 1\n    yield hit(2)\n",
            f"def __call__(self, *x):\n    return ({self.value(1, size)})\n",
            "@staticmethod\ndef still(x=1): return x\n",
            "@classmethod\ndef new(cls): return cls()\n",
            "lazy = property(lambda self: hit(1))\n",
        ]
        parts += self.random.sample(forms, 3)
        return f"class {name}(Box):\n{indent(self.spaced(parts))}"

    def spaced(self, parts: list[str]) -> str:
        return "".join(part + self.pick("", "", "\n", "\n\n") for part in parts)

    def snippet(self, place: Place) -> str:
        """A program in a string, with a file name of its own."""
        name = self.fresh("snippet")
        inner = Place(kind="module", functions=place.functions[:2])
        source = self.statement(2, inner) + self.function("f0", "def", 1, inner)
        source += f"f0({self.digit()})\n"
        text = f"exec(compile({source!r}, {FOLDER + name + '.py'!r}, 'exec'))\n"
        value = self.value(2, inner.inside(walrus=False))
        text += f"eval(compile({value!r}, {FOLDER}{name}-eval.py', 'eval'))\n".replace(
            f"{FOLDER}", f"'{FOLDER}"
        )
        return text

    def onward(self) -> str:
        """A program in a string without loops, and functions that run once or some
        times: what needs no probes where it runs seldom.
        """
        name = FOLDER + self.fresh("onward") + ".py"
        source = self.onward_block(2)
        for number in range(self.random.choice((1, 2))):
            source += self.onward_function(f"g{number}")
            source += self.onward_callee(f"w{number}")
        source += f"class K:\n{indent(self.onward_block(2))}" + self.onward_block(3)
        runs = "exec(onward)\n" * self.random.choice((0, 0, 1))
        return (
            f"onward = compile({source!r}, {name!r}, 'exec')\n"
            f"{self.guarded('exec(onward)' + chr(10))}{runs}"
        )

    def onward_function(self, name: str) -> str:
        last = self.pick(
            f"return ({self.atom()},\n  hit(x))", "raise Fault(x)", "hit()"
        )
        text = f"def {name}(x):\n  {self.name()} = x\n  hit({self.atom()}); {last}\n"
        calls = f"{name}({self.digit()})\n" * self.random.choice((1, 1, 2))
        return text + (calls if "raise" not in last else f"say({name})\n" + calls)

    def onward_callee(self, name: str) -> str:
        """A function without loops, called more or less often, within itself, too."""
        body = self.onward_block(2)
        if self.chance(0.6):
            inner = self.onward_block(1)
            ending = self.pick(
                f"except Fault as error:\n{indent(self.onward_line())}",
                f"except (KeyError, Stop):\n  return {self.atom()}\n",
                f"except ValueError: {self.name()} = 4\nelse:\n  hit(7)\n",
                f"finally:\n{indent(self.onward_line())}",
                f"except IndexError: raise\nfinally:\n{indent(self.onward_line())}",
            )
            body += f"try:\n{indent(inner)}{ending}"
        if self.chance(0.3):
            body += f"with Guard({self.pick('True', 'False')}):\n"
            body += indent(self.onward_block(1))
        if self.chance(0.4):
            body += (
                f"if 0 < x < {self.digit()} + 9:\n  {name}(x - {self.pick('1', '2')})\n"
            )
            body += self.onward_line()
        if self.chance(0.7):
            body = "global a, b, c, d, e\n" + body
        if self.chance(0.5):
            body += f"return {self.atom()} if {self.onward_test()} else {self.atom()}\n"
        times = self.random.choice((1, 2, 5, 14, 15, 16, 17, 40))
        return f"def {name}(x):\n{indent(body)}again({name}, {times})\n"

    def onward_block(self, depth: int) -> str:
        text = ""
        for _ in range(self.random.choice((1, 2, 3))):
            text += self.onward_line()
            if depth > 0 and self.chance(0.6):
                text += self.onward_branch(depth - 1)
        return text

    def onward_branch(self, depth: int) -> str:
        def suite() -> str:
            if self.chance(0.3):
                return f" {self.onward_line()}"
            return "\n" + indent(self.onward_block(depth), self.random.choice((1, 4)))

        if self.chance(0.2):
            cases = f"case {self.digit()}:\n{indent(self.onward_block(depth))}"
            cases += f"case _ if {self.onward_test()}:\n{indent(self.onward_line())}"
            return f"match {self.atom()}:\n{indent(cases)}"
        text = f"if {self.onward_test()}:{suite()}"
        while self.chance(0.3):
            text += f"elif {self.onward_test()}:{suite()}"
        return text + (f"else:{suite()}" if self.chance(0.5) else "")

    def onward_test(self) -> str:
        one, other = self.atom(), self.digit()
        return self.pick(
            f"hit({one})",
            f"{one} == {other}",
            f"{one} is None",
            f"{self.name()} is not None",
            f"not hit({one})",
            f"{one} and {other} < 3",
            f"(hit({one})\n  or {one})",
            f"0 < {one} < hit({other})",
        )

    def onward_line(self) -> str:
        name, one, other = self.name(), self.atom(), self.atom()
        return self.pick(
            f"{name} = {one}\n",
            f"{name} = {one}; {self.name()} = {other}\n",
            f"{name} = {one} if {self.onward_test()} else {other}\n",
            f"{name} = ({one} if {self.onward_test()}\n    else {other})\n",
            f"{name} = {self.onward_test()} and \\\n  {one} or hit(1)\n",
            f"hit({one})\n",
            f"assert hit({one}), hit(2)\n",
            "pass\n",
        )

    def guarded(self, text: str) -> str:
        """What may raise, at the top level."""
        return f"try:\n{indent(text)}except BaseException as error: show(error)\n"

    def program(self) -> str:
        place = Place()
        parts = []
        for number in range(self.random.choice((2, 3, 4, 5))):
            kind = self.pick("def", "def", "gen", "gen", "async", "agen", "class")
            name = f"{'K' if kind == 'class' else 'f'}{number}"
            depth = self.random.choice((1, 2, 2))
            parts.append(
                self.class_(name, place)
                if kind == "class"
                else self.function(name, kind, depth, place)
            )
            place.functions.append((name, kind))
            parts.append(self.guarded(self.statement(2, place)))
        for name, kind in place.functions:
            parts.append(self.guarded(self.use(name, kind)))
        parts.append(self.guarded(self.snippet(place)))
        parts += [self.guarded(self.onward()) for _ in range(2)]
        parts += [self.guarded(self.statement(3, place)) for _ in range(3)]
        parts.append(self.statement(2, place))
        parts.append("say(a, b, c, d, e, steps, entered)\n")
        return PRELUDE + self.spaced(parts)

    def use(self, name: str, kind: str) -> str:
        """Calls of a function, as its kind is used."""
        call = f"{name}({self.digit()})"
        return {
            "def": f"for i in range({self.digit() + 2}): say(number({name}(i)))\n",
            "gen": f"say(poke({call}))\nleft = {call}\nnext(left, 0)\n"
            f"for x in {call}:\n    if hit(x): break\n"
            f"else: say(0)\nsay([number(x) for x in take({call}, 9)])\n",
            "async": f"for i in range(-1, 4): say(drive({name}(i), i))\n",
            "agen": f"say(drive(poke_async({call})))\n"
            "async def walk():\n"
            f"    async for x in {call}: hit(x)\n"
            f"    return [x async for x in {call} if hit(1)]\n"
            "say(drive(walk()))\n",
            "class": f"one = {call}; say(one.size, one[0], bool(one), one.run(1))\n"
            "for x in one: hit(x)\n",
        }[kind]


def program(seed: int) -> str:
    """Return the program of this number."""
    attempt = 0
    while True:
        source = Programs(seed * 1000 + attempt).program()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(source, PROGRAM, "exec")
        except SyntaxError:
            attempt += 1  # rare: what only the whole shows to be wrong
            continue
        return source


if __name__ == "__main__":
    print(program(int(sys.argv[1])))
