"""Branches in the report: how many sides there are, and which were never taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from beside import MONITORED, NO_PROBES, run, write

from exactrace import branches, source

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
lines  run   cov%  sides  taken    br%  hits  file
{total}

Sides that were never taken:
program.py:2: a != "ä": never false in 2 tests
program.py:5: x is None: never None in 2 tests
program.py:6: b: never false in 1 tests
"""


def of(folder: Path, text: str, counted: Any) -> branches.FileBranches:
    path = folder / "some.py"
    path.write_text(text)
    return branches.of_file(branches.by_file(counted)["F"], source.read(str(path), ""))


@known
def test_the_command_line_names_what_was_never_decided_otherwise(folder: Path) -> None:
    write(folder, "program.py", PROGRAM)
    status, _, error = run(["-m", "exactrace", "run", "--branch", "program.py"], folder)
    rows = error.splitlines(keepends=True)
    assert status == 0
    assert error == REPORT.format(total=rows[1].rstrip("\n"))
    lines, ran, _, sides, taken, share, _, name = rows[1].split()
    assert (lines, ran, name) == ("12", "10", "program.py")
    assert (int(sides), int(taken), share) == (12, 7, "58.3%")


@known
def test_listings_say_it_below_each_file(folder: Path) -> None:
    write(folder, "program.py", PROGRAM)
    command = ["-m", "exactrace", "run", "--branch", "-a", "program.py"]
    _, _, error = run(command, folder)
    listing, _, rest = error.partition("Sides that were never taken:\n")
    assert "größer(0, 4)\n" in listing
    assert rest.startswith('program.py:2: a != "ä": never false')
    assert "lines  run" in rest


@pytest.mark.skipif(MONITORED, reason="branches can be counted here")
def test_without_a_way_to_count_branches_there_is_a_word(folder: Path) -> None:
    write(folder, "program.py", PROGRAM)
    for command in (["run", "--branch"], ["--count", "--branch"]):
        status, _, error = run(["-m", "exactrace", *command, "program.py"], folder)
        assert status == 0
        assert "exactrace: no branches were counted: that needs CPython 3.12" in error
        assert "sides" not in error


@known
def test_branches_that_never_ran_are_among_all(tmp_path: Path) -> None:
    text = "def f(a):\n    if a: pass\n    for b in a: f(b)\n"
    place = (2, 2, 7, 8)
    found = of(tmp_path, text, {("F", place, "bool"): {True: 3, False: 0}})
    assert found.sides[place, "bool"] == {True: 3, False: 0}
    (loop,) = [sides for (_, kind), sides in found.sides.items() if kind == "for"]
    assert loop == {True: 0, False: 0}
    assert (found.total, found.taken) == (4, 1)
    assert found.partial() == ["2: a: never false in 3 tests"]


@pytest.mark.parametrize(
    ("kind", "hits", "said"),
    [
        ("bool", {True: 0, False: 1000}, "never true in 1,000 tests"),
        ("none", {True: 2, False: 0}, "always None in 2 tests"),
        ("for", {True: 0, False: 2}, "no round in 2 loops"),
        ("for", {True: 5, False: 0}, "never to its end in 5 rounds"),
    ],
)
def test_each_kind_has_its_words(kind: str, hits: Any, said: str) -> None:
    place = (7, 7, None, None)
    found = branches.of_file({(place, kind): hits}, None)
    assert found.partial() == [f"7: {said}"]


def test_handlers_other_files_and_full_branches_are_left_out(tmp_path: Path) -> None:
    counted = {
        ("F", (1, 1, 0, 1), "except"): {True: 0},
        ("G", (1, 1, 0, 1), "bool"): {True: 0, False: 1},
        ("F", (9, 9, 0, 1), "bool"): {True: 1, False: 1},
    }
    found = of(tmp_path, "x = 1\n", counted)
    assert found.sides == {((9, 9, 0, 1), "bool"): {True: 1, False: 1}}
    assert found.partial() == []


def test_long_and_broken_conditions_are_cut(tmp_path: Path) -> None:
    long = " + ".join("abcdefgh")
    text = f"if {long} + {long}: pass\nif (1 and\n        2): pass\n"
    counted = {
        ((1, 1, 3, 3 + 2 * len(long) + 3), "bool"): {True: 1, False: 0},
        ((2, 3, 4, 9), "bool"): {True: 0, False: 1},
    }
    found = branches.of_file(counted, None)
    found._text = text
    first, second = found.partial()
    assert first.startswith("1: a + b + c")
    assert first.endswith("...: never false in 1 tests")
    assert len(first) < 70
    assert second == "2: 1 and...: never true in 1 tests"
