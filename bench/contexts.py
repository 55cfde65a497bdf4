# SPDX-License-Identifier: Apache-2.0
"""What it costs to know which test ran which line.

    python bench/contexts.py [FUNCTIONS] [TESTS] [ROUNDS]

Writes a module of so many functions, which are all called once, and a file of so many
empty tests; runs pytest on it with counting, and with contexts too, in turn. Prints the
medians of CPU time, and what a context costs. Needs `exactrace[pytest]`.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

FUNCTION = """
def f{0}(n):
    total = 0
    for i in range(n):
        if i % 3 == 0 and i != n:
            total += i
        else:
            total -= 1
    return total
f{0}(2)
"""


def write(folder: Path, functions: int, tests: int) -> None:
    """Write the module and its tests."""
    module = "".join(FUNCTION.format(i) for i in range(functions))
    (folder / "module.py").write_text(module)
    text = "import module\n" + "".join(
        f"def test_{i}():\n    module.f0(1)\n" for i in range(tests)
    )
    (folder / "test_it.py").write_text(text)


def seconds(folder: Path, *options: str) -> float:
    """Return the CPU time of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(
        [*command, "--exactrace", "--exactrace-report=none", *options],
        cwd=folder,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print."""
    given = [int(each) for each in sys.argv[1:]]
    functions, tests, rounds = [*given, *(5000, 500, 3)[len(given) :]]
    plain, parted = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, functions, tests)
        for _ in range(rounds):
            plain.append(seconds(folder))
            parted.append(seconds(folder, "--exactrace-contexts"))
    less, more = statistics.median(plain), statistics.median(parted)
    print(f"{tests} tests, {functions} functions, medians of {rounds}:")
    print(f"  counted {less:.2f} s, with contexts {more:.2f} s:")
    print(f"  {(more - less) / tests * 1e6:.0f} microseconds for a test")


main()
