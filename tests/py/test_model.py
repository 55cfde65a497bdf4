"""The model that reports stand on: counts in, what is told of each file out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from beside import write

from exactrace import CoverageResults
from exactrace.reports import functions, model
from exactrace.reports.model import Branch, Function, Totals
from exactrace.settings import Settings, SettingsError

TEXT = """\
def f(a):
    if a:
        return 1
    # a comment

    a = (1 +
         a)
    return 2
f(1)
class A:
    @f
    async def g(self): pass
"""


def settings(folder: Path, **values: Any) -> Settings:
    found = Settings()
    found.folder = str(folder)
    for key, value in values.items():
        setattr(found, key, value)
    return found


def names(
    results: CoverageResults, found: Settings, patterns: tuple[str, ...] = ()
) -> list[str]:
    return [
        os.path.basename(report.path)
        for report in model.file_reports(results, found, patterns)
    ]


def test_a_file_is_told_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(folder, "some.py", TEXT)
    monkeypatch.chdir(folder)
    name = str(path)
    hits = {0: 1, 1: 1, 2: 5, 3: 5, 9: 1, 10: 1, 11: 1, 12: 2, 99: 7}
    results = CoverageResults({(name, line): count for line, count in hits.items()})
    place = (2, 2, 7, 8)
    results.branches = {(name, place, "bool"): {True: 5, False: 0}}
    results.calls = {(name, 1, "f"): 5, (name, 1, "<module>"): 1, (name, 10, "A"): 1}
    (report,) = model.file_reports(results)
    assert (report.name, report.path, report.shown) == (name, name, "some.py")
    assert (report.text, report.compiles) == (TEXT, True)
    assert report.trouble == "the source has changed: line 99 ran, it has 13"
    statements = {line: report.statements[line] for line in (1, 2, 3, 6, 8, 9)}
    assert statements == {1: 1, 2: 5, 3: 5, 6: 0, 8: 0, 9: 1}
    assert report.missing == [(6, 8)]
    assert report.branches == [Branch(*place, "bool", {True: 5, False: 0})]
    assert report.branches[0].partial
    assert report.functions == [
        Function("f", 1, 5),
        Function("A.g", 11, 0),
    ]
    lines = functions.lines_of(report)
    assert lines == {(1, "f"): {2, 3, 6, 7, 8}, (11, "A.g"): {12}}
    totals = report.totals
    assert (totals.branches, totals.taken, totals.partial) == (2, 1, 1)
    assert totals.missed == sum(not count for count in report.statements.values())
    assert totals.hits == sum(hits.values())


def test_totals_add_up_and_give_a_share() -> None:
    total = Totals(10, 2, 6, 3, 1, 40) + Totals(0, 0, 0, 0, 0, 0)
    assert total == Totals(10, 2, 6, 3, 1, 40)
    assert total.percent == 100 * 11 / 16
    assert not total.is_complete
    assert Totals().percent == 100.0
    assert Totals(1, 0, 2, 2).is_complete


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (None, "no source: No such file or directory"),
        (b"def", "the source does not compile: invalid syntax"),
        (b"x = 1\0", "the source does not compile: source code string cannot"),
        (b"\xff", "the source cannot be decoded: 'utf-8' codec can't decode"),
        (b"# coding: no-such\n", "the source cannot be decoded: unknown encoding"),
    ],
)
def test_what_ran_is_told_without_a_source(
    tmp_path: Path, content: bytes | None, trouble: str
) -> None:
    path = tmp_path / "some.py"
    if content is not None:
        path.write_bytes(content)
    results = CoverageResults({(str(path), 0): 1, (str(path), 3): 2})
    results.calls = {(str(path), 1, "f"): 2}
    (report,) = model.file_reports(results)
    assert report.trouble.startswith(trouble)
    assert report.statements == {3: 2}
    assert report.missing == []
    assert report.functions == [Function("f", 1, 2)]


def test_one_file_by_two_names_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "some.py", "x = 1\n")
    monkeypatch.chdir(tmp_path)
    results = CoverageResults(
        {(str(path), 1): 1, ("some.py", 1): 2, ("./some.pyc", 1): 3}
    )
    place = (1, 1, 0, 1)
    results.branches = {
        (str(path), place, "bool"): {True: 1},
        ("some.py", place, "bool"): {True: 2, False: 3},
    }
    results.calls = {(str(path), 1, "f"): 1, ("some.py", 1, "f"): 2}
    (report,) = model.file_reports(results)
    assert report.statements == {1: 6}
    assert report.branches == [Branch(*place, "bool", {True: 3, False: 3})]
    assert report.functions == [Function("f", 1, 3)]


def test_files_of_source_that_never_ran_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = write(tmp_path, "src/pkg/ran.py", "x = 1\n")
    write(tmp_path, "src/pkg/never.py", "x = 1\nif x: y = 2\n")
    write(tmp_path, "src/pkg/inner/deep.py", "x = 1\n")
    write(tmp_path, "src/pkg/notes.txt", "x = 1\n")
    write(tmp_path, "src/pkg/.hidden/x.py", "x = 1\n")
    write(tmp_path, "src/pkg/venv/pyvenv.cfg", "")
    write(tmp_path, "src/pkg/venv/lib/x.py", "x = 1\n")
    other = write(tmp_path, "other.py", "x = 1\n")
    monkeypatch.chdir(tmp_path)
    results = CoverageResults({(str(ran), 1): 1, (str(other), 1): 1})
    for name in ("pkg", "src", "src/pkg"):
        found = settings(tmp_path, source=(name,))
        assert names(results, found) == ["deep.py", "never.py", "ran.py"]
    found = settings(tmp_path, source=("pkg.never",))
    (never,) = model.file_reports(results, found)
    assert (never.totals.percent, never.missing) == (0.0, [(1, 2)])


def test_names_that_no_file_can_have_are_no_trouble(folder: Path) -> None:
    write(folder, "some.py", "x = 1\n")
    results = CoverageResults({("\0", 1): 1, ("\ud800/x.py", 1): 1})
    found = settings(folder, source=(str(folder),))
    assert names(results, found) == ["some.py"]
    assert len(names(results, settings(folder))) == 2


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    found = settings(tmp_path, source=("nowhere.at.all",))
    with pytest.raises(SettingsError, match=r"source 'nowhere.at.all' is neither"):
        names(CoverageResults(), found)


def test_patterns_say_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "a[b]"
    for name in ("app/one.py", "app/two.py", "app/deep/three.py", "four.py"):
        write(odd, name, "")
    (odd / "app" / "deep").mkdir(exist_ok=True)
    monkeypatch.chdir(odd)
    paths = [str(path) for path in sorted(odd.rglob("*.py"))]
    results = CoverageResults({(path, 1): 1 for path in paths})
    assert names(results, settings(odd, include=("app",))) == [
        "three.py",
        "one.py",
        "two.py",
    ]
    assert names(results, settings(odd, include=("*/deep/*",))) == ["three.py"]
    assert names(results, settings(odd, omit=("app/*",))) == ["four.py"]
    assert names(results, settings(odd, omit=("app",)), ("*.py",)) == ["four.py"]
    both = settings(odd, include=("app/*", "nothing"))
    assert names(results, both, ("*/o*.py", "four.py")) == ["one.py"]
    assert names(results, settings(odd / "app", include=("o*",))) == ["one.py"]


def test_a_report_is_made_only_when_it_is_asked_for(tmp_path: Path) -> None:
    paths = [write(tmp_path, f"{name}.py", "x = 1\n") for name in "ab"]
    results = CoverageResults({(str(path), 1): 1 for path in paths})
    reports = model.file_reports(results)
    assert next(reports).trouble == ""
    paths[1].unlink()
    assert next(reports).trouble.startswith("no source")
