# SPDX-License-Identifier: Apache-2.0
"""Real projects' own tests, counted: the same tests pass, and the same lines and
branches are found as by coverage.py.

    python bench/projects.py [--only NAME ...] [--rounds N] [--tools NAME ...]
                             [--compare | --time]

Fetches the projects of projects.toml from PyPI (source distributions, which hold their
tests) into build/projects, each with an environment of its own, in which exactrace is
installed from this checkout. Runs the tests bare and with each tool in turn, compares
what every test ended with, lines and branches with coverage.py, and prints the CPU time
of the whole runs, with the processes that tests start, as multiples of the bare one:
medians of rounds in which each tool has its turn. With --compare nothing is timed, with
--time nothing is compared. The exit status is 1 if a test ends differently, or lines or
branches differ.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tarfile
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# An environment of one Python is none for another.
BUILD = ROOT / "build" / "projects" / f"{sys.version_info[0]}.{sys.version_info[1]}"
TOOLS = ["pytest<9", "pytest-cov", "coverage>=7.11"]
if sys.version_info < (3, 15):
    TOOLS.append("slipcover>=1.0.18")


# Tests that choose by chance choose the same each time.
SEEDED = """\
import random
def pytest_runtest_setup():
    random.seed(0)
"""

# Of coverage.py, to measure child processes, also those that are terminated.
CHILDREN = """\
[run]
patch = subprocess
sigterm = true
"""


def call(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a command; on failure show what it said."""
    done = subprocess.run(
        command,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}:\n{done.stdout[-3000:]}")


def pip() -> list[str | Path]:
    """Return the command of a pip, which not every Python has without a venv."""
    python = BUILD / "pip" / "bin" / "python"
    if not python.exists():
        call(sys.executable, "-m", "venv", BUILD / "pip")
    return [python, "-m", "pip", "-q"]


def wheel() -> Path:
    """Build exactrace once."""
    folder = BUILD / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    call(*pip(), "wheel", "--no-deps", "-w", folder, ROOT)
    return next(folder.glob("*.whl"))


