# SPDX-License-Identifier: Apache-2.0
"""Compare the reports of exactrace with those of coverage.py: time and memory.

    python bench/reports.py [--files 500] [--rounds 3]

Both tools get counts of lines and branches of the same files, copies of sources of the
standard library, and write the same kinds of reports. Prints Markdown: CPU seconds and
peak memory of the whole process, the best of the rounds, and the ratios; and how long
ours took by the clock. Ends with status 1 if a ratio is not what is asked for: a fifth of
the time, half of the memory.
"""

from __future__ import annotations

import argparse
import compileall
import itertools
import os
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING

from tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

TIME, MEMORY = 5.0, 2.0  # how many times less is asked for

# Each kind, with the arguments of ours and of theirs.
KINDS = {
    "text": (["report"], ["report", "--show-missing"]),
    "markdown": (["report", "--format", "markdown"], ["report", "--format=markdown"]),
    "html": (["html", "-o", "ours"], ["html", "-q", "-d", "theirs"]),
    "lcov": (["lcov", "-o", "ours.info"], ["lcov", "-q", "-o", "theirs.info"]),
    "xml": (["xml", "-o", "ours.xml"], ["xml", "-q", "-o", "theirs.xml"]),
    "json": (["json", "-o", "ours.json"], ["json", "-q", "-o", "theirs.json"]),
    "annotate": (["annotate", "-C", "ours.cover"], ["annotate", "-d", "theirs.cover"]),
}


def write_sources(folder: Path, files: int) -> list[Path]:
    """Write so many files; those of the standard library in turn."""
    library = Path(sysconfig.get_path("stdlib"))
    texts = []
    for path in sorted(library.glob("*.py")):
        data = path.read_bytes()
        if 100 <= data.count(b"\n") <= 800:
            texts.append((path.stem, data))
    paths = []
    for number in range(files):
        name, data = texts[number % len(texts)]
        path = folder / f"package{number // 25}" / f"{name}_{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        paths.append(path)
    return paths


def lines_that_ran(path: Path) -> list[int]:
    """Two of three blocks of seven lines."""
    from exactrace import source

    found = source.read(str(path))
    text, _ = source.decode(found.data)
    lines = (line for line in source.executable_lines(found, text) if line)
    return sorted(line for line in lines if line // 7 % 3)


def codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a piece of code, and all that is in it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from codes(inner)


def write_ours(paths: list[Path], folder: Path) -> None:
    from exactrace import CoverageResults, _native, datafolder

    results = CoverageResults()
    for path in paths:
        name = str(path)
        ran = lines_that_ran(path)
        results.counts.update({(name, line): line % 97 + 1 for line in ran})
        code = compile(path.read_bytes(), name, "exec", dont_inherit=True)
        for branch, outcomes in _native.possible_branches(code).items():
            if branch[1][0] in ran:
                outcomes.update({True: branch[1][0] % 3, False: 1})
                results.branches[branch] = outcomes
        results.calls.update(
            {(name, each.co_firstlineno, each.co_qualname): 1 for each in codes(code)}
        )
    datafolder.write(str(folder), results, "bench")


def write_theirs(paths: list[Path], file: Path) -> None:
    from coverage import CoverageData

    data = CoverageData(basename=str(file))
    for path in paths:
        ran = [-1, *lines_that_ran(path), -1]
        data.add_arcs({str(path): set(itertools.pairwise(ran))})
    data.write()


@dataclass(frozen=True)
class Cost:
    """CPU seconds, seconds by the clock, and peak memory in KiB of a process."""

    cpu: float
    clock: float
    peak: int


# The peak of a process is never below that of whoever has started it: a small one does.
STARTER = """
import os, sys, time
began = time.monotonic()
child = os.posix_spawn(sys.executable, [sys.executable, *sys.argv[2:]], os.environ,
    file_actions=[(os.POSIX_SPAWN_OPEN, 1, sys.argv[1], os.O_WRONLY, 0)])
_, status, usage = os.wait4(child, 0)
clock = time.monotonic() - began
print(status, usage.ru_utime + usage.ru_stime, clock, usage.ru_maxrss)
"""


def cost(arguments: list[str], folder: Path) -> Cost:
    """Run Python with these arguments, without its output."""
    printed = folder / "printed.txt"
    printed.touch()
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", STARTER, printed, "-P", *arguments],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    status, cpu, clock, peak = done.stdout.split()
    if status != "0":
        sys.exit(f"failed: {' '.join(arguments)}")
    return Cost(float(cpu), float(clock), int(peak))


def best(arguments: list[str], folder: Path, rounds: int) -> Cost:
    costs = [cost(arguments, folder) for _ in range(rounds)]
    return Cost(
        min(each.cpu for each in costs),
        min(each.clock for each in costs),
        min(each.peak for each in costs),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    wanted = parser.parse_args()
    missed = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        os.chdir(folder)
        paths = write_sources(folder / "sources", wanted.files)
        lines = sum(path.read_bytes().count(b"\n") for path in paths)
        # As importing them leaves it.
        compileall.compile_dir(folder / "sources", quiet=1)
        # In another process: the peak of a child is never below that of its parent.
        making = os.fork()
        if making == 0:
            write_ours(paths, folder / ".exactrace")
            write_theirs(paths, folder / ".coverage")
            os._exit(0)
        if os.waitpid(making, 0)[1]:
            sys.exit("no counts could be written")
        (folder / "rc").write_text("[run]\nbranch = True\n")
        table = Table(
            f"Reports on {len(paths)} files, {lines:,} lines",
            "CPU seconds and peak MiB of the whole process; how many times less ours is.",
            [
                "report",
                "ours",
                "by the clock",
                "coverage.py",
                "time",
                "ours MiB",
                "theirs",
                "memory",
            ],
        )
        for kind in wanted.kinds:
            ours, theirs = KINDS[kind]
            one = best(["-m", "exactrace", *ours], folder, wanted.rounds)
            other = best(
                ["-m", "coverage", *theirs, "--rcfile=rc"], folder, wanted.rounds
            )
            times, memory = other.cpu / one.cpu, other.peak / one.peak
            missed = missed or times < TIME or memory < MEMORY
            table.add(
                kind,
                [
                    f"{one.cpu:.2f}",
                    f"{one.clock:.2f}",
                    f"{other.cpu:.2f}",
                    f"{times:.1f}x",
                    f"{one.peak / 1024:.0f}",
                    f"{other.peak / 1024:.0f}",
                    f"{memory:.1f}x",
                ],
            )
    print(table.render(), end="")
    sys.exit(missed)


if __name__ == "__main__":
    main()
