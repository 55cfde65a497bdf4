# SPDX-License-Identifier: Apache-2.0
"""Compare exactrace with its peers, on this machine and interpreter.

    python bench/run.py                 # everything
    python bench/run.py --parts count --only 'f*' --tools exactrace trace

Prints Markdown. What is in `bench/requirements.txt`, and exactrace, must be
installed for the interpreter that runs this; what is missing is shown as failed.
Ends with status 1 if exactrace failed anywhere.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import machine
from children import Children
from parts import COUNTING, PARTS, PROGRAMS, Plan

if TYPE_CHECKING:
    from collections.abc import Iterable


def parse_arguments() -> argparse.Namespace:
    """Return the options, checked."""
    parser = argparse.ArgumentParser(
        description="Compare exactrace with trace, coverage.py and SlipCover."
    )
    add = parser.add_argument
    add("--rounds", type=int, default=5, help="runs of each (default: %(default)s)")
    add(
        "--scale",
        type=float,
        default=1.0,
        help="how much of each program's work to do (default: %(default)s)",
    )
    add(
        "--only",
        nargs="+",
        default=["*"],
        metavar="PROGRAM",
        help=f"names or patterns of programs: {', '.join(PROGRAMS)}",
    )
    add(
        "--tools",
        nargs="+",
        default=list(COUNTING),
        metavar="TOOL",
        help="names or patterns of tools: " + ", ".join(COUNTING),
    )
    add(
        "--parts", nargs="+", choices=PARTS, default=list(PARTS), help="what to measure"
    )
    add("--json", type=Path, metavar="FILE", help="write all numbers to this file")
    add(
        "--timeout",
        type=float,
        default=600.0,
        metavar="SECONDS",
        help="longest time for one run (default: %(default)s)",
    )
    options = parser.parse_args()
    options.programs = _chosen(PROGRAMS, options.only)
    options.tools = _chosen(COUNTING, options.tools)
    if not options.programs or not options.tools:
        parser.error("no program or no tool has such a name")
    if options.rounds < 1 or options.scale <= 0:
        parser.error("--rounds and --scale must be greater than 0")
    return options


def _chosen(names: Iterable[str], patterns: list[str]) -> list[str]:
    return [
        name
        for name in names
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    ]


def main() -> int:
    options = parse_arguments()
    described = machine.describe()
    print("## Machine and versions\n")
    for name, text in described.items():
        print(f"- {name}: {text}")
    print(f"- rounds: {options.rounds}, scale: {options.scale:g}\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        plan = Plan(
            children=Children(Path(folder), options.timeout),
            programs=options.programs,
            tools=options.tools,
            rounds=options.rounds,
            scale=options.scale,
            data={"machine": described},
        )
        for name in options.parts:
            for table in PARTS[name](plan):
                print(table.render(), flush=True)
    print("## In short\n")
    for line in plan.summary:
        print(f"- {line}")
    if options.json:
        plan.data["summary"] = plan.summary
        options.json.write_text(json.dumps(plan.data, indent=1), encoding="utf-8")
    return 1 if plan.failed else 0


if __name__ == "__main__":
    sys.exit(main())
