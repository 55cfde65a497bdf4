"""`exactrace report`: the tables, and what the options make of them.

The files in `gold/` are what is to come out; `make gold` writes them anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from beside import MONITORED, NO_PROBES, PACKAGE, check_gold, run, write

from exactrace import CoverageResults
from exactrace.reports import model, text
from exactrace.reports.model import Totals

known = pytest.mark.skipif(not MONITORED, reason=NO_PROBES)

PROGRAM = """\
import app.one, app.two
for n in range(1200):
    app.one.parity(n)
"""
ONE = """\
def parity(n):
    if n % 2 and n > -1:
        return "odd"
    return "even"

def never(n):
    while n:

        n -= 1
    return parity(n)

class Odd:
    def __repr__(self):
        return "odd"
"""


@pytest.fixture
def project(folder: Path) -> Path:
    """A project that has run, with a file that never did."""
    write(folder, "main.py", PROGRAM)
    write(folder, "app/__init__.py", "")
    write(folder, "app/one.py", ONE)
    write(folder, "app/two.py", "x = 1\n")
    write(folder, "app/un_ran.py", "x = 1\nif x:\n    y = 2\n")
    arguments = ["-m", "exactrace", "run", "-q", "main.py"]
    if MONITORED:
        arguments.insert(3, "--branch")
    assert run(arguments, folder) == (0, "", "")
    return folder


def report(folder: Path, *arguments: str, **variables: str) -> tuple[int, str, str]:
    return run(["-m", "exactrace", "report", *arguments], folder, **variables)


def column(out: str, name: str) -> list[str]:
    """What stands under a heading of a table, without the total."""
    head, *rows = (line.split() for line in out.splitlines())
    return [row[head.index(name)] for row in rows if row and row[0] != "total"]


@known
@pytest.mark.parametrize(
    ("gold", "arguments"),
    [
        ("report.txt", ["--source", "app", "--hot", "3"]),
        ("report.md", ["--source", "app", "--hot", "3", "--format", "markdown"]),
        ("annotated.txt", ["-a", "app/one.py", "--exclude-also", "__repr__"]),
    ],
)
def test_reports_are_as_in_the_gold_files(
    project: Path, gold: str, arguments: list[str]
) -> None:
    status, out, error = report(project, *arguments)
    assert (status, error) == (0, "")
    check_gold(gold, out)


def test_files_are_sorted_by_any_column_either_way(project: Path) -> None:
    def names(*arguments: str) -> list[str]:
        out = report(project, *arguments)[1].partition("\n\n")[0]
        return [Path(name).name for name in column(out, "file")]

    assert names() == ["__init__.py", "one.py", "two.py", "main.py"]
    assert names("--sort=-name") == ["main.py", "two.py", "one.py", "__init__.py"]
    assert names("--sort=stmts") == ["__init__.py", "two.py", "main.py", "one.py"]
    assert names("--sort=-miss")[0] == "one.py"
    assert names("--sort", "cover")[0] == "one.py"
    assert names("--sort=-hits")[:2] == ["one.py", "main.py"]


def test_what_is_covered_can_be_left_out_and_still_counts(project: Path) -> None:
    whole = report(project)[1].partition("\n\n")[0]
    status, out, _ = report(project, "--skip-covered")
    table = out.partition("\n\n")[0]
    assert status == 0
    assert column(table, "file") == ["app/one.py"]
    assert "3 files with nothing missing left out." in out
    assert table.splitlines()[-1].split() == whole.splitlines()[-1].split()


def test_the_total_alone_is_a_number(project: Path) -> None:
    _, table, _ = report(project)
    (total,) = [line for line in table.splitlines() if line.startswith("total")]
    assert report(project, "--format", "total")[1] + "%" == (
        next(cell for cell in total.split() if "%" in cell).replace("%", "\n%")
    )
    assert report(project, "--format", "total", "app/two.py")[1] == "100.0\n"
    precise = report(project, "--format=total", "--precision=3", "app/one.py")[1]
    assert len(precise.rstrip().partition(".")[2]) == 3


def test_too_little_is_a_status_and_a_message(project: Path) -> None:
    assert report(project, "--fail-under", "100", "app/two.py")[0] == 0
    status, out, error = report(project, "--fail-under", "90", "app/one.py")
    assert status == 2
    assert "app/one.py" in out
    assert error.startswith("exactrace: the total of ")
    assert error.endswith("% is under 90%\n")


def test_settings_hold_and_the_command_line_is_over_them(project: Path) -> None:
    write(
        project,
        "pyproject.toml",
        """\
        [tool.exactrace]
        source = ["app"]
        omit = ["app/two.py", "*/__init__.py"]
        exclude_also = ["def never"]
        sort = "-name"
        precision = 0
        fail_under = 99
        format = "markdown"
        """,
    )
    (project / "app" / "deeper").mkdir()
    for folder in (project, project / "app" / "deeper"):
        status, out, error = report(folder)
        assert (status, out[:7]) == (2, "| file ")
        assert "% is under 99%" in error
        rows = [line.split(" | ")[0][2:] for line in out.splitlines()[2:]]
        files = [Path(row.replace("\\", "")).name for row in rows]
        assert files == ["un_ran.py", "one.py", "**total**"]
    status, out, _ = report(
        project, "--format=text", "--omit=*/un_ran.py", "--fail-under=0", "--sort=name"
    )
    assert status == 0
    assert column(out.partition("\n\n")[0], "file")[:1] == ["app/__init__.py"]
    assert "un_ran" not in out


def test_run_takes_its_settings_from_the_project(folder: Path) -> None:
    write(folder, "pyproject.toml", "[tool.exactrace]\ncalls = true\ndata = 'here'\n")
    write(folder, "deep/main.py", "import sys\nprint(*sys.modules)\n")
    command = ["-m", "exactrace", "run", "main.py"]
    status, out, error = run(command, folder / "deep", EXACTRACE_DATA="")
    assert status == 0
    assert "calls  function" in error
    assert (folder / "here").is_dir()
    assert "tomllib" not in out.split()
    assert report(folder / "deep", EXACTRACE_DATA="")[0] == 0
    command.insert(3, "--no-calls")
    assert "calls  function" not in run(command, folder / "deep")[2]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--sort", "size"], 2, "'size' is not one of name, stmts, miss,"),
        (["--precision", "x"], 2, "'x' is not a number of digits from 0 to 9"),
        (["--fail-under", "101"], 2, "'101' is not a number from 0 to 100"),
        (["--fail-under", "nan"], 2, "'nan' is not a number from 0 to 100"),
        (["--hot", "0"], 2, "'0' is no number from 1 on"),
        (["--exclude-also", "("], 2, "not a list of regular expressions: '(': "),
        (["-a", "--format", "markdown"], 2, "--annotate does not go with --format ma"),
        (["--source", "nowhere"], 1, "exactrace: source 'nowhere' is neither"),
        (["--omit", "*"], 1, "holds no counts of these files to show"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    project: Path, arguments: list[str], status: int, message: str
) -> None:
    found, out, error = report(project, *arguments)
    assert (found, out) == (status, "")
    assert message in error.splitlines()[-1]
    assert "Traceback" not in error


def test_settings_that_cannot_be_used_stop_each_command(project: Path) -> None:
    path = write(project, "pyproject.toml", "[tool.exactrace]\nsorted = 'name'\n")
    for command in (["report"], ["html"], ["run", "main.py"]):
        status, out, error = run(["-m", "exactrace", *command], project)
        assert (status, out) == (1, "")
        assert error == (
            f"exactrace: {path}: [tool.exactrace] has no key 'sorted': is 'sort' "
            "meant?\n"
        )


def test_colours_are_as_asked_for(project: Path) -> None:
    assert "\033[" not in report(project)[1]
    assert "\033[" not in report(project, "--color=never")[1]
    out = report(project, "--color=always", NO_COLOR="1")[1]
    assert "\033[32m100.0%\033[0m" in out.replace("m ", "m")


def test_names_and_sources_cannot_move_the_cursor(folder: Path) -> None:
    name = "a\033[2J\nb|*.py"
    write(folder, name, "x = '\033[2J'\n")
    run(["-m", "exactrace", "run", "-q", name], folder)
    out = report(folder, "--hot")[1]
    assert "\033" not in out
    assert "a\\x1b[2J\\nb|*.py" in out
    out = report(folder, "--format=markdown")[1]
    assert "a\\\\x1b\\[2J\\\\nb\\|\\*.py" in out
    assert len(out.splitlines()) == 3


def totals(run: int, statements: int) -> Totals:
    return Totals(statements, statements - run)


def test_a_share_is_100_or_0_only_if_it_is_so() -> None:
    assert text.percentage(totals(9999, 10000), 1) == "99.9"
    assert text.percentage(totals(9999, 10000), 0) == "99"
    assert text.percentage(totals(1, 10000), 1) == "0.1"
    assert text.percentage(totals(1, 10000), 0) == "1"
    assert text.percentage(totals(0, 10000), 0) == "0"
    assert text.percentage(totals(2, 3), 2) == "66.67"
    assert text.percentage(totals(0, 0), 1) == "100.0"


def test_the_last_column_is_cut_to_the_terminal() -> None:
    row = text.Row("some.py", totals(5, 10), "1-3, 5-7, 9-11, 13-15, 17", False)
    lines = text.table([row], text.Style(width=52)).splitlines()
    assert lines[1].endswith("  1-3, 5-7, ...")
    assert max(map(len, lines)) <= 52
    lines = text.table([row], text.Style(width=10)).splitlines()
    assert lines[1].endswith("  1-3, ...")
    whole = text.table([row], text.Style()).splitlines()
    assert whole[1].endswith("  1-3, 5-7, 9-11, 13-15, 17")


def test_counts_beyond_64_bits_are_annotated(tmp_path: Path) -> None:
    path = write(tmp_path, "some.py", "x = 1\n\nif x:\n    y = 2\n")
    results = CoverageResults({(str(path), 1): 10**30, (str(path), 3): 1})
    (found,) = model.file_reports(results)
    assert text.annotated(found).splitlines()[1:5] == [
        f"{10**30}: x = 1",
        " " * 33,
        f"{1:31}: if x:",
        ">" * 32 + "     y = 2",
    ]


@pytest.mark.parametrize("options", [[], ["--annotate"], ["--annotate", "--hot"]])
def test_a_reader_that_leaves_changes_no_status(
    project: Path, options: list[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-u", "-m", "exactrace", "report", *options]
    for more, wanted in ((["--fail-under", "100"], 2), (["--fail-under", "1"], 0)):
        done = subprocess.run(
            [*command, *more],
            cwd=project,
            env={**os.environ, "PYTHONPATH": PACKAGE},
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert done.returncode == wanted
        assert ("is under 100%" in done.stderr) == (wanted == 2)
        assert "no counts" not in done.stderr
    os.close(writing)
