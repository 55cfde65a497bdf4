# SPDX-License-Identifier: Apache-2.0
"""What the modes cost that count no lines: --listfuncs, --trackcalls, counts of calls.

    python bench/modes.py
    python bench/modes.py --only 'f*' --rounds 7 --scale 0.5

Runs each program of `bench/programs/` bare and in each mode, in processes of their own
that take turns. Prints Markdown: each program's CPU time as a multiple of the bare
run's, and geometric means. Ends with status 1 if a run failed or printed something else
than the bare one.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
import tempfile
from pathlib import Path

from children import Children, Outcome
from parts import PROGRAMS
from samples import BARE, Samples, geometric_mean
from tables import Table, number

# How `bench/driver.py` calls a mode -> the head of its column.
MODES = {
    "exactrace --listfuncs": "`--listfuncs`",
    "exactrace --trackcalls": "`--trackcalls`",
    "exactrace --calls": "calls",
}


def parse_arguments() -> argparse.Namespace:
    """Return the options, checked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--rounds", type=int, default=3, help="runs of each (default: %(default)s)")
    add("--scale", type=float, default=1.0, help="of the work of each program")
    add("--only", nargs="+", default=["*"], metavar="PROGRAM", help="names, patterns")
    options = parser.parse_args()
    options.programs = [
        name
        for name in PROGRAMS
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in options.only)
    ]
    if not options.programs:
        parser.error("no program has such a name")
    if options.rounds < 1 or options.scale <= 0:
        parser.error("--rounds and --scale must be greater than 0")
    return options


def make_table(samples: Samples, programs: list[str], rounds: int) -> Table:
    """Return the multiples of all programs, and their means."""
    table = Table(
        f"Modes without lines: Python {sys.version.split()[0]}",
        "CPU time of the bare run in milliseconds, and what it is multiplied by; "
        f"medians of {rounds}.",
        ["program", "bare", *MODES.values()],
    )
    for program in programs:
        ratios = [number(samples.ratio(program, mode), 3) for mode in MODES]
        table.add(program, [number(samples.cpu(program, BARE), 1, 1000), *ratios])
    means = [
        geometric_mean(samples.ratio(program, mode) for program in programs)
        for mode in MODES
    ]
    table.add("**geometric mean**", ["", *(number(mean, 3) for mean in means)])
    table.note_failures(samples.failures)
    return table


def main() -> int:
    options = parse_arguments()
    samples = Samples()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        children = Children(Path(folder), timeout=600.0)

        def measure(program: str, tool: str) -> Outcome:
            return children.drive(tool, PROGRAMS[program], options.scale)

        tools = [BARE, *MODES]
        samples.take("modes", options.programs, tools, options.rounds, measure)
    print(make_table(samples, options.programs, options.rounds).render())
    return 1 if samples.failures else 0


if __name__ == "__main__":
    sys.exit(main())
