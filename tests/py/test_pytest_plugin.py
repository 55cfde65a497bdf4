"""`pytest --exactrace`: the tests are as without us, and what they run is counted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import sysconfig
import textwrap
import venv
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from beside import FREE, MONITORED, NO_PROBES, run, write
from beside import PACKAGE as PACKAGES

from exactrace import children
from exactrace.cli import report

PACKAGE = """\
def f(n):
    if n > 3:
        return 1
    return 2
"""
TESTS = """\
import os, subprocess, sys
from pkg import a

def test_one():
    assert a.f(1) == 2

def test_many():
    for i in range(10):
        a.f(i)

def test_child():
    code = "from pkg import a; a.f(9)"
    subprocess.run([sys.executable, "-c", code], check=True)
"""
INSTALLED = any(each.name == "exactrace" for each in entry_points(group="pytest11"))
PLUGIN = ("-p", "no:cacheprovider") + ("-p", "exactrace.pytest_plugin") * (
    not INSTALLED
)


@pytest.fixture
def project(folder: Path) -> Path:
    write(folder, "pkg/__init__.py", "")
    write(folder, "pkg/a.py", PACKAGE)
    write(folder, "pkg/never.py", "x = 1\n")
    write(folder, "test_a.py", TESTS)
    return folder


def pytest_in(project: Path, *arguments: str) -> tuple[int, str]:
    """Run pytest: its status, and what it said."""
    status, out, error = run(["-m", "pytest", "-q", *PLUGIN, *arguments], project)
    assert error == ""
    return status, out


def hits(project: Path) -> dict[int, int]:
    """Return the hits of pkg/a.py."""
    results = report.read(str(project / ".exactrace"))
    return {
        line: n
        for (file, line), n in results.counts.items()
        if file.endswith("a.py") and "pkg" in file
    }


COUNTED = {2: 12, 3: 7, 4: 5}


def data(project: Path) -> tuple[str, str]:
    return "--exactrace-data", str(project / ".exactrace")


def test_what_tests_and_their_children_run_is_counted(project: Path) -> None:
    status, out = pytest_in(project, "--exactrace=pkg", *data(project))
    assert status == 0
    assert "3 passed" in out
    found = hits(project)
    assert {line: found[line] for line in COUNTED} == COUNTED
    table = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line}
    assert table["pkg/a.py"][:2] == ["4", "0"]
    assert table["pkg/never.py"][:2] == ["1", "1"]


NESTED = """\
import os, subprocess, sys
from pkg import a

def test_pytest_below():
    command = [sys.executable, "-m", "pytest", "-q", {plugin}]
    options = ["--exactrace=pkg", "--exactrace-fail-under=100", {data}]
    done = subprocess.run(
        [*command, *options, "inner.py"], capture_output=True, text=True
    )
    assert "is covered, less than 100%" in done.stdout
    assert done.returncode == 1
