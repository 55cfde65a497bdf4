"""Runs the driver in processes and folders of their own; and the options for that."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Container
from pathlib import Path
from time import monotonic

from excluded import left_out_tests
from outcomes import WHOLE, Counts, Outcomes, read_journal, steady

import exactrace

DRIVER = str(Path(__file__).with_name("driver.py"))
PACKAGE = str(Path(exactrace.__file__).parent.parent)
# Not that of a virtual environment: what is installed there changes tests.
PYTHON = getattr(sys, "_base_executable", sys.executable)
ENGINES = ("probe", "event", "settrace")
Options = dict[str, object]


def environment(folder: str) -> dict[str, str]:
    """Return an environment in which nothing depends on us."""
    ours = ("PYTHON", "EXACTRACE", "COLUMNS", "LC_", "LANG", "VIRTUAL_ENV")
    result = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    result.update(PYTHONHASHSEED="0", LC_ALL="C.UTF-8", COLUMNS="80")
    result.update(TMPDIR=folder, HOME=folder)
    return result


def run_once(module: str, options: Options, timeout: float) -> Outcomes:
    """Run a module's tests in a process and a folder of their own."""
    base = Path(tempfile.mkdtemp(prefix="suite-"))
    folder = base / "work"
    folder.mkdir()
    journal, counts = base / "journal", base / "counts"
    options = {**options, "without": left_out_tests(module)}
    if options.get("keep"):
        options = {**options, "counts": str(counts)}
    start = monotonic()
    with open(base / "output", "wb") as output:
        process = subprocess.Popen(
            [PYTHON, DRIVER, module, str(journal), json.dumps(options)],
            cwd=folder,
            env=environment(str(folder)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            status = str(process.wait(timeout))
        except subprocess.TimeoutExpired:
            status = f"timeout of {timeout:g} s"
        finally:
            # With what the tests have left behind.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    found = read_journal(journal, str(folder))
    found.seconds = monotonic() - start
    if status != "0":
        found.ended = f"{found.ended or 'ended after its tests'}, status {status}"
    if found.ended:
        text = (base / "output").read_text(errors="replace")
        found.texts[WHOLE] = text[-3000:]
    if counts.exists():
        found.counts = steady_counts(pickle.loads(counts.read_bytes()), str(folder))
    shutil.rmtree(base, ignore_errors=True)
    return found


# Files whose counts are not compared: the end of the name -> why.
NOT_COMPARED = {
    "/selectors.py": "how often it waits for a process depends on the time",
    "/subprocess.py": "the same",
    "/threading.py": "how early a new thread is seen depends on the engine",
}


def steady_counts(counts: dict[tuple[str, int], int], folder: str) -> Counts:
    """Return the counts that are to be equal, without names made by chance."""
    found: Counts = Counter()
    for (filename, line), hits in counts.items():
        if not filename.endswith((*NOT_COMPARED, DRIVER)):
            found[steady(filename, folder), line] += hits
    return found


def all_modules() -> list[str]:
    """Return the names of all modules of tests that this interpreter has."""
    folder = Path(__import__("test").__file__ or "").parent
    found = {
        path.stem
        for path in folder.iterdir()
        if path.name.startswith("test_")
        and (path.suffix == ".py" or (path / "__init__.py").exists())
    }
    return sorted(found)


def arguments_of(description: str, *, jobs: bool = False) -> argparse.ArgumentParser:
    """Return a parser of what the commands of this folder have in common."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("module", nargs="*", metavar="MODULE", help="such as test_re")
    add("--modules", metavar="FILE", help="a file with their names")
    add("--engine", choices=ENGINES, help="the engine that counts")
    add("--branch", action="store_true", help="count branches too")
    add("--timeout", type=float, default=300, metavar="S", help="seconds for a run")
    add(
        "--quarter",
        type=_part,
        default=(1, 1),
        metavar="K/N",
        help="only each N-th module, from the K-th on",
    )
    add("--write", metavar="FILE", help="write all that was found, as JSON")
    if jobs:
        add("--jobs", type=int, default=1, metavar="N", help="modules at a time")
    return parser


def options_of(arguments: argparse.Namespace) -> Options:
    """Return what the driver is to be told for a counted run."""
    return {
        "package": PACKAGE,
        "engine": arguments.engine,
        "branch": arguments.branch,
    }


def chosen_modules(
    arguments: argparse.Namespace, left_out: Container[str]
) -> list[str]:
    """Return what is to be run, as the command line says."""
    if arguments.modules:
        lines = Path(arguments.modules).read_text().splitlines()
        names = [name for line in lines for name in line.partition("#")[0].split()]
    else:
        names = arguments.module or [
            name for name in all_modules() if name not in left_out
        ]
    part, parts = arguments.quarter
    return list(names[part - 1 :: parts])


def _part(text: str) -> tuple[int, int]:
    part, parts = map(int, text.split("/"))
    if not 1 <= part <= parts:
        raise ValueError
    return part, parts
