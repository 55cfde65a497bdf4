# SPDX-License-Identifier: Apache-2.0
"""What it costs to be there: the time from the start of Python to its end.

    python bench/startup.py [ROUNDS] [PYTHON ...]

Starts an empty program in several ways that take turns, for each of the interpreters
(this one, if none is named), which must have exactrace installed. Prints how many
milliseconds each takes more than bare Python, of the clock and of the processor: the
least of all rounds, which a busy machine disturbs least.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SESSION = """\
import exactrace
tracer = exactrace.Trace(trace=0)
tracer.start()
tracer.stop()
"""
MOST = 15  # milliseconds that are asked for


def settings(folder: str) -> str:
    """Return what makes a Python trace itself as the child of a traced process."""
    from exactrace import children

    return children.Settings(folder).to_text()


def ways(folder: str, text: str) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Return arguments and variables for each way to start."""
    return {
        "bare Python": (["-c", "pass"], {}),
        "import exactrace": (["-c", "import exactrace"], {}),
        "import and session": (["-c", SESSION], {}),
        "child of a traced process": (["-c", "pass"], {"EXACTRACE_CHILDREN": text}),
        "exactrace run": (
            ["-m", "exactrace", "run", "-q", "-d", folder, "empty.py"],
            {},
        ),
    }


def times_of(
    python: str, arguments: list[str], variables: dict[str, str], folder: str
) -> tuple[float, float]:
    """Return milliseconds of the wall clock and of the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(
        [python, "-P", *arguments],
        check=True,
        cwd=folder,
        env={**os.environ, **variables},
    )
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return 1e3 * wall, 1e3 * processor


def measure(python: str, rounds: int) -> None:
    """Print a table for one interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "empty.py").write_text("pass\n", encoding="ascii")
        data = os.path.join(folder, "data")
        all_ways = ways(data, settings(data))
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in all_ways}
        for _ in range(rounds + 1):  # the first one compiles what is imported
            for name, (arguments, variables) in all_ways.items():
                taken[name].append(times_of(python, arguments, variables, folder))
    version = subprocess.check_output([python, "-V"], text=True).strip()
    print(f"{version}, {rounds} rounds: milliseconds of the clock, of the processor")
    least = {
        name: [min(each) for each in zip(*times[1:], strict=True)]
        for name, times in taken.items()
    }
    bare = least.pop("bare Python")
    print(f"{'bare Python':28} {bare[0]:8.1f} {bare[1]:8.1f}")
    for name, (wall, processor) in least.items():
        asked = f"  at most {MOST} is asked for" if name == "import and session" else ""
        print(f"{name:28} {wall - bare[0]:+8.1f} {processor - bare[1]:+8.1f}{asked}")


def main() -> None:
    rounds = int(sys.argv[1]) if sys.argv[1:] else 20
    for python in sys.argv[2:] or [sys.executable]:
        measure(os.path.abspath(python) if os.sep in python else python, rounds)


if __name__ == "__main__":
    main()