"""


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_a_run_within_a_run_is_one_of_its_own(
    project: Path, workers: tuple[str, ...]
) -> None:
    inner = ", ".join(repr(each) for each in PLUGIN)
    below = ", ".join(repr(each) for each in ("--exactrace-data", "inner"))
    text = NESTED.format(plugin=inner, data=below)
    write(project, "test_nested.py", text)
    write(project, "inner.py", "from pkg import a\n\ndef test_it():\n    a.f(9)\n")
    status, out = pytest_in(project, "--exactrace=pkg", *workers, *data(project))
    assert status == 0, out
    assert "4 passed" in out
    if MONITORED:  # else a thread has but one trace function: the inner run's
        assert {line: hits(project)[line] for line in COUNTED} == {2: 13, 3: 8, 4: 5}


def test_workers_of_xdist_count_into_the_same(project: Path) -> None:
    status, _ = pytest_in(project, "--exactrace=pkg", "-n", "2", *data(project))
    assert status == 0
    found = hits(project)
    assert {line: found[line] for line in COUNTED} == COUNTED


def test_without_the_option_nothing_is_done(project: Path) -> None:
    status, out = pytest_in(project)
    assert status == 0
    assert "exactrace" not in out
    assert not (project / ".exactrace").exists()


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
def test_reports_are_written_and_branches_counted(project: Path) -> None:
    kinds = ("lcov:out.lcov", "xml:out.xml", "json:out.json", "html:pages", "term")
    options = [f"--exactrace-report={kind}" for kind in kinds]
    status, out = pytest_in(
        project, "--exactrace=pkg", "--exactrace-branch", *options, *data(project)
    )
    assert status == 0
    assert "lcov: out.lcov" in out
    assert "BRDA:2,0,0,7\nBRDA:2,0,1,5\n" in (project / "out.lcov").read_text()
    assert "pkg/never.py" in (project / "out.xml").read_text()
    document = json.loads((project / "out.json").read_text())
    (name,) = (name for name in document["files"] if name.endswith("pkg/a.py"))
    assert document["files"][name]["lines"]["2"] == 12
    assert "never.py" in (project / "pages" / "index.html").read_text()


@pytest.mark.parametrize(("least", "status"), [("80", 0), ("81", 1)])
def test_too_little_fails(project: Path, least: str, status: int) -> None:
    done, out = pytest_in(
        project, "--exactrace=pkg", f"--exactrace-fail-under={least}", *data(project)
    )
    assert done == status
    assert ("is covered, less than" in out) == bool(status)


@pytest.mark.parametrize(
    "option",
    [
        "--exactrace-branch",
        "--exactrace-calls",
        "--exactrace-contexts",
        "--exactrace-report=term",
        "--exactrace-fail-under=1",
    ],
)
def test_each_option_but_those_on_the_folder_is_enough(
    project: Path, option: str
) -> None:
    status, out = pytest_in(project, option, *data(project))
    assert status == 0
    assert "pkg/a.py" in out
    assert hits(project)[2] == 12
    status, out = pytest_in(project, "--exactrace-append", *data(project))
    assert status == 0
    assert "exactrace" not in out


def test_a_threshold_that_cannot_be_judged_is_not_met(project: Path) -> None:
    gone = "import shutil\n\ndef test_z():\n    shutil.rmtree('pkg')\n"
    write(project, "test_z.py", gone)
    options = ("--exactrace=pkg", "--exactrace-fail-under=1", *data(project))
    status, out = pytest_in(project, *options)
    assert status == 1
    assert "4 passed" in out
    assert "exactrace: source" in out


def test_a_report_that_cannot_be_written_fails_the_run(project: Path) -> None:
    report = "--exactrace-report=lcov:nowhere/out.lcov"
    status, out = pytest_in(project, "--exactrace=pkg", report, *data(project))
    assert status == 1
    assert "3 passed" in out
    assert "nowhere" in out


def test_a_failing_test_and_its_status_stay(project: Path) -> None:
    write(project, "test_b.py", "def test_b():\n    assert 1 == 2\n")
    status, out = pytest_in(project, "--exactrace=pkg", *data(project))
    assert status == 1
    assert "1 failed, 3 passed" in out
    assert hits(project)[2] == 12


def test_a_run_that_stops_early_keeps_what_it_had(project: Path) -> None:
    write(project, "conftest.py", "import pkg.a\n\npkg.a.f(1)\n")
    stops = "import pytest\n\ndef test_stops():\n    pytest.exit('enough', 7)\n"
    write(project, "test_0.py", stops)
    status, _ = pytest_in(project, "--exactrace=pkg", *data(project))
    assert status == 7
    assert hits(project)[2] == 1


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--exactrace-report=pdf:x", "'pdf:x' is none of term"),
        ("--exactrace=nowhere", "source 'nowhere'"),
        ("--exactrace-data=test_a.py", "is no folder"),
    ],
)
def test_what_cannot_be_done_is_said(project: Path, option: str, said: str) -> None:
    command = ["-m", "pytest", *PLUGIN, "--exactrace", option]
    status, _, error = run(command, project)
    assert status == pytest.ExitCode.USAGE_ERROR
    assert said in error
    assert "Traceback" not in error


def test_settings_of_the_project_hold(project: Path) -> None:
    table = '[tool.exactrace]\nsource = ["pkg"]\nfail_under = 90\n'
    (project / "pyproject.toml").write_text(table)
    status, out = pytest_in(project, "--exactrace", *data(project))
    assert status == 1
    assert "80.0% is covered, less than 90%" in out


def contexts(project: Path) -> dict[str, int]:
    """Return the hits of line 2 of pkg/a.py by test."""
    results = report.read(str(project / ".exactrace"))
    counted: dict[tuple[str, int], int] = {}
    for (_, file, line), n in results.contexts.items():
        counted[file, line] = counted.get((file, line), 0) + n
    assert all(n <= results.counts[place] for place, n in counted.items())
    return {
        context: n
        for (context, file, line), n in results.contexts.items()
        if file.endswith("pkg/a.py") and line == 2
    }


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_it_is_known_which_test_ran_which_line(
    project: Path, workers: tuple[str, ...]
) -> None:
    options = ("--exactrace=pkg", "--exactrace-contexts", *workers, *data(project))
    assert pytest_in(project, *options)[0] == 0
    assert contexts(project) == {"test_a.py::test_one": 1, "test_a.py::test_many": 10}
    assert hits(project)[2] == 12  # and once in a child of a test, which is in none
    assert pytest_in(project, *options, "--exactrace-append")[0] == 0
    assert contexts(project) == {"test_a.py::test_one": 2, "test_a.py::test_many": 20}
    who = ["-m", "exactrace", "who", "-d", ".exactrace"]
    status, out, error = run([*who, "pkg/a.py:2"], project)
    assert (status, error) == (0, "")
    assert out == "20  test_a.py::test_many\n 2  test_a.py::test_one\n"
    _, out, _ = run([*who, "--json", "pkg/a.py:3"], project)
    assert json.loads(out) == [{"test": "test_a.py::test_many", "hits": 12}]
    status, _, error = run([*who, "pkg/never.py"], project)
    assert (status, error) == (1, "exactrace: no test ran 'pkg/never.py'\n")


def test_without_contexts_there_is_a_word(project: Path) -> None:
    assert pytest_in(project, "--exactrace=pkg", *data(project))[0] == 0
    command = ["-m", "exactrace", "who", "-d", ".exactrace", "pkg/a.py"]
    status, out, error = run(command, project)
    assert (status, out) == (1, "")
    assert "`pytest --exactrace --exactrace-contexts`" in error


PARTED = """\
def plain(n):
    for i in range(n):
        pass
