"""Data files of coverage.py: it reports from ours as from its own, and we read its."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest
from beside import MONITORED, NO_PROBES, run, write
from coverage.numbits import nums_to_numbits
from hypothesis import given
from hypothesis import strategies as st

from exactrace import CoverageResults
from exactrace.cli import report
from exactrace.reports import coveragedata
from exactrace.source import digest

PROGRAM = """\
import sys
def f(x, y):
    if x and y:
        a = 1
    else:
        a = 2
    for i in range(3):
        if i == x:
            break
    while y:
        y -= 1
    if a:
        return 1
class A:
    def g(self, n):
        try:
            if n:
                raise ValueError
        except ValueError:
            n = 2
        finally:
            if n == 2:
                n = 3
        match n:
            case 3:
                return 1
            case _:
                pass
        with open("/dev/null") as h:
            for line in h:
                print(line)
        if (n and
                n > 5):
            print(1)
        return [k for k in range(n) if k]
f(1, 0); f(0, 3)
A().g(0)
A().g(1)
if len(sys.argv) > 5:
    print(2)
def never():
    while True:
        if f(1, 2):
            continue
        yield 3
"""
SAID = (
    "executed_lines",
    "missing_lines",
    "excluded_lines",
    "executed_branches",
    "missing_branches",
    "summary",
)


def said_by_coverage(folder: Path, data: str) -> dict[str, object]:
    """Return what coverage.py says of prog.py from a data file."""
    command = ["-m", "coverage", "json", "-q", f"--data-file={data}", "-o", "said.json"]
    status, _, error = run(command, folder)
    assert (status, error) == (0, "")
    files = json.loads((folder / "said.json").read_text())["files"]
    return {key: files["prog.py"].get(key) for key in SAID}


@pytest.mark.parametrize(
    "branch",
    [
        "",
        pytest.param(
            "--branch", marks=pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
        ),
    ],
)
def test_coverage_reports_from_ours_as_from_its_own(folder: Path, branch: str) -> None:
    write(folder, "prog.py", PROGRAM)
    options = [branch] * bool(branch)
    done = run(["-m", "exactrace", "run", "-q", *options, "prog.py"], folder)
    assert done == (0, "", "")
    done = run(["-m", "exactrace", "convert", "--to", "coverage", "ours"], folder)
    assert done == (0, "", "")
    theirs = ["-m", "coverage", "run", *options, "--data-file=theirs", "prog.py"]
    assert run(theirs, folder)[0] == 0
    assert said_by_coverage(folder, "ours") == said_by_coverage(folder, "theirs")
    assert run(["-m", "coverage", "html", "-q", "--data-file=ours"], folder)[0] == 0


COUNTED = "def f(x):\n    if x:\n        return 1\n    assert x == 0\n\nf(1)\nf(0)\n"


@pytest.mark.parametrize(
    ("source", "said", "left_out"),
    [
        (COUNTED, None, ""),
        (COUNTED.replace("return 1", "return 2"), None, ""),  # cannot be seen
        (COUNTED.replace("assert x == 0", "assert 0 == x"), None, ""),
        (None, "no source: No such file or directory", "its branches"),
        ("if\n", "the source does not compile: invalid syntax", "its branches"),
        ("# coding: none\n", "the source cannot be decoded: ", "its branches"),
        ("# f\n", "has changed: line 7 ran, it has 2", "2 of its branches"),
        ("#\n" * 9, "the source has changed, or another version", "2 of its branches"),
        ("#\n" + COUNTED, "changed, or another version", "2 of its branches"),
    ],
)
@pytest.mark.parametrize(
    "branch",
    [
        False,
        pytest.param(True, marks=pytest.mark.skipif(not MONITORED, reason=NO_PROBES)),
    ],
)
def test_a_source_that_is_not_the_one_that_ran_is_told_of(
    folder: Path, branch: bool, source: str | None, said: str | None, left_out: str
) -> None:
    path = write(folder, "prog.py", COUNTED)
    options = ["--branch"] * branch
    assert run(["-m", "exactrace", "run", "-q", *options, "prog.py"], folder)[0] == 0
    if source is None:
        os.unlink(path)
    else:
        write(folder, "prog.py", source)
    status, out, error = run(
        ["-m", "exactrace", "convert", "--to", "coverage", "ours"], folder
    )
    assert (status, out) == (0, "")
    # Without branches, a source that is long enough is as good as before.
    if said is None or (not branch and (source or "").count("\n") > 7):
        assert error == ""
        return
    assert error.count("\n") == 1
    assert error.startswith("exactrace: prog.py: ")
    if branch:
        assert said in error
        assert error.endswith(f": the steps of {left_out} are left out\n")
    else:
        assert "left out" not in error
    assert {line for _, line in coveragedata.read(str(folder / "ours")).counts} == {
        1, 2, 3, 4, 6, 7
    }  # fmt: skip


def test_a_source_with_another_digest_is_told_of(folder: Path) -> None:
    path = str(write(folder, "prog.py", "x = 1\n"))
    results = CoverageResults(counts={(path, 1): 1})
    results.sources = {(path, digest(b"x = 1\n"))}
    assert coveragedata.write(str(folder / "ours"), results) == []
    results.sources = {(path, digest(b"x = 2\n"))}
    said = "the source has changed since it was counted"
    assert coveragedata.write(str(folder / "ours"), results) == [(path, said)]


def test_what_coverage_has_written_is_read(folder: Path) -> None:
    write(folder, "prog.py", PROGRAM)
    theirs = ["-m", "coverage", "run", "--branch", "--context=test_it", "prog.py"]
    assert run(theirs, folder)[0] == 0
    status, out, error = run(
        ["-m", "exactrace", "convert", "--from", "coverage", "-d", "taken"], folder
    )
    assert (status, error) == (0, "")
    assert "lines in 1 files" in out
    results = report.read(str(folder / "taken"))
    executed = said_by_coverage(folder, ".coverage")["executed_lines"]
    assert isinstance(executed, list)
    path = str(folder / "prog.py")
    counts = {line: n for (name, line), n in results.counts.items() if name == path}
    assert set(counts.values()) == {1}
    assert set(executed) <= set(counts)
    assert {place[:2] for place in results.contexts} == {("test_it", path)}


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
LINES = st.dictionaries(
    st.tuples(
        NAMES.map(lambda name: os.path.normpath("/a/" + name)), st.integers(1, 5000)
    ),
    st.just(1),
)


@given(LINES, st.booleans(), st.data())
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    counts: dict[tuple[str, int], int],
    branches: bool,
    data: st.DataObject,
) -> None:
    path = str(tmp_path_factory.mktemp("data") / "coverage")
    results = CoverageResults(counts=counts)
    if counts:
        in_test = data.draw(st.sets(st.sampled_from(sorted(counts))))
        results.contexts = {("test ü", *place): 1 for place in in_test}
    if branches:
        results.branches = {("/b", (1, 1, 0, 1), "bool"): {True: 1, False: 0}}
    coveragedata.write(path, results)
    again = coveragedata.read(path)
    assert again.counts == counts
    assert again.contexts == results.contexts


def test_two_names_of_one_file_are_one(folder: Path) -> None:
    path = str(folder / "data")
    counts = {("/a/./b.py", 1): 1, ("/a/b.py", 1): 2, ("/a/b.py", 3): 1}
    results = CoverageResults(counts=counts)
    results.contexts = {("test", "/a/b.py", 1): 2, ("test", "/a/b.py", 3): 1}
    coveragedata.write(path, results)
    again = coveragedata.read(path)
    assert again.counts == {("/a/b.py", 1): 1, ("/a/b.py", 3): 1}
    assert again.contexts == dict.fromkeys(results.contexts, 1)


def test_code_without_a_file_is_left_out(folder: Path) -> None:
    counts = {("<made by attrs>", 1): 1, ("/a/b.py", 1): 2}
    coveragedata.write(str(folder / "data"), CoverageResults(counts=counts))
    assert coveragedata.read(str(folder / "data")).counts == {("/a/b.py", 1): 1}


def test_names_that_no_database_can_hold_are_one_error(folder: Path) -> None:
    results = CoverageResults(counts={("/\udcff.py", 1): 1})
    with pytest.raises(coveragedata.CoverageDataError, match="cannot write"):
        coveragedata.write(str(folder / "data"), results)
    assert list(folder.iterdir()) == []


@given(st.sets(st.integers(0, 3000)))
def test_sets_of_lines_are_those_of_coverage(lines: set[int]) -> None:
    bits = coveragedata.numbits(lines)
    assert bits == (nums_to_numbits(lines) if lines else b"")
    assert list(coveragedata.lines_of(bits)) == sorted(lines)


def made(folder: Path, *statements: str) -> str:
    """Return the path of a data file of one line, to which this was done."""
    path = str(folder / "data")
    coveragedata.write(path, CoverageResults(counts={("/a", 1): 1}))
    with sqlite3.connect(path) as base:
        for statement in statements:
            base.execute(statement)
    base.close()
    return path


ENDLESS = (
    "create view arc as with recursive n(i) as (select 1 union all select i + 1 from n)"
    " select 1 as file_id, 1 as context_id, i as fromno, i as tono from n"
)


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (("update coverage_schema set version = 8",), "has version [8] of the schema"),
        (("delete from coverage_schema",), "has version [] of the schema"),
        (("drop table arc",), "is no data file of coverage.py"),
        (("drop table arc", ENDLESS), "is no data file of coverage.py"),
        (("insert into arc values (1, 1, 'x', 2)",), "'x' is no line"),
        (("insert into arc values (1, 1, 99999999, 2)",), "99999999 is no line"),
        (("insert into arc values (7, 1, 1, 2)",), "that is not there"),
        (("insert into line_bits values (1, 9, x'02')",), "that is not there"),
        (("insert into line_bits values (2, 1, 'text')",), "a set of lines is none"),
        (("update file set path = 5",), "5"),
        (("update file set path = x'ff'",), "is no name"),
    ],
)
def test_what_is_damaged_or_hostile_is_one_error(
    folder: Path, statements: tuple[str, ...], said: str
) -> None:
    path = made(folder, *statements)
    if said == "5":  # a column of text turns numbers into text
        assert list(coveragedata.read(path).counts) == [("5", 1)]
        return
    with pytest.raises(coveragedata.CoverageDataError) as caught:
        coveragedata.read(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_column_larger_than_the_file_is_refused(folder: Path) -> None:
    path = made(folder, "drop table file")
    with sqlite3.connect(path) as base:
        base.execute(
            "create table file (id integer primary key, path text generated always as "
            "(hex(zeroblob(90000000))) virtual)"
        )
        base.execute("insert into file (id) values (1)")
    base.close()
    with pytest.raises(coveragedata.CoverageDataError) as caught:
        coveragedata.read(path)
    assert "is damaged" in str(caught.value)


def test_what_is_no_such_file_is_named(folder: Path) -> None:
    write(folder, "text", "x" * 100)
    for name, why in (("text", "is no data file"), ("none", "No such file")):
        command = ["-m", "exactrace", "convert", "--from", "coverage", name]
        status, out, error = run(command, folder)
        assert (status, out, error.count("\n")) == (1, "", 1)
        assert why in error
        assert name in error
    run(["-m", "exactrace", "run", "-q", "-c", "1"], folder)
    command = ["-m", "exactrace", "convert", "--to", "coverage", "no/where"]
    status, _, error = run(command, folder)
    assert (status, error.count("\n")) == (1, 1)
    assert "cannot write 'no/where'" in error


def test_listings_are_written_where_they_are_asked_for(folder: Path) -> None:
    write(folder, "prog.py", "x = 1\nif x > 2:\n    x = 3\n")
    assert run(["-m", "exactrace", "run", "-q", "prog.py"], folder)[0] == 0
    done = run(["-m", "exactrace", "annotate", "-C", "lists"], folder)
    assert done == (0, "", "")
    listing = (folder / "lists" / "prog.cover").read_text()
    assert listing == "    1: x = 1\n    1: if x > 2:\n>>>>>>     x = 3\n"
    status, _, error = run(["-m", "exactrace", "annotate", "other*"], folder)
    assert status == 1
    assert "no counts of these files" in error
