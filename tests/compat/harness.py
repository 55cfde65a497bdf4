"""Runs programs under two tools and says what differs.

A tool is the name of a module that is run by `python -m`: `trace`, `exactrace`,
`reference` or `planted`.
"""

from __future__ import annotations

import functools
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from odd_programs import ODD_PROGRAMS

import exactrace

# Whether this build has no GIL.
FREE = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
# There types are immortal once there were two threads, on 3.13 (gh-117783): so the
# standard module finds the class of no method.
IMMORTAL_TYPES = FREE and sys.version_info < (3, 14)

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
# Where the package under test is, for children that must find it and not the
# sources in the current directory.
PACKAGE = str(Path(exactrace.__file__).parent.parent)
# How the report of callers calls the caller of the program: the tool.
ROOT = str(Path(exactrace.__file__))


@dataclass(frozen=True)
class Mode:
    """Commands of a tool: lists of options, to which the program is added.

    A command that has "-r" runs no program.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    module: bool = False  # the program is named as a module


@dataclass
class Outcome:
    """All that can be seen of a job from outside."""

    statuses: list[int]
    output: list[str]
    errors: list[str]
    files: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """A program to be run in a mode."""

    mode: Mode
    program: str

    @property
    def name(self) -> str:
        """A name for a folder."""
        return f"{self.mode.name}/{self.program}"

    def commands(self) -> list[list[str]]:
        """The arguments of the tool, for each command."""
        program = Path(self.program).stem if self.mode.module else self.program
        if self.needs_path and not self.mode.module:
            program = "{folder}/" + program
        return [
            [*options] if "-r" in options else [*options, program, *ARGUMENTS]
            for options in self.mode.commands
        ]

    @property
    def needs_path(self) -> bool:
        """Whether the program is named by its whole path.

        So that `sys.path` has the same in it under both tools: the standard
        module puts '' there, and names listings of imported files after it.
        """
        return self.program.startswith("imports_")


# In the standard module `__main__` is not the program; code that is generated
# for classes looks for its globals there.
ONLY_IMPORTED = ("generated_code.py",)
ARGUMENTS = ("one", "--verbose", "-c", "two words")
COUNTS_FILE = "counts"


def environment(**variables: str) -> dict[str, str]:
    """Return an environment in which nothing depends on chance or on us."""
    result = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "EXACTRACE", "COLUMNS", "LC_", "LANG"))
    }
    result.update(
        PYTHONPATH=os.pathsep.join([PACKAGE, str(HERE)]),
        PYTHONHASHSEED="0",
        PYTHONUTF8="1",
        PYTHON_COLORS="0",
        COLUMNS="80",
        EXACTRACE_ROOT=ROOT,
    )
    result.update(variables)
    return result


@functools.cache
def programs() -> dict[str, bytes]:
    """Return name -> content of the programs that this version can run."""
    found = {}
    for path in sorted(CORPUS.glob("*.py")):
        if path.name in ONLY_IMPORTED:
            continue
        version = re.search(r"_3(\d\d)\.py$", path.name)
        if version is None or sys.version_info >= (3, int(version[1])):
            found[path.name] = path.read_bytes()
    return {**found, **ODD_PROGRAMS}


def prepare(folder: Path, program: str) -> None:
    """Put a program, and what it may import, into a new folder."""
    folder.mkdir(parents=True)
    (folder / program).write_bytes(programs()[program])
    if program.startswith("imports_"):
        for name in ("sibling.py", "generated_code.py"):
            shutil.copyfile(CORPUS / name, folder / name)
        shutil.copytree(
            CORPUS / "package",
            folder / "package",
            ignore=shutil.ignore_patterns("__pycache__"),
        )


def run_jobs(
    tool: str,
    jobs: Iterable[Job],
    base: Path,
    engine: str | None = None,
    **variables: str,
) -> dict[Job, Outcome]:
    """Run the jobs, all in one server, and collect what came out.

    `engine` is one of exactrace's, for its option --engine.

    They run in `base/run`, which is removed. So with one `base`, all tools run
    a program under the same path, and what they write can be compared as it is.
    """
    run, output = base / "run", base / "output"
    listed = _prepare(jobs, run, output)
    if engine is not None:
        for prepared in listed.values():
            for command in prepared["commands"]:
                if "-r" not in command:
                    command[:0] = ["--engine", engine]
    (base / "jobs.json").write_text(json.dumps(list(listed.values())))
    # -S: installed packages may hook imports, and then a package of theirs is the
    # first `__init__`, whose verdict the standard module uses for all others.
    server = str(HERE / "command_server.py")
    subprocess.run(
        [sys.executable, "-S", server, tool, "jobs.json"],
        cwd=base,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        timeout=900,
        check=True,
    )
    return {job: _collect(job, run / job.name, output / job.name) for job in listed}


def run_alone(tool: str, job: Job, base: Path) -> Outcome:
    """Run one job, each command in a process that is started for it."""
    run, output = base / "run", base / "output"
    prepared = _prepare([job], run, output)[job]
    statuses = []
    for number, arguments in enumerate(prepared["commands"]):
        prefix = f"{prepared['output']}.{number}"
        with open(f"{prefix}.out", "wb") as out, open(f"{prefix}.err", "wb") as err:
            done = subprocess.run(
                [sys.executable, "-S", "-m", tool, *arguments],
                cwd=run / job.name,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                timeout=300,
            )
        statuses.append(done.returncode)
    Path(f"{output / job.name}.status").write_text(json.dumps(statuses))
    return _collect(job, run / job.name, output / job.name)


def _prepare(jobs: Iterable[Job], run: Path, output: Path) -> dict[Job, Any]:
    """Make the folders of the jobs: what the server is to know of each."""
    for path in (run, output):
        shutil.rmtree(path, ignore_errors=True)
    listed = {}
    for job in jobs:
        folder = run / job.name
        prepare(folder, job.program)
        (output / job.name).parent.mkdir(parents=True, exist_ok=True)
        listed[job] = {
            "folder": str(folder),
            "commands": [
                [item.replace("{folder}", str(folder)) for item in command]
                for command in job.commands()
            ],
            "output": str(output / job.name),
        }
    return listed


def _collect(job: Job, folder: Path, output: Path) -> Outcome:
    def read(kind: str) -> list[str]:
        paths = [Path(f"{output}.{n}.{kind}") for n in range(len(job.mode.commands))]
        return [path.read_bytes().decode("utf-8", "surrogateescape") for path in paths]

    statuses = json.loads(Path(f"{output}.status").read_text())
    return Outcome(statuses, read("out"), read("err"), written_files(folder))


def written_files(folder: Path) -> dict[str, object]:
    """Return the files that a tool wrote; a counts file as what it holds."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        if path.name == COUNTS_FILE:
            found[COUNTS_FILE] = pickle.loads(path.read_bytes())
        elif path.suffix == ".cover":
            found[str(path.relative_to(folder))] = path.read_bytes()
        elif path.is_file() and path.suffix not in (".py", ".pyc", ""):
            found[str(path.relative_to(folder))] = "unexpected"
    return found