def steps():
    while True:
        yield 1
def risky(n):
    try:
        if n % 2:
            raise ValueError
    except ValueError:
        n += 1
    return n
def waits(ready, event):
    ready.set(); event.wait()
    return 1
"""
PARTED_TESTS = """\
import threading
from pkg import b

steps, ready, event = b.steps(), threading.Event(), threading.Event()
waiter = threading.Thread(target=b.waits, args=(ready, event))
b.plain(2)

def test_1():
    b.plain(3)
    next(steps)
    waiter.start()
    ready.wait()

def test_2():
    next(steps)
    next(steps)
    for i in range(5):
        b.risky(i)
    event.set()
    waiter.join()

def test_3():
    thread = threading.Thread(target=b.plain, args=(7,))
    thread.start()
    thread.join()
"""


def test_what_is_in_no_test_and_in_tests_is_all(project: Path) -> None:
    write(project, "pkg/b.py", PARTED)
    write(project, "test_b.py", PARTED_TESTS)
    options = ("--exactrace-contexts", *data(project), "test_b.py")
    assert pytest_in(project, *options)[0] == 0
    results = report.read(str(project / ".exactrace"))
    rest = {
        line: n
        for (file, line), n in results.counts.items()
        if file.endswith("b.py") and "pkg" in file and line
    }
    parted: dict[str, dict[int, int]] = {}
    for (context, file, line), n in results.contexts.items():
        if file.endswith("b.py") and "pkg" in file:
            parted.setdefault(context.partition("::")[2], {})[line] = n
            rest[line] -= n
    in_2 = {5: 2, 6: 2, 8: 5, 9: 5, 10: 2, 11: 2, 12: 2, 13: 5}
    # The thread that test_1 has started waits: what it runs in test_2 is of test_2.
    assert parted["test_2"].pop(16) == 1
    assert parted["test_1"] == {2: 4, 3: 3, 5: 1, 6: 1, 15: 1}
    assert parted["test_2"] == in_2
    assert parted["test_3"] == {2: 8, 3: 7}
    left = {line: n for line, n in rest.items() if n}
    assert left == {1: 1, 4: 1, 7: 1, 14: 1, 2: 3, 3: 2}


WITHIN = """\
import pytest
from pkg import a

def test_one():
    assert a.f(1) == 2

def test_pytest(tmp_path):
    a.f(1)
    (tmp_path / "test_inner.py").write_text("def test(): pass")
    options = ("-p", "no:cacheprovider", "-p", "no:xdist", "--exactrace-contexts")
    assert pytest.main([*options, f"--rootdir={tmp_path}", str(tmp_path)]) == 0

def test_two():
    assert a.f(1) == 2
