"""--trace-calls and --trace-vars: a program, and what must come out."""

from __future__ import annotations

import signal
import textwrap
from pathlib import Path

import pytest
from beside import run, write
from test_printing import ours, printed


def shown(folder: Path, source: str, *options: str) -> str:
    """What is printed of a program, without that of other modules."""
    write(folder, "prog.py", source)
    arguments = ["--only-module", "prog", "--trace-file", "lines", *options, "prog.py"]
    status, out, err = ours(folder, *arguments)
    assert (status, out, err) == (0, "", "")
    return (folder / "lines").read_text(encoding="utf-8")


def marked(folder: Path, source: str, *options: str) -> list[str]:
    """The same without the lines of the program and without indentation."""
    lines = shown(folder, source, *options).splitlines()
    return [line.strip() for line in lines if not line.strip().startswith("prog.py(")]


def changes(folder: Path, source: str) -> list[str]:
    """What is printed of variables, but functions and classes."""
    lines = marked(folder, source, "--trace-vars")
    return [
        line.removeprefix("... ")
        for line in lines
        if line.startswith("... ") and not line.endswith(">")
    ]


# --trace-calls


def test_calls_are_printed_with_arguments_and_results_and_indented(
    folder: Path,
) -> None:
    source = """\
        def half(n, *rest, key=1, **more):
            return n / 2
        class C:
            def m(self_, n, /):
                return half(n, 5, other=[6])
        C.m(None, 4)
        """
    expected = """\
 --> prog.<module>
prog.py(1):  def half(n, *rest, key=1, **more):
prog.py(3):  class C:
   --> prog.C
  prog.py(3):  class C:
  prog.py(4):      def m(self_, n, /):
   <-- prog.C returns None
prog.py(6):  C.m(None, 4)
   --> prog.C.m(self_=None, n=4)
  prog.py(5):          return half(n, 5, other=[6])
     --> prog.half(n=4, key=1, *rest=(5,), **more={'other': [6]})
    prog.py(2):      return n / 2
     <-- prog.half returns 2.0
   <-- prog.C.m returns 2.0
 <-- prog.<module> returns None
"""
    assert shown(folder, source, "--trace-calls") == printed(expected)


def test_exceptions_are_printed_where_they_pass(folder: Path) -> None:
    source = """\
        def fail():
            {}["key"]
        def through():
            try:
                fail()
            finally:
                pass
        def main():
            try:
                through()
            except KeyError:
                pass
            raise ValueError
        try:
            main()
        except ValueError:
            pass
        """
    lines = marked(folder, source, "--trace-calls")
    assert lines[1:-1] == [
        "--> prog.main()",
        "--> prog.through()",
        "--> prog.fail()",
        "*** KeyError: 'key'",
        "<-- prog.fail raises KeyError",
        "*** KeyError: 'key'",
        "<-- prog.through raises KeyError",
        "*** KeyError: 'key'",
        "*** ValueError",
        "<-- prog.main raises ValueError",
        "*** ValueError",
    ]


def test_generators_yield_and_are_resumed(folder: Path) -> None:
    source = """\
        def g(n):
            try:
                got = yield n
            except OSError:
                got = yield "caught"
            return got
        def outer():
            return (yield from g(1))
        it = outer()
        next(it)
        it.throw(OSError("thrown"))
        try:
            it.send("sent")
        except StopIteration:
            pass
        it = g(2)
        next(it)
        try:
            it.throw(ValueError("out"))
        except ValueError:
            pass
        """
    lines = marked(folder, source, "--trace-calls")
    kept = [line for line in lines if "StopIteration" not in line]
    first = [
        "--> prog.outer()",
        "--> prog.g(n=1)",
        "<-- prog.g yields 1",
        "<-- prog.outer yields 1",
    ]
    assert kept[1:5] == first
    # Where a frame that delegates is told of, versions differ.
    for line in (
        "*** OSError: thrown",
        "<-- prog.g yields 'caught'",
        "--> prog.g resumed",
        "<-- prog.g returns 'sent'",
        "<-- prog.outer returns 'sent'",
        "--> prog.g(n=2)",
        "<-- prog.g yields 2",
        "*** ValueError: out",
        "<-- prog.g raises ValueError",
    ):
        assert line in kept
    assert "an exception" not in "".join(kept)