def lines_of(program: str, text: str) -> str:
    """Return the lines that name a program, sorted."""
    stem = Path(program).stem
    lines = re.findall(rf"^.*\b{stem}[.(].*$", text, flags=re.MULTILINE)
    return "\n".join(sorted(lines))


def mask_times(text: str) -> str:
    """Replace the seconds in front of lines of a trace."""
    return re.sub(r"\d+\.\d\d (?=[^(\n]+\(\d+\))", "0.00 ", text)


# ` module.Class.method ->`, `funcname: Class.method`
_CLASSES = re.compile(r"(funcname: ).*\.(?=[^.]+$)", re.MULTILINE)


def bare_functions(text: str) -> str:
    """Leave out the classes in a list of functions, and then doubles."""
    lines = _CLASSES.sub(r"\1", text).split("\n")
    names = [line for line in lines if line.startswith("filename: ")]
    others = [line for line in lines if not line.startswith("filename: ")]
    return "\n".join([*others, *sorted(set(names))])


def differences(expected: Outcome, got: Outcome) -> list[str]:
    """Return a line for each thing that differs."""
    found = []
    for name in ("statuses", "output", "errors"):
        pairs = zip(getattr(expected, name), getattr(got, name), strict=True)
        for number, (one, other) in enumerate(pairs):
            if one != other:
                found.append(f"{name} {number}: {_first_difference(one, other)}")
    for path in sorted(expected.files.keys() | got.files.keys()):
        if path not in got.files:
            found.append(f"{path} was not written")
        elif path not in expected.files:
            found.append(f"{path} was written, and should not")
        elif expected.files[path] != got.files[path]:
            text = _first_difference(expected.files[path], got.files[path])
            found.append(f"{path}: {text}")
    return found


def _first_difference(expected: object, got: object) -> str:
    if isinstance(expected, tuple) and isinstance(got, tuple):
        parts = zip(("counts", "functions", "callers"), expected, got, strict=True)
        return "; ".join(
            f"{name}: {text}"
            for name, one, other in parts
            if (text := compare_counts(one, other))
        )
    if isinstance(expected, bytes) and isinstance(got, bytes):
        expected = expected.decode("utf-8", "backslashreplace")
        got = got.decode("utf-8", "backslashreplace")
    if not (isinstance(expected, str) and isinstance(got, str)):
        return f"expected {expected!r}, got {got!r}"
    ours, theirs = got.split("\n"), expected.split("\n")
    for number, (one, other) in enumerate(zip(theirs, ours, strict=False), 1):
        if one != other:
            return f"line {number}: expected {one!r}, got {other!r}"
    return f"expected {len(theirs)} lines, got {len(ours)}: {(ours + theirs)[-3:]}"


def compare_counts(
    expected: Mapping[object, int], got: Mapping[object, int], most: int = 8
) -> str:
    """Return a text on the keys whose counts differ, "" if none does."""
    keys = sorted(expected.keys() | got.keys(), key=repr)
    wrong = [key for key in keys if expected.get(key) != got.get(key)]
    shown = [f"{k}: expected {expected.get(k)}, got {got.get(k)}" for k in wrong[:most]]
    return ", ".join(shown) + (f", and {len(wrong) - most} more" * (len(wrong) > most))
