"""Tracebacks of a frame that goes on in rewritten code are those of the bare run."""

from __future__ import annotations

import textwrap
import types
from typing import Any

import pytest
from beside import ENGINES

import exactrace

# What is only in the original, and takes so long that the frame moves.
MANY = "".join(f"if q == {number}: q = 1\n" for number in range(60))
LONG = "for i in range(5000): q = i\n"


def run_both(source: str, engine: str, **names: Any) -> list[dict[str, Any]]:
    """Run it counted and bare; the names that it has in the end."""
    counted = {"__name__": "__main__", "__file__": "/program.py", **names}
    plain = {"__name__": "__main__", "__file__": "/program.py", **names}
    tracer = exactrace.Trace(count=1, trace=0, engine=engine)
    code = compile(source, "/program.py", "exec")
    tracer.runctx(code, counted, counted)
    exec(compile(source, "/program.py", "exec"), plain)
    assert 5001 in tracer.results().counts.values()
    return [counted, plain]


@pytest.mark.parametrize("engine", ENGINES)
def test_tracebacks_tell_where_a_frame_was_before_it_was_rewritten(engine: str) -> None:
    source = f"""\
q = 1
{MANY}
try:
    int("no")
except ValueError as error:
    kept = error.__traceback__
{LONG}
lasti = kept.tb_lasti
"""
    counted, plain = run_both(source, engine)
    for names in (counted, plain):
        line = source.splitlines().index('    int("no")') + 1
        assert names["kept"].tb_lineno == line
    assert counted["lasti"] == plain["lasti"]


def walk(error: BaseException | None) -> list[types.TracebackType]:
    """All entries of its traceback and of those of what it came from."""
    entries: list[types.TracebackType] = []
    known: list[BaseException] = []
    while error is not None and error not in known:
        known.append(error)
        entry = error.__traceback__
        while entry is not None:
            entries.append(entry)
            entry = entry.tb_next
        error = error.__context__
    return entries


NEEDS_KEPT = "from a kept one"
# How an exception comes, and what is done to it before the frame moves.
HANDLED = {
    "here": ("int('no')\n", ""),
    "in a call": ("fail()\n", ""),
    "by raising on": ("try: int('no')\nexcept ValueError: raise\n", ""),
    "from another": ("try: 1 / 0\nexcept ZeroDivisionError: int('no')\n", ""),
    NEEDS_KEPT: ("int('no')\n", "error.__context__ = kept\n"),
    "in a cycle": (
        "int('no')\n",
        "error.__context__ = one = ValueError()\none.__context__ = error\n",
    ),
    "deep down": ("deep(40)\n", ""),
    "from many": ("often()\n", ""),
}


# With another traceback of the frame that nobody handles any more, or without.
CASES = [(how, keeps) for how in HANDLED for keeps in (False, True)]
CASES.remove((NEEDS_KEPT, False))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("how", "keeps"), CASES)
def test_tracebacks_are_right_where_a_handler_was_rewritten(
    engine: str, keeps: bool, how: str
) -> None:
    fails, before = HANDLED[how]
    source = f"""\
q = 1
kept = None
def fail(): int("no")
def deep(n): deep(n - 1) if n else fail()
def often(error=None):
    for _ in range(100):
        try:
            raise error or ValueError
        except ValueError:
            try:
                fail()
            except ValueError as new:
                error = new
    raise error
{MANY}
try:
    fail()
except ValueError as error:
    if {keeps}: kept = error
try:
{textwrap.indent(fails, "    ")}
except ValueError as error:
{textwrap.indent(before + LONG, "    ")}
    seen = [(entry.tb_lasti, entry.tb_lineno) for entry in walk(error)]
if kept: seen += [(entry.tb_lasti, entry.tb_lineno) for entry in walk(kept)]
"""
    counted, plain = run_both(source, engine, walk=walk)
    assert counted["seen"] == plain["seen"]
    assert len(plain["seen"]) > 0
