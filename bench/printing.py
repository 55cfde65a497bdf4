# SPDX-License-Identifier: Apache-2.0
"""Compare what it costs to print every line to a file, with exactrace and with the
standard module.

    python bench/printing.py
    python bench/printing.py --only 'f*' --rounds 7 --options

Each run is a process of its own, whose stdout is a file. Its time is the CPU time of
all threads from before the program is compiled until all lines are in the file. The
lines must be the same as those of the standard module, and in the same order where that
is said (UNORDERED, UNLIKE). Prints Markdown; ends with status 1 if a run failed or printed
something else.
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any

from driver import Program

HERE = Path(__file__).resolve().parent
PROGRAMS = sorted(
    path.stem for path in (HERE / "programs").glob("*.py") if path.stem[0] != "_"
)

# What is compared: the module, and whether the file is its own or stdout.
STANDARD = "trace"
TOOLS: dict[str, tuple[str | None, dict[str, Any]]] = {
    "bare": (None, {}),
    STANDARD: ("trace", {}),
    "exactrace": ("exactrace", {}),
    "exactrace, trace_file": (
        "exactrace",
        {"trace_file": "FILE", "trace_imports": True},
    ),
}
# Programs whose threads take turns as the clock has it. The standard module writes a line
# in pieces, and another thread's may come between any two of them: so it is compared
# which lines there are, and which characters, in no order.
UNORDERED = {"threads"}
# The standard module takes one package for another there, and leaves out what it should
# print.
UNLIKE = {"modules"}
# These print more than the standard module can.
OPTIONS: dict[str, tuple[str | None, dict[str, Any]]] = {
    "calls": ("exactrace", {"trace_file": "FILE", "trace_calls": True}),
    "vars": ("exactrace", {"trace_file": "FILE", "trace_vars": True}),
    "last": ("exactrace", {"trace_last": 1000}),
    "max depth 2": ("exactrace", {"trace_file": "FILE", "max_depth": 2}),
}


def run_here(tool: str, record: str, file: str, path: str, scale: str) -> None:
    """Run a program under a tool in this process, and record the CPU time."""
    module, options = {**TOOLS, **OPTIONS}[tool]
    program = Program(path)
    sys.argv = [path, scale]
    sys.path[0] = os.path.dirname(program.path)
    tracer = None
    if module is not None:
        if "trace_file" in options:
            options = {**options, "trace_file": file}
        imported: Any = __import__(module)
        tracer = imported.Trace(
            count=0, trace=1, ignoredirs=[sysconfig.get_path("stdlib")], **options
        )
    start = time.process_time()
    code = program.compile()
    if tracer is None:
        exec(code, program.namespace)
    else:
        tracer.runctx(code, program.namespace, program.namespace)
    sys.stdout.flush()
    Path(record).write_text(json.dumps(time.process_time() - start), encoding="ascii")


def is_traced(line: bytes) -> bool:
    """Whether a line was printed by a tracer."""
    return b" --- modulename: " in line or (b"(" in line and line.find(b".py(") > 0)


def unordered(text: bytes) -> list[bytes]:
    """Return all that is the same in whatever order threads have written it: which
    lines there are, and the characters of all else.
    """
    place = re.compile(rb"(?:threads|_scale)\.py\(\d+\)")
    return [*sorted(place.findall(text)), bytes(sorted(place.sub(b"", text)))]


def run_child(folder: Path, tool: str, program: str, scale: float) -> dict[str, Any]:
    """Run it in a process of its own. Returns seconds, lines and their digest."""
    record, file, out = (folder / name for name in ("record", "file", "out"))
    for path in (record, file, out):
        path.unlink(missing_ok=True)
    script = HERE / "programs" / f"{program}.py"
    command = [__file__, "--child", tool, record, file, script, str(scale)]
    # Nothing of our environment, such as PYTHONUNBUFFERED, is to be measured.
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "LD_LIBRARY_PATH")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    with out.open("wb") as stdout:
        subprocess.run(
            [sys.executable, *map(str, command)],
            cwd=folder,
            stdout=stdout,
            env={**environment, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
            check=True,
        )
    text = file.read_bytes() if file.exists() else out.read_bytes()
    # Not what the program itself has printed, perhaps without an end of line.
    lines = [
        line[max(0, line.find(b" --- modulename: ")) :]
        for line in text.splitlines(keepends=True)
        if is_traced(line)
    ]
    compared = lines
    if program in UNORDERED:  # with what it has printed, that cannot be told apart
        compared = unordered(text + (out.read_bytes() if file.exists() else b""))
    return {
        "cpu": json.loads(record.read_text(encoding="ascii")),
        "lines": len(lines),
        "digest": hashlib.sha256(b"".join(compared)).hexdigest(),
    }


def measure(
    folder: Path, programs: list[str], tools: list[str], rounds: int, scale: float
) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Run all in interleaved rounds."""
    outcomes: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for number in range(rounds):
        shift = number % len(tools)
        for program in programs:
            for tool in [*tools[shift:], *tools[:shift]]:
                outcome = run_child(folder, tool, program, scale)
                outcomes.setdefault((program, tool), []).append(outcome)
    return outcomes


