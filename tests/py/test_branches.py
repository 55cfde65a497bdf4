"""Branches in the report: how many sides there are, and which were never taken."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from beside import MONITORED, NO_PROBES, run, write

from exactrace import CoverageResults
from exactrace.cli.report import read
from exactrace.reports import partial
from exactrace.reports.model import Branch, FileReport, file_reports

known = pytest.mark.skipif(not MONITORED, reason=NO_PROBES)

PROGRAM = """\
def größer(a, b):
    if a > b and a != "ä":
        return 1
    for x in (a, b):
        if x is None: return 2
    return 3 if b else \\
        4
def never(n):
    while n: n -= 1
größer(3, 2)
größer(3, 1)
größer(0, 4)
"""
REPORT = """\
file        stmts  miss  branches  partial  cover  hits  missing
program.py     12     2        12        3  70.8%    16  7, 9

Sides that were never taken:
program.py:2: a != "ä": never false in 2 tests
program.py:5: x is None: never None in 2 tests
program.py:6: b: never false in 1 test
"""


@known
def test_the_command_line_names_what_was_never_decided_otherwise(folder: Path) -> None:
    write(folder, "program.py", PROGRAM)
    status, _, error = run(["-m", "exactrace", "run", "--branch", "program.py"], folder)
    assert (status, error) == (0, REPORT)


@known
def test_listings_say_it_below_each_file(folder: Path) -> None:
    write(folder, "program.py", PROGRAM)
    command = ["-m", "exactrace", "run", "--branch", "-a", "program.py"]
    _, _, error = run(command, folder)
    listing, _, rest = error.partition("Sides that were never taken:\n")
    assert "größer(0, 4)\n" in listing
    assert rest.startswith('program.py:2: a != "ä": never false')
    assert "\nfile        stmts  miss" in rest


@pytest.mark.skipif(MONITORED, reason="branches can be counted here")
def test_without_a_way_to_count_branches_there_is_a_word(folder: Path) -> None:
    write(folder, "program.py", PROGRAM)
    for command in (["run", "--branch"], ["--count", "--branch"]):
        status, _, error = run(["-m", "exactrace", *command, "program.py"], folder)
        assert status == 0
        assert "exactrace: no branches were counted: that needs CPython 3.12" in error
        assert "partial" not in error


ASYNC = """\
import asyncio, os, signal, sys
async def numbers(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i
async def total(n):
    t = 0
    async for x in numbers(n):
        if x == 5: break
        t += x
    else:
        t += 100
    return t
async def odd(n):
    return [y async for y in numbers(n) if y % 2] + [0]
async def raised():
    async for x in numbers(3): raise ValueError
class Broken:
    def __aiter__(self): return self
    async def __anext__(self): raise KeyError
async def broken():
    async for x in Broken(): pass
class Awaited:
    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return 4
async def awaits():
    async for x in numbers(await Awaited()): await Awaited()
async def main():
    await total(3); await total(9); await odd(7); await awaits()
    for each in raised, broken:
        try: await each()
        except (ValueError, KeyError): pass
asyncio.run(main())
if sys.argv[1:]: os.kill(os.getpid(), signal.SIGKILL)
"""
# Line: (next item, end).
ASYNC_SIDES = {8: (9, 1), 15: (7, 1), 17: (1, 0), 22: (0, 0), 28: (4, 1)}


@known
@pytest.mark.parametrize("engine", ["probe", "event"])
@pytest.mark.parametrize("killed", [[], ["killed"]])
def test_an_async_for_has_both_its_sides(
    folder: Path, engine: str, killed: list[str]
) -> None:
    write(folder, "program.py", ASYNC)
    command = ["-m", "exactrace", "run", "-q", "--branch", "--engine", engine]
    command += ["-d", "data"]
    status = run([*command, "program.py", *killed], folder)[0]
    assert status == (-signal.SIGKILL if killed else 0)
    results = read(str(folder / "data"))
    sides = {
        place[0]: (outcomes[True], outcomes[False])
        for (name, place, kind), outcomes in results.branches.items()
        if name.endswith("program.py") and kind == "for" and place[0] in ASYNC_SIDES
    }
    expected = dict(ASYNC_SIDES)
    if engine == "event" and sys.version_info >= (3, 14):
        del expected[15]  # no event tells of it (docs/probes.md)
    assert sides == expected


CONDITIONS = """\
import os, signal, sys
def two(xs): return [x for x in xs if x > 1 if x < 5]
def both(xs): return {x: x for x in xs if x % 2 and x != 3}
def nested(xs): return [y for x in xs if x for y in range(x) if y != 2]
def lazy(xs): return sum(1 if x == 4 else 2 for x in xs if 2 < x < 6)
for f in two, both, nested, lazy: f(range(7))
if sys.argv[1:]: os.kill(os.getpid(), signal.SIGKILL)
"""
CONDITION_SIDES = {
    "x > 1": (5, 2),
    "x < 5": (3, 2),
    "x % 2": (3, 4),
    "x != 3": (2, 1),
    "x": (6, 1),
    "y != 2": (17, 4),
    "x == 4": (1, 2),
    "2 < x < 6": (3, 4),
}


@known
@pytest.mark.parametrize("engine", ["probe", "event"])
@pytest.mark.parametrize("killed", [[], ["killed"]])
def test_each_condition_of_a_comprehension_is_a_branch_of_its_own(
    folder: Path, engine: str, killed: list[str]
) -> None:
    write(folder, "program.py", CONDITIONS)
    command = ["-m", "exactrace", "run", "-q", "--branch", "--engine", engine]
    run([*command, "-d", "data", "program.py", *killed], folder)
    lines = CONDITIONS.splitlines()
    sides = {
        lines[place[0] - 1][place[2] : place[3]]: (outcomes[True], outcomes[False])
        for (name, place, kind), outcomes in read(str(folder / "data")).branches.items()
        if name.endswith("program.py") and kind == "bool" and 2 <= place[0] <= 5
    }
    assert sides == CONDITION_SIDES


CHAINS = """\
import os, signal, sys
def once(x):
    if 1 <= x < 5 < 7 or x == 9:
        return x
    return (
        1 < x < 8)
def value(x):
    return 2 < x < 9 < 20
def looped(n):
    while 0 < n < 5:
        n -= 1
def negated(x, y):
    return 1 if not x is y is None else 2
for x in range(11): once(x), value(x), looped(x), negated(x, None)
once(3), negated(None, None)
if sys.argv[1:]: os.kill(os.getpid(), signal.SIGKILL)
"""
# Line, kind: (true, false). Where the last comparison is the value, the one before it
# is the last that decides.
CHAIN_SIDES = {
    (3, "bool"): [(5, 7), (1, 6)],
    (6, "bool"): [(5, 1)],
    (8, "bool"): [(6, 5)],
    (10, "bool"): [(10, 11)],
}


@known
@pytest.mark.parametrize("engine", ["probe", "event"])
@pytest.mark.parametrize("killed", [[], ["killed"]])
def test_a_chain_of_comparisons_is_one_decision(
    folder: Path, engine: str, killed: list[str]
) -> None:
    write(folder, "program.py", CHAINS)
    command = ["-m", "exactrace", "run", "-q", "--branch", "--engine", engine]
    command += ["-d", "data"]
    run([*command, "program.py", *killed], folder)
    sides: dict[tuple[int, str], list[tuple[int, int]]] = {}
    for (name, place, kind), outcomes in sorted(
        read(str(folder / "data")).branches.items()
    ):
        if name.endswith("program.py") and place[0] in (3, 6, 8, 10):
            taken = outcomes[True], outcomes[False]
            sides.setdefault((place[0], kind), []).append(taken)
    assert sides == CHAIN_SIDES


@known
def test_branches_that_never_ran_are_among_all(tmp_path: Path) -> None:
    text = "def f(a):\n    if a: pass\n    for b in a: f(b)\n"
    report = of(tmp_path, text, {((2, 2, 7, 8), "bool"): {True: 3, False: 0}})
    first, loop = report.branches or ()
    assert first == Branch(2, 2, 7, 8, "bool", {True: 3, False: 0})
    assert (loop.kind, loop.outcomes) == ("for", {True: 0, False: 0})
    assert (report.totals.branches, report.totals.taken) == (4, 1)
    assert partial.lines(report) == ["2: a: never false in 3 tests"]


@pytest.mark.parametrize(
    ("kind", "hits", "said"),
    [
        ("bool", {True: 0, False: 1000}, "never true in 1,000 tests"),
        ("bool", {False: 1000, True: 0}, "never true in 1,000 tests"),
        ("none", {True: 2, False: 0}, "always None in 2 tests"),
        ("for", {True: 0, False: 2}, "no round in 2 loops"),
        ("for", {True: 5, False: 0}, "never to its end in 5 rounds"),
        ("bool", {True: 5, False: 1}, ""),
        ("bool", {True: 0, False: 0}, ""),
    ],
)
def test_each_kind_has_its_words(kind: str, hits: dict[bool, int], said: str) -> None:
    assert partial.said(Branch(7, 7, None, None, kind, hits)) == said


def test_handlers_and_full_branches_are_left_out(tmp_path: Path) -> None:
    counted = {
        ((1, 1, 0, 1), "except"): {True: 0},
        ((9, 9, 0, 1), "bool"): {True: 1, False: 1},
    }
    report = of(tmp_path, "x = 1\n", counted)
    assert report.branches == [Branch(9, 9, 0, 1, "bool", {True: 1, False: 1})]
    assert partial.lines(report) == []


def test_long_and_broken_conditions_are_cut(tmp_path: Path) -> None:
    long = " + ".join("abcdefgh")
    text = f"if {long} + {long}: pass\nif (1 and\n        2): pass\n"
    report = of(tmp_path, text, {})
    report.branches = [
        Branch(1, 1, 3, 3 + 2 * len(long) + 3, "bool", {True: 1, False: 0}),
        Branch(2, 3, 4, 9, "bool", {True: 0, False: 1}),
        Branch(3, 3, None, None, "bool", {True: 0, False: 1}),
        Branch(99, 99, 0, 1, "bool", {True: 0, False: 1}),
    ]
    first, second, third, fourth = partial.lines(report)
    assert first.startswith("1: a + b + c")
    assert first.endswith("...: never false in 1 test")
    assert len(first) < 70
    assert second == "2: 1 and...: never true in 1 test"
    assert third == "3: never true in 1 test"
    assert fourth == "99: never true in 1 test"


def of(folder: Path, text: str, counted: dict[Any, dict[bool, int]]) -> FileReport:
    """The report on a source with these branches."""
    path = write(folder, "some.py", text)
    results = CoverageResults({(str(path), 1): 1})
    # One that is no decision, so that branches were counted at all.
    results.branches = {(str(path), (0, 0, 0, 0), "except"): {True: 0}}
    for (place, kind), outcomes in counted.items():
        results.branches[str(path), place, kind] = outcomes
    (report,) = file_reports(results)
    return report