class Project:
    """A project, its sources, and an environment to run its tests in."""

    def __init__(self, name: str, entry: dict[str, object], built: Path) -> None:
        self.name = name
        self.package = str(entry["package"])
        self.tests = [str(each) for each in entry["tests"]]
        self.explained: dict[str, list[str]] = entry.get("explained", {})
        self.folder = BUILD / name
        self.source = self.folder / "source"
        self.python = self.folder / "venv" / "bin" / "python"
        version = str(entry["version"])
        if not self.source.is_dir():
            self._fetch(version)
        if not (self.folder / "ready").exists():
            call(sys.executable, "-m", "venv", self.folder / "venv")
            requires = [str(each) for each in entry["requires"]]
            install = [self.python, "-m", "pip", "-q", "install"]
            call(*install, self.source, *TOOLS, *requires)
            (self.folder / "ready").touch()
        install = [self.python, "-m", "pip", "-q", "install", "--no-deps"]
        call(*install, "--force-reinstall", built)

    def _fetch(self, version: str) -> None:
        parts = self.folder / "fetched"
        shutil.rmtree(parts, ignore_errors=True)
        one = f"{self.name}=={version}"
        call(
            *pip(), "download", "--no-deps", "--no-binary", self.name, "-d", parts, one
        )
        with tarfile.open(next(parts.glob("*.tar.gz"))) as archive:
            archive.extractall(parts, filter="data")
        (unpacked,) = (each for each in parts.iterdir() if each.is_dir())
        unpacked.rename(self.source)

    def run(self, *tool: str, **variables: str) -> tuple[dict[str, str], float, str]:
        """Run the tests: what each ended with, the CPU time, and the output."""
        report = self.folder / "junit.xml"
        report.unlink(missing_ok=True)
        # Not below a folder that has the name of the package.
        plugins = BUILD / "plugins"
        plugins.mkdir(exist_ok=True)
        (plugins / "seeded.py").write_text(SEEDED)
        environment = {
            **os.environ,
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": str(plugins),
            **variables,
        }
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [
            self.python,
            *tool,
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:randomly",
            "-p",
            "seeded",
        ]
        done = subprocess.run(
            [*command, f"--junitxml={report}", *self.tests],
            cwd=self.source,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return outcomes(report), spent, done.stdout

    def imported(self) -> Path:
        """Return the folder where the tests import the package from."""
        code = f"import {self.package} as found; print(found.__path__[0])"
        command = [self.python, "-c", code]
        said = subprocess.run(command, cwd=self.source, capture_output=True, check=True)
        return Path(said.stdout.decode().strip())

    def path(self, name: str) -> Path:
        return self.folder / name


def outcomes(report: Path) -> dict[str, str]:
    """Return what each test ended with."""
    if not report.exists():
        return {}
    found: dict[str, str] = {}
    for case in ET.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        ends = {each.tag for each in case} - {"system-out", "system-err", "properties"}
        found[name] = " ".join(sorted(ends)) or "passed"
    return found


def tools(project: Project) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Return the command and the environment of each tool. Only ours counts in the
    processes that tests start, too.
    """
    package = project.package
    pytest = ["-m", "pytest"]
    ours = [f"--exactrace={package}", "--exactrace-report=none"]
    ours += [f"--exactrace-data={project.path('counts')}"]
    coverage = ["-m", "coverage", "run", f"--source={package}"]
    coverage += [f"--data-file={project.path('coverage')}", f"--rcfile={os.devnull}"]
    found: dict[str, tuple[list[str], dict[str, str]]] = {
        "bare": (pytest, {}),
        "exactrace": (pytest + ours, {}),
        "exactrace branch": ([*pytest, *ours, "--exactrace-branch"], {}),
        "coverage ctrace": ([*coverage, *pytest], {"COVERAGE_CORE": "ctrace"}),
        "coverage ctrace branch": (
            [*coverage, "--branch", *pytest],
            {"COVERAGE_CORE": "ctrace"},
        ),
        "pytest-cov": (
            [
                *pytest,
                f"--cov={package}",
                "--cov-report=",
                f"--cov-config={os.devnull}",
            ],
            {},
        ),
    }
    found["pytest-cov branch"] = [*found["pytest-cov"][0], "--cov-branch"], {}
    if sys.version_info >= (3, 12):
        found["coverage sysmon"] = [*coverage, *pytest], {"COVERAGE_CORE": "sysmon"}
    if sys.version_info >= (3, 14):
        sysmon = [*coverage, "--branch", *pytest]
        found["coverage sysmon branch"] = sysmon, {"COVERAGE_CORE": "sysmon"}
    if sys.version_info < (3, 15):
        cover = ["-m", "slipcover", "--source", str(project.imported()), "--json"]
        cover += ["--out", str(project.path("slip.json"))]
        # It loads its own plugin before pytest does, which would end some of them.
        cover += [*pytest, "-W", "ignore::pytest.PytestAssertRewriteWarning"]
        found["slipcover"] = cover, {}
        branch = cover.index("--json")
        found["slipcover branch"] = [*cover[:branch], "--branch", *cover[branch:]], {}
    return found


def said_by_coverage(project: Project, data: Path) -> dict[str, bool]:
    """Return what coverage.py says: of each line and side of a branch in the package
    ("core.py 12" or "core.py 12->14") whether it ran.
    """
    out = project.path("said.json")
    command = [project.python, "-m", "coverage", "json", "-q", "-i", "-o", out]
    command.append(f"--rcfile={os.devnull}")
    call(*command, f"--data-file={data}", cwd=project.source)
    found = {}
    for name, said in json.loads(out.read_text())["files"].items():
        # Installed or not, it is the same package.
        _, is_in, rest = f"/{name}".rpartition(f"/{project.package}/")
        if not is_in:
            continue
        for state in ("executed", "missing"):
            for line in said[f"{state}_lines"]:
                found[f"{rest} {line}"] = state == "executed"
            for start, end in said.get(f"{state}_branches", []):
                found[f"{rest} {start}->{end}"] = state == "executed"
    return found


def run_with_coverage(project: Project) -> dict[str, str]:
    """Run the tests with coverage.py as compare() needs it: in child processes, too.
    Returns what each ended with.
    """
    (rc := project.path("coveragerc")).write_text(CHILDREN)
    for old in project.folder.glob("coverage.*"):
        old.unlink()
    coverage = ["-m", "coverage", "run", "--branch", f"--source={project.package}"]
    coverage += [f"--data-file={project.path('coverage')}", f"--rcfile={rc}"]
    found, _, _ = project.run(*coverage, "-m", "pytest", COVERAGE_CORE="ctrace")
    combine = ["combine", f"--data-file={project.path('coverage')}", f"--rcfile={rc}"]
    call(project.python, "-m", "coverage", *combine, cwd=project.source)
    return found


STATES = {True: "ran", False: "did not run", None: "unknown"}


def compare(project: Project) -> int:
    """Print where lines and branches differ. Returns how many differences are not
    explained.
    """
    exactrace = project.python.parent / "exactrace"
    ours = project.path("ours")
    convert = [exactrace, "convert", "--to", "coverage", ours]
    call(*convert, "-d", project.path("counts"), cwd=project.source)
    mine = said_by_coverage(project, ours)
    theirs = said_by_coverage(project, project.path("coverage"))
    known = {place: why for why, all_ in project.explained.items() for place in all_}
    unexplained = 0
    for place in sorted({*mine, *theirs}):
        one, other = mine.get(place), theirs.get(place)
        # Of a file that never ran nothing is in our counts.
        if one == other or (one is None and not other):
            continue
        why = known.get(place, "")
        unexplained += not why
        said = f"ours: {STATES[one]}, theirs: {STATES[other]}"
        print(f"  {place}: {said}{why and f' ({why})'}")
    lines = sum(ran for place, ran in theirs.items() if "->" not in place)
    sides = sum(ran for place, ran in theirs.items() if "->" in place)
    print(
        f"  {lines} lines and {sides} sides ran; {unexplained} unexplained differences"
    )
    return unexplained


def changed(
    project: Project, tool: str, bare: dict[str, str], found: dict[str, str]
) -> int:
    """Print which tests end differently under a tool. Returns how many, but for those
    that also do when run bare again.
    """
    tests = sorted(
        test for test in {*bare, *found} if bare.get(test) != found.get(test)
    )
    again = project.run("-m", "pytest")[0] if tests else {}
    for test in tests:
        steady = again.get(test) == bare.get(test)
        ends = f"{bare.get(test)} bare, {found.get(test)} now"
        print(f"  {tool}: {test}: {ends}{'' if steady else '; by chance'}")
    return sum(again.get(test) == bare.get(test) for test in tests)


def check(project: Project) -> bool:
    """Compare tests, lines and branches. Returns whether all are the same."""
    bare, _, output = project.run("-m", "pytest")
    if not bare:
        print(output[-2000:])
        return False
    print(f"  {len(bare)} tests", flush=True)
    shutil.rmtree(project.path("counts"), ignore_errors=True)
    ours = tools(project)["exactrace branch"][0]
    found, _, output = project.run(*ours)
    if not found:
        print(output[-2000:])
    said = [line for line in output.splitlines() if "exactrace:" in line]
    print("".join(f"  said: {line}\n" for line in said), end="")
    good = changed(project, "exactrace", bare, found) == 0
    changed(project, "coverage.py", bare, run_with_coverage(project))
    return compare(project) == 0 and good


def measure(
    project: Project, rounds: int, wanted: list[str]
) -> dict[str, float | None]:
    """Return the CPU seconds of each tool that is wanted, by the beginning of its name;
    None if no test ran.
    """
    every = {
        name: tool
        for name, tool in tools(project).items()
        if name == "bare" or name.startswith(tuple(wanted))
    }
    spent: dict[str, list[float]] = {name: [] for name in every}
    for _ in range(rounds):
        for name, (command, variables) in every.items():
            ends, seconds, output = project.run(*command, **variables)
            if ends:
                spent[name].append(seconds)
            else:
                print(f"  {name}: no test ran:\n{output[-1000:]}")
    return {
        name: statistics.median(times) if times else None
        for name, times in spent.items()
    }


def table(measured: dict[str, dict[str, float | None]]) -> str:
    """Return what was measured of each project and tool, and means of the multiples."""
    rows = [["CPU time of the tests", *measured, "mean"]]
    rows.append(["---", *["---:"] * (len(measured) + 1)])
    names = list(next(iter(measured.values())))
    bare = [times["bare"] or 0.0 for times in measured.values()]
    rows.append(["bare", *(f"{each:.2f} s" for each in bare), ""])
    # Lines first, then branches.
    for name in sorted(names[1:], key=lambda name: name.endswith("branch")):
        found = [one.get(name) for one in measured.values()]
        times = [
            each / base for each, base in zip(found, bare, strict=True) if each and base
        ]
        mean = f"{statistics.geometric_mean(times):.2f}" if times else ""
        shown = (
            f"{each / base:.2f}" if each and base else "fails"
            for each, base in zip(found, bare, strict=True)
        )
        rows.append([name, *shown, mean if len(times) == len(found) else ""])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Fetch, compare, time."""
    entries = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", action="append", choices=sorted(entries))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--tools", nargs="+", default=[""], help="beginnings of their names"
    )
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--compare", action="store_true", help="time nothing")
    part.add_argument("--time", action="store_true", help="compare nothing")
    wanted = parser.parse_args()
    built = wheel()
    good = True
    measured: dict[str, dict[str, float | None]] = {}
    for name in wanted.only or entries:
        project = Project(name, entries[name], built)
        print(f"{name} {entries[name]['version']}", flush=True)
        if not wanted.time:
            good &= check(project)
        if not wanted.compare:
            measured[name] = measure(project, wanted.rounds, wanted.tools)
            print(table({name: measured[name]}), flush=True)
    if len(measured) > 1:
        print(table(measured))
    sys.exit(not good)


main()