def test_coroutines_are_printed(folder: Path) -> None:
    source = """\
        class Wait:
            def __await__(self):
                return (yield "wait")
        async def work(n):
            return await Wait() + n
        c = work(1)
        c.send(None)
        try:
            c.send(2)
        except StopIteration:
            pass
        """
    lines = marked(folder, source, "--trace-calls", "--only-function", "work")
    assert lines == [
        "--> prog.work(n=1)",
        "<-- prog.work yields 'wait'",
        "--> prog.work resumed",
        "<-- prog.work returns 3",
    ]


def test_arguments_that_closures_hold_have_their_values(folder: Path) -> None:
    source = """\
        def outer(a, b):
            def inner(c=3):
                return a, c
            return inner()
        outer(1, 2)
        """
    lines = marked(folder, source, "--trace-calls")
    assert "--> prog.outer(a=1, b=2)" in lines
    assert "--> prog.outer.<locals>.inner(c=3)" in lines


def test_a_call_is_printed_before_the_first_line_that_is(folder: Path) -> None:
    source = """\
        def f(n):
            n += 1
            if n > 2:
                return "end"
        f(1)
        f(2)
        """
    options = ["--trace-calls", "--trace-vars", "--only-lines", "prog.py:4"]
    assert shown(folder, source, *options) == printed("""\
   --> prog.f(n=2)
   ... n = 3
  prog.py(4):          return "end"
   <-- prog.f returns 'end'
""")


def test_deep_recursion_is_printed(folder: Path) -> None:
    source = "def f(n):\n    return n and f(n - 1)\nf(900)\n"
    lines = shown(folder, source, "--trace-calls").splitlines()
    assert "  " * 901 + " --> prog.f(n=0)" in lines
    assert lines[-1] == " <-- prog.<module> returns None"


# --trace-vars


def test_what_has_changed_is_printed_before_the_next_line(folder: Path) -> None:
    source = """\
        def f(a):
            b = [a]
            b.append(a)
            a, b = b, 2
            del a
            return b
        x = f(1)
        y = x
        """
    expected = """\
 --- modulename: prog, funcname: <module>
prog.py(1):  def f(a):
 ... f = <function f>
prog.py(7):  x = f(1)
 --- modulename: prog, funcname: f
 ... a = 1
prog.py(2):      b = [a]
 ... b = [1]
prog.py(3):      b.append(a)
 ... b = [1, 1]
prog.py(4):      a, b = b, 2
 ... a = [1, 1]
 ... b = 2
prog.py(5):      del a
 ... del a
prog.py(6):      return b
 ... x = 2
prog.py(8):  y = x
 ... y = 2
"""
    assert shown(folder, source, "--trace-vars") == printed(expected)


def test_variables_of_closures_and_generators_are_followed(folder: Path) -> None:
    source = """\
        def counter():
            n = 0
            def add():
                nonlocal n
                n += 1
                return n
            add()
            return add
        def g():
            for i in "ab":
                yield i
        counter()()
        it = list(g())
        """
    got = changes(folder, source)
    assert [line for line in got if line.startswith("n =")] == [
        "n = 0",
        "n = 0",
        "n = 1",
        "n = 1",
        "n = 1",
        "n = 2",
    ]
    assert [line for line in got if line.startswith("i =")] == ["i = 'a'", "i = 'b'"]


def test_a_module_with_names_of_before_shows_new_ones_alone(folder: Path) -> None:
    source = "exec('y = 2\\nz = 3', {'__file__': 'prog.py', 'old': 1})\n"
    assert changes(folder, source) == ["y = 2", "z = 3"]


