# SPDX-License-Identifier: Apache-2.0
"""What counting in a mapped file costs against counting in memory.

    python bench/journal.py [ROUNDS] [PROGRAM ...]

Runs programs of bench/programs in processes of their own that take turns: counted by
`exactrace run`, with the counts in a mapped file and without. Prints medians of CPU
time and their ratio. exactrace must be installed for the interpreter that runs this.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
NAMES = ("fib", "sieve", "shapes", "exceptions", "generators", "words")
# As `exactrace run`, and the same with _keep_in() refused.
START = """\
import sys
from exactrace import children, cli
if sys.argv.pop(1) == "memory":
    children.Process._move = lambda self: None
cli.main(["run", "-q", *sys.argv[1:]])
"""
MOST = 1.01  # what is asked for


def cpu_time(kind: str, name: str, folder: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-c", START, kind, "-d", kind, str(PROGRAMS / f"{name}.py")],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    rounds = int(sys.argv[1]) if sys.argv[1:] else 5
    names = sys.argv[2:] or NAMES
    ratios = []
    print(f"{'program':12} {'memory':>8} {'file':>8} {'ratio':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            times: dict[str, list[float]] = {"memory": [], "file": []}
            for _ in range(rounds):
                for kind, taken in times.items():
                    taken.append(cpu_time(kind, name, folder))
            memory, file = (statistics.median(taken) for taken in times.values())
            ratios.append(file / memory)
            print(f"{name:12} {memory:8.3f} {file:8.3f} {file / memory:6.3f}")
    mean = statistics.geometric_mean(ratios)
    print(f"geometric mean {mean:.3f}, at most {MOST} is asked for")


if __name__ == "__main__":
    main()
