"""Every program of the corpus printed to a file: by events, and by the trace function
as the simple twin beside it, which any depth asks for.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from harness import ARGUMENTS, environment, prepare, programs
from odd_programs import ODD_PROGRAMS

# Which thread runs a part of it is a matter of luck.
OF_LUCK = ("threads.py",)
# They put a trace function of their own in the place of ours.
TRACING = ("own_tracing.py", "stops_tracing.py")
# Whether a module is wanted is asked with the first of its functions that runs.
ASKED_ONCE = ("changes_file.py",)
PROGRAMS = [
    name
    for name in programs()
    if name not in ODD_PROGRAMS and name not in (*OF_LUCK, *TRACING, *ASKED_ONCE)
]
OPTIONS = (
    "-m",
    "exactrace",
    "-t",
    "--trace-file",
    "lines",
    "--trace-imports",
    "always",
)
BY_FUNCTION = ("--max-depth", "1000000")


def printed(program: str, folder: Path, *options: str) -> tuple[int, bytes, str]:
    """Return the exit status, what the program printed, and the lines."""
    prepare(folder, program)
    done = subprocess.run(
        [sys.executable, "-S", *OPTIONS, *options, program, *ARGUMENTS],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
    )
    return (
        done.returncode,
        done.stdout,
        (folder / "lines").read_text("utf-8", "replace"),
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_lines_by_events_are_those_of_the_trace_function(
    program: str, tmp_path: Path
) -> None:
    expected = printed(program, tmp_path / "run", *BY_FUNCTION)
    (tmp_path / "run").rename(tmp_path / "before")
    assert expected[2]
    assert printed(program, tmp_path / "run") == expected