NASTY = """\
import sys
class Raises:
    def __repr__(self):
        raise TypeError
class Exits:
    def __repr__(self):
        raise SystemExit(3)
class Deep:
    def __repr__(self):
        return repr(self)
class Wrong:
    def __repr__(self):
        return 3
class Long:
    def __repr__(self):
        return "<" + "long\\n" * 100_000
class BadMeta(type):
    @property
    def __name__(cls):
        1 / 0
class BadError(Exception, metaclass=BadMeta):
    def __str__(self):
        1 / 0
class RaisesBad:
    def __repr__(self):
        raise BadError
class Lies(list):
    def __len__(self):
        1 / 0
class Changes:
    def __repr__(self):
        box.clear()
        return "changed"
class Traces:
    def __repr__(self):
        try:
            1 / 0
        except ZeroDivisionError:
            return "handled"
"""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Raises()", "<repr failed: TypeError>"),
        ("[Raises(), 1]", "[<repr failed: TypeError>, 1]"),
        ("Exits()", "<repr failed: SystemExit>"),
        ("Deep()", "<repr failed: RecursionError>"),
        ("Wrong()", "<repr failed: TypeError>"),
        ("Long()", "<" + "long " * 19 + "long..."),
        ("RaisesBad()", "<repr failed: BadError>"),
        ("Lies([1])", "[1]"),
        ("Traces()", "handled"),
        ("'x' * 10**6", "'" + "x" * 100 + "'..."),
        ("b'x' * 10**6", "b'" + "x" * 100 + "'..."),
        ("10**90", "1" + "0" * 90),
        ("1 << 10**6", "<int of 1000001 bits>"),
        ("list(range(10**5))", "[0, 1, 2, 3, 4, 5, 6, 7, ...]"),
        ("dict(zip(range(10), range(10)))", "{0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, ...}"),
        ("(1,)", "(1,)"),
        ("()", "()"),
        ("[]", "[]"),
        ("{}", "{}"),
        ("set()", "set()"),
        ("{1}", "{1}"),
        ("frozenset([1])", "frozenset({1})"),
        ("frozenset()", "frozenset()"),
        ("[[[[[1]]]]]", "[[[[[...]]]]]"),
        ("'\\udc80\\n\\xe4'", "'\\udc80\\nä'"),
        ("sys", "<module 'sys'>"),
        ("range(5)", "range(0, 5)"),
        ("True", "True"),
        ("__import__('collections').deque(range(5000))", "<deque of 5000 items>"),
    ],
)  # fmt: skip
def test_values_are_shown_short_and_whatever_they_do(
    folder: Path, value: str, text: str
) -> None:
    source = f"{NASTY}\ndef f():\n    value = {value}\n    return None\nf()\n"
    write(folder, "prog.py", source)
    options = ["--trace-vars", "--only-function", "f", "--trace-file", "lines"]
    assert ours(folder, *options, "prog.py") == (0, "", "")
    line = (folder / "lines").read_text(encoding="utf-8").splitlines()[2]
    assert line == f" ... value = {text}"


def test_a_repr_that_changes_what_holds_it_is_harmless(folder: Path) -> None:
    source = f"""{NASTY}
box = {{}}
def f():
    box.update({{1: Changes(), 2: Changes(), 3: [Changes()]}})
    both = box
    return None
f()
"""
    write(folder, "prog.py", source)
    options = ["--trace-vars", "--only-function", "f", "--trace-file", "lines"]
    assert ours(folder, *options, "prog.py") == (0, "", "")
    text = (folder / "lines").read_text()
    assert " ... both = {1: changed, 2: changed, 3: [changed]}\n" in text