def check(
    outcomes: dict[tuple[str, str], list[dict[str, Any]]], programs: list[str]
) -> bool:
    """Whether all that is to be the same is, said on stderr if not."""
    good = True
    for program in programs:
        expected = outcomes[program, STANDARD][0]["digest"]
        for tool in TOOLS:
            for outcome in outcomes[program, tool]:
                same = tool == "bare" or outcome["digest"] == expected
                if not same and program not in UNLIKE:
                    print(f"{program}: {tool} printed something else", file=sys.stderr)
                    good = False
    return good


def show(
    outcomes: dict[tuple[str, str], list[dict[str, Any]]],
    programs: list[str],
    tools: list[str],
) -> None:
    """Print the table: medians in milliseconds, and how many times faster."""
    compared = [tool for tool in tools if tool not in ("bare", STANDARD)]
    head = ["program", "lines", "bare ms", "trace ms", *compared]
    print("| " + " | ".join(head) + " |")
    print("|---" + "|---:" * (len(head) - 1) + "|")
    ratios: dict[str, list[float]] = {tool: [] for tool in compared}
    for program in programs:
        cpu = {
            tool: statistics.median(o["cpu"] for o in outcomes[program, tool])
            for tool in tools
        }
        row = [program, f"{outcomes[program, STANDARD][0]['lines']:,}"]
        row += [f"{1000 * cpu[tool]:.1f}" for tool in ("bare", STANDARD)]
        for tool in compared:
            ratio = cpu[STANDARD] / cpu[tool]
            ratios[tool].append(ratio)
            row.append(f"{1000 * cpu[tool]:.1f} ms, {ratio:.1f} x")
        print("| " + " | ".join(row) + " |")
    print()
    for tool in compared:
        mean = statistics.geometric_mean(ratios[tool])
        print(
            f"- {tool}: {mean:.1f} times faster than the standard module (geometric "
            f"mean; {min(ratios[tool]):.1f} to {max(ratios[tool]):.1f})"
        )


def main() -> None:
    """Parse the command line, measure and print."""
    if sys.argv[1:2] == ["--child"]:
        run_here(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--rounds", type=int, default=5, help="runs of each (default: %(default)s)")
    add("--scale", type=float, default=0.05, help="of the work of each program")
    add("--only", nargs="+", default=["*"], metavar="PROGRAM", help="names, patterns")
    add("--options", action="store_true", help="the options of printing as well")
    options = parser.parse_args()
    programs = [
        name
        for name in PROGRAMS
        if any(fnmatch.fnmatch(name, pattern) for pattern in options.only)
    ]
    tools = [*TOOLS, *(OPTIONS if options.options else ())]
    print(f"# Printing to a file: Python {sys.version.split()[0]}\n")
    print(f"CPU time, medians of {options.rounds}.\n")
    with tempfile.TemporaryDirectory() as folder:
        outcomes = measure(Path(folder), programs, tools, options.rounds, options.scale)
    show(outcomes, programs, tools)
    if not check(outcomes, programs):
        sys.exit(1)


if __name__ == "__main__":
    main()