"""


def test_contexts_outlive_a_pytest_within_a_worker(project: Path) -> None:
    write(project, "test_within.py", WITHIN)
    options = ("--exactrace=pkg", "--exactrace-contexts", "-n", "1", *data(project))
    status, out = pytest_in(project, *options, "test_within.py")
    assert status == 0, out
    # What ran before the tests of the other one is in none.
    assert contexts(project) == {
        "test_within.py::test_one": 1,
        "test_within.py::test_two": 1,
    }


def ends(project: Path, last: str) -> None:
    """Write a test that ends the process after all others."""
    source = (
        f"import os, signal\nfrom pkg import a\n\ndef test_z():\n    a.f(1)\n{last}"
    )
    write(project, "test_z.py", source)


KILL = "    os.kill(os.getpid(), signal.SIGKILL)\n"


@pytest.mark.skipif(FREE, reason="without the GIL, counts are in memory")
def test_counts_with_contexts_outlive_sigkill(project: Path) -> None:
    ends(project, KILL)
    options = ("--exactrace=pkg", "--exactrace-contexts", *data(project))
    assert pytest_in(project, *options)[0] == -signal.SIGKILL
    assert {line: hits(project)[line] for line in COUNTED} == {2: 13, 3: 7, 4: 6}


@pytest.mark.skipif(FREE, reason="without the GIL, counts are in memory")
def test_a_worker_that_is_killed_leaves_its_counts(project: Path) -> None:
    ends(project, KILL)
    status, out = pytest_in(project, "--exactrace=pkg", "-n", "1", *data(project))
    assert status == 1
    assert "worker 'gw0' crashed" in out
    assert "1 failed, 3 passed" in out
    assert {line: hits(project)[line] for line in COUNTED} == {2: 13, 3: 7, 4: 6}


def test_an_interrupt_is_as_without_us_and_keeps_the_counts(project: Path) -> None:
    ends(project, "    os.kill(os.getpid(), signal.SIGINT)\n    while True: pass\n")
    status, out = pytest_in(project, "--exactrace=pkg", *data(project))
    assert status == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in out
    assert "pkg/a.py" in out
    assert {line: hits(project)[line] for line in COUNTED} == {2: 13, 3: 7, 4: 6}


def test_the_debugger_can_be_used(project: Path) -> None:
    ends(project, "    assert False\n")
    command = ["-m", "pytest", *PLUGIN, "--pdb", "--exactrace=pkg", *data(project)]
    status, out, _ = run(command, project, stdin=b"p 6 * 7\nc\n")
    assert status == 1
    assert "(Pdb) 42\n" in out
    assert "1 failed, 3 passed" in out
    assert {line: hits(project)[line] for line in COUNTED} == {2: 13, 3: 7, 4: 6}


@pytest.mark.skipif(not MONITORED, reason="a thread has but one trace function")
def test_pytest_cov_can_be_used_beside(project: Path) -> None:
    options = ("--exactrace=pkg", "--cov=pkg", "--cov-report=json", *data(project))
    status, _ = pytest_in(project, *options)
    assert status == 0
    found = json.loads((project / "coverage.json").read_text())["files"]["pkg/a.py"]
    assert found["executed_lines"] == [1, 2, 3, 4]
    assert {line: hits(project)[line] for line in COUNTED} == COUNTED


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have Python run in an environment with packages of its own: their folder."""
    venv.create(folder / "venv", symlinks=True)
    monkeypatch.setattr(sys, "executable", str(folder / "venv/bin/python"))
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    shutil.copy(Path(PACKAGES) / "exactrace.pth", packages)
    return packages


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_package_is_counted_where_it_is_imported_from(
    project: Path, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    """Installed, beside the same in `src`, and other packages."""
    others = os.pathsep.join([PACKAGES, sysconfig.get_path("purelib")])
    folder = installed(project, monkeypatch)
    (project / "pkg").rename(folder / "pkg")
    shutil.copytree(folder / "pkg", project / "src/pkg")
    write(folder, "other.py", "x = 1\n")
    write(project, "test_other.py", "import other\ndef test_it(): assert other.x\n")
    arguments = ["-m", "pytest", "-q", *PLUGIN, "--exactrace=pkg", *data(project)]
    status, out, error = run([*arguments, *workers], project, PYTHONPATH=others)
    assert (status, error) == (0, "")
    names = {line.split()[0] for line in out.splitlines() if ".py " in line}
    below = os.path.relpath(folder / "pkg", project)
    assert names == {f"{below}/{name}.py" for name in ("__init__", "a", "never")}
    assert {line: hits(project)[line] for line in COUNTED} == COUNTED
    counted = {file for file, _ in report.read(str(project / ".exactrace")).counts}
    assert not [file for file in counted if file.endswith("/other.py")]


@pytest.mark.skipif(not INSTALLED, reason="exactrace is not installed as a plugin")
def test_the_plugin_can_be_kept_out(project: Path) -> None:
    status, out = pytest_in(project, "-p", "no:exactrace")
    assert status == 0
    assert "exactrace" not in out
    options = ["-m", "pytest", "-p", "no:exactrace", "--exactrace"]
    status, _, error = run(options, project)
    assert status == pytest.ExitCode.USAGE_ERROR
    assert "unrecognized arguments" in error


def test_a_pytest_that_is_traced_from_outside_warns_of_nothing(project: Path) -> None:
    # It warns of plugins that were imported before it.
    pytest_strictly = ["-m", "pytest", "-q", *PLUGIN, "-W", "error"]
    command = ["-m", "exactrace", "run", "-q", "-d", ".exactrace", *pytest_strictly]
    status, _, error = run(command, project)
    assert (status, error) == (0, "")
    assert {line: hits(project)[line] for line in COUNTED} == COUNTED


def test_who_wants_no_report_pays_for_none(project: Path) -> None:
    code = "import sys; print('imported', 'exactrace.reports.model' in sys.modules)"
    write(project, "conftest.py", f"def pytest_unconfigure():\n    {code}\n")
    none = ("--exactrace-report", "none")
    status, out = pytest_in(project, "-s", "--exactrace=pkg", *none)
    assert status == 0
    assert "imported False" in out
    status, out = pytest_in(
        project, "-s", "--exactrace=pkg", *none, "--exactrace-fail-under=1"
    )
    assert status == 0
    assert "imported True" in out


@pytest.mark.parametrize("contexts", [False, True])
def test_a_name_leaves_all_else_uncounted_but_for_affected(
    project: Path, contexts: bool
) -> None:
    more = ["--exactrace-contexts"] * contexts
    assert pytest_in(project, "--exactrace=pkg", *data(project), *more)[0] == 0
    counted = {file for file, _ in report.read(str(project / ".exactrace")).counts}
    names = {os.path.relpath(file, project) for file in counted}
    assert {"pkg/__init__.py", "pkg/a.py"} <= names
    assert ("test_a.py" in names) == contexts
    assert {line: hits(project)[line] for line in COUNTED} == COUNTED


@pytest.mark.skipif(not MONITORED, reason=NO_PROBES)
@pytest.mark.parametrize("more", ["", "x = 1; assert x\n"])  # by text, by tree
def test_asserts_that_pytest_has_rewritten_are_no_branches(
    project: Path, more: str
) -> None:
    test = """\
        def test_a():
            x = 1
            assert x
            assert x == 1 and (x or
                               not x), "no"
            assert all(each for each in [x])
        """
    write(project, "test_a.py", textwrap.dedent(test) + more)
    status, out = pytest_in(project, "--exactrace-branch", "test_a.py")
    assert status == 0
    assert "Sides that were never taken" not in out
    columns = next(line for line in out.splitlines() if line.startswith("test_a.py "))
    assert columns.split()[3:5] == ["0", "0"]


LOADERS = """\
import sys
import pytest

@pytest.hookimpl(trylast=True)
def pytest_unconfigure():
    loaded = {
        f"{name} by {type(module.__spec__.loader).__module__}"
        for name, module in sys.modules.items()
        if name.partition(".")[0] == "exactrace" and name != "exactrace._native"
    }
    first = [type(each).__name__ for each in sys.meta_path[:1]]
    print("\\nloaded:", len(loaded), *{each.split()[2] for each in loaded}, *first)
"""


def test_what_pytest_loads_of_us_is_not_counted() -> None:
    ignore = children.Settings("nowhere").tracer().ignore
    assert ignore.names("/x/exactrace_pytest.py", "exactrace_pytest") == 1
    assert ignore.names("/x/pytest_exactrace.py", "pytest_exactrace") == 0


@pytest.mark.skipif(not INSTALLED, reason="pytest finds the plugin if it is installed")
@pytest.mark.parametrize(
    "options", [(), ("--exactrace=pkg", "--exactrace-report=lcov:out.info")]
)
def test_our_modules_are_not_rewritten_and_others_are(
    project: Path, options: tuple[str, ...]
) -> None:
    write(project, "conftest.py", LOADERS)
    write(project, "test_b.py", "def test_b():\n    x = 17\n    assert x == 18\n")
    status, out = pytest_in(project, *options, "test_b.py")
    assert status == 1
    assert "assert 17 == 18" in out
    (said,) = (line for line in out.splitlines() if line.startswith("loaded: "))
    count, *rest = said.split()[1:]
    assert rest == ["_frozen_importlib_external", "AssertionRewritingHook"]
    assert int(count) > (20 if options else 5)
