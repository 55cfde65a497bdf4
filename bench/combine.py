# SPDX-License-Identifier: Apache-2.0
"""How fast thousands of counts files are combined.

    python bench/combine.py [--files 10000] [--sources 20] [--lines 100]

makes that many files as processes of one program would have left them, and prints
how long `cat` of them takes, `exactrace combine`, and, if it is installed, `coverage
combine` of as many files of its own on the same lines. All start as processes of
their own, one after the other, with the files in the page cache.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from exactrace import datafile, datafolder
from exactrace.results import CoverageResults

VARIANTS = 20  # files whose lines differ; of these the others are copies


def make_results(seed: int, sources: int, lines: int) -> CoverageResults:
    draw = random.Random(seed)
    results = CoverageResults()
    for number in range(sources):
        name = f"/home/someone/project/src/package/module_{number}.py"
        ran = [line for line in range(1, 2 * lines) if draw.random() < 0.5]
        results.counts.update({(name, line): draw.randrange(1, 10**6) for line in ran})
    return results


def make_ours(folder: Path, files: int, variants: list[CoverageResults]) -> int:
    """Write files, and return the number of their bytes."""
    folder.mkdir()
    contents = [datafile.dumps(results, {}) for results in variants]
    size = 0
    for number in range(files):
        data = contents[number % len(contents)]
        name = f"run-host-{number}-{os.urandom(4).hex()}.xt"
        (folder / name).write_bytes(data)
        size += len(data)
    return size


def make_theirs(folder: Path, files: int, variants: list[CoverageResults]) -> None:
    """Write files of coverage.py that differ, since it passes over equal ones."""
    from coverage import CoverageData

    folder.mkdir()
    contents = []
    for number, results in enumerate(variants):
        lines: dict[str, list[int]] = {}
        for name, line in results.counts:
            lines.setdefault(name, []).append(line)
        path = folder / f"variant{number}"
        data = CoverageData(str(path))
        data.add_lines(lines)
        data.close()
        contents.append(path.read_bytes())
        path.unlink()
    for number in range(files):
        path = folder / f".coverage.host.{number}.x"
        path.write_bytes(contents[number % len(contents)])
        with sqlite3.connect(path) as connection:
            connection.execute(
                "insert or replace into meta values ('when', ?)", [str(number)]
            )
        connection.close()


def measure(command: list[str], folder: Path) -> tuple[float, int]:
    """Run a command: (seconds, peak memory of all so far in KiB)."""
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    seconds = time.perf_counter() - begin
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=10_000, metavar="N")
    parser.add_argument("--sources", type=int, default=20, metavar="N")
    parser.add_argument("--lines", type=int, default=100, metavar="N")
    given = parser.parse_args()
    variants = [
        make_results(seed, given.sources, given.lines) for seed in range(VARIANTS)
    ]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        size = make_ours(work / "ours", given.files, variants)
        cat = "find ours -name '*.xt' -print0 | xargs -0 cat > /dev/null"
        ours = [sys.executable, "-m", "exactrace", "combine", "--keep", "-d", "sum"]
        measure(["sh", "-c", cat], work)  # for the page cache
        read, _ = measure(["sh", "-c", cat], work)
        summed, peak = measure([*ours, "ours"], work)
        kept = datafolder.read(str(work / "sum"), datafolder.files(str(work / "sum")))
        expected = sum(
            sum(variants[number % VARIANTS].counts.values())
            for number in range(given.files)
        )
        if sum(kept[0].counts.values()) != expected:
            sys.exit("the sum is not right")
        megabytes = size / 1e6
        print(f"{given.files:,} files, {megabytes:,.0f} MB")
        print(f"cat                {read:8.2f} s  {megabytes / read:8,.0f} MB/s")
        print(
            f"exactrace combine  {summed:8.2f} s  {megabytes / summed:8,.0f} MB/s  "
            f"{read / summed:.2f} of cat  peak {peak / 1024:.0f} MB"
        )
        try:
            make_theirs(work / "theirs", given.files, variants)
        except ImportError:
            print("coverage combine   not installed")
            return
        theirs, _ = measure(
            [sys.executable, "-m", "coverage", "combine", "--keep", "-q"],
            work / "theirs",
        )
        print(
            f"coverage combine   {theirs:8.2f} s  {theirs / summed:.0f} times as long"
        )


if __name__ == "__main__":
    main()