def test_no_value_lives_longer_than_without_us(folder: Path) -> None:
    write(
        folder,
        "life.py",
        """\
        import weakref
        class Value:
            pass
        def f():
            value = Value()
            ref = weakref.ref(value)
            closure = lambda: value
            print(ref() is None)
            value = [Value()]
            print(ref() is None)
            ref = weakref.ref(value[0])
            del value
            print(ref() is None)
            return ref
        print(f()())
        """,
    )
    plain = run(["life.py"], folder)
    options = ["--trace-vars", "--trace-calls", "--trace-file", "lines"]
    assert ours(folder, *options, "life.py") == plain
    assert "value" in (folder / "lines").read_text()


def test_locals_of_the_program_stay_as_they_are(folder: Path) -> None:
    write(
        folder,
        "own.py",
        """\
        import sys
        def f():
            a = 1
            names = locals()
            names["b"] = 2
            a = 3
            print(sorted(map(str, names)), names["a"])
        f()
        """,
    )
    plain = run(["own.py"], folder)
    assert ours(folder, "--trace-vars", "--trace-file", "lines", "own.py") == plain


def test_an_interrupt_in_a_repr_reaches_the_program(folder: Path) -> None:
    write(
        folder,
        "stop.py",
        """\
        import signal
        class Value:
            def __repr__(self):
                signal.raise_signal(signal.SIGINT)
                return "never"
        def f():
            value = Value()
            return None
        try:
            f()
        except KeyboardInterrupt:
            print("interrupted")
        """,
    )
    options = ["--trace-vars", "--only-function", "f", "--trace-file", "lines"]
    assert ours(folder, *options, "stop.py") == (0, "interrupted\n", "")


def test_nothing_of_ours_reaches_the_program(folder: Path) -> None:
    """With reprs that fail in all ways, and exceptions of its own under way."""
    source = NASTY + textwrap.dedent("""\
        def f(values):
            try:
                value = values.pop()
                raise KeyError(value)
            except KeyError as error:
                return error.__context__, sys.exc_info()[0]
            finally:
                value = None
        values = [Raises(), Exits(), Deep(), Wrong(), RaisesBad(), BadError()]
        while values:
            print(f(values))
        """)
    write(folder, "nasty.py", source)
    plain = run(["nasty.py"], folder)
    options = ["--trace-vars", "--trace-calls", "--trace-file", "lines"]
    assert ours(folder, *options, "nasty.py") == plain
    text = (folder / "lines").read_text()
    assert text.count(" *** KeyError: ") == 6


def test_last_lines_have_calls_and_variables(folder: Path) -> None:
    source = "import os\ndef f(n):\n    os.kill(os.getpid(), 11)\nf(3)\n"
    write(folder, "die.py", source)
    options = ["--trace-last", "3", "--trace-calls", "--trace-vars"]
    status, out, err = ours(folder, *options, "--only-module", "die", "die.py")
    assert (status, out) == (-signal.SIGSEGV, "")
    assert err.splitlines()[1:] == printed(
        "die.py(4):  f(3)\n   --> die.f(n=3)\n  die.py(3):      os.kill(os.getpid(), 11)\n"
    ).splitlines()  # fmt: skip


def test_threads_have_depths_of_their_own(folder: Path) -> None:
    source = """\
        import threading
        def work(n):
            return n
        for n in range(2):
            thread = threading.Thread(target=work, args=(n,))
            thread.start()
            thread.join()
        """
    options = ["--trace-calls", "--ignore-module", "threading"]
    lines = shown(folder, source, *options).splitlines()
    assert " --> prog.work(n=0)" in lines
    assert " <-- prog.work returns 1" in lines


def test_a_recursion_that_just_fits_still_fits(folder: Path) -> None:
    write(
        folder,
        "deep.py",
        """\
        def f(n):
            return 1 + f(n - 1) if n else 0
        for n in range(900, 1100):
            try:
                f(n)
            except RecursionError:
                print(n)
                break
        """,
    )
    plain = run(["deep.py"], folder)
    options = ["--trace-calls", "--trace-vars", "--trace-file", "/dev/null"]
    assert ours(folder, *options, "deep.py")[1] == plain[1]
