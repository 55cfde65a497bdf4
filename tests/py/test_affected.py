"""`exactrace affected`: no test that a change can reach is left out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from beside import run, write
from test_pytest_plugin import pytest_in

MODULE = """\
import os

LIMIT = 3

def low(n):
    return n < LIMIT

def high(n):
    if n > LIMIT:
        return True
    return False

def on_import():
    return 1

VALUE = on_import()

class Thing:
    size = 1

    def grow(self):
        self.size += 1
        return self.size

def shared():
    return 7

def never():
    return 0
"""
TESTS = """\
import pytest
from pkg import m

@pytest.fixture(scope="module")
def seven():
    return m.shared()

def test_low():
    assert m.low(1)

def test_high():
    assert m.high(9)
    assert not m.low(9)

def test_grow():
    assert m.Thing().grow() == 2

def test_seven(seven):
    assert seven == 7
"""
LOW, HIGH, GROW = (f"test_m.py::test_{name}" for name in ("low", "high", "grow"))
Change = Callable[[Path], object]


def git(folder: Path, *arguments: str) -> None:
    """Run git as somebody."""
    names = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    command = ["git", "-C", str(folder), *names, *arguments]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def project(folder: Path) -> Path:
    """Give a repository of one commit, and the counts of its tests."""
    write(folder, "pkg/__init__.py", "")
    write(folder, "pkg/m.py", MODULE)
    write(folder, "test_m.py", TESTS)
    write(folder, "other/test_o.py", "def test_o():\n    pass\n")
    write(folder, ".gitignore", "data\n__pycache__\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    options = ("--exactrace-contexts", "--exactrace-data", str(folder / "data"))
    assert pytest_in(folder, *options)[0] == 0
    return folder


def affected(folder: Path, *options: str) -> tuple[int, list[str], str]:
    """Return the status, the tests, and what is said besides."""
    command = ["-m", "exactrace", "affected", "-d", str(folder / "data"), *options]
    status, out, error = run(command, folder)
    return status, out.splitlines(), error


def edit(old: str, new: str) -> Change:
    def change(folder: Path) -> None:
        path = folder / "pkg" / "m.py"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return change


@pytest.mark.parametrize(
    ("change", "tests", "said"),
    [
        (edit("return n < LIMIT", "return n <= LIMIT"), [HIGH, LOW], ""),
        (edit("    return False", "    n += 1\n    return False"), [HIGH], ""),
        (edit("        return self.size", "        return 2"), [GROW], ""),
        (edit("import os\n", "# a comment\nimport os\n"), [], "no test is affected"),
        (edit("return 0", "return 1"), [], "no test is affected"),
        (edit("LIMIT = 3", "LIMIT = 4"), ["."], "the module has changed"),
        (edit("size = 1", "size = 0"), ["."], "class Thing has changed"),
        (edit("def low(n)", "def low(n=1)"), ["."], "the module has changed"),
        (edit("def grow(self)", "@property\n    def grow(self)"), ["."], "class Thing"),
        (
            edit("    return 1\n", "    return 2\n"),
            ["."],
            "on_import() also ran outside",
        ),
        (edit("return 7", "return 8"), ["."], "shared() also ran outside of tests"),
        (edit("def never", "def new():\n    pass\n\ndef never"), [], "no test is"),
        (
            edit("def never", "def os():\n    pass\n\ndef never"),
            ["."],
            "the module has",
        ),
        (edit("def low", "def ("), ["."], "cannot be compiled"),
        (lambda f: (f / "pkg/m.py").unlink(), ["."], "is gone"),
        (lambda f: write(f, "pkg/new.py", "x = 1\n"), [], "no test is affected"),
        (
            lambda f: write(f, "test_new.py", "def test_n(): pass\n"),
            ["test_new.py"],
            "",
        ),
        (lambda f: write(f, "test_m.py", TESTS + "\n\n"), ["test_m.py"], ""),
        (lambda f: write(f, "other/conftest.py", ""), ["other"], "below its folder"),
        (lambda f: write(f, "conftest.py", ""), ["."], "below its folder"),
        (lambda f: write(f, "table.csv", "1"), [], "not known who reads it"),
        (lambda f: (f / "test_m.py").unlink(), [], "no test is affected"),
    ],
)
def test_each_kind_of_change(
    project: Path, change: Change, tests: list[str], said: str
) -> None:
    change(project)
    status, found, error = affected(project, "--since", "HEAD")
    assert found == tests
    assert status == (0 if tests else 5)
    assert said in error
    assert bool(error) == bool(said)


def test_nothing_has_changed(project: Path) -> None:
    status, found, error = affected(project, "--since", "HEAD")
    assert (status, found) == (5, [])
    assert error == "exactrace: no test is affected\n"


def test_what_was_counted_before_or_after_the_change_or_at_another_time(
    project: Path,
) -> None:
    edit("import os\n", "import os\n# some\n# lines\n# more\n")(project)
    edit("return n < LIMIT", "return not n >= LIMIT")(project)
    git(project, "commit", "-qam", "second")
    assert affected(project, "--since", "HEAD~1") == (0, [HIGH, LOW], "")
    options = ("--exactrace-contexts", "--exactrace-data", str(project / "data"))
    assert pytest_in(project, *options)[0] == 0
    assert affected(project, "--since", "HEAD~1") == (0, [HIGH, LOW], "")
    edit("return not n >= LIMIT", "return n + 1 <= LIMIT")(project)
    status, found, error = affected(project, "--since", "HEAD~1")
    assert (status, found) == (0, [GROW, HIGH, LOW])
    assert "was counted in another state" in error


def test_names_can_be_written_for_other_programs(project: Path) -> None:
    edit("return n < LIMIT", "return n <= LIMIT")(project)
    options = ["--since", "HEAD", "-0", "-o", "tests.txt"]
    assert affected(project, *options) == (0, [], "")
    assert (project / "tests.txt").read_text() == f"{HIGH}\0{LOW}\0"


def test_pytest_takes_the_names(project: Path) -> None:
    edit("        return self.size", "        return 2")(project)
    _, found, _ = affected(project, "--since", "HEAD")
    status, out = pytest_in(project, *found)
    assert status == 0
    assert "1 passed" in out


def test_where_it_cannot_be_told_there_is_one_line(project: Path) -> None:
    status, _, error = affected(project, "--since", "--nowhere")
    assert status == 2
    status, _, error = affected(project, "--since=nowhere")
    assert (status, error) == (1, "exactrace: git knows no revision 'nowhere'\n")
    path = {"PATH": ""}
    command = ["-m", "exactrace", "affected", "-d", "data", "--since", "HEAD"]
    status, _, error = run(command, project, **path)
    assert (status, error.count("\n")) == (1, 1)
    assert "git cannot be run" in error
    os.rename(project / ".git", project / "git")
    status, _, error = affected(project, "--since", "HEAD")
    assert (status, error.count("\n")) == (1, 1)
    assert "not a git repository" in error
    status, _, error = run([*command[:4], "nothing", *command[5:]], project)
    assert status == 1
    assert "no counts in 'nothing'" in error
