"""Calls of every program of the corpus, counted by exactrace and by a plain callback."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness import ARGUMENTS, HERE, environment, prepare, programs
from odd_programs import ODD_PROGRAMS

MONITORED = sys.version_info >= (3, 12)
# Which thread runs a part of it is a matter of luck.
OF_LUCK = ("threads.py",)
# They put a trace function of their own in the place of ours, which counts calls
# where there is no sys.monitoring.
TRACING = () if MONITORED else ("own_tracing.py", "stops_tracing.py")
# Whether a module is wanted is asked with the first of its functions that runs.
ASKED_ONCE = ("changes_file.py",)
PROGRAMS = [
    name
    for name in programs()
    if name not in ODD_PROGRAMS and name not in (*OF_LUCK, *TRACING, *ASKED_ONCE)
]


def counted(tool: str, program: str, folder: Path) -> tuple[int, dict[Any, int]]:
    """Return the exit status, and what the counter has printed."""
    counter = str(HERE / "call_counter.py")
    path = str(folder / program)
    done = subprocess.run(
        [sys.executable, "-S", counter, tool, path, *ARGUMENTS],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
    )
    last = done.stdout.splitlines()[-1].decode(errors="surrogateescape")
    return done.returncode, dict(ast.literal_eval(last))


@pytest.mark.parametrize("program", PROGRAMS)
def test_calls_are_those_of_a_plain_counter(program: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    prepare(folder, program)
    expected = counted("plainly", program, folder)
    assert expected[1]
    assert counted("exactrace", program, folder) == expected
